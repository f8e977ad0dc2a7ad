#include "compute/cgroup.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "compute/mountinfo.h"
#include "compute/process_end.h"
#include "env/posix_error.h"

namespace brume::compute {
namespace {

namespace fs = std::filesystem;

constexpr auto kPatience = std::chrono::seconds(10);

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) names.push_back(it->path().filename());
  }
  return names;
}

std::vector<pid_t> processes_in(const std::string& folder) {
  std::vector<pid_t> pids;
  std::ifstream in(folder + "/cgroup.procs");
  for (pid_t pid = 0; in >> pid;)
    if (pid > 0) pids.push_back(pid);
  for (const std::string& child : folders_in(folder))
    for (const pid_t pid : processes_in(folder + "/" + child)) pids.push_back(pid);
  return pids;
}

bool remove_tree(const std::string& folder) {
  for (const std::string& child : folders_in(folder)) remove_tree(folder + "/" + child);
  return ::rmdir(folder.c_str()) == 0 || errno == ENOENT;
}

}  // namespace

std::vector<std::string> cgroup_hierarchies(std::string_view mountinfo) {
  std::vector<std::string> out;
  for (Mount& mount : parse_mountinfo(mountinfo)) {
    if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
    if (mount.point == "/sys/fs/cgroup" || mount.point.starts_with("/sys/fs/cgroup/"))
      out.push_back(std::move(mount.point));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string Cgroups::path(const std::string& zone, const std::string& id) const {
  return "/" + root_ + "/" + zone + "/" + id;
}

std::vector<std::string> Cgroups::folders(const std::string& id) const {
  std::vector<std::string> out;
  for (const std::string& hierarchy : hierarchies_) {
    const std::string top = hierarchy + "/" + root_;
    for (const std::string& zone : folders_in(top)) {
      std::string folder = top + "/" + zone + "/" + id;
      if (::access(folder.c_str(), F_OK) == 0) out.push_back(std::move(folder));
    }
  }
  return out;
}

std::vector<std::string> Cgroups::instances() const {
  std::set<std::string> ids;
  for (const std::string& hierarchy : hierarchies_) {
    const std::string top = hierarchy + "/" + root_;
    for (const std::string& zone : folders_in(top))
      for (const std::string& id : folders_in(top + "/" + zone)) ids.insert(id);
  }
  return {ids.begin(), ids.end()};
}

Result<void> Cgroups::show(const std::string& id) const {
  for (const std::string& folder : folders(id))
    if (::chmod(folder.c_str(), 0755) != 0) return env::posix_error("Cannot open", folder);
  return {};
}

Result<void> Cgroups::remove(const std::string& id) const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const std::vector<std::string> found = folders(id);
  for (bool gone = false; !gone;) {
    gone = true;
    for (const std::string& folder : found) {
      for (const pid_t pid : processes_in(folder))
        // A process is in the cgroup only while its pid is its own, but it may end between the look and the signal: the
        // handle is opened first and the look repeated.
        kill_and_wait(pid, [&] {
          const auto now = processes_in(folder);
          return std::find(now.begin(), now.end(), pid) != now.end();
        });
      if (!remove_tree(folder)) gone = false;
    }
    if (gone) return {};
    if (std::chrono::steady_clock::now() > deadline)
      return fail_internal("The cgroup of {} cannot be removed: processes in it do not end", id);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {};
}

void Cgroups::remove_root() const {
  for (const std::string& hierarchy : hierarchies_) {
    const std::string top = hierarchy + "/" + root_;
    for (const std::string& zone : folders_in(top)) ::rmdir((top + "/" + zone).c_str());
    ::rmdir(top.c_str());
  }
}

}  // namespace brume::compute
