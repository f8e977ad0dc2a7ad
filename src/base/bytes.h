// Numbers as few bytes, for what the stores of metrics and logs keep on disk.
//
// Whole numbers in groups of seven bits, least first (as Protocol Buffers' varints). A double that is whole and below
// 2^52 is such a number, twice itself (zigzag); any other is 1 and its eight bytes. Reading checks lengths: what
// is cut short or malformed sets `failed` and reads as zeros.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace brume {

static_assert(std::endian::native == std::endian::little, "doubles are kept in this machine's order");

inline void put_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(char(0x80 | (value & 0x7F)));
  out.push_back(char(value));
}
// To where there is room for it (ten bytes at most); returns where it ends.
inline char* put_number(char* out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = char(0x80 | (value & 0x7F));
  *out++ = char(value);
  return out;
}
inline void put_signed(std::string& out, std::int64_t value) {
  put_number(out, (std::uint64_t(value) << 1) ^ std::uint64_t(value >> 63));
}
inline void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out.append(text);
}
inline void put_double(std::string& out, double value) {
  if (std::abs(value) < 0x1p52 && value == std::trunc(value)) {
    const auto whole = std::int64_t(value);
    return put_number(out, ((std::uint64_t(whole) << 1) ^ std::uint64_t(whole >> 63)) << 1);
  }
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  out.push_back(1);
  out.append(raw, sizeof raw);
}

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number() {
    if (!rest_.empty() && std::uint8_t(rest_.front()) < 0x80) {  // most are this short
      const auto value = std::uint8_t(rest_.front());
      rest_.remove_prefix(1);
      return value;
    }
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      value |= std::uint64_t(next & 0x7F) << shift;
      if (next < 0x80) return value;
    }
    failed = true;
    return 0;
  }
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return std::int64_t(value >> 1) ^ -std::int64_t(value & 1);
  }
  double real() {
    const std::uint64_t head = number();
    if ((head & 1) == 0) return double(std::int64_t(head >> 2) ^ -std::int64_t((head >> 1) & 1));
    const std::string_view raw = take(sizeof(double));
    double value = 0;
    if (!failed) std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  void skip_real() {
    if (number() & 1) take(sizeof(double));
  }
  std::uint8_t byte() {
    const std::string_view one = take(1);
    return one.empty() ? 0 : std::uint8_t(one.front());
  }
  std::string_view text() { return take(number()); }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      failed = true;
      rest_ = {};
      return {};
    }
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  bool failed = false;

 private:
  std::string_view rest_;
};

}  // namespace brume
