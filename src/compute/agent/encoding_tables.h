// Tables of character encodings. Written at build time by codegen/encodings.py, from Python's codecs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace brume::agent {

// One byte a character: ASCII, and 128 characters behind it (U+FFFD: none).
struct CodePage {
  std::string_view name;
  char16_t upper[128];  // of the bytes 0x80 to 0xff
};
std::span<const CodePage> code_pages();

// Two bytes a character, row by row; 0: no character.
extern const std::uint16_t kJisX0208[94 * 94];
extern const std::uint16_t kJisX0212[76 * 94];     // from row 2
extern const std::uint16_t kShiftJisIbm[3 * 188];  // leads 0xfa to 0xfc
extern const std::uint16_t kBig5[120 * 157];       // leads from 0x87
extern const std::uint8_t kBig5Supplementary[];    // a bit each: it is of plane 2
extern const std::uint16_t kEucKr[126 * 190];      // leads from 0x81, trails from 0x41
extern const std::uint16_t kGb18030[126 * 190];    // leads from 0x81, trails from 0x40 without 0x7f

// Four bytes a character: from this linear number on, characters go up from this one; 0: there are none.
struct Gb18030Range {
  std::uint16_t number, first;
};
std::span<const Gb18030Range> gb18030_ranges();  // ascending

}  // namespace brume::agent
