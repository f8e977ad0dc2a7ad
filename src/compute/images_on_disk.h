// Images in <state>/images/<ami>/rootfs.
//
// An image is unpacked in a hidden folder beside its place, flushed to disk and renamed into it; removal goes the other
// way. tar and cp do the copying, as programs of their own. GNU tar keeps the entries of one archive inside its target;
// layers of an OCI image are unpacked apart and merged without following links (layers.h), since a link that one layer
// makes must not lead the next one out.
#pragma once

#include "compute/images.h"
#include "env/files.h"
#include "env/processes.h"

namespace brume::compute {

class ImagesOnDisk : public Images {
 public:
  ImagesOnDisk(env::Files& files, env::Processes& processes, const std::string& state_dir)
      : files_(files), processes_(processes), folder_(state_dir + "/images") {}

  // An image that is there already is left as it is.
  Result<std::int64_t> import(const std::string& image_id, const std::string& source) override;
  Result<void> remove(const std::string& image_id) override;
  [[nodiscard]] bool exists(const std::string& image_id) const override;
  [[nodiscard]] Result<std::vector<std::string>> list() const override;

 private:
  [[nodiscard]] Result<std::int64_t> install(const std::string& image_id, const std::string& source,
                                             const std::string& draft);
  // Fills draft/rootfs.
  [[nodiscard]] Result<void> unpack(const std::string& source, const std::string& draft);
  [[nodiscard]] Result<void> unpack_layout(const std::string& layout, const std::string& draft);
  [[nodiscard]] Result<void> extract(const std::string& archive, const std::string& into);
  [[nodiscard]] Result<void> run(std::vector<std::string> argv, const std::string& source);

  env::Files& files_;
  env::Processes& processes_;
  std::string folder_;
};

}  // namespace brume::compute
