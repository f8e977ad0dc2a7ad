#include "env/posix_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "env/fd.h"
#include "env/posix_error.h"

namespace brume::env {
namespace {

Result<std::string> read_from(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return posix_error("Cannot open", path);
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return posix_error("Cannot read", path);
  if (std::size_t(info.st_size) > limit) ::lseek(fd.get(), -off_t(limit), SEEK_END);
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return posix_error("Cannot read", path);
    content.append(buffer, std::size_t(n));
  }
  if (content.size() > limit) content.erase(0, content.size() - limit);
  return content;
}

Result<void> sync_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return posix_error("Cannot sync", folder);
  return {};
}

// Removes the entry `name` of `parent`, whatever it is, unless it lies on another file system.
Result<void> remove_entry(int parent, const char* name, dev_t device, const std::string& path) {
  struct stat info;
  if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return posix_error("Cannot remove", path);
  }
  if (!S_ISDIR(info.st_mode)) {
    if (::unlinkat(parent, name, 0) != 0 && errno != ENOENT) return posix_error("Cannot remove", path);
    return {};
  }
  if (info.st_dev != device) return posix_error("Cannot remove", path, EBUSY);
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return posix_error("Cannot open", path);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd), &::closedir);
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view child = entry->d_name;
    if (child == "." || child == "..") continue;
    BRUME_CHECK(remove_entry(fd, entry->d_name, device, path + "/" + entry->d_name));
  }
  if (::unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return posix_error("Cannot remove", path);
  return {};
}

}  // namespace

bool PosixFiles::exists(const std::string& path) const {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0;
}

Result<std::string> PosixFiles::read(const std::string& path) const {
  return read_from(path, std::string::npos / 2);
}

Result<std::string> PosixFiles::read_tail(const std::string& path, std::size_t limit) const {
  return read_from(path, limit);
}

Result<void> PosixFiles::write(const std::string& path, std::string_view content, unsigned mode) {
  const std::string draft = path + ".new";
  const Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd) return posix_error("Cannot write", path);
  const auto abandon = [&](std::string_view what) {
    auto error = posix_error(what, path);
    ::unlink(draft.c_str());
    return error;
  };
  if (::fchmod(fd.get(), mode) != 0) return abandon("Cannot write");
  for (std::string_view rest = content; !rest.empty();) {
    const ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return abandon("Cannot write");
    rest.remove_prefix(std::size_t(n));
  }
  if (::fsync(fd.get()) != 0) return abandon("Cannot sync");
  if (::rename(draft.c_str(), path.c_str()) != 0) return abandon("Cannot replace");
  return sync_folder_of(path);
}

Result<void> PosixFiles::append(const std::string& path, std::string_view content, unsigned mode) {
  const bool made = !exists(path);
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, mode));
  struct stat before;
  if (!fd || ::fstat(fd.get(), &before) != 0) return posix_error("Cannot write", path);
  const auto take_back = [&](std::string_view what) {
    auto error = posix_error(what, path);
    (void)!::ftruncate(fd.get(), before.st_size);
    return error;
  };
  for (std::string_view rest = content; !rest.empty();) {
    const ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return take_back("Cannot write");
    rest.remove_prefix(std::size_t(n));
  }
  if (::fdatasync(fd.get()) != 0) return take_back("Cannot sync");
  return made ? sync_folder_of(path) : Result<void>();
}

Result<void> PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return posix_error("Cannot rename", from);
  return sync_folder_of(to);
}

Result<FileInfo> PosixFiles::info(const std::string& path) const {
  struct stat found;
  if (::lstat(path.c_str(), &found) != 0) return posix_error("Cannot look at", path);
  return FileInfo{
      std::uint64_t(found.st_size),
      Timestamp(std::chrono::seconds(found.st_mtim.tv_sec) +
                std::chrono::floor<std::chrono::milliseconds>(std::chrono::nanoseconds(found.st_mtim.tv_nsec)))};
}

Result<void> PosixFiles::make_folders(const std::string& path, unsigned mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) return posix_error("Cannot make the folder", folder);
    if (slash == std::string::npos) return {};
  }
}

Result<void> PosixFiles::remove_all(const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return posix_error("Cannot remove", path);
  }
  return remove_entry(AT_FDCWD, path.c_str(), info.st_dev, path);
}

Result<std::vector<std::string>> PosixFiles::list(const std::string& path) const {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
  if (!folder) {
    if (errno == ENOENT) return names;
    return posix_error("Cannot list", path);
  }
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace brume::env
