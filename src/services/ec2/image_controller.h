// Brings the machine's images to what is registered: imports those that are pending, removes those that nobody needs.
//
// Level-triggered: an import that a restart interrupted is done again (compute::Images imports all or nothing). One
// import at a time, because each reads and writes a whole root file system. An image that is deregistered keeps its
// row, in state "deregistered", for as long as an instance has a disk upon it; then its files go, and then the row.
#pragma once

#include "compute/images.h"
#include "services/common/context.h"
#include "services/ec2/instance_record.h"
#include "store/table.h"

namespace brume::ec2 {

class ImageController {
 public:
  ImageController(services::Context context, store::Table<Image>& table, const store::Table<InstanceRecord>& instances,
                  compute::Images& images);
  ImageController(const ImageController&) = delete;
  ImageController& operator=(const ImageController&) = delete;

  // Looks soon. Call it at start, after an image was registered or deregistered, and after an instance was terminated.
  void wake();

 private:
  void look();
  bool import_next();
  void imported(const std::string& id, const Result<std::int64_t>& bytes);
  bool remove_next();
  void removed(const std::string& id, const Result<void>& done);
  void look_later();

  services::Context context_;
  store::Table<Image>& table_;
  const store::Table<InstanceRecord>& instances_;
  compute::Images& images_;
  bool woken_ = false;
  bool busy_ = false;
};

// The path that a file:// ImageLocation names, or nothing.
std::optional<std::string> image_path(std::string_view location);

}  // namespace brume::ec2
