#include "services/logs/pattern/filter_pattern.h"

#include <algorithm>

#include "services/logs/pattern/characters.h"

namespace brume::logs {
namespace {

constexpr std::size_t kLongest = 1024;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<FilterPattern> FilterPattern::parse(std::string_view text) {
  const auto characters = std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
  if (std::size_t(characters) > kLongest)
    return fail("InvalidParameterException", "Invalid filter pattern: it has {} characters, {} are allowed.",
                characters, kLongest);
  const std::string_view content = trimmed(text);
  for (const auto& [open, close] : {std::pair('{', '}'), std::pair('[', ']')})
    if (content.starts_with(open) && (content.size() < 2 || !content.ends_with(close)))
      return fail("InvalidParameterException", "If a filter pattern starts with '{}' it must end with '{}'.", open,
                  close);
  FilterPattern out;
  Cursor cursor(text);
  cursor.skip_spaces();
  if (cursor.take("{")) {
    BRUME_TRY(pattern, JsonPattern::parse(cursor));
    out.pattern_ = std::move(pattern);
  } else if (cursor.take("[")) {
    BRUME_TRY(pattern, DelimitedPattern::parse(cursor));
    out.pattern_ = std::move(pattern);
  } else {
    BRUME_TRY(pattern, TermPattern::parse(cursor));
    out.pattern_ = std::move(pattern);
  }
  cursor.skip_spaces();
  if (!cursor.at_end()) return cursor.wrong_character();
  out.regexes_ = cursor.regexes();
  return out;
}

bool FilterPattern::matches(std::string_view message) const {
  return std::visit([&](const auto& pattern) { return pattern.matches(message); }, pattern_);
}

std::optional<std::map<std::string, std::string>> FilterPattern::extract(std::string_view message) const {
  if (!matches(message)) return std::nullopt;
  const auto* fields = std::get_if<DelimitedPattern>(&pattern_);
  return fields != nullptr ? fields->extract(message) : std::map<std::string, std::string>();
}

std::string_view FilterPattern::needle() const {
  if (const auto* terms = std::get_if<TermPattern>(&pattern_)) return terms->needle();
  if (const auto* fields = std::get_if<DelimitedPattern>(&pattern_)) return fields->needle();
  return "";
}

bool FilterPattern::selects() const {
  return !std::holds_alternative<TermPattern>(pattern_);
}

std::optional<FilterPattern::Selector> FilterPattern::selector(std::string_view text) const {
  Selector out;
  if (const auto* fields = std::get_if<DelimitedPattern>(&pattern_)) {
    if (!fields->has(text)) return std::nullopt;
    out.what_ = std::string(text);
    return out;
  }
  if (!std::holds_alternative<JsonPattern>(pattern_)) return std::nullopt;
  Cursor cursor(text);
  const auto path = JsonPath::parse(cursor);
  if (!path || !cursor.at_end() || path->wildcard) return std::nullopt;
  JsonPaths paths;
  paths.add(*path);
  out.what_ = std::move(paths);
  return out;
}

std::optional<std::string> FilterPattern::value(const Selector& selector, std::string_view message) const {
  if (const auto* paths = std::get_if<JsonPaths>(&selector.what_)) return json_value(message, *paths);
  const auto* fields = std::get_if<DelimitedPattern>(&pattern_);
  return fields != nullptr ? fields->value(std::get<std::string>(selector.what_), message) : std::nullopt;
}

}  // namespace brume::logs
