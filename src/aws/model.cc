#include "aws/model.h"

#include <algorithm>
#include <string_view>

namespace brume::aws {

const Operation* ServiceModel::find(std::string_view name) const {
  const auto found =
      std::ranges::lower_bound(operations, name, {}, [](const Operation& o) { return std::string_view(o.name); });
  return found != operations.end() && name == found->name ? &*found : nullptr;
}

bool ServiceModel::knows(std::string_view name) const {
  return std::ranges::binary_search(known, name, {}, [](const char* n) { return std::string_view(n); });
}

}  // namespace brume::aws
