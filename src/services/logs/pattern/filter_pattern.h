// Filter patterns of CloudWatch Logs: which log events they match, and what they take out of them.
//
// Pure, and free to be used by many threads at once. The language is that of the CloudWatch Logs user guide, "Filter
// pattern syntax for metric filters, subscription filters, filter log events, and Live Tail": terms (term_pattern.h),
// { JSON } (json_pattern.h), [fields] (delimited_pattern.h); an empty one matches all. Everything is case-sensitive.
// Leaves to others how many patterns with regular expressions a log group may have (5).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "services/logs/pattern/delimited_pattern.h"
#include "services/logs/pattern/json_pattern.h"
#include "services/logs/pattern/term_pattern.h"

namespace brume::logs {

class FilterPattern {
 public:
  // At most 1024 characters. Errors: InvalidParameterException, which says what is wrong and where.
  static Result<FilterPattern> parse(std::string_view text);

  [[nodiscard]] bool matches(std::string_view message) const;

  // TestMetricFilter's extractedValues of a message that matches; nothing if it does not. The fields of a
  // space-delimited pattern, "$name" or "$3"; of other patterns there are none (user guide 2021: "this will be empty").
  [[nodiscard]] std::optional<std::map<std::string, std::string>> extract(std::string_view message) const;

  // A text that each matching message contains, for passing over many with memmem; empty if none is known. JSON
  // patterns have none, for JSON may write the same text in several ways. Lives as long as the pattern stays where it
  // is.
  [[nodiscard]] std::string_view needle() const;

  // Has it regular expressions? They have a quota of their own.
  [[nodiscard]] bool has_regexes() const { return regexes_ > 0; }
  // Can values be selected from what it matches, so that a metric filter with it may have dimensions?
  [[nodiscard]] bool selects() const;

  // What a metric filter's value or dimension is taken from: "$.latency" of JSON, "$bytes" or "$3" of fields.
  class Selector {
    friend FilterPattern;
    std::variant<JsonPaths, std::string> what_;
  };
  // None if `text` is no selector for this pattern. Any property of a JSON event will do, but not wildcards.
  [[nodiscard]] std::optional<Selector> selector(std::string_view text) const;
  // In a message that matches. None if there is no such field, or the property is neither string nor number.
  [[nodiscard]] std::optional<std::string> value(const Selector& selector, std::string_view message) const;

 private:
  std::variant<TermPattern, JsonPattern, DelimitedPattern> pattern_;
  int regexes_ = 0;
};

}  // namespace brume::logs
