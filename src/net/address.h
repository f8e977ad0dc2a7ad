// IPv4 addresses, blocks and MAC addresses as values, with strict parsers.
//
// Pure. Strict: no leading zeros, no short forms, no host bits in a block. Errors: code InvalidParameterValue.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::net {

struct Ipv4 {
  std::uint32_t value = 0;  // host byte order
  auto operator<=>(const Ipv4&) const = default;
};

struct Ipv4Block {
  Ipv4 base;
  int prefix = 32;
  [[nodiscard]] bool contains(Ipv4 address) const;
  // The address `offset` after the base; the caller stays inside the block.
  [[nodiscard]] Ipv4 at(std::uint32_t offset) const { return {base.value + offset}; }
  auto operator<=>(const Ipv4Block&) const = default;
};

using Mac = std::array<std::uint8_t, 6>;

Result<Ipv4> parse_ipv4(std::string_view text);
Result<Ipv4Block> parse_ipv4_block(std::string_view text);
// "02:…" in lower or upper case; a multicast address is refused.
Result<Mac> parse_mac(std::string_view text);

std::string to_string(Ipv4 address);

}  // namespace brume::net
