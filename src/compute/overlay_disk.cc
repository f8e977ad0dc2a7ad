#include "compute/overlay_disk.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

#include "compute/mountinfo.h"
#include "env/posix_error.h"
#include "env/posix_files.h"

namespace brume::compute {
namespace {

constexpr std::string_view kRemoved = ".removed";  // suffix of a disk on its way out

}  // namespace

bool OverlayDisks::exists(const std::string& id) const {
  return files_.exists(folder(id) + "/upper");
}

Result<std::vector<std::string>> OverlayDisks::list() const {
  BRUME_TRY(names, files_.list(folder_));
  std::vector<std::string> out;
  for (const std::string& name : names)
    if (!name.ends_with(kRemoved) && exists(name)) out.push_back(name);
  return out;
}

Result<void> OverlayDisks::make(const std::string& id, const FirstFiles& first) {
  if (exists(id)) return {};
  const std::string place = folder(id);
  const std::string draft = place + "/upper.new";
  BRUME_CHECK(files_.remove_all(draft));
  BRUME_CHECK(files_.make_folders(place));
  BRUME_CHECK(files_.make_folders(place + "/work"));
  // The upper folder's mode is what `/` and `/etc` of the instance have.
  BRUME_CHECK(files_.make_folders(draft + "/etc", 0755));
  if (::chmod(draft.c_str(), 0755) != 0 || ::chmod((draft + "/etc").c_str(), 0755) != 0)
    return env::posix_error("Cannot make", draft);
  BRUME_CHECK(files_.write(draft + "/etc/hostname", first.hostname + "\n", 0644));
  std::string hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  if (!first.private_address.empty()) hosts += first.private_address + " " + first.hostname + "\n";
  BRUME_CHECK(files_.write(draft + "/etc/hosts", hosts, 0644));
  if (!first.nameserver.empty())
    BRUME_CHECK(files_.write(draft + "/etc/resolv.conf", "nameserver " + first.nameserver + "\n", 0644));
  if (::rename(draft.c_str(), (place + "/upper").c_str()) != 0)
    return env::posix_error("Cannot make", place + "/upper");
  return {};
}

Result<void> OverlayDisks::mount(const std::string& id, const std::string& image_rootfs, const std::string& target) {
  const std::string place = folder(id);
  if ((place + image_rootfs).find_first_of(",:\\") != std::string::npos)
    return fail_internal("{} cannot hold disks: its path has a comma, a colon or a backslash", folder_);
  const std::string options = "lowerdir=" + image_rootfs + ",upperdir=" + place + "/upper,workdir=" + place + "/work";
  if (::mount("brume", target.c_str(), "overlay", MS_NODEV, options.c_str()) != 0)
    return env::posix_error("Cannot mount the disk at", target);
  // What is mounted elsewhere must not appear in here, nor the other way round.
  if (::mount(nullptr, target.c_str(), nullptr, MS_PRIVATE, nullptr) != 0)
    return env::posix_error("Cannot make private", target);
  return {};
}

Result<void> OverlayDisks::remove(const std::string& id) {
  const std::string place = folder(id);
  const std::string leaving = place + std::string(kRemoved);
  if (files_.exists(place)) {
    BRUME_CHECK(files_.remove_all(leaving));
    if (::rename(place.c_str(), leaving.c_str()) != 0) return env::posix_error("Cannot remove", place);
  }
  return files_.remove_all(leaving);
}

Result<void> OverlayDisks::finish_removals() {
  BRUME_TRY(names, files_.list(folder_));
  for (const std::string& name : names)
    if (name.ends_with(kRemoved)) BRUME_CHECK(files_.remove_all(folder_ + "/" + name));
  return {};
}

Result<void> unmount(const std::string& target) {
  while (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
  }
  // EINVAL: not a mount point (any more).
  if (errno == EINVAL || errno == ENOENT) return {};
  return env::posix_error("Cannot unmount", target);
}

Result<void> unmount_below(const std::string& folder) {
  BRUME_TRY(text, env::PosixFiles().read("/proc/self/mountinfo"));
  std::vector<std::string> points;
  for (Mount& mount : parse_mountinfo(text))
    if (mount.point == folder || mount.point.starts_with(folder + "/")) points.push_back(std::move(mount.point));
  std::sort(points.begin(), points.end(), std::greater<>());
  for (const std::string& point : points) BRUME_CHECK(unmount(point));
  return {};
}

}  // namespace brume::compute
