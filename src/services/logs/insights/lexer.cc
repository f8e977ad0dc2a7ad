#include "services/logs/insights/lexer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace brume::logs::insights {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool begins_name(char c) {
  return is_letter(c) || c == '@' || c == '`';
}

// The keyword, behind which a bracket begins a list.
bool is_in(std::string_view word) {
  return word.size() == 2 && (word[0] | 0x20) == 'i' && (word[1] | 0x20) == 'n';
}

constexpr std::string_view kSymbols[] = {"!=", "<=", ">=", "=~", "|", "(", ")", "[", "]", ",",
                                         "+",  "-",  "*",  "/",  "^", "%", "=", "<", ">"};

}  // namespace

std::unexpected<Error> malformed(std::string_view query, std::size_t begin, std::size_t end,
                                 std::string_view sentence) {
  const std::string_view before = query.substr(0, begin);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
  return fail("MalformedQueryException", "{} (line {}, position {}; characters {} to {})", sentence, line, column,
              begin, std::max(begin, end));
}

void Lexer::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '#')
      at_ = std::min(text_.find('\n', at_), text_.size());
    else if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
      ++at_;
    else
      return;
  }
}

Result<Token> Lexer::next() {
  skip_space();
  if (at_ >= text_.size()) return Token{Token::Kind::end, text_.size(), text_.size(), {}, 0, false};
  const char c = text_[at_];
  if (begins_name(c)) return name();
  if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return number();
  if (c == '"' || c == '\'') return quoted();
  for (const std::string_view symbol : kSymbols) {
    if (!text_.substr(at_).starts_with(symbol)) continue;
    const std::size_t begin = at_;
    at_ += symbol.size();
    return Token{Token::Kind::symbol, begin, at_, std::string(symbol), 0, false};
  }
  return malformed(text_, at_, at_ + 1,
                   fmt::format("'{}' is unexpected; put texts in quotes and names with other characters than letters, "
                               "digits, '_', '@' and '.' in backticks",
                               text_.substr(at_, 1)));
}

Result<Token> Lexer::name() {
  Token token{Token::Kind::name, at_, at_, {}, 0, false};
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (is_letter(c) || is_digit(c) || c == '@' || c == '.') {
      token.value += c;
      ++at_;
    } else if (c == '`' && (token.value.empty() || token.value.ends_with('.'))) {
      const std::size_t close = text_.find('`', at_ + 1);
      if (close == std::string_view::npos || close == at_ + 1)
        return malformed(text_, at_, text_.size(), "A name in backticks has to have characters and to end");
      token.value += text_.substr(at_ + 1, close - at_ - 1);
      token.quoted = true;
      at_ = close + 1;
      if (at_ < text_.size() && text_[at_] != '.' && text_[at_] != '[') break;
    } else if (c == '[' && !is_in(token.value)) {
      std::size_t end = at_ + 1;
      while (end < text_.size() && is_digit(text_[end])) ++end;
      if (end == at_ + 1 || end == text_.size() || text_[end] != ']') break;
      token.value.append(".").append(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
    } else {
      break;
    }
  }
  token.end = at_;
  if (!token.quoted && (token.value.ends_with('.') || token.value.find("..") != std::string::npos))
    return malformed(text_, token.begin, token.end, "A part of this name is empty");
  return token;
}

Result<Token> Lexer::number() {
  Token token{Token::Kind::number, at_, at_, {}, 0, false};
  const auto [end, error] =
      std::from_chars(text_.data() + at_, text_.data() + text_.size(), token.number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(token.number))
    return malformed(text_, at_, at_ + 1, "The number is too large");
  at_ = std::size_t(end - text_.data());
  while (at_ < text_.size() && is_letter(text_[at_])) token.value += text_[at_++];
  if (!token.value.empty()) token.kind = Token::Kind::period;
  token.end = at_;
  return token;
}

Result<Token> Lexer::quoted() {
  Token token{Token::Kind::text, at_, at_, {}, 0, false};
  const char quote = text_[at_++];
  for (;; ++at_) {
    if (at_ >= text_.size()) return malformed(text_, token.begin, text_.size(), "The text in quotes does not end");
    char c = text_[at_];
    if (c == quote) break;
    if (c == '\\' && at_ + 1 < text_.size()) {
      const char escaped = text_[at_ + 1];
      if (escaped == quote || escaped == '\\') {
        c = escaped;
        ++at_;
      } else if (escaped == 'n' || escaped == 't' || escaped == 'r') {
        c = escaped == 'n' ? '\n' : escaped == 't' ? '\t' : '\r';
        ++at_;
      }
    }
    token.value += c;
  }
  token.end = ++at_;
  return token;
}

Result<Token> Lexer::regex(std::size_t begin) {
  Token token{Token::Kind::text, begin, begin, {}, 0, false};
  for (at_ = begin + 1;; ++at_) {
    if (at_ >= text_.size())
      return malformed(text_, begin, text_.size(), "The regular expression does not end with a slash");
    if (text_[at_] == '/') break;
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
      // A slash needs no escape of its own in the pattern.
      if (text_[at_ + 1] != '/') token.value += '\\';
      ++at_;
    }
    token.value += text_[at_];
  }
  token.end = ++at_;
  if (token.value.empty()) return malformed(text_, token.begin, token.end, "The regular expression is empty");
  return token;
}

}  // namespace brume::logs::insights
