// A value of the query language, and what the language does with any two of them.
//
// Types are weak, as in CloudWatch Logs Insights: a text that is a number counts as one wherever a number is wanted, a
// field that a record lacks is `missing`. A map or list (jsonParse) is kept as its JSON; only its members can be used
// ("Structure types" of the guide: null for all functions, equal to nothing).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace brume::logs::insights {

struct Value {
  enum class Kind : std::uint8_t {
    missing,
    boolean,  // `number` is 0 or 1
    number,   // never infinite, never NaN
    time,     // `number` is milliseconds since the epoch, within the years 0 to 9999
    text,     // also numbers as a message writes them, which print as they came
    json      // a map or a list
  } kind = Kind::missing;
  double number = 0;
  std::string_view text;  // of text and json; whoever made the value says how long it lives

  static Value of(bool truth) { return {Kind::boolean, truth ? 1.0 : 0.0, {}}; }
  // Missing if it is not finite.
  static Value of(double number);
  static Value of(std::string_view text) { return {Kind::text, 0, text}; }
  static Value of(const char*) = delete;  // would be a boolean
  // Missing outside the years 0 to 9999.
  static Value at(double milliseconds);
  static Value structure(std::string_view json) { return {Kind::json, 0, json}; }

  [[nodiscard]] bool missing() const { return kind == Kind::missing; }
};

// One that keeps its own text.
struct OwnedValue {
  OwnedValue() = default;
  explicit OwnedValue(const Value& value) : kind(value.kind), number(value.number), text(value.text) {}

  [[nodiscard]] Value view() const { return {kind, number, text}; }
  // Bytes it takes, roughly: for bounds.
  [[nodiscard]] std::size_t bytes() const { return sizeof(*this) + (text.size() > 15 ? text.size() : 0); }

  Value::Kind kind = Value::Kind::missing;
  double number = 0;
  std::string text;
};

// Texts that live until the next record: their memory is used again.
class Scratch {
 public:
  // An empty text; stays where it is until clear().
  std::string& next();
  std::string_view keep(std::string text);
  void clear() { used_ = 0; }

 private:
  std::deque<std::string> texts_;
  std::size_t used_ = 0;
};

// Nothing where the value is no number.
std::optional<double> to_number(const Value& value);
// As a text of the language's functions; nothing for missing values, maps and lists.
std::optional<std::string_view> to_text(const Value& value, Scratch& scratch);
// Is it so? Zero, "false", texts that are no number, missing values, maps and lists are not.
bool truth(const Value& value);

// As results show it: times "2026-11-28 20:15:00.000", numbers rounded to four decimals, booleans 1 or 0; missing: "".
std::string print(const Value& value);

// For = != < <= > >=. As numbers if both can be and (for two texts) if it is not equality that is asked for: the text
// "01" is not the text "1", but "9" is less than "10". Unordered: a missing value, a map or list, a number and a text
// that is none.
std::partial_ordering compare(const Value& left, const Value& right);
bool equals(const Value& left, const Value& right);

// For sorting, ascending: missing values, maps and lists; then what is no number; then numbers ("sort" of the guide).
// Texts in natural order: runs of digits by their length, then their value, all else by Unicode.
std::weak_ordering sort_order(const Value& left, const Value& right);

}  // namespace brume::logs::insights
