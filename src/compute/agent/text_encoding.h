// Text of a log file in UTF-8, and as JSON.
//
// Pure. UTF-8, UTF-16 and the encodings with a table of 128 characters that people have are known; those of several
// bytes a character that East Asia used are not, since a static program has no tables for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brume::agent {

class TextEncoding {
 public:
  // By the names of the CloudWatch agent's list ("utf-16le", "iso-8859-15", "windows-1251", "latin1", …), in upper or
  // lower case; empty is UTF-8. Nothing if it is not known.
  static std::optional<TextEncoding> find(std::string_view name);

  [[nodiscard]] bool is_utf8() const { return kind_ == Kind::utf8; }
  // Bytes of the smallest piece that text may be cut into.
  [[nodiscard]] std::size_t unit() const { return kind_ == Kind::utf16le || kind_ == Kind::utf16be ? 2 : 1; }
  // Where the first line feed at or behind `from` (a multiple of the unit) begins; npos if there is none.
  [[nodiscard]] std::size_t find_line_feed(std::string_view bytes, std::size_t from) const;
  // Appends `bytes` in UTF-8; what means nothing becomes U+FFFD. (UTF-8 itself is passed on as it is.)
  void decode(std::string_view bytes, std::string& out) const;

 private:
  enum class Kind { utf8, utf16le, utf16be, table };

  Kind kind_ = Kind::utf8;
  const char16_t* table_ = nullptr;  // of bytes from 0x80
};

// Appends text within a JSON string's quotes; what is not UTF-8 becomes U+FFFD. Returns how many bytes of UTF-8 the
// text then is.
std::size_t append_json(std::string_view text, std::string& out);

// How much of `text` (UTF-8) may be kept so that it is at most `size` bytes long and no character is cut.
std::size_t cut_at_character(std::string_view text, std::size_t size);

}  // namespace brume::agent
