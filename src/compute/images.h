// Root file systems that instances start from, by image id.
//
// An image is complete or absent: it is unpacked beside its place and renamed into it. Folder:
// <state>/images/<ami>/rootfs.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace brume::compute {

class Images {
 public:
  virtual ~Images() = default;
  // Imports a root file system: a tarball (.tar, .tar.gz, .tar.zst, .tar.xz), a folder, or an OCI image layout (a
  // folder or tarball with oci-layout and index.json; whiteouts applied). Returns its size in bytes. Blocks: call it
  // from a worker. Errors: InvalidParameterValue (nothing there, not a root file system, an entry that leads outside),
  // InsufficientStorage.
  virtual Result<std::int64_t> import(const std::string& image_id, const std::string& source) = 0;
  virtual Result<void> remove(const std::string& image_id) = 0;
  [[nodiscard]] virtual bool exists(const std::string& image_id) const = 0;
  [[nodiscard]] virtual Result<std::vector<std::string>> list() const = 0;
};

}  // namespace brume::compute
