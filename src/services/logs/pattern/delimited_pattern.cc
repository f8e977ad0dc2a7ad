#include "services/logs/pattern/delimited_pattern.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "services/logs/pattern/characters.h"
#include "services/logs/pattern/fields.h"

namespace brume::logs {
namespace {

bool is_name(char c) {
  return is_alphanumeric(c) || c == '_' || c == '-';
}

// A field's number in a selector "$3", from 1; 0 if it is none.
std::size_t numbered(std::string_view selector) {
  std::size_t number = 0;
  const char* const end = selector.data() + selector.size();
  if (selector.size() < 2 || !is_digit(selector[1])) return 0;
  const auto read = std::from_chars(selector.data() + 1, end, number);
  return read.ec == std::errc() && read.ptr == end ? number : 0;
}

}  // namespace

bool DelimitedPattern::Field::accepts(std::string_view value) const {
  if (!expression) return true;
  if (conditions.size() == 1) return conditions[0].holds(value);
  std::array<Truth, Expression::kMostConditions> known;
  for (std::size_t i = 0; i < conditions.size(); ++i) known[i] = conditions[i].holds(value) ? Truth::yes : Truth::no;
  return expression->decide(known) == Truth::yes;
}

// A name, or conditions that all begin with the same one.
Result<DelimitedPattern::Field> DelimitedPattern::field(Cursor& cursor) {
  Field out;
  const std::size_t begin = cursor.position();
  if (cursor.peek() != '(') {
    out.name = cursor.take_while(is_name);
    if (out.name.empty()) return cursor.wrong_character();
    cursor.skip_spaces();
    if (cursor.peek() == ',' || cursor.peek() == ']') return out;
    cursor.go_back_to(begin);
  }
  BRUME_TRY(expression, Expression::parse(cursor, [&]() -> Result<void> {
              cursor.skip_spaces();
              const std::size_t at = cursor.position();
              const std::string_view name = cursor.take_while(is_name);
              if (name.empty()) return cursor.wrong_character();
              if (out.name.empty()) out.name = name;
              if (name != out.name) {
                cursor.go_back_to(at);
                return cursor.wrong(fmt::format("a condition of the field '{}' speaks of '{}'", out.name, name));
              }
              cursor.skip_spaces();
              BRUME_TRY(comparison, Comparison::parse(cursor));
              out.conditions.push_back(std::move(comparison));
              return {};
            }));
  out.expression = std::move(expression);
  return out;
}

Result<DelimitedPattern> DelimitedPattern::parse(Cursor& cursor) {
  DelimitedPattern out;
  std::set<std::string, std::less<>> names;
  cursor.skip_spaces();
  if (cursor.take("]")) {
    out.ellipsis_ = true;  // [] matches all
    return out;
  }
  for (;;) {
    cursor.skip_spaces();
    if (cursor.take("...")) {
      if (std::exchange(out.ellipsis_, true)) return cursor.wrong("it has a second ellipsis");
    } else {
      Field read;
      if (cursor.peek() != ',' && cursor.peek() != ']') {
        const std::size_t begin = cursor.position();
        BRUME_TRY(named, field(cursor));
        if (!names.insert(named.name).second) {
          cursor.go_back_to(begin);
          return cursor.wrong(fmt::format("there is a second field '{}'", named.name));
        }
        read = std::move(named);
      }
      (out.ellipsis_ ? out.tail_ : out.head_).push_back(std::move(read));
    }
    cursor.skip_spaces();
    if (cursor.take("]")) return out;
    if (!cursor.take(",")) return cursor.wrong_character();
  }
}

template <typename Use>
bool DelimitedPattern::walk(std::string_view message, bool skipped, Use use) const {
  Fields fields(message);
  std::size_t place = 0;
  for (const Field& field : head_) {
    const bool last = !ellipsis_ && place + 1 == head_.size();
    const auto text = last ? fields.rest() : fields.next();
    if (!text || !use(place++, &field, *text)) return false;
  }
  if (!ellipsis_ || (tail_.empty() && !skipped)) return true;
  std::size_t left = 0;
  for (Fields count = fields; count.next();) ++left;
  if (left < tail_.size()) return false;
  for (; left > tail_.size(); --left) {
    const auto text = fields.next();
    if (skipped && !use(place, nullptr, *text)) return false;
    ++place;
  }
  return std::ranges::all_of(tail_, [&](const Field& field) { return use(place++, &field, *fields.next()); });
}

bool DelimitedPattern::matches(std::string_view message) const {
  return walk(message, false,
              [](std::size_t, const Field* field, std::string_view text) { return !field || field->accepts(text); });
}

std::string_view DelimitedPattern::needle() const {
  std::string_view best;
  for (const auto* fields : {&head_, &tail_})
    for (const Field& field : *fields) {
      if (!field.expression) continue;
      const std::string_view needle =
          needle_of(field.expression->root(), [&](std::size_t i) { return field.conditions[i].needle(); });
      if (needle.size() > best.size()) best = needle;
    }
  return best;
}

std::map<std::string, std::string> DelimitedPattern::extract(std::string_view message) const {
  std::map<std::string, std::string> out;
  walk(message, true, [&](std::size_t place, const Field* field, std::string_view text) {
    const bool named = field != nullptr && !field->name.empty();
    out.emplace(named ? "$" + field->name : fmt::format("${}", place + 1), text);
    return true;
  });
  return out;
}

bool DelimitedPattern::has(std::string_view selector) const {
  if (!selector.starts_with('$')) return false;
  for (const auto* fields : {&head_, &tail_})
    for (const Field& field : *fields)
      if (!field.name.empty() && field.name == selector.substr(1)) return true;
  const std::size_t number = numbered(selector);
  return number > 0 && (ellipsis_ || number <= head_.size());
}

std::optional<std::string> DelimitedPattern::value(std::string_view selector, std::string_view message) const {
  std::optional<std::string> out;
  const std::size_t number = numbered(selector);
  walk(message, true, [&](std::size_t place, const Field* field, std::string_view text) {
    const bool named = field != nullptr && !field->name.empty() && field->name == selector.substr(1);
    if (!named && place + 1 != number) return true;
    out.emplace(text);
    return false;
  });
  return out;
}

}  // namespace brume::logs
