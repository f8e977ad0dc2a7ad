// How launch template versions are kept: AWS's own shapes, by template and number, in ascending order.
#pragma once

#include <string>

#include <fmt/format.h>

#include "ec2/shapes.h"

namespace brume::ec2 {

inline std::string version_key(std::string_view template_id, std::int64_t number) {
  return fmt::format("{}/{:012}", template_id, number);
}

}  // namespace brume::ec2
