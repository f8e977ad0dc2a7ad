// Images that are only names, for simulations: whatever is imported is there at once.
#pragma once

#include <set>

#include "compute/images.h"

namespace brume::compute {

class SimImages : public Images {
 public:
  Result<std::int64_t> import(const std::string& image_id, const std::string& source) override {
    if (source.empty()) return fail("InvalidParameterValue", "There is no file or folder {}", source);
    ids_.insert(image_id);
    return std::int64_t{1} << 20;
  }
  Result<void> remove(const std::string& image_id) override {
    ids_.erase(image_id);
    return {};
  }
  [[nodiscard]] bool exists(const std::string& image_id) const override { return ids_.contains(image_id); }
  [[nodiscard]] Result<std::vector<std::string>> list() const override { return std::vector(ids_.begin(), ids_.end()); }

 private:
  std::set<std::string> ids_;
};

}  // namespace brume::compute
