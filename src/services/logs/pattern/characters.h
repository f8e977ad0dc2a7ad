// The classes of characters that filter patterns speak of, whatever the locale.
#pragma once

namespace brume::logs {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
// A byte of a character that is longer than one.
constexpr bool is_multibyte(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace brume::logs
