#include "services/logs/pattern/comparison.h"

#include <charconv>
#include <cmath>

#include "services/logs/pattern/characters.h"

namespace brume::logs {
namespace {

bool is_bare(char c) {
  return is_alphanumeric(c) || c == '_' || c == '.' || c == '-' || c == '+' || c == '*';
}

bool matches(const OpenText& operand, std::string_view value) {
  if (operand.open_begin && operand.open_end) return value.find(operand.text) != std::string_view::npos;
  if (operand.open_begin) return value.ends_with(operand.text);
  if (operand.open_end) return value.starts_with(operand.text);
  return value == operand.text;
}

}  // namespace

std::optional<Number> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1), text = text.starts_with('-') ? "" : text;
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || !(is_digit(digits[0]) || digits[0] == '.')) return std::nullopt;  // no "inf" nor "nan"
  Number out;
  const char* const end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto read = std::from_chars(text.data(), end, whole); read.ec == std::errc() && read.ptr == end) {
    out.whole = whole;
    out.value = double(whole);
    return out;
  }
  const auto read = std::from_chars(text.data(), end, out.value);
  if (read.ec != std::errc() || read.ptr != end || !std::isfinite(out.value)) return std::nullopt;
  return out;
}

std::optional<std::pair<Comparison::Order, std::string_view>> Comparison::order_at(const Cursor& cursor) {
  static constexpr std::pair<Order, std::string_view> kOrders[] = {{Order::unequal, "!="},  {Order::at_most, "<="},
                                                                   {Order::at_least, ">="}, {Order::equal, "="},
                                                                   {Order::less, "<"},      {Order::greater, ">"}};
  for (const auto& order : kOrders)
    if (cursor.ahead().starts_with(order.second)) return order;
  return std::nullopt;
}

bool Comparison::comes(const Cursor& cursor) {
  return order_at(cursor).has_value();
}

OpenText Comparison::wildcards_of(std::string text) {
  OpenText out{.text = std::move(text)};
  if (out.text == "*") return {.text = "", .open_begin = true, .open_end = true};
  if (out.text.ends_with('*')) out.open_end = true, out.text.pop_back();
  if (out.text.starts_with('*')) out.open_begin = true, out.text.erase(0, 1);
  return out;
}

Result<Comparison> Comparison::parse(Cursor& cursor) {
  const auto order = order_at(cursor);
  if (!order) return cursor.wrong_character();
  Comparison out;
  out.order_ = order->first;
  cursor.skip(order->second.size());
  cursor.skip_spaces();
  const std::size_t begin = cursor.position();
  if (cursor.peek() == '"') {
    BRUME_TRY(text, cursor.quoted());
    out.operand_ = wildcards_of(std::move(text));
  } else if (cursor.peek() == '%') {
    BRUME_TRY(regex, cursor.regex());
    out.operand_ = std::move(regex);
  } else {
    const std::string_view text = cursor.take_while(is_bare);
    if (text.empty()) return cursor.wrong_character();
    if (const auto number = parse_number(text))
      out.operand_ = *number;
    else
      out.operand_ = wildcards_of(std::string(text));
  }
  if (out.order_ != Order::equal && out.order_ != Order::unequal && !std::holds_alternative<Number>(out.operand_)) {
    cursor.go_back_to(begin);
    return cursor.wrong(fmt::format("{} is not followed by a number", order->second));
  }
  return out;
}

bool Comparison::holds_of_number(const Number& operand, std::string_view value) const {
  const auto number = parse_number(value);
  if (!number) return order_ == Order::unequal;
  const std::partial_ordering is = number->whole && operand.whole
                                       ? std::partial_ordering(*number->whole <=> *operand.whole)
                                       : number->value <=> operand.value;
  switch (order_) {
    case Order::equal:
      return is == 0;
    case Order::unequal:
      return is != 0;
    case Order::less:
      return is < 0;
    case Order::at_most:
      return is <= 0;
    case Order::greater:
      return is > 0;
    case Order::at_least:
      return is >= 0;
  }
  return false;
}

bool Comparison::holds(std::string_view value) const {
  if (const Number* number = std::get_if<Number>(&operand_)) return holds_of_number(*number, value);
  bool equal = false;
  if (const OpenText* text = std::get_if<OpenText>(&operand_))
    equal = matches(*text, value);
  else
    equal = std::get<Regex>(operand_).in(value);
  return equal == (order_ == Order::equal);
}

std::string_view Comparison::needle() const {
  if (order_ != Order::equal) return "";
  if (const OpenText* text = std::get_if<OpenText>(&operand_)) return text->text;
  if (const Regex* regex = std::get_if<Regex>(&operand_)) return regex->needle();
  return "";
}

}  // namespace brume::logs
