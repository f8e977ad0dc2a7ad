#include "services/logs/insights/patterns.h"

#include <utility>

namespace brume::logs::insights {
namespace {

constexpr std::string_view kOperators = "^$.|?*+()[]{}";

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// With names of groups as RE2 wants them. A slash may be written `\/`, which RE2 reads as well.
std::string with_group_names(std::string_view pattern) {
  std::string out;
  bool set = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      out += c;
      out += pattern[++i];
      continue;
    }
    if (c == '[') set = true;
    if (c == ']') set = false;
    const std::string_view rest = pattern.substr(i);
    if (!set && rest.starts_with("(?<") && rest.size() > 3 && rest[3] != '=' && rest[3] != '!') {
      out += "(?P<";
      i += 2;
      continue;
    }
    out += c;
  }
  return out;
}

// Does what follows a character allow that it is not there?
bool may_be_absent(std::string_view rest) {
  return !rest.empty() && (rest[0] == '?' || rest[0] == '*' || rest[0] == '{');
}

// Behind the group or set that begins at `at`.
std::size_t skip_nested(std::string_view pattern, std::size_t at) {
  int depth = 0;
  bool set = false;
  for (; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\') {
      ++at;
    } else if (set) {
      set = c != ']';
    } else if (c == '[') {
      set = true;
      // A bracket that is the first of a set is one of its characters.
      if (at + 1 < pattern.size() && pattern[at + 1] == '^') ++at;
      if (at + 1 < pattern.size() && pattern[at + 1] == ']') ++at;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    }
    if (!set && depth <= 0) return at + 1;
  }
  return pattern.size();
}

}  // namespace

Result<std::shared_ptr<const RE2>> to_regex(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<RE2>(with_group_names(pattern), options);
  if (!regex->ok()) {
    for (const std::string_view around : {"(?=", "(?!", "(?<=", "(?<!"})
      if (pattern.find(around) != std::string_view::npos)
        return fail("ValidationException", "The regular expression looks around itself ('{}'), which Brume's cannot",
                    around);
    return fail("ValidationException", "The regular expression is not valid: {}", regex->error());
  }
  return std::shared_ptr<const RE2>(std::move(regex));
}

std::optional<std::string> literal_of(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (kOperators.find(c) != std::string_view::npos) return std::nullopt;
    if (c == '\\') {
      // Only what cannot be a class or a control character.
      if (i + 1 == pattern.size() || is_word(pattern[i + 1]) || static_cast<unsigned char>(pattern[i + 1]) >= 0x80)
        return std::nullopt;
      c = pattern[++i];
    }
    out += c;
  }
  return out;
}

std::string literal_within(std::string_view pattern) {
  if (pattern.find("(?") != std::string_view::npos) {
    // A group may be named or not capture; any other may turn on flags, which change what characters mean.
    for (std::size_t at = pattern.find("(?"); at != std::string_view::npos; at = pattern.find("(?", at + 1)) {
      const std::string_view rest = pattern.substr(at + 2);
      if (!rest.starts_with(":") && !rest.starts_with("<") && !rest.starts_with("P<")) return {};
    }
  }
  if (pattern.find("\\Q") != std::string_view::npos) return {};
  std::string best, run;
  const auto end_run = [&] {
    if (run.size() > best.size()) best = run;
    run.clear();
  };
  for (std::size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '|') return {};
    std::size_t behind = i + 1;
    std::optional<char> plain;
    if (c == '(' || c == '[') {
      behind = skip_nested(pattern, i);
    } else if (c == '{') {
      const std::size_t close = pattern.find('}', i);
      behind = close == std::string_view::npos ? pattern.size() : close + 1;
    } else if (c == '\\' && i + 1 < pattern.size()) {
      behind = i + 2;
      const char escaped = pattern[i + 1];
      // \pN and \x41 are longer than two characters; what follows them is then not plain.
      if (is_word(escaped)) {
        end_run();
        if (escaped != 'd' && escaped != 'D' && escaped != 's' && escaped != 'S' && escaped != 'w' && escaped != 'W' &&
            escaped != 'b' && escaped != 'B')
          return best;
      } else if (static_cast<unsigned char>(escaped) < 0x80) {
        plain = escaped;
      }
    } else if (kOperators.find(c) == std::string_view::npos && c != '\\') {
      plain = c;
    }
    if (!plain) {
      end_run();
    } else if (may_be_absent(pattern.substr(behind))) {
      // A quantifier is of a whole character, of which a byte above 127 is a part only.
      while (!run.empty() && (static_cast<unsigned char>(*plain) & 0xC0) == 0x80) {
        plain = run.back();
        run.pop_back();
      }
      end_run();
    } else {
      run += *plain;
      if (behind < pattern.size() && pattern[behind] == '+') end_run();
    }
    i = behind;
  }
  end_run();
  return best;
}

Glob::Glob(std::string_view pattern) : pieces_(1) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size() && pattern[i + 1] == '*') {
      pieces_.back() += pattern[++i];
    } else if (pattern[i] == '*') {
      pieces_.emplace_back();
    } else {
      pieces_.back() += pattern[i];
    }
  }
}

bool Glob::match(std::string_view text, std::span<Value> values) const {
  const auto no = [&] {
    for (Value& value : values) value = {};
    return false;
  };
  std::size_t at = text.find(pieces_[0]);
  if (at == std::string_view::npos) return no();
  at += pieces_[0].size();
  for (std::size_t i = 1; i < pieces_.size(); ++i) {
    const bool rest = i + 1 == pieces_.size() && pieces_[i].empty();
    const std::size_t next = rest ? text.size() : text.find(pieces_[i], at);
    if (next == std::string_view::npos) return no();
    values[i - 1] = Value::of(text.substr(at, next - at));
    at = next + pieces_[i].size();
  }
  return true;
}

}  // namespace brume::logs::insights
