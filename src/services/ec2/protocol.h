// IP protocols as EC2 takes and shows them.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::ec2 {

// -1 for all. Takes the names tcp, udp, icmp, icmpv6, all and numbers. Errors: InvalidParameterValue.
inline Result<int> protocol_number(std::string_view text) {
  if (text == "all") return -1;
  if (text == "icmp") return 1;
  if (text == "tcp") return 6;
  if (text == "udp") return 17;
  if (text == "icmpv6") return 58;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < -1 || number > 255)
    return fail("InvalidParameterValue", "Invalid value '{}' for IP protocol. Unknown protocol.", text);
  return number;
}

// As security groups show it: a name where there is one.
inline std::string protocol_name(int number) {
  switch (number) {
    case 1:
      return "icmp";
    case 6:
      return "tcp";
    case 17:
      return "udp";
    case 58:
      return "icmpv6";
    default:
      return std::to_string(number);
  }
}

}  // namespace brume::ec2
