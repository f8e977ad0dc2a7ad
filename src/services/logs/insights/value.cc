#include "services/logs/insights/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/time.h"

namespace brume::logs::insights {
namespace {

constexpr double kFirstTime = -62167219200000.0;  // year 0
constexpr double kLastTime = 253402300799999.0;   // end of 9999

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A whole text that is a decimal number. Hexadecimal, "inf" and "nan" are words, not numbers.
std::optional<double> number_of(std::string_view text) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  const std::string_view digits = text[0] == '-' || text[0] == '+' ? text.substr(1) : text;
  if (text[0] == '+') text = digits;
  if (digits.empty() || !(is_digit(digits[0]) || (digits[0] == '.' && digits.size() > 1 && is_digit(digits[1]))))
    return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

void append_number(std::string& out, double number) {
  if (number == std::floor(number) && std::abs(number) < 1e15) {
    fmt::format_to(std::back_inserter(out), "{:.0f}", number == 0 ? 0.0 : number);
  } else if (std::abs(number) < 1e-4 || std::abs(number) >= 1e15) {
    fmt::format_to(std::back_inserter(out), "{}", number);
  } else {
    fmt::format_to(std::back_inserter(out), "{:.4f}", number);
    out.erase(out.find_last_not_of('0') + 1);
    if (out.ends_with('.')) out.pop_back();
  }
}

void append(std::string& out, const Value& value) {
  switch (value.kind) {
    case Value::Kind::missing:
      return;
    case Value::Kind::boolean:
    case Value::Kind::number:
      append_number(out, value.number);
      return;
    case Value::Kind::time: {
      const Timestamp time{std::chrono::milliseconds(std::int64_t(value.number))};
      std::string text = to_iso8601(time, true);
      text[text.find('T')] = ' ';
      text.pop_back();
      out += text;
      return;
    }
    case Value::Kind::text:
    case Value::Kind::json:
      out += value.text;
      return;
  }
}

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

std::weak_ordering natural_order(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::size_t m = digits_at(a, i), n = digits_at(b, j);
      if (m != n) return m <=> n;
      if (const int order = a.substr(i, m).compare(b.substr(j, n)); order != 0) return order <=> 0;
      i += m;
      j += n;
    } else {
      const auto x = static_cast<unsigned char>(a[i++]), y = static_cast<unsigned char>(b[j++]);
      if (x != y) return x <=> y;
    }
  }
  return (a.size() - i) <=> (b.size() - j);
}

bool plain_number(Value::Kind kind) {
  return kind == Value::Kind::number || kind == Value::Kind::boolean || kind == Value::Kind::time;
}

// A boolean and the word for it.
std::optional<double> number_beside(const Value& value, const Value& other) {
  if (other.kind == Value::Kind::boolean && value.kind == Value::Kind::text) {
    if (value.text == "true") return 1;
    if (value.text == "false") return 0;
  }
  return to_number(value);
}

}  // namespace

Value Value::of(double number) {
  return std::isfinite(number) ? Value{Kind::number, number, {}} : Value{};
}

Value Value::at(double milliseconds) {
  if (!(milliseconds >= kFirstTime && milliseconds <= kLastTime)) return {};
  return {Kind::time, std::floor(milliseconds), {}};
}

std::string& Scratch::next() {
  if (used_ == texts_.size()) texts_.emplace_back();
  std::string& text = texts_[used_++];
  text.clear();
  return text;
}

std::string_view Scratch::keep(std::string text) {
  std::string& kept = next();
  kept = std::move(text);
  return kept;
}

std::optional<double> to_number(const Value& value) {
  if (plain_number(value.kind)) return value.number;
  if (value.kind == Value::Kind::text) return number_of(value.text);
  return std::nullopt;
}

std::optional<std::string_view> to_text(const Value& value, Scratch& scratch) {
  if (value.missing() || value.kind == Value::Kind::json) return std::nullopt;
  if (value.kind == Value::Kind::text) return value.text;
  std::string& text = scratch.next();
  append(text, value);
  return text;
}

bool truth(const Value& value) {
  if (value.kind == Value::Kind::text && value.text == "true") return true;
  return to_number(value).value_or(0) != 0;
}

std::string print(const Value& value) {
  std::string out;
  append(out, value);
  return out;
}

std::partial_ordering compare(const Value& left, const Value& right) {
  using Kind = Value::Kind;
  if (left.missing() || right.missing() || left.kind == Kind::json || right.kind == Kind::json)
    return std::partial_ordering::unordered;
  const bool texts = left.kind == Kind::text && right.kind == Kind::text;
  const std::optional<double> a = number_beside(left, right), b = number_beside(right, left);
  if (a && b) return *a <=> *b;
  if (texts) return left.text.compare(right.text) <=> 0;
  return std::partial_ordering::unordered;
}

bool equals(const Value& left, const Value& right) {
  if (left.kind == Value::Kind::text && right.kind == Value::Kind::text) return left.text == right.text;
  return compare(left, right) == 0;
}

std::weak_ordering sort_order(const Value& left, const Value& right) {
  const auto rank = [](const Value& value, const std::optional<double>& number) {
    if (value.missing() || value.kind == Value::Kind::json) return 0;
    return number ? 2 : 1;
  };
  const std::optional<double> a = to_number(left), b = to_number(right);
  const int r = rank(left, a), s = rank(right, b);
  if (r != s) return r <=> s;
  if (r == 2)
    return *a < *b ? std::weak_ordering::less : *b < *a ? std::weak_ordering::greater : std::weak_ordering::equivalent;
  if (r == 1) return natural_order(left.text, right.text);
  return std::weak_ordering::equivalent;
}

}  // namespace brume::logs::insights
