#include "compute/isolation_check.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "compute/mapped_mount.h"
#include "env/namespaces.h"
#include "env/posix_error.h"

namespace brume::compute {
namespace {

// On a thread of its own, whose mounts end with it.
Result<void> try_it(const std::string& folder) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return env::posix_error("Cannot make", "a mount namespace");
  // A place for mount points that is there everywhere and that nothing here needs.
  if (::mount("brume", "/sys", "tmpfs", 0, nullptr) != 0) return env::posix_error("Cannot mount", "a tmpfs");
  for (const char* place : {"/sys/image", "/sys/empty", "/sys/root"})
    if (::mkdir(place, 0755) != 0) return env::posix_error("Cannot make", place);
  BRUME_CHECK(mount_mapped(folder, "/sys/image", {kFirstId}));
  if (::mount("brume", "/sys/root", "overlay", MS_NODEV, "lowerdir=/sys/image:/sys/empty") != 0)
    return env::posix_error("Cannot make an overlay on a mount with mapped ids, as Linux 5.19 and later do, of",
                            folder);
  return {};
}

}  // namespace

Result<void> can_isolate(const std::string& folder) {
  return env::apart([&] { return try_it(folder); });
}

Result<void> can_be_passed(const std::string& folder) {
  for (std::string path = folder; !path.empty(); path.resize(path.rfind('/'))) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return env::posix_error("Cannot look at", path);
    if ((info.st_mode & S_IXOTH) == 0)
      return fail_internal(
          "An instance's root, who is nobody on this machine, cannot get to its root file system in {}: {} is closed "
          "to "
          "others. Open it (chmod o+x) or keep Brume elsewhere",
          folder, path);
  }
  return {};
}

}  // namespace brume::compute
