// IPv4 addresses, blocks and MAC addresses as values, with strict parsers.
//
// Pure. Strict: no leading zeros, no short forms, no host bits in a block. Errors: code InvalidParameterValue.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
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

// An address of either family.
struct IpAddress {
  bool ipv6 = false;
  std::array<std::uint8_t, 16> bytes{};  // network byte order; IPv4 has the first four
  IpAddress() = default;                 // 0.0.0.0
  IpAddress(Ipv4 address);               // NOLINT: an IPv4 address is one
  [[nodiscard]] Ipv4 ipv4() const;       // of an IPv4 address
  auto operator<=>(const IpAddress&) const = default;
};

// A block of either family; an address is one with the full prefix. Host bits are zero.
struct IpBlock {
  bool ipv6 = false;
  std::array<std::uint8_t, 16> bytes{};
  int prefix = 0;
  IpBlock() = default;
  IpBlock(const IpAddress& base, int length) : ipv6(base.ipv6), bytes(base.bytes), prefix(length) {}
  IpBlock(const Ipv4Block& block) : IpBlock(block.base, block.prefix) {}  // NOLINT: an IPv4 block is one
  [[nodiscard]] IpAddress base() const;
  [[nodiscard]] bool contains(const IpBlock& other) const;
  [[nodiscard]] bool is_address() const { return prefix == (ipv6 ? 128 : 32); }
  [[nodiscard]] std::string text() const;  // "10.0.0.0/8"; without the prefix if it is full
  auto operator<=>(const IpBlock&) const = default;
};

// Every IPv6 address.
IpBlock all_of_ipv6();

using Mac = std::array<std::uint8_t, 6>;

Result<Ipv4> parse_ipv4(std::string_view text);
Result<Ipv4Block> parse_ipv4_block(std::string_view text);
// Either family's.
Result<IpAddress> parse_ip(std::string_view text);
Result<IpBlock> parse_block(std::string_view text);
// Lenient: without a prefix an address, with host bits what they lie in.
std::optional<IpBlock> parse_ip_block(std::string_view text);
// "02:…" in lower or upper case; a multicast address is refused.
Result<Mac> parse_mac(std::string_view text);

std::string to_string(Ipv4 address);
std::string to_string(const IpAddress& address);

}  // namespace brume::net
