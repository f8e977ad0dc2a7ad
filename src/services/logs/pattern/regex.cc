#include "services/logs/pattern/regex.h"

#include <re2/re2.h>

#include <charconv>

#include "services/logs/pattern/characters.h"

namespace brume::logs {
namespace {

constexpr std::string_view kSymbols = "_#=@/;,-: ";
constexpr std::string_view kOperators = "^$?[]{}|\\*+.";
constexpr std::int64_t kMemory = 4 << 20;  // of one expression's automata
// RE2's, steps of its program. Where its states do not fit into the memory, each byte of a message may cost as many.
constexpr int kLargestProgram = 2000;

// Checks an expression, writes it as RE2 wants it, and finds the longest text that is in all its matches.
class Translation {
 public:
  explicit Translation(std::string_view text) : text_(text) {}

  Result<void> all() {
    if (text_.empty()) return wrong("is empty");
    while (at_ < text_.size()) BRUME_CHECK(next());
    end_run();
    return {};
  }

  std::string expression;
  std::string needle;
  bool plain = true;  // nothing but characters that stand for themselves

 private:
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
    return fail("InvalidParameterException", "Invalid filter pattern: the regular expression %{}% {}.", text_, what);
  }
  [[nodiscard]] char ahead(std::size_t by) const { return at_ + by < text_.size() ? text_[at_ + by] : '\0'; }

  // A character of every match.
  void literal(char c) { run_ += c; }
  void end_run() {
    if (run_.size() > needle.size()) needle = run_;
    if (alternatives_) needle.clear();
    run_.clear();
  }
  void operation() {
    end_run();
    plain = false;
  }

  Result<void> next() {
    const char c = text_[at_];
    if (c == '\\') return escape(false);
    if (c == '[') return character_class();
    if (c == '{') return repetition();
    if (!is_alphanumeric(c) && !kSymbols.contains(c) && !kOperators.contains(c)) return unsupported(c);
    if (c == '|') alternatives_ = true;
    if ((c == '?' || c == '*') && !run_.empty()) run_.pop_back();
    if (kOperators.contains(c))
      operation();
    else
      literal(c);
    expression += c;
    ++at_;
    return {};
  }

  [[nodiscard]] std::unexpected<Error> unsupported(char c) const {
    if (is_multibyte(c)) return wrong("has a character of several bytes, which is not supported");
    return wrong(fmt::format("has the character '{}', which is not supported: write \\x{:02X}", c, unsigned(c)));
  }

  Result<void> escape(bool in_class) {
    const char c = ahead(1);
    if (c == 'x') {
      unsigned code = 0;
      const std::string_view digits = text_.substr(at_ + 2, 2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
      if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2 || code > 0x7F)
        return wrong("has \\x without two hexadecimal digits of an ASCII character behind it");
      expression += text_.substr(at_, 4);
      if (!in_class) literal(char(code));
      at_ += 4;
      return {};
    }
    if (std::string_view("dDsSwW").contains(c) && c != '\0') {
      if (!in_class) operation();
      (expression += '\\') += c;
    } else if (c != '\0' && (kOperators.contains(c) || kSymbols.contains(c))) {
      if (!in_class) literal(c);
      if (c != '_') expression += '\\';  // RE2 knows no \_
      expression += c;
    } else {
      return wrong("has a backslash before what it cannot be before");
    }
    at_ += 2;
    return {};
  }

  // […], in which operators stand for themselves, and [:alpha:] for letters.
  Result<void> character_class() {
    operation();
    expression += '[';
    ++at_;
    if (ahead(0) == '^') (expression += '^'), ++at_;
    for (bool first = true;; first = false) {
      if (at_ >= text_.size()) return wrong("has a [ without its ]");
      const char c = text_[at_];
      if (c == '\\') {
        BRUME_CHECK(escape(true));
        continue;
      }
      if (!is_alphanumeric(c) && !kSymbols.contains(c) && !kOperators.contains(c)) return unsupported(c);
      if (c == '[' && ahead(1) == ':') {
        const std::size_t close = text_.find(":]", at_);
        if (close == std::string_view::npos) return wrong("has a [: without its :]");
        for (std::size_t i = at_ + 2; i < close; ++i)
          if (!is_alphanumeric(text_[i]) && text_[i] != '^') return wrong("has a [: :] that is no class of characters");
        expression += text_.substr(at_, close + 2 - at_);
        at_ = close + 2;
        continue;
      }
      expression += c;
      ++at_;
      if (c == ']' && !first) return {};
    }
  }

  // {m}, {m,}, {,n} or {m,n}.
  Result<void> repetition() {
    const std::size_t close = text_.find('}', at_);
    if (close == std::string_view::npos) return wrong("has a { without its }");
    const std::string_view inside = text_.substr(at_ + 1, close - at_ - 1);
    const std::size_t comma = inside.find(',');
    std::string_view least = inside.substr(0, comma),
                     most = comma == std::string_view::npos ? least : inside.substr(comma + 1);
    while (most.starts_with(' ')) most.remove_prefix(1);  // the guide writes {m, n}
    for (const std::string_view number : {least, most})
      if (number.find_first_not_of("0123456789") != std::string_view::npos || number.size() > 4)
        return wrong(fmt::format("has {{{}}}, which is no repetition: {{m}}, {{m,}}, {{,n}} or {{m,n}}", inside));
    if (least.empty() && most.empty()) return wrong("has a {} without a number");
    if (!run_.empty()) run_.pop_back();
    operation();
    expression += fmt::format("{{{}", least.empty() ? "0" : least);
    if (comma != std::string_view::npos) (expression += ',') += most;
    expression += '}';
    at_ = close + 1;
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string run_;
  bool alternatives_ = false;
};

}  // namespace

Result<Regex> Regex::parse(std::string_view text) {
  Translation translation(text);
  BRUME_CHECK(translation.all());
  Regex out;
  if (!translation.needle.empty()) out.needle_.emplace(std::move(translation.needle));
  if (translation.plain) return out;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_never_capture(true);
  options.set_max_mem(kMemory);
  auto compiled = std::make_shared<const RE2>(translation.expression, options);
  if (!compiled->ok())
    return fail("InvalidParameterException", "Invalid filter pattern: the regular expression %{}% is not valid: {}.",
                text, compiled->error());
  if (compiled->ProgramSize() > kLargestProgram)
    return fail(
        "InvalidParameterException",
        "Invalid filter pattern: the regular expression %{}% is too large: lower the numbers of its repetitions.",
        text);
  out.compiled_ = std::move(compiled);
  return out;
}

bool Regex::in(std::string_view message) const {
  if (needle_ && !needle_->in(message)) return false;
  return !compiled_ || RE2::PartialMatch(re2::StringPiece(message.data(), message.size()), *compiled_);
}

}  // namespace brume::logs
