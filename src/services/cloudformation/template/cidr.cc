#include "services/cloudformation/template/cidr.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>

namespace brume::cloudformation::templates {

Result<std::vector<std::string>> split_cidr(std::string_view block, int count, int host_bits) {
  const std::size_t slash = block.find('/');
  const std::string address(block.substr(0, slash));
  const bool ipv6 = address.contains(':');
  const int width = ipv6 ? 128 : 32;
  int length = -1;
  if (slash != std::string_view::npos) std::from_chars(block.data() + slash + 1, block.data() + block.size(), length);
  std::array<std::uint8_t, 16> base{};  // the first 4 of IPv4
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, address.c_str(), base.data()) != 1 || length < 0 || length > width)
    return fail("ValidationError", "Invalid IP address block in Fn::Cidr: {}", block);
  if (count < 1 || count > 256)
    return fail("ValidationError", "Fn::Cidr's count must be between 1 and 256, not {}", count);
  if (host_bits < 1 || host_bits >= width)
    return fail("ValidationError", "Fn::Cidr's cidrBits must be between 1 and {}, not {}", width - 1, host_bits);
  const int prefix = width - host_bits, free_bits = prefix - length;  // the number of a block is in the bits between
  if (free_bits < 0 || (free_bits < 8 && count > 1 << free_bits))
    return fail("ValidationError", "Fn::Cidr cannot cut {} blocks of /{} out of {}", count, prefix, block);
  for (int bit = length; bit < width; ++bit) base[std::size_t(bit) / 8] &= std::uint8_t(~(0x80 >> bit % 8));
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    std::array<std::uint8_t, 16> at = base;
    for (int bit = prefix - 1, rest = i; rest > 0; --bit, rest >>= 1)
      if (rest & 1) at[std::size_t(bit) / 8] |= std::uint8_t(0x80 >> bit % 8);
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(ipv6 ? AF_INET6 : AF_INET, at.data(), text.data(), text.size());
    out.push_back(fmt::format("{}/{}", text.data(), prefix));
  }
  return out;
}

}  // namespace brume::cloudformation::templates
