// Text of a log file in UTF-8, and as JSON.
//
// Pure. Encodings go by the names of the WHATWG's Encoding Standard, as in the CloudWatch agent, and those code pages
// of IANA's list that it knows besides. Unknown: what has line feeds elsewhere (EBCDIC, UTF-32), and what has a state
// that a line does not end (HZ, ISO-2022-KR), since a file is gone on with at any line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "compute/agent/multibyte.h"

namespace brume::agent {

class TextEncoding {
 public:
  // "utf-16le", "iso-8859-15", "shift_jis", "latin1", …, in upper or lower case; empty is UTF-8. Nothing if it is not
  // known.
  static std::optional<TextEncoding> find(std::string_view name);

  [[nodiscard]] bool is_utf8() const { return kind_ == Kind::utf8; }
  // Bytes of the smallest piece that text may be cut into.
  [[nodiscard]] std::size_t unit() const { return kind_ == Kind::utf16le || kind_ == Kind::utf16be ? 2 : 1; }
  // Where the first line feed at or behind `from` (a multiple of the unit) begins; npos if there is none.
  [[nodiscard]] std::size_t find_line_feed(std::string_view bytes, std::size_t from) const;
  // Appends `bytes`, a line or a piece of one, in UTF-8; what means nothing becomes U+FFFD. (UTF-8 itself is passed on
  // as it is.)
  void decode(std::string_view bytes, std::string& out) const;
  // How much of `bytes` may be a piece of at most `size` bytes (at least 4) that ends where a character ends and
  // decoding can begin anew. (Of ISO-2022-JP that is never in ASCII in all of it: where a character ends.)
  [[nodiscard]] std::size_t cut(std::string_view bytes, std::size_t size) const;

 private:
  enum class Kind { utf8, utf16le, utf16be, table, multibyte };

  Kind kind_ = Kind::utf8;
  const char16_t* table_ = nullptr;  // of bytes from 0x80
  Multibyte multibyte_ = Multibyte::shift_jis;
};

// Appends text within a JSON string's quotes; what is not UTF-8 becomes U+FFFD. Returns how many bytes of UTF-8 the
// text then is.
std::size_t append_json(std::string_view text, std::string& out);

// How much of `text` (UTF-8) may be kept so that it is at most `size` bytes long and no character is cut.
std::size_t cut_at_character(std::string_view text, std::size_t size);

}  // namespace brume::agent
