#include "compute/agent/multibyte.h"

#include <algorithm>
#include <utility>

#include "compute/agent/encoding_tables.h"

namespace brume::agent {
namespace {

using Character = MultibyteReader::Character;

constexpr char32_t kHalfWidthKatakana = 0xff61;

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
}

bool within(unsigned byte, unsigned first, unsigned last) {
  return byte >= first && byte <= last;
}

constexpr Character kInvalid{.size = 1, .code = kReplacement};

// A lead byte with what means nothing behind it: an ASCII byte there stands for itself, and is read again.
Character nothing(std::string_view bytes) {
  return {.size = bytes.size() > 1 && byte_at(bytes, 1) >= 0x80 ? 2U : 1U, .code = kReplacement};
}

Character two(std::string_view bytes, char32_t code) {
  return code ? Character{.size = 2, .code = code} : nothing(bytes);
}

// Row and cell from 0.
char32_t jis_x_0208(unsigned row, unsigned cell) {
  return row < 94 && cell < 94 ? kJisX0208[row * 94 + cell] : 0;
}

Character shift_jis(std::string_view bytes) {
  const unsigned lead = byte_at(bytes, 0), trail = byte_at(bytes, 1);
  if (lead == 0x80) return {.code = lead};
  if (within(lead, 0xa1, 0xdf)) return {.code = kHalfWidthKatakana + (lead - 0xa1)};
  if (lead == 0xa0 || lead > 0xfc) return kInvalid;
  if (trail < 0x40 || trail == 0x7f || trail > 0xfc) return nothing(bytes);
  const unsigned place = trail - (trail < 0x7f ? 0x40 : 0x41);  // of 188
  if (lead >= 0xfa) return two(bytes, kShiftJisIbm[(lead - 0xfa) * 188 + place]);
  if (lead >= 0xf0) return two(bytes, 0xe000 + (lead - 0xf0) * 188 + place);  // for private use
  const unsigned rows = (lead - (lead < 0xa0 ? 0x81 : 0xc1)) * 2;
  return two(bytes, jis_x_0208(rows + place / 94, place % 94));
}

Character euc_jp(std::string_view bytes) {
  const unsigned lead = byte_at(bytes, 0), second = byte_at(bytes, 1), third = byte_at(bytes, 2);
  if (lead == 0x8e && within(second, 0xa1, 0xdf)) return two(bytes, kHalfWidthKatakana + (second - 0xa1));
  if (lead == 0x8f && within(second, 0xa2, 0xee) && within(third, 0xa1, 0xfe))
    if (const char32_t code = kJisX0212[(second - 0xa2) * 94 + (third - 0xa1)]) return {.size = 3, .code = code};
  if (lead == 0x8f && within(second, 0xa1, 0xfe)) return {.size = third >= 0x80 ? 3U : 2U, .code = kReplacement};
  if (lead != 0x8e && lead != 0x8f && !within(lead, 0xa1, 0xfe)) return kInvalid;
  if (lead < 0xa1 || !within(second, 0xa1, 0xfe)) return nothing(bytes);
  return two(bytes, jis_x_0208(lead - 0xa1, second - 0xa1));
}

Character big5(std::string_view bytes) {
  const unsigned lead = byte_at(bytes, 0), trail = byte_at(bytes, 1);
  if (!within(lead, 0x81, 0xfe)) return kInvalid;
  if (lead < 0x87 || !(within(trail, 0x40, 0x7e) || within(trail, 0xa1, 0xfe))) return nothing(bytes);
  // Ê and ê, with a macron or a caron behind them.
  if (lead == 0x88 && (trail == 0x62 || trail == 0x64 || trail == 0xa3 || trail == 0xa5))
    return {.size = 2,
            .code = trail < 0xa0 ? U'\u00ca' : U'\u00ea',
            .accent = trail == 0x62 || trail == 0xa3 ? U'\u0304' : U'\u030c'};
  const unsigned place = (lead - 0x87) * 157 + (trail - (trail < 0x7f ? 0x40 : 0x62));
  const char32_t plane = (kBig5Supplementary[place / 8] >> (place % 8)) & 1 ? 0x20000 : 0;
  return two(bytes, plane | kBig5[place]);
}

Character euc_kr(std::string_view bytes) {
  const unsigned lead = byte_at(bytes, 0), trail = byte_at(bytes, 1);
  if (!within(lead, 0x81, 0xfe)) return kInvalid;
  if (!within(trail, 0x41, 0xfe)) return nothing(bytes);
  return two(bytes, kEucKr[(lead - 0x81) * 190 + (trail - 0x41)]);
}

// Of a linear number of four bytes; 0: none.
char32_t gb18030_character(std::uint32_t number) {
  if (number >= 189'000) return number < 189'000 + 0x100000 ? 0x10000 + (number - 189'000) : 0;
  if (number >= 39'420) return 0;
  const auto ranges = gb18030_ranges();
  const auto& range = *(std::ranges::upper_bound(ranges, number, {}, &Gb18030Range::number) - 1);
  return range.first ? range.first + (number - range.number) : 0;
}

// GBK as well, of which this is a superset.
Character gb18030(std::string_view bytes) {
  const unsigned lead = byte_at(bytes, 0), second = byte_at(bytes, 1);
  if (lead == 0x80) return {.code = U'€'};
  if (lead == 0xff) return kInvalid;
  if (within(second, '0', '9')) {
    const unsigned third = byte_at(bytes, 2), fourth = byte_at(bytes, 3);
    if (!within(third, 0x81, 0xfe) || !within(fourth, '0', '9')) return kInvalid;
    const char32_t code =
        gb18030_character((((lead - 0x81) * 10 + (second - '0')) * 126 + (third - 0x81)) * 10 + (fourth - '0'));
    return {.size = 4, .code = code ? code : kReplacement};
  }
  if (second < 0x40 || second == 0x7f || second == 0xff) return nothing(bytes);
  return two(bytes, kGb18030[(lead - 0x81) * 190 + (second - (second < 0x7f ? 0x40 : 0x41))]);
}

}  // namespace

Character MultibyteReader::next(std::string_view bytes) {
  if (encoding_ == Multibyte::iso_2022_jp) return iso_2022_jp(bytes);
  if (byte_at(bytes, 0) < 0x80) return {.code = byte_at(bytes, 0)};
  switch (encoding_) {
    case Multibyte::shift_jis:
      return shift_jis(bytes);
    case Multibyte::euc_jp:
      return euc_jp(bytes);
    case Multibyte::big5:
      return big5(bytes);
    case Multibyte::euc_kr:
      return euc_kr(bytes);
    default:
      return gb18030(bytes);
  }
}

Character MultibyteReader::iso_2022_jp(std::string_view bytes) {
  static constexpr std::pair<std::string_view, Set> kEscapes[] = {{"\x1b(B", Set::ascii},
                                                                  {"\x1b(J", Set::roman},
                                                                  {"\x1b(I", Set::katakana},
                                                                  {"\x1b$@", Set::jis},
                                                                  {"\x1b$B", Set::jis}};
  for (const auto& [escape, set] : kEscapes) {
    if (!bytes.starts_with(escape)) continue;
    set_ = set;
    return {.size = escape.size(), .code = kNoCharacter};
  }
  const unsigned byte = byte_at(bytes, 0), second = byte_at(bytes, 1);
  if (byte >= 0x80 || byte == 0x1b || byte == 0x0e || byte == 0x0f) return kInvalid;
  switch (set_) {
    case Set::roman:
      return {.code = byte == '\\' ? U'¥' : byte == '~' ? U'‾' : byte};
    case Set::katakana:
      if (!within(byte, 0x21, 0x5f)) return kInvalid;
      return {.code = kHalfWidthKatakana + (byte - 0x21)};
    case Set::jis:
      if (!within(byte, 0x21, 0x7e) || !within(second, 0x21, 0x7e)) return kInvalid;
      if (const char32_t code = jis_x_0208(byte - 0x21, second - 0x21)) return {.size = 2, .code = code};
      return {.size = 2, .code = kReplacement};
    default:
      return {.code = byte};
  }
}

}  // namespace brume::agent
