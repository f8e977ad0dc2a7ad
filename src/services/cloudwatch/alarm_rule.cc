#include "services/cloudwatch/alarm_rule.h"

#include <algorithm>
#include <cctype>

namespace brume::cloudwatch {
namespace {

constexpr int kDeepest = 32;
constexpr std::size_t kMostAlarms = 100, kMostElements = 500;

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<AlarmRule> whole() {
    BRUME_TRY(rule, list(AlarmRule::Kind::any_of, "OR"));
    if (peek() != '\0') return wrong("unexpected");
    return std::move(rule);
  }

 private:
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
    if (at_ >= text_.size()) return fail("ValidationError", "AlarmRule is not valid: it ends too early");
    return fail("ValidationError", "AlarmRule is not valid: '{}' at position {} is {}", text_.substr(at_, 1), at_ + 1,
                what);
  }
  char peek() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  // The word that comes next, in capitals; it is not taken.
  std::string word() {
    peek();
    std::string out;
    for (std::size_t i = at_; i < text_.size() && is_letter(text_[i]); ++i)
      out += char(std::toupper(static_cast<unsigned char>(text_[i])));
    return out;
  }
  Result<void> element() {
    if (++elements_ > kMostElements)
      return fail("ValidationError", "AlarmRule is not valid: it has more than {} elements", kMostElements);
    return {};
  }

  // OR over AND over single ones.
  Result<AlarmRule> list(AlarmRule::Kind kind, std::string_view between) {
    AlarmRule out{.kind = kind};
    for (;;) {
      BRUME_TRY(item, kind == AlarmRule::Kind::any_of ? list(AlarmRule::Kind::all_of, "AND") : one());
      out.children.push_back(std::move(item));
      if (word() != between) break;
      at_ += between.size();
    }
    if (out.children.size() > 1) return out;
    AlarmRule only = std::move(out.children.front());
    return only;
  }
  Result<AlarmRule> one() {
    const std::string next = word();
    if (next == "NOT" || peek() == '(') {
      if (++depth_ > kDeepest)
        return fail("ValidationError", "AlarmRule is not valid: it is nested more than {} deep", kDeepest);
      AlarmRule out;
      if (next == "NOT") {
        at_ += next.size();
        BRUME_TRY(inner, one());
        out.kind = AlarmRule::Kind::negation;
        out.children.push_back(std::move(inner));
      } else {
        BRUME_CHECK(element());
        ++at_;
        BRUME_TRY(inner, list(AlarmRule::Kind::any_of, "OR"));
        if (peek() != ')') return wrong("unexpected; ')' is missing");
        ++at_;
        out = std::move(inner);
      }
      --depth_;
      return out;
    }
    BRUME_CHECK(element());
    if (next == "TRUE" || next == "FALSE") {
      at_ += next.size();
      return AlarmRule{.kind = AlarmRule::Kind::constant, .children = {}, .value = next == "TRUE"};
    }
    if (next != "ALARM" && next != "OK" && next != "INSUFFICIENT_DATA") return wrong("unexpected");
    at_ += next.size();
    if (peek() != '(') return wrong("unexpected; '(' is missing");
    ++at_;
    AlarmRule out{.kind = AlarmRule::Kind::state, .children = {}, .state = next};
    BRUME_TRY(name, alarm());
    out.alarm = std::move(name);
    if (peek() != ')') return wrong("unexpected; ')' is missing");
    ++at_;
    return out;
  }
  Result<std::string> alarm() {
    const char quote = peek();
    std::string out;
    if (quote == '"' || quote == '\'') {
      for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        out += text_[at_];
      }
      if (at_ >= text_.size()) return wrong("");
      ++at_;
    } else {
      while (at_ < text_.size() && !is_space(text_[at_]) &&
             std::string_view("()\"'").find(text_[at_]) == std::string::npos)
        out += text_[at_++];
    }
    if (out.empty()) return fail("ValidationError", "AlarmRule is not valid: it names an alarm without a name");
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0, elements_ = 0;
  int depth_ = 0;
};

void collect(const AlarmRule& rule, std::vector<std::string>& out) {
  if (rule.kind == AlarmRule::Kind::state && std::ranges::find(out, rule.alarm) == out.end()) out.push_back(rule.alarm);
  for (const AlarmRule& child : rule.children) collect(child, out);
}

}  // namespace

Result<AlarmRule> parse_alarm_rule(std::string_view text) {
  BRUME_TRY(rule, Parser(text).whole());
  if (alarms_of(rule).size() > kMostAlarms)
    return fail("ValidationError", "AlarmRule is not valid: it has more than {} alarms", kMostAlarms);
  return std::move(rule);
}

std::vector<std::string> alarms_of(const AlarmRule& rule) {
  std::vector<std::string> out;
  collect(rule, out);
  return out;
}

bool holds(const AlarmRule& rule, const std::function<std::string_view(const std::string&)>& state_of) {
  const auto here = [&](const AlarmRule& child) { return holds(child, state_of); };
  switch (rule.kind) {
    case AlarmRule::Kind::all_of:
      return std::ranges::all_of(rule.children, here);
    case AlarmRule::Kind::any_of:
      return std::ranges::any_of(rule.children, here);
    case AlarmRule::Kind::negation:
      return !here(rule.children.front());
    case AlarmRule::Kind::state:
      return state_of(rule.alarm) == rule.state;
    case AlarmRule::Kind::constant:
      return rule.value;
  }
  return false;
}

std::string_view alarm_name_of(std::string_view name_or_arn) {
  constexpr std::string_view kResource = ":alarm:";
  const std::size_t found = name_or_arn.find(kResource);
  if (!name_or_arn.starts_with("arn:") || found == std::string_view::npos) return name_or_arn;
  return name_or_arn.substr(found + kResource.size());
}

}  // namespace brume::cloudwatch
