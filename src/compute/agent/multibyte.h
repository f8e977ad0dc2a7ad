// Characters of the encodings that East Asia used, of one to four bytes each, as in the WHATWG's Encoding Standard.
//
// Pure. In all of them a byte 0x0a is a line feed, whatever is before it, so lines can be cut before they are decoded;
// 0x5c may be the second byte of a character. ISO-2022-JP alone has a state: it begins each line in ASCII (RFC 1468).
#pragma once

#include <cstddef>
#include <string_view>

namespace brume::agent {

enum class Multibyte { shift_jis, euc_jp, iso_2022_jp, big5, euc_kr, gb18030 };

inline constexpr char32_t kReplacement = 0xfffd;
inline constexpr char32_t kNoCharacter = 0xffffffff;

class MultibyteReader {
 public:
  explicit MultibyteReader(Multibyte encoding) : encoding_(encoding) {}

  struct Character {
    std::size_t size = 1;  // bytes
    char32_t code = 0;     // kReplacement: it means nothing; kNoCharacter: it only changes the state
    char32_t accent = 0;   // a second one, which Big5 has of four characters; 0: none
  };
  // The first character of `bytes`, which is not empty.
  Character next(std::string_view bytes);
  // May another reader go on here?
  [[nodiscard]] bool is_at_rest() const { return set_ == Set::ascii; }

 private:
  enum class Set { ascii, roman, katakana, jis };

  Character iso_2022_jp(std::string_view bytes);

  Multibyte encoding_;
  Set set_ = Set::ascii;
};

}  // namespace brume::agent
