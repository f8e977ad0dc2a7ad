#include "net/address.h"

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

}  // namespace brume::net
