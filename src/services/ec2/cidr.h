// Address ranges.
//
// Pure. Parsing is strict in form (four decimal octets, a prefix length without signs or leading zeros) and, as EC2
// does, forgiving about host bits: "10.0.0.1/16" is read as its canonical form 10.0.0.0/16.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brume::ec2 {

struct Cidr {
  std::uint32_t base = 0;  // host order, host bits zero
  int prefix = 0;          // 0–32
  bool operator==(const Cidr&) const = default;

  [[nodiscard]] std::uint64_t size() const { return std::uint64_t(1) << (32 - prefix); }
  // The address `n` places above the base; `n` must be below size().
  [[nodiscard]] std::uint32_t nth(std::uint64_t n) const { return std::uint32_t(base + n); }
  [[nodiscard]] bool contains(std::uint32_t address) const { return (address & mask()) == base; }
  [[nodiscard]] bool contains(const Cidr& inner) const { return inner.prefix >= prefix && contains(inner.base); }
  [[nodiscard]] bool overlaps(const Cidr& other) const { return contains(other) || other.contains(*this); }
  [[nodiscard]] std::uint32_t mask() const { return prefix == 0 ? 0 : ~std::uint32_t(0) << (32 - prefix); }
};

std::optional<std::uint32_t> parse_ipv4(std::string_view text);
std::string format_ipv4(std::uint32_t address);

std::optional<Cidr> parse_cidr(std::string_view text);
std::string format_cidr(const Cidr& cidr);

// An IPv6 range in canonical form (RFC 5952, host bits zero), or nothing if it is not one.
std::optional<std::string> canonical_ipv6_cidr(std::string_view text);

// Ranges in which no VPC can lie: this network, loopback, link-local, multicast and reserved.
bool is_special(const Cidr& cidr);

// The first four addresses of a subnet and its last are AWS's: network, router, resolver, future use, broadcast.
inline constexpr std::uint64_t kReservedAtStart = 4;
inline constexpr std::uint64_t kReservedAtEnd = 1;

// Addresses of a subnet that interfaces may have. `subnet` must be /28 or larger.
inline std::uint64_t usable_addresses(const Cidr& subnet) {
  return subnet.size() - kReservedAtStart - kReservedAtEnd;
}
bool is_usable_address(const Cidr& subnet, std::uint32_t address);

}  // namespace brume::ec2
