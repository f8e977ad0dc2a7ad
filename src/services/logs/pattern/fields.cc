#include "services/logs/pattern/fields.h"

#include "services/logs/pattern/characters.h"

namespace brume::logs {

Fields::Fields(std::string_view message) : left_(message) {
  while (!left_.empty() && is_space(left_.back())) left_.remove_suffix(1);
}

void Fields::skip_spaces() {
  std::size_t spaces = 0;
  while (spaces < left_.size() && is_space(left_[spaces])) ++spaces;
  left_.remove_prefix(spaces);
}

// What is between the opening character, which comes next, and its closing one; none if there is no closing one, which
// is then not looked for again: else a message of many opening ones would be read as often.
std::optional<std::string_view> Fields::enclosed() {
  const bool quote = left_[0] == '"';
  bool& worth = quote ? quotes_ : brackets_;
  if (!worth) return std::nullopt;
  std::size_t close = left_.find(quote ? '"' : ']', 1);
  const auto escaped = [&] {
    std::size_t backslashes = 0;
    while (left_[close - 1 - backslashes] == '\\') ++backslashes;
    return backslashes % 2 == 1;
  };
  while (quote && close != std::string_view::npos && escaped()) close = left_.find('"', close + 1);
  if (close == std::string_view::npos) {
    worth = false;
    return std::nullopt;
  }
  const std::string_view inside = left_.substr(1, close - 1);
  left_.remove_prefix(close + 1);
  return inside;
}

std::optional<std::string_view> Fields::next() {
  skip_spaces();
  if (left_.empty()) return std::nullopt;
  if (left_[0] == '"' || left_[0] == '[')
    if (const auto inside = enclosed()) return inside;
  std::size_t size = 1;
  while (size < left_.size() && !is_space(left_[size])) ++size;
  const std::string_view word = left_.substr(0, size);
  left_.remove_prefix(size);
  return word;
}

std::optional<std::string_view> Fields::rest() {
  skip_spaces();
  const std::string_view all = left_;
  const auto field = next();
  if (left_.empty()) return field;
  left_ = {};
  return all;
}

}  // namespace brume::logs
