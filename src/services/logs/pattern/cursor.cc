#include "services/logs/pattern/cursor.h"

#include <algorithm>

#include "services/logs/pattern/characters.h"

namespace brume::logs {

constexpr int kMostRegexes = 2;

void Cursor::skip_spaces() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}

bool Cursor::take(std::string_view token) {
  if (!ahead().starts_with(token)) return false;
  at_ += token.size();
  return true;
}

Result<std::string> Cursor::quoted() {
  std::string out;
  const std::size_t begin = at_++;
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == '"') {
      ++at_;
      return out;
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\')) ++at_;
    out += text_[at_];
  }
  at_ = begin;
  return wrong("a double quote is not closed");
}

Result<Regex> Cursor::regex() {
  const std::size_t close = text_.find('%', at_ + 1);
  if (close == std::string_view::npos) return wrong("a regular expression is not closed by %");
  if (++regexes_ > kMostRegexes) return wrong(fmt::format("it has more than {} regular expressions", kMostRegexes));
  const std::string_view inside = text_.substr(at_ + 1, close - at_ - 1);
  at_ = close + 1;
  return Regex::parse(inside);
}

std::unexpected<Error> Cursor::wrong(std::string_view what) const {
  const auto characters = std::ranges::count_if(text_.substr(0, at_), [](char c) { return (c & 0xC0) != 0x80; });
  return fail("InvalidParameterException", "Invalid filter pattern: {} at character {}.", what, characters + 1);
}

std::unexpected<Error> Cursor::wrong_character() const {
  if (at_end()) return fail("InvalidParameterException", "Invalid filter pattern: it ends too early.");
  std::size_t size = 1;
  while (is_multibyte(text_[at_]) && at_ + size < text_.size() && (text_[at_ + size] & 0xC0) == 0x80) ++size;
  return wrong(fmt::format("Invalid character(s) in term '{}'", text_.substr(at_, size)));
}

}  // namespace brume::logs
