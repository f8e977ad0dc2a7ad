#include "env/random.h"

#include <array>

namespace brume::env {

std::uint64_t Random::next() {
  std::array<std::byte, 8> bytes;
  fill(bytes);
  std::uint64_t value = 0;
  for (const std::byte b : bytes) value = value << 8 | std::uint64_t(b);
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  // Rejection, so that no residue is likelier than another.
  const std::uint64_t limit = ~std::uint64_t{0} - ~std::uint64_t{0} % bound;
  std::uint64_t value = next();
  while (value >= limit) value = next();
  return value % bound;
}

std::string Random::hex(std::size_t digits) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out(digits, '0');
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < digits; ++i, bits >>= 4) {
    if (i % 16 == 0) bits = next();
    out[i] = kDigits[bits & 15];
  }
  return out;
}

std::string Random::uuid() {
  std::string h = hex(32);
  h[12] = '4';
  h[16] = "89ab"[next() & 3];
  return h.substr(0, 8) + "-" + h.substr(8, 4) + "-" + h.substr(12, 4) + "-" + h.substr(16, 4) + "-" + h.substr(20);
}

}  // namespace brume::env
