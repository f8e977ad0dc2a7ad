#include "services/cloudformation/template/cidr.h"

#include <arpa/inet.h>

#include <charconv>

namespace brume::cloudformation::templates {

Result<std::vector<std::string>> split_cidr(std::string_view block, int count, int host_bits) {
  const std::size_t slash = block.find('/');
  const std::string address(block.substr(0, slash));
  int length = -1;
  if (slash != std::string_view::npos) std::from_chars(block.data() + slash + 1, block.data() + block.size(), length);
  in_addr parsed{};
  if (block.contains(':')) return fail("ValidationError", "Fn::Cidr of the IPv6 block {} is not supported", block);
  if (inet_pton(AF_INET, address.c_str(), &parsed) != 1 || length < 0 || length > 32)
    return fail("ValidationError", "Invalid IP address block in Fn::Cidr: {}", block);
  if (count < 1 || count > 256)
    return fail("ValidationError", "Fn::Cidr's count must be between 1 and 256, not {}", count);
  if (host_bits < 1 || host_bits > 31)
    return fail("ValidationError", "Fn::Cidr's cidrBits must be between 1 and 31, not {}", host_bits);
  const std::uint64_t step = 1ULL << host_bits, room = 1ULL << (32 - length);
  if (step * std::uint64_t(count) > room)
    return fail("ValidationError", "Fn::Cidr cannot cut {} blocks of /{} out of {}", count, 32 - host_bits, block);
  const std::uint64_t base = ntohl(parsed.s_addr) & ~(room - 1);
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t at = base + step * std::uint64_t(i);
    out.push_back(
        fmt::format("{}.{}.{}.{}/{}", at >> 24 & 255, at >> 16 & 255, at >> 8 & 255, at & 255, 32 - host_bits));
  }
  return out;
}

}  // namespace brume::cloudformation::templates
