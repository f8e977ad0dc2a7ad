// An instance's disk: an upper folder over its image's root file system, in <state>/instances/<id>/.
//
// The disk is there once `upper` is: it is prepared beside its place and renamed into it, and renamed away before it is
// removed, so that a crash leaves a whole disk or none. Blocks: call it from a worker.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "env/files.h"

namespace brume::compute {

// What the disk is given when it is made.
struct FirstFiles {
  std::string hostname;
  std::string private_address;
  std::string nameserver;
};

class OverlayDisks {
 public:
  OverlayDisks(env::Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

  [[nodiscard]] bool exists(const std::string& id) const;
  [[nodiscard]] Result<std::vector<std::string>> list() const;
  // Makes it if there is none. Errors: InsufficientStorage.
  Result<void> make(const std::string& id, const FirstFiles& first);
  // Mounts it over `image_rootfs` at `target`, which must exist. The disk must not be mounted anywhere else.
  Result<void> mount(const std::string& id, const std::string& image_rootfs, const std::string& target);
  Result<void> remove(const std::string& id);
  // Ends the removals that a crash interrupted.
  Result<void> finish_removals();
  // <state>/instances/<id>, which also holds the console's log.
  [[nodiscard]] std::string folder(const std::string& id) const { return folder_ + "/" + id; }

 private:
  env::Files& files_;
  std::string folder_;
};

// Unmounts whatever is mounted at `target`, however often. Nothing there is success.
Result<void> unmount(const std::string& target);
// Unmounts everything at and below `folder`.
Result<void> unmount_below(const std::string& folder);

}  // namespace brume::compute
