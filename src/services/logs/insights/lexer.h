// The words of a query, and where each is.
//
// A name has letters, digits, `_`, `@`, dots, parts in backticks (`foo-bar`, a.`b.c`) and indices in brackets (a[0].b);
// its value has the parts with dots between. A text is in single or double quotes, with a backslash before what would
// end it. `#` begins a comment up to the end of the line. What a slash means (division, a regular expression) only the
// parser knows, so it asks for a regular expression by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::logs::insights {

struct Token {
  enum class Kind : std::uint8_t { end, name, number, period, text, symbol } kind = Kind::end;
  std::size_t begin = 0, end = 0;  // bytes of the query
  std::string value;               // of a name or text; the unit of a period; the symbol
  double number = 0;               // also of a period
  bool quoted = false;             // a name with backticks: no keyword
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // Errors: MalformedQueryException.
  Result<Token> next();
  // What is between slashes from `begin` on, where a slash is; reading goes on behind it. The token's value is the
  // pattern. Errors: MalformedQueryException.
  Result<Token> regex(std::size_t begin);

  // Reading goes on at `at`, or from where it got to.
  void move_to(std::size_t at) { at_ = at; }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  void skip_space();
  Result<Token> name();
  Result<Token> number();
  Result<Token> quoted();

  std::string_view text_;
  std::size_t at_ = 0;
};

// The error of a query: a sentence, and where it is wrong by line, position in the line, and characters of the query.
[[nodiscard]] std::unexpected<Error> malformed(std::string_view query, std::size_t begin, std::size_t end,
                                               std::string_view sentence);

}  // namespace brume::logs::insights
