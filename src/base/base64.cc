#include "base/base64.h"

#include <array>
#include <cstdint>

namespace brume {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> kDecode = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) table[std::uint8_t(kAlphabet[i])] = std::int8_t(i);
  return table;
}();

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t group = std::uint32_t(std::uint8_t(bytes[i])) << 16 |
                                (left > 1 ? std::uint32_t(std::uint8_t(bytes[i + 1])) << 8 : 0U) |
                                (left > 2 ? std::uint32_t(std::uint8_t(bytes[i + 2])) : 0U);
    out += kAlphabet[group >> 18];
    out += kAlphabet[group >> 12 & 63];
    out += left > 1 ? kAlphabet[group >> 6 & 63] : '=';
    out += left > 2 ? kAlphabet[group & 63] : '=';
  }
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  int filled = 0, padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    const int value = c == '=' ? 0 : kDecode[std::uint8_t(c)];
    if (value < 0 || (padding > 0 && c != '=')) return fail("ValidationError", "Invalid base64: unexpected character");
    padding += c == '=';
    group = group << 6 | std::uint32_t(value);
    if (++filled < 4) continue;
    if (padding > 2) return fail("ValidationError", "Invalid base64: too much padding");
    out += char(group >> 16);
    if (padding < 2) out += char(group >> 8 & 255);
    if (padding < 1) out += char(group & 255);
    group = 0;
    filled = 0;
  }
  if (filled != 0) return fail("ValidationError", "Invalid base64: the length is not a multiple of four");
  return out;
}

}  // namespace brume
