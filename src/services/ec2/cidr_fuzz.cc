// Address ranges of any bytes: never a crash, and what is read is written back as itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "services/ec2/cidr.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto cidr = brume::ec2::parse_cidr(text))
    if (brume::ec2::parse_cidr(brume::ec2::format_cidr(*cidr)) != cidr) std::abort();
  if (const auto cidr = brume::ec2::canonical_ipv6_cidr(text))
    if (brume::ec2::canonical_ipv6_cidr(*cidr) != cidr) std::abort();
  return 0;
}
