// Checks that several operations share: parameters that Brume does not have, and malformed address ranges.
#pragma once

#include <string_view>
#include <utility>

#include "base/result.h"
#include "services/ec2/cidr.h"

namespace brume::ec2 {

// What AWS has and Brume does not: 501, which clients do not try again.
template <typename... Args>
[[nodiscard]] std::unexpected<Error> unsupported(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{"UnsupportedOperation", fmt::format(format, std::forward<Args>(args)...), 501});
}

// Refuses a parameter that would otherwise be accepted and do nothing.
inline Result<void> refuse(std::string_view parameter, bool given) {
  if (given) return unsupported("The parameter {} is not supported by Brume.", parameter);
  return {};
}

inline Result<Cidr> parse_block(std::string_view parameter, std::string_view text) {
  if (const auto cidr = parse_cidr(text)) return *cidr;
  return fail("InvalidParameterValue", "Value ({}) for parameter {} is invalid. This is not a valid CIDR block.", text,
              parameter);
}

}  // namespace brume::ec2
