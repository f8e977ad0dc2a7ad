#include "services/logs/pattern/json_pattern.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "services/logs/pattern/json_scan.h"

namespace brume::logs {

// Which conditions an event meets, as far as it has been read.
class JsonPattern::Match : public JsonReader {
 public:
  explicit Match(const JsonPattern& pattern) : pattern_(pattern) {
    std::fill_n(known_.begin(), pattern.conditions_.size(), Truth::unknown);
  }

  Next found(std::size_t path, const JsonValue& value) override {
    for (const std::size_t number : pattern_.conditions_of_[path]) {
      const Condition& condition = pattern_.conditions_[number];
      Truth& known = known_[number];
      if (known != Truth::unknown) continue;
      if (meets(condition, value))
        known = Truth::yes;
      else if (!condition.wildcard || condition.kind == Condition::Kind::not_exists)
        known = Truth::no;
    }
    const Truth answer = decide();
    return answer == Truth::unknown ? Next::more : answer == Truth::yes ? Next::check : Next::stop;
  }
  // All has been read.
  bool at_end() {
    for (std::size_t i = 0; i < pattern_.conditions_.size(); ++i)
      if (known_[i] == Truth::unknown)
        known_[i] = pattern_.conditions_[i].kind == Condition::Kind::not_exists ? Truth::yes : Truth::no;
    return decide() == Truth::yes;
  }

 private:
  static bool meets(const Condition& condition, const JsonValue& value) {
    switch (condition.kind) {
      case Condition::Kind::comparison:
        return (value.kind == JsonValue::Kind::string || value.kind == JsonValue::Kind::number) &&
               condition.comparison->holds(value.text);
      case Condition::Kind::is_true:
        return value.kind == JsonValue::Kind::yes;
      case Condition::Kind::is_false:
        return value.kind == JsonValue::Kind::no;
      case Condition::Kind::is_null:
        return value.kind == JsonValue::Kind::null;
      case Condition::Kind::not_exists:
        return false;
    }
    return false;
  }
  [[nodiscard]] Truth decide() const { return pattern_.expression_.decide(known_); }

  const JsonPattern& pattern_;
  std::array<Truth, Expression::kMostConditions> known_;
};

Result<void> JsonPattern::condition(Cursor& cursor) {
  cursor.skip_spaces();
  BRUME_TRY(path, JsonPath::parse(cursor));
  Condition out;
  out.path = paths_.add(path);
  out.wildcard = path.wildcard;
  for (const JsonPath::Step& step : path.steps)
    if (step.kind == JsonPath::Step::Kind::property) out.last_name = step.name;
  if (path.wildcard && ++wildcards_ > JsonPaths::kMostWildcards)
    return cursor.wrong(fmt::format("it has more than {} wildcard selectors", JsonPaths::kMostWildcards));
  const std::size_t behind_path = cursor.position();
  cursor.skip_spaces();
  if (Comparison::comes(cursor)) {
    BRUME_TRY(comparison, Comparison::parse(cursor));
    out.comparison = std::move(comparison);
  } else {
    const auto word = [&] {
      cursor.skip_spaces();
      return cursor.take_while([](char c) { return c >= 'A' && c <= 'Z'; });
    };
    const std::size_t begin = cursor.position();
    const std::string_view first = word(), second = word();
    if (begin == behind_path || first.empty()) {
      cursor.go_back_to(begin);
      return cursor.wrong_character();
    }
    if (first == "IS" && second == "TRUE") {
      out.kind = Condition::Kind::is_true;
    } else if (first == "IS" && second == "FALSE") {
      out.kind = Condition::Kind::is_false;
    } else if (first == "IS" && second == "NULL") {
      out.kind = Condition::Kind::is_null;
    } else if (first == "NOT" && second == "EXISTS") {
      out.kind = Condition::Kind::not_exists;
    } else {
      cursor.go_back_to(begin);
      return cursor.wrong(fmt::format(
          "'{}{}{}' is none of IS NULL, IS TRUE, IS FALSE, NOT EXISTS and the operators = != < <= > >=", first,
          second.empty() ? "" : " ", second));
    }
  }
  conditions_of_.resize(std::max(conditions_of_.size(), out.path + 1));
  conditions_of_[out.path].push_back(conditions_.size());
  conditions_.push_back(std::move(out));
  return {};
}

Result<JsonPattern> JsonPattern::parse(Cursor& cursor) {
  JsonPattern out;
  BRUME_TRY(expression, Expression::parse(cursor, [&] { return out.condition(cursor); }));
  out.expression_ = std::move(expression);
  cursor.skip_spaces();
  if (!cursor.take("}")) return cursor.wrong_character();
  out.find_hint();
  return out;
}

void JsonPattern::find_hint() {
  const Expression::Node& root = expression_.root();
  std::string_view hint = needle_of(root, [&](std::size_t i) -> std::string_view {
    return conditions_[i].comparison ? conditions_[i].comparison->needle() : "";
  });
  // A value tells more than the name of a property, which may be in all events.
  if (hint.empty())
    hint = needle_of(root, [&](std::size_t i) -> std::string_view {
      return conditions_[i].kind == Condition::Kind::not_exists ? "" : std::string_view(conditions_[i].last_name);
    });
  // What an event has to write with escapes cannot be looked for.
  const auto escaped = [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; };
  if (!hint.empty() && std::ranges::none_of(hint, escaped)) hint_.emplace(std::string(hint));
}

bool JsonPattern::matches(std::string_view message) const {
  if (hint_ && !hint_->in(message) && std::memchr(message.data(), '\\', message.size()) == nullptr) return false;
  Match match(*this);
  return scan_json(message, paths_, match) == JsonScan::whole && match.at_end();
}

std::optional<std::string> json_value(std::string_view message, const JsonPaths& paths) {
  struct First : JsonReader {
    Next found(std::size_t, const JsonValue& value) override {
      if (value.kind == JsonValue::Kind::string || value.kind == JsonValue::Kind::number) text.emplace(value.text);
      return Next::stop;
    }
    std::optional<std::string> text;
  } first;
  scan_json(message, paths, first);
  return first.text;
}

}  // namespace brume::logs
