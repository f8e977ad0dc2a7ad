// An instance's disk: an upper folder over its image's root file system, in <state>/instances/<id>/.
//
// The disk is there once `upper` is: it is prepared beside its place and renamed into it, and renamed away before it is
// removed, so that a crash leaves a whole disk or none. What the instance writes belongs to its range of ids, which the
// owner of `upper` tells: chosen when the disk is made, kept as long as it is there. Blocks: call it from a worker.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "compute/id_range.h"
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
  // Makes it if there is none. Errors: InsufficientStorage, InsufficientInstanceCapacity (every range is taken).
  Result<void> make(const std::string& id, const FirstFiles& first);
  // The ids that the instance has on the machine. Error: InternalFailure for a disk that has none.
  [[nodiscard]] Result<IdRange> ids(const std::string& id) const;
  // Mounts it over `image`, a folder that shows the image with the instance's ids, at `target`; both must exist. The
  // disk must not be mounted anywhere else.
  Result<void> mount(const std::string& id, const std::string& image, const std::string& target);
  Result<void> remove(const std::string& id);
  // Ends the removals that a crash interrupted.
  Result<void> finish_removals();
  // <state>/instances/<id>, which also holds the console's log.
  [[nodiscard]] std::string folder(const std::string& id) const { return folder_ + "/" + id; }

 private:
  // Of all disks, also of those that are being made or removed.
  [[nodiscard]] Result<std::set<IdRange>> taken() const;

  env::Files& files_;
  std::string folder_;
  std::mutex choosing_;  // between the choice of a range and the folder whose owner tells it
};

// Unmounts whatever is mounted at `target`, however often. Nothing there is success.
Result<void> unmount(const std::string& target);
// Unmounts everything at and below `folder`.
Result<void> unmount_below(const std::string& folder);

}  // namespace brume::compute
