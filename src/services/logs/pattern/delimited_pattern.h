// Patterns for events of fields with spaces between them: [ip, user, ..., status_code = 5*, bytes > 1000].
//
// What is in double quotes or in brackets is one field, without them. An ellipsis stands for any number of fields;
// without one, the last field is all that is left of the event (so [w1=ERROR, w2] is "begins with the word ERROR"). A
// field's conditions speak of that field alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "services/logs/pattern/comparison.h"
#include "services/logs/pattern/expression.h"

namespace brume::logs {

class DelimitedPattern {
 public:
  // At the cursor, which is behind the opening bracket. Errors: InvalidParameterException.
  static Result<DelimitedPattern> parse(Cursor& cursor);

  [[nodiscard]] bool matches(std::string_view message) const;
  [[nodiscard]] std::string_view needle() const;
  // All fields of an event that matches: "$name", or "$3" where the pattern has no name (counted from 1).
  [[nodiscard]] std::map<std::string, std::string> extract(std::string_view message) const;
  // Does "$name" or "$3" say a field that an event may have?
  [[nodiscard]] bool has(std::string_view selector) const;
  // Its text in an event that matches; none if the event has no such field.
  [[nodiscard]] std::optional<std::string> value(std::string_view selector, std::string_view message) const;

 private:
  struct Field {
    std::string name;  // empty: it has none
    std::vector<Comparison> conditions;
    std::optional<Expression> expression;  // over the conditions
    [[nodiscard]] bool accepts(std::string_view value) const;
  };

  static Result<Field> field(Cursor& cursor);
  // Calls `use(place, field, text)` for the fields of the event in order (place from 0; field null under the ellipsis,
  // if `skipped` wants those) until it says false, which is returned then; also if there are too few, after some calls.
  template <typename Use>
  bool walk(std::string_view message, bool skipped, Use use) const;

  std::vector<Field> head_, tail_;  // before and after the ellipsis
  bool ellipsis_ = false;
};

}  // namespace brume::logs
