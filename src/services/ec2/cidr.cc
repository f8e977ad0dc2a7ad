#include "services/ec2/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace brume::ec2 {
namespace {

// "/24" of an address family with `bits` bits.
std::optional<int> parse_prefix(std::string_view text, int bits) {
  int prefix = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), prefix);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (error != std::errc() || end != text.data() + text.size() || leading_zero || prefix < 0 || prefix > bits)
    return {};
  return prefix;
}

}  // namespace

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (text.find('\0') != std::string_view::npos) return {};  // c_str() would end there
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return {};
  return ntohl(address.s_addr);
}

std::string format_ipv4(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto address = parse_ipv4(text.substr(0, slash));
  const auto prefix = parse_prefix(text.substr(slash + 1), 32);
  if (!address || !prefix) return {};
  Cidr cidr{*address, *prefix};
  cidr.base &= cidr.mask();
  return cidr;
}

std::string format_cidr(const Cidr& cidr) {
  return fmt::format("{}/{}", format_ipv4(cidr.base), cidr.prefix);
}

std::optional<std::string> canonical_ipv6_cidr(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || text.find('\0') != std::string_view::npos) return {};
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, std::string(text.substr(0, slash)).c_str(), bytes.data()) != 1) return {};
  const auto prefix = parse_prefix(text.substr(slash + 1), 128);
  if (!prefix) return {};
  for (int i = 0; i < 16; ++i) {
    const int kept = std::min(8, std::max(0, *prefix - i * 8));
    bytes[std::size_t(i)] &= std::uint8_t(0xff00 >> kept);
  }
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(AF_INET6, bytes.data(), out.data(), out.size());
  return fmt::format("{}/{}", out.data(), *prefix);
}

bool is_special(const Cidr& cidr) {
  constexpr Cidr special[] = {{0, 8}, {127U << 24, 8}, {169U << 24 | 254U << 16, 16}, {224U << 24, 3}};
  return std::ranges::any_of(special, [&](const Cidr& range) { return range.overlaps(cidr); });
}

bool is_usable_address(const Cidr& subnet, std::uint32_t address) {
  if (!subnet.contains(address)) return false;
  const std::uint64_t place = address - subnet.base;
  return place >= kReservedAtStart && place < subnet.size() - kReservedAtEnd;
}

}  // namespace brume::ec2
