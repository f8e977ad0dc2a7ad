// Words and numbers of what the kernel says in /proc and in cgroups. Pure.
#pragma once

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brume::agent {

// Views into `text`, which outlives them.
inline std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; (at = text.find_first_not_of(separators, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end;
  }
  return parts;
}

// With the texts themselves: what they come from may be gone.
inline std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view line : split(text, "\n")) out.emplace_back(line);
  return out;
}

inline std::optional<double> number(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// Of lines "key value" and "key: value", with or without a unit behind.
inline std::map<std::string, double> pairs(std::string_view text) {
  std::map<std::string, double> out;
  for (const std::string& line : lines(text))
    if (const auto words = split(line, " \t:"); words.size() >= 2)
      if (const auto value = number(words[1])) out.emplace(words[0], *value);
  return out;
}

}  // namespace brume::agent
