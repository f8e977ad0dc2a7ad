#include "compute/mapped_mount.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "env/posix_error.h"

namespace brume::compute {
namespace {

Result<void> write_map(pid_t pid, const char* name, IdRange range) {
  const std::string path = fmt::format("/proc/{}/{}", pid, name);
  const std::string map = fmt::format("0 {} {}\n", range.first, IdRange::kSize);
  const env::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), map.data(), map.size()) != ssize_t(map.size()))
    return env::posix_error("Cannot write", path);
  return {};
}

Result<env::Fd> map_and_open(pid_t pid, IdRange range) {
  BRUME_CHECK(write_map(pid, "uid_map", range));
  BRUME_CHECK(write_map(pid, "gid_map", range));
  env::Fd fd(::open(fmt::format("/proc/{}/ns/user", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return env::posix_error("Cannot open", "a user namespace");
  return fd;
}

}  // namespace

Result<env::Fd> user_namespace(IdRange range) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return env::posix_error("Cannot make", "a pipe");
  const env::Fd ours(ends[1]);
  env::Fd theirs(ends[0]);
  // Only a process without other threads can enter one: a child, which waits for the end of the pipe. It does nothing
  // but make system calls, since other threads may have held any lock when it was made.
  const auto child = pid_t(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child == 0) {
    char byte;
    ::close(ends[1]);
    while (::read(ends[0], &byte, 1) < 0 && errno == EINTR) {
    }
    ::_exit(0);
  }
  if (child < 0) {
    // ENOSPC: the limit is zero, or so many are in use.
    if (errno == ENOSPC || errno == EUSERS)
      return fail_internal("The kernel makes no more user namespaces; raise /proc/sys/user/max_user_namespaces");
    return env::posix_error("Cannot make", "a user namespace");
  }
  auto opened = map_and_open(child, range);
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return opened;
}

Result<void> mount_mapped(const std::string& folder, const std::string& target, IdRange range) {
  BRUME_TRY(user, user_namespace(range));
  const env::Fd tree(::open_tree(AT_FDCWD, folder.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return env::posix_error("Cannot open", folder);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID;
  attributes.propagation = MS_PRIVATE;
  attributes.userns_fd = std::uint64_t(user.get());
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    if (errno == EINVAL)
      return fail_internal(
          "The file system that {} is on cannot show files under an instance's ids (idmapped mounts); keep Brume's "
          "state on ext4, xfs or btrfs",
          folder);
    return env::posix_error("Cannot map the ids of", folder);
  }
  if (::move_mount(tree.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return env::posix_error("Cannot mount the image at", target);
  return {};
}

Result<void> mount_sysfs(const std::string& target) {
  constexpr unsigned long kFlags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (::mount("sysfs", target.c_str(), "sysfs", kFlags, nullptr) != 0 ||
      ::mount(nullptr, target.c_str(), nullptr, MS_PRIVATE, nullptr) != 0)
    return env::posix_error("Cannot mount a sysfs at", target);
  return {};
}

}  // namespace brume::compute
