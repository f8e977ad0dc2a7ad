#include "env/namespaces.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <system_error>
#include <thread>

#include "env/posix_error.h"

namespace brume::env {

bool network_namespace_exists(const std::string& path) {
  struct statfs info;
  return ::statfs(path.c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

Result<bool> make_network_namespace(const std::string& path, const std::function<Result<void>()>& prepare) {
  if (network_namespace_exists(path)) return false;
  {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return posix_error("Cannot make the namespace", path);
  }
  const auto made = apart([&]() -> Result<void> {
    if (::unshare(CLONE_NEWNET) != 0) return posix_error("Cannot make the namespace", path);
    if (prepare) BRUME_CHECK(prepare());
    const std::string own = fmt::format("/proc/self/task/{}/ns/net", ::gettid());
    if (::mount(own.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return posix_error("Cannot mount the namespace at", path);
    return {};
  });
  if (!made) {
    ::unlink(path.c_str());
    return std::unexpected(made.error());
  }
  return true;
}

Result<void> remove_network_namespace(const std::string& path) {
  while (network_namespace_exists(path))
    if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0) return posix_error("Cannot unmount", path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return posix_error("Cannot remove", path);
  return {};
}

Result<Fd> open_network_namespace(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return posix_error("Cannot open the namespace", path);
  return fd;
}

Result<void> apart(const std::function<Result<void>()>& work) {
  Result<void> result;
  try {
    std::thread([&] { result = work(); }).join();
  } catch (const std::system_error& error) {
    return fail_internal("Cannot start a thread: {}", error.what());
  }
  return result;
}

Result<void> enter_network_namespace(const std::string& path) {
  BRUME_TRY(fd, open_network_namespace(path));
  if (::setns(fd.get(), CLONE_NEWNET) != 0) return posix_error("Cannot enter the namespace", path);
  return {};
}

Result<void> write_sysctl(const std::string& name, const std::string& value) {
  const std::string path = "/proc/sys/net/" + name;
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), value.data(), value.size()) != ssize_t(value.size()))
    return posix_error("Cannot write", path);
  return {};
}

}  // namespace brume::env
