#include "compute/agent/posix_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "compute/init/children.h"
#include "compute/init/console.h"

namespace brume::agent {
namespace {

constexpr std::size_t kMaxVisited = 20'000;  // names, of one glob
constexpr std::size_t kMaxStates = 4'000;

FileStat stat_of(const struct stat& info) {
  const auto modified = std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec);
  return {std::uint64_t(info.st_dev), std::uint64_t(info.st_ino), std::int64_t(info.st_size),
          Timestamp(std::chrono::floor<std::chrono::milliseconds>(modified))};
}

class PosixFile : public OpenFile {
 public:
  explicit PosixFile(int fd) : fd_(fd) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  std::optional<FileStat> stat() override {
    struct stat info{};
    if (::fstat(fd_, &info) != 0) return std::nullopt;
    return stat_of(info);
  }
  std::int64_t read(std::int64_t offset, std::size_t size, std::string& out) override {
    const std::size_t before = out.size();
    out.resize(before + size);
    ssize_t n = 0;
    do {
      n = ::pread(fd_, out.data() + before, size, offset);
    } while (n < 0 && errno == EINTR);
    out.resize(before + std::size_t(n > 0 ? n : 0));
    return n;
  }

 private:
  int fd_;
};

// Calls `entry` with the path and the kind of each name in a folder.
template <typename Entry>
void list(const std::string& folder, const Entry& entry) {
  DIR* open = ::opendir(folder.c_str());
  if (!open) return;
  while (const dirent* one = ::readdir(open)) {
    const std::string_view name = one->d_name;
    if (name != "." && name != "..") entry((folder == "/" ? "" : folder) + "/" + one->d_name, one->d_type);
  }
  ::closedir(open);
}

void make_folders(const std::string& path) {
  for (std::size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at + 1);
    ::mkdir(path.substr(0, at).c_str(), 0700);
  }
}

}  // namespace

Timestamp PosixWorld::now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

double PosixWorld::seconds() {
  return init::seconds();
}

std::optional<FileStat> PosixWorld::stat(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return stat_of(info);
}

std::vector<FoundFile> PosixWorld::find(const Glob& glob) {
  std::vector<FoundFile> out;
  if (glob.is_path()) {
    if (const auto found = stat(glob.pattern())) out.push_back({glob.pattern(), *found});
    return out;
  }
  std::size_t visited = 0;
  // Folders that are symbolic links are not entered: they may lead in a circle.
  std::vector<std::pair<std::string, int>> folders = {{glob.root(), 0}};
  while (!folders.empty()) {
    const auto [folder, depth] = std::move(folders.back());
    folders.pop_back();
    list(folder, [&](const std::string& path, unsigned char kind) {
      if (++visited > kMaxVisited) return;
      if (kind == DT_DIR) {
        if (glob.depth() < 0 || depth < glob.depth()) folders.emplace_back(path, depth + 1);
      } else if ((kind == DT_REG || kind == DT_LNK || kind == DT_UNKNOWN) && glob.matches(path)) {
        if (const auto found = stat(path)) out.push_back({path, *found});
      }
    });
  }
  return out;
}

std::vector<FoundFile> PosixWorld::siblings(const std::string& path) {
  std::vector<FoundFile> out;
  const std::size_t slash = path.rfind('/');
  std::size_t visited = 0;
  list(slash == 0 ? "/" : path.substr(0, slash), [&](const std::string& other, unsigned char) {
    if (other.size() > path.size() && other.starts_with(path) && ++visited <= kMaxVisited)
      if (const auto found = stat(other)) out.push_back({other, *found});
  });
  return out;
}

std::unique_ptr<OpenFile> PosixWorld::open(const std::string& path) {
  // Not to wait for whoever writes to a named pipe.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat info{};
  if (fd >= 0 && ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) return std::make_unique<PosixFile>(fd);
  if (fd >= 0) ::close(fd);
  return nullptr;
}

bool PosixWorld::remove(const std::string& path) {
  return ::unlink(path.c_str()) == 0;
}

std::string PosixWorld::new_id() {
  std::uint64_t number = 0;
  while (::getrandom(&number, sizeof number, 0) != ssize_t(sizeof number)) {
  }
  return fmt::format("{:016x}", number);
}

std::vector<std::string> PosixWorld::load_states() {
  std::vector<std::string> out;
  list(state_folder_, [&](const std::string& path, unsigned char) {
    if (path.ends_with(".json") && out.size() < kMaxStates)
      out.push_back(init::read_file(path));
    else
      ::unlink(path.c_str());  // one that was being written
  });
  return out;
}

bool PosixWorld::save_state(const std::string& id, const std::string& text, bool durable) {
  const std::string path = state_folder_ + "/" + id + ".json", fresh = state_folder_ + "/" + id + ".new";
  // The bytes reach the disk before the name does, always: a crash leaves the old state or the new one.
  if (!init::write_file(fresh, text, 0600)) {
    make_folders(state_folder_);
    if (!init::write_file(fresh, text, 0600)) return false;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return false;
  if (!durable) return true;
  const int folder = ::open(state_folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool well = folder >= 0 && ::fsync(folder) == 0;
  if (folder >= 0) ::close(folder);
  return well;
}

void PosixWorld::forget_state(const std::string& id) {
  ::unlink((state_folder_ + "/" + id + ".json").c_str());
}

Answer PosixWorld::call(std::string_view operation, const std::string& body) {
  return cloud_.call("logs", "Logs_20140328." + std::string(operation), "application/x-amz-json-1.1", body);
}

}  // namespace brume::agent
