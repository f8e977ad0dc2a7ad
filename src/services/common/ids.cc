#include "services/common/ids.h"

#include <algorithm>

#include <fmt/format.h>

#include "aws/call.h"

namespace brume::services {

std::string new_id(env::Random& random, std::string_view prefix) {
  return fmt::format("{}-0{}", prefix, random.hex(16));
}

bool well_formed_id(std::string_view id, std::string_view prefix) {
  if (!id.starts_with(prefix) || id.size() <= prefix.size() || id[prefix.size()] != '-') return false;
  const std::string_view digits = id.substr(prefix.size() + 1);
  return (digits.size() == 8 || digits.size() == 17) &&
         std::ranges::all_of(digits, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string arn(std::string_view service, std::string_view region, std::string_view resource) {
  return fmt::format("arn:aws:{}:{}:{}:{}", service, region, aws::kAccount, resource);
}

}  // namespace brume::services
