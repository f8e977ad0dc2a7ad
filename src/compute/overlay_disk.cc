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

std::optional<uid_t> owner_of(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  return info.st_uid;
}

// Makes it the instance's root's.
Result<void> give(const std::string& path, mode_t mode, uid_t owner) {
  if (::lchown(path.c_str(), owner, owner) != 0 || ::chmod(path.c_str(), mode) != 0)
    return env::posix_error("Cannot make", path);
  return {};
}

Result<void> fill(env::Files& files, const std::string& root, uid_t owner, const FirstFiles& first) {
  std::string hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  if (!first.private_address.empty()) hosts += first.private_address + " " + first.hostname + "\n";
  std::vector<std::pair<std::string, std::string>> contents = {{"/etc/hostname", first.hostname + "\n"},
                                                               {"/etc/hosts", hosts}};
  if (!first.nameserver.empty()) contents.emplace_back("/etc/resolv.conf", "nameserver " + first.nameserver + "\n");
  // The modes of `/` and `/etc` of the instance are these folders'.
  BRUME_CHECK(files.make_folders(root + "/etc"));
  BRUME_CHECK(give(root + "/etc", 0755, owner));
  for (const auto& [path, content] : contents) {
    BRUME_CHECK(files.write(root + path, content, 0644));
    BRUME_CHECK(give(root + path, 0644, owner));
  }
  return {};
}

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

Result<std::set<IdRange>> OverlayDisks::taken() const {
  BRUME_TRY(names, files_.list(folder_));
  std::set<IdRange> out;
  for (const std::string& name : names)
    for (const char* part : {"/upper", "/upper.new"})
      if (const auto owner = owner_of(folder(name) + part))
        if (const auto range = range_of(*owner)) out.insert(*range);
  return out;
}

Result<IdRange> OverlayDisks::ids(const std::string& id) const {
  const std::string upper = folder(id) + "/upper";
  const auto owner = owner_of(upper);
  if (!owner) return env::posix_error("Cannot look at", upper);
  if (const auto range = range_of(*owner)) return *range;
  return fail_internal(
      "The disk of {} was made by a Brume whose instances had no ids of their own, and is not started: its root would "
      "be the machine's. Terminate the instance and launch it anew",
      id);
}

Result<void> OverlayDisks::make(const std::string& id, const FirstFiles& first) {
  if (exists(id)) return {};
  const std::string place = folder(id);
  const std::string draft = place + "/upper.new";
  BRUME_CHECK(files_.remove_all(draft));
  BRUME_CHECK(files_.make_folders(place + "/work"));
  std::optional<IdRange> range;
  {
    const std::lock_guard lock(choosing_);
    BRUME_TRY(others, taken());
    range = choose_range(id, others);
    if (!range)
      return std::unexpected(Error{"InsufficientInstanceCapacity",
                                   "There are as many instances as there are ranges of user ids for them", 500});
    BRUME_CHECK(files_.make_folders(draft));
    BRUME_CHECK(give(draft, 0755, range->first));
  }
  BRUME_CHECK(fill(files_, draft, range->first, first));
  if (::rename(draft.c_str(), (place + "/upper").c_str()) != 0)
    return env::posix_error("Cannot make", place + "/upper");
  return {};
}

Result<void> OverlayDisks::mount(const std::string& id, const std::string& image, const std::string& target) {
  const std::string place = folder(id);
  if ((place + image).find_first_of(",:\\") != std::string::npos)
    return fail_internal("{} cannot hold disks: its path has a comma, a colon or a backslash", folder_);
  const std::string options = "lowerdir=" + image + ",upperdir=" + place + "/upper,workdir=" + place + "/work";
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
