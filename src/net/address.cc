#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace brume::net {
namespace {

// A decimal number in [0, max] without sign or leading zeros.
bool parse_number(std::string_view text, unsigned max, unsigned& out) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out <= max;
}

}  // namespace

bool Ipv4Block::contains(Ipv4 address) const {
  return prefix == 0 || (address.value ^ base.value) >> (32 - prefix) == 0;
}

Result<Ipv4> parse_ipv4(std::string_view text) {
  std::uint32_t value = 0;
  std::string_view rest = text;
  for (int i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? rest.find('.') : rest.size();
    unsigned part = 0;
    if (dot == std::string_view::npos || !parse_number(rest.substr(0, dot), 255, part))
      return fail("InvalidParameterValue", "'{}' is not an IPv4 address", text);
    value = value << 8 | part;
    rest.remove_prefix(i < 3 ? dot + 1 : dot);
  }
  return Ipv4{value};
}

Result<Ipv4Block> parse_ipv4_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  unsigned prefix = 0;
  if (slash == std::string_view::npos || !parse_number(text.substr(slash + 1), 32, prefix))
    return fail("InvalidParameterValue", "'{}' is not an IPv4 CIDR block", text);
  BRUME_TRY(base, parse_ipv4(text.substr(0, slash)));
  const std::uint32_t host_mask = prefix == 0 ? ~0U : std::uint32_t((std::uint64_t(1) << (32 - prefix)) - 1);
  if ((base.value & host_mask) != 0) return fail("InvalidParameterValue", "'{}' has bits set after its prefix", text);
  return Ipv4Block{base, int(prefix)};
}

IpAddress::IpAddress(Ipv4 address) {
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = std::uint8_t(address.value >> (24 - 8 * i));
}

Ipv4 IpAddress::ipv4() const {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[i];
  return {value};
}

IpAddress IpBlock::base() const {
  IpAddress address;
  address.ipv6 = ipv6;
  address.bytes = bytes;
  return address;
}

IpBlock all_of_ipv6() {
  IpBlock all;
  all.ipv6 = true;
  return all;
}

bool IpBlock::contains(const IpBlock& other) const {
  if (ipv6 != other.ipv6 || prefix > other.prefix) return false;
  for (int bit = 0; bit < prefix; bit += 8) {
    const auto index = std::size_t(bit / 8);
    const int kept = std::min(8, prefix - bit);
    if (((bytes[index] ^ other.bytes[index]) >> (8 - kept)) != 0) return false;
  }
  return true;
}

std::string IpBlock::text() const {
  char buffer[INET6_ADDRSTRLEN];
  std::string result = ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes.data(), buffer, sizeof buffer);
  if (prefix != (ipv6 ? 128 : 32)) result += "/" + std::to_string(prefix);
  return result;
}

std::optional<IpBlock> parse_ip_block(std::string_view text) {
  IpBlock block;
  block.ipv6 = text.find(':') != std::string_view::npos;
  const int full = block.ipv6 ? 128 : 32;
  block.prefix = full;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), block.prefix);
    if (error != std::errc() || end != digits.end() || block.prefix < 0 || block.prefix > full) return {};
    text = text.substr(0, slash);
  }
  if (::inet_pton(block.ipv6 ? AF_INET6 : AF_INET, std::string(text).c_str(), block.bytes.data()) != 1) return {};
  for (int bit = block.prefix; bit < full; ++bit)
    block.bytes[std::size_t(bit / 8)] &= std::uint8_t(~(0x80U >> (bit % 8)));
  return block;
}

Result<IpAddress> parse_ip(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return parse_ipv4(text);
  IpAddress address;
  address.ipv6 = true;
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos ||
      ::inet_pton(AF_INET6, std::string(text).c_str(), address.bytes.data()) != 1)
    return fail("InvalidParameterValue", "'{}' is not an IPv6 address", text);
  return address;
}

Result<IpBlock> parse_block(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return parse_ipv4_block(text);
  const std::size_t slash = text.find('/');
  unsigned prefix = 0;
  if (slash == std::string_view::npos || !parse_number(text.substr(slash + 1), 128, prefix))
    return fail("InvalidParameterValue", "'{}' is not an IPv6 CIDR block", text);
  BRUME_TRY(base, parse_ip(text.substr(0, slash)));
  const IpBlock block(base, int(prefix));
  if (parse_ip_block(text) != block) return fail("InvalidParameterValue", "'{}' has bits set after its prefix", text);
  return block;
}

Result<Mac> parse_mac(std::string_view text) {
  Mac mac{};
  bool good = text.size() == 17;
  for (std::size_t i = 0; good && i < 6; ++i) {
    const char* const begin = text.data() + 3 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, mac[i], 16);
    good = error == std::errc() && end == begin + 2 && (i == 5 || *end == ':');
  }
  if (!good || (mac[0] & 1) != 0) return fail("InvalidParameterValue", "'{}' is not an interface's MAC address", text);
  return mac;
}

std::string to_string(Ipv4 address) {
  return fmt::format("{}.{}.{}.{}", address.value >> 24, address.value >> 16 & 255, address.value >> 8 & 255,
                     address.value & 255);
}

std::string to_string(const IpAddress& address) {
  return IpBlock(address, address.ipv6 ? 128 : 32).text();
}

}  // namespace brume::net
