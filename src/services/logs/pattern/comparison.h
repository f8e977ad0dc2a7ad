// What a value in a log event is compared with: = "x*", != %regex%, >= 1e3.
//
// A number compares by its value with numbers and with texts that are one; a text by itself, with `*` at its beginning
// or end for anything (in between it is an asterisk); a regular expression is found anywhere in the value. Leaves to
// others what values there are: whoever asks has one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.h"
#include "services/logs/pattern/cursor.h"

namespace brume::logs {

// A decimal number, with a sign and an exponent if it likes: 12, -0.5, +1e3. Whole ones are compared exactly.
struct Number {
  double value = 0;
  std::optional<std::int64_t> whole;
};
// None if `text` is anything else, also if it is beyond a double's range.
std::optional<Number> parse_number(std::string_view text);

// A text with what `*` says of its ends.
struct OpenText {
  std::string text;
  bool open_begin = false, open_end = false;  // anything may come before, after
};

class Comparison {
 public:
  // At the cursor: operator and operand. Errors: InvalidParameterException.
  static Result<Comparison> parse(Cursor& cursor);
  // Does an operator come next?
  static bool comes(const Cursor& cursor);

  // `value`: of a JSON string or number, or a field.
  [[nodiscard]] bool holds(std::string_view value) const;
  // Each value of which it holds contains this; empty: none is known.
  [[nodiscard]] std::string_view needle() const;

 private:
  enum class Order : std::uint8_t { equal, unequal, less, at_most, greater, at_least };

  static std::optional<std::pair<Order, std::string_view>> order_at(const Cursor& cursor);
  static OpenText wildcards_of(std::string text);
  [[nodiscard]] bool holds_of_number(const Number& operand, std::string_view value) const;

  Order order_ = Order::equal;
  std::variant<OpenText, Number, Regex> operand_;
};

}  // namespace brume::logs
