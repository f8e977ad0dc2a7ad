#include "daemon/doctor.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "compute/isolation_check.h"
#include "daemon/daemon.h"
#include "daemon/port_owner.h"
#include "env/posix_files.h"
#include "env/real.h"

namespace brume::daemon {
namespace {

using Level = Finding::Level;

std::string in_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0 ? program : "";
  const char* path = ::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return folder + "/" + program;
  return "";
}

Finding program(const std::string& name, const std::string& package) {
  const std::string found = in_path(name);
  if (!found.empty()) return {Level::ok, name, found, ""};
  return {Level::problem, name, "not found", "apt-get install " + package};
}

// Can a child of ours make this namespace? Asked of a child, which then ends: we stay where we are.
bool can_unshare(int flag) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(flag) == 0 ? 0 : 1);
  int status = 1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

std::string first_existing(std::string folder) {
  struct stat info{};
  while (folder.size() > 1 && ::stat(folder.c_str(), &info) != 0)
    folder.resize(std::max<std::size_t>(folder.rfind('/'), 1));
  return folder;
}

// Instances have user namespaces of their own, and see their image through a mount with mapped ids.
void isolation(const Settings& settings, std::vector<Finding>& findings) {
  const auto able = compute::can_isolate(first_existing(settings.state_dir));
  findings.push_back(
      able ? Finding{Level::ok, "isolation", "user namespaces, mapped mounts, overlays on them", ""}
           : Finding{Level::problem, "isolation", able.error().message,
                     "use Linux 5.19 or later with user namespaces (sysctl user.max_user_namespaces), and "
                     "keep the state on ext4, xfs or btrfs"});
  const auto passed = compute::can_be_passed(first_existing(settings.run_dir));
  if (!passed)
    findings.push_back({Level::problem, "run folder", passed.error().message,
                        fmt::format("open the folders above {} to others (chmod o+x)", settings.run_dir)});
}

Finding cgroups() {
  const env::PosixFiles files;
  const auto mounts = files.read("/proc/self/mountinfo");
  const bool v1 = mounts && mounts->find(" - cgroup ") != std::string::npos;
  const bool v2 = mounts && mounts->find(" - cgroup2 ") != std::string::npos;
  if (!v1 && !v2)
    return {Level::problem, "cgroups", "no cgroup file system is mounted", "mount -t cgroup2 none /sys/fs/cgroup"};
  std::string missing;
  if (v1) {
    for (const char* controller : {"cpu", "memory", "pids"})
      if (mounts->find(std::string(",") + controller) == std::string::npos &&
          mounts->find(std::string("/") + controller) == std::string::npos)
        missing += std::string(missing.empty() ? "" : ", ") + controller;
  } else {
    const auto controllers = files.read("/sys/fs/cgroup/cgroup.controllers");
    for (const char* controller : {"cpu", "memory", "pids"})
      if (!controllers || controllers->find(controller) == std::string::npos)
        missing += std::string(missing.empty() ? "" : ", ") + controller;
  }
  const char* layout = v1 && v2 ? "v1 with v2 beside it (hybrid)" : v1 ? "v1" : "v2";
  if (!missing.empty())
    return {Level::problem, "cgroups", fmt::format("{}, without {}", layout, missing),
            "boot with cgroup_enable=" + missing + " or mount the missing controllers"};
  return {Level::ok, "cgroups", layout, ""};
}

Finding port(int number, const std::string& what, const std::string& mend) {
  const std::string name = fmt::format("port {}", number);
  const std::string owner = port_owner(number);
  if (owner.empty()) return {Level::ok, name, "free", ""};
  if (owner.starts_with("brume")) return {Level::ok, name, "ours", ""};
  return {Level::problem, name, fmt::format("in use by {}; {}", owner, what), mend};
}

// A firewall of the host's that drops what it forwards, as Docker's does, stands between clients elsewhere and public
// addresses. (Clients on this host are not forwarded.)
Finding forwarding(const Settings& settings) {
  const std::string what = "forwarding";
  env::RealEnv world(1);
  const auto listed = world.env().processes.run({.argv = {"nft", "list", "chain", "ip", "filter", "FORWARD"}});
  if (!listed || listed->status != 0 || listed->output.find("policy drop") == std::string::npos)
    return {Level::ok, what, "not refused by the host's firewall", ""};
  const std::string link = edge_options(settings).host_name;
  return {Level::warning, what,
          "the host's firewall drops what it forwards; only this host reaches public addresses, and instances reach "
          "nothing outside",
          fmt::format("iptables -I FORWARD -i {0} -j ACCEPT; iptables -I FORWARD -o {0} -j ACCEPT", link)};
}

}  // namespace

std::vector<Finding> examine(const Settings& settings) {
  std::vector<Finding> findings;
  utsname kernel{};
  ::uname(&kernel);
  findings.push_back({Level::ok, "kernel", fmt::format("{} {}", kernel.sysname, kernel.release), ""});
  const bool root = ::geteuid() == 0;
  findings.push_back(root ? Finding{Level::ok, "root", "yes", ""}
                          : Finding{Level::problem, "root", "not root", "run it as root: sudo brume doctor"});
  if (root) {
    findings.push_back(
        can_unshare(CLONE_NEWNET)
            ? Finding{Level::ok, "network namespaces", "yes", ""}
            : Finding{Level::problem, "network namespaces", "the kernel refuses to make one",
                      "use a kernel with CONFIG_NET_NS, and give the container CAP_SYS_ADMIN if this is one"});
    findings.push_back(can_unshare(CLONE_NEWNS)
                           ? Finding{Level::ok, "mount namespaces", "yes", ""}
                           : Finding{Level::problem, "mount namespaces", "the kernel refuses to make one",
                                     "give the container CAP_SYS_ADMIN if this is one"});
    isolation(settings, findings);
  }
  const env::PosixFiles files;
  const auto filesystems = files.read("/proc/filesystems");
  const bool overlay = filesystems && filesystems->find("\toverlay\n") != std::string::npos;
  findings.push_back(overlay ? Finding{Level::ok, "overlayfs", "yes", ""}
                             : Finding{Level::problem, "overlayfs", "the kernel does not have it", "modprobe overlay"});
  findings.push_back(cgroups());
  if (root) findings.push_back(forwarding(settings));
  findings.push_back(program(settings.runtime, settings.runtime));
  findings.push_back(program(settings.conmon, "conmon"));
  findings.push_back(program("tar", "tar"));
  findings.push_back(files.exists(settings.init)
                         ? Finding{Level::ok, "brume-init", settings.init, ""}
                         : Finding{Level::problem, "brume-init", settings.init + " is missing", "make install"});
  struct statvfs space{};
  ::statvfs(first_existing(settings.state_dir).c_str(), &space);
  const double gigabytes = double(space.f_bavail) * double(space.f_frsize) / 1e9;
  findings.push_back(
      gigabytes >= 2
          ? Finding{Level::ok, "disk", fmt::format("{:.1f} GB free for {}", gigabytes, settings.state_dir), ""}
          : Finding{Level::problem, "disk", fmt::format("{:.1f} GB free for {}", gigabytes, settings.state_dir),
                    "free at least 2 GB, or move the state folder (brume --root)"});
  findings.push_back(port(settings.api_port, "the API needs it",
                          fmt::format("stop it, or set api_port in {}/brume.json", settings.config_dir)));
  findings.push_back(port(80, "a load balancer on port 80 needs it", "stop it, or use another listener port"));
  return findings;
}

}  // namespace brume::daemon
