#include "services/iam/policy_condition.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/time.h"
#include "services/common/wildcard.h"

namespace brume::iam {
namespace {

constexpr Match known(bool value) {
  return value ? Match::yes : Match::no;
}
constexpr Match inverse(Match match) {
  return match == Match::unknown ? match : known(match == Match::no);
}

// Yes if any is, no if all are no.
template <typename Range, typename F>
Match any_of(const Range& range, F test) {
  Match best = Match::no;
  for (const auto& item : range) best = std::max(best, test(item));
  return best;
}
template <typename Range, typename F>
Match all_of(const Range& range, F test) {
  Match worst = Match::yes;
  for (const auto& item : range) worst = std::min(worst, test(item));
  return worst;
}

struct Resolved {
  Match match = Match::yes;  // no: it stands for what the request certainly does not have
  std::string text;          // with wildcards escaped in what was put in
};

// Replaces the policy's variables; what is not a wildcard is escaped for wildcard_match.
Resolved resolve(std::string_view text, bool has_variables, const RequestContext& context) {
  Resolved out;
  const auto literal = [&](std::string_view part) {
    for (const char c : part) {
      if (c == '*' || c == '?' || c == '\\') out.text += '\\';
      out.text += c;
    }
  };
  while (!text.empty()) {
    if (!has_variables || !text.starts_with("${")) {
      if (text.front() == '\\') out.text += '\\';
      out.text += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return {Match::unknown, {}};
    const std::string_view name = text.substr(2, end - 2);
    text.remove_prefix(end + 1);
    if (name == "*" || name == "?" || name == "$") {
      literal(name);
      continue;
    }
    const auto found = context.find(policy_lower(name));
    if (found == context.end() || (found->second && found->second->size() != 1)) return {Match::unknown, {}};
    if (!found->second) return {Match::no, {}};
    literal(found->second->front());
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

std::optional<double> date(std::string_view text) {
  if (const auto epoch = number(text)) return epoch;
  const auto time = parse_iso8601(text);
  return time ? std::optional(to_epoch_seconds(*time)) : std::nullopt;
}

struct Address {
  std::array<std::uint8_t, 16> bytes{};
  int bits = 0;  // 32 or 128
};

std::optional<Address> address(std::string_view text) {
  Address out;
  const std::string copy(text);
  if (::inet_pton(AF_INET, copy.c_str(), out.bytes.data()) == 1)
    out.bits = 32;
  else if (::inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) == 1)
    out.bits = 128;
  else
    return {};
  return out;
}

Match in_range(std::string_view range, std::string_view text) {
  const std::size_t slash = range.find('/');
  const auto base = address(range.substr(0, slash)), given = address(text);
  if (!base || !given) return Match::unknown;
  int length = base->bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = range.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc() || end != digits.data() + digits.size() || length < 0 || length > base->bits)
      return Match::unknown;
  }
  if (base->bits != given->bits) return Match::no;
  for (int bit = 0; bit < length; ++bit) {
    const auto mask = std::uint8_t(0x80 >> (bit % 8));
    if ((base->bytes[std::size_t(bit / 8)] & mask) != (given->bytes[std::size_t(bit / 8)] & mask)) return Match::no;
  }
  return Match::yes;
}

// Each of the six parts by itself, so that a `*` for the region does not run into the account.
bool arn_like(std::string_view pattern, std::string_view arn) {
  for (int part = 0; part < 5; ++part) {
    const std::size_t a = pattern.find(':'), b = arn.find(':');
    if (a == std::string_view::npos || b == std::string_view::npos) return false;
    if (!services::wildcard_match(pattern.substr(0, a), arn.substr(0, b))) return false;
    pattern.remove_prefix(a + 1);
    arn.remove_prefix(b + 1);
  }
  return services::wildcard_match(pattern, arn);
}

Match compare(std::optional<double> a, std::optional<double> b, std::string_view how) {
  if (!a || !b) return Match::unknown;
  if (how == "Equals") return known(*b == *a);
  if (how == "LessThan") return known(*b < *a);
  if (how == "LessThanEquals") return known(*b <= *a);
  if (how == "GreaterThan") return known(*b > *a);
  if (how == "GreaterThanEquals") return known(*b >= *a);
  return Match::unknown;
}

// `name` without its negation. `wanted` is the policy's value, `given` the request's.
Match test_value(std::string_view name, const Resolved& wanted, std::string_view given) {
  if (wanted.match != Match::yes) return wanted.match;
  const std::string plain = unescaped(wanted.text);
  if (name == "StringEquals") return known(plain == given);
  if (name == "StringEqualsIgnoreCase") return known(policy_lower(plain) == policy_lower(given));
  if (name == "StringLike") return known(services::wildcard_match(wanted.text, given));
  if (name == "ArnEquals" || name == "ArnLike") return known(arn_like(wanted.text, given));
  if (name == "Bool") {
    const std::string lower = policy_lower(plain);
    if (lower != "true" && lower != "false") return Match::unknown;
    return known(lower == policy_lower(given));
  }
  if (name == "IpAddress") return in_range(plain, given);
  if (name.starts_with("Numeric")) return compare(number(plain), number(given), name.substr(7));
  if (name.starts_with("Date")) return compare(date(plain), date(given), name.substr(4));
  return Match::unknown;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "StringNotLike" is "StringLike" and negated.
std::pair<std::string, bool> without_not(std::string_view name) {
  const std::size_t at = name.find("Not");
  if (at == std::string_view::npos) return {std::string(name), false};
  return {std::string(name.substr(0, at)) + std::string(name.substr(at + 3)), true};
}

}  // namespace

std::string policy_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = char(c + 32);
  return out;
}

Match pattern_match(std::string_view pattern, std::string_view text, bool has_variables,
                    const RequestContext& context) {
  const Resolved resolved = resolve(pattern, has_variables, context);
  if (resolved.match != Match::yes) return resolved.match;
  return known(services::wildcard_match(resolved.text, text));
}

Match condition_match(const PolicyCondition& condition, bool has_variables, const RequestContext& context) {
  std::string_view test = condition.test;
  const bool every = take_prefix(test, "ForAllValues:");
  const bool some = !every && take_prefix(test, "ForAnyValue:");
  const auto found = context.find(policy_lower(condition.key));
  if (found == context.end()) return Match::unknown;
  const auto& given = found->second;
  if (test == "Null")
    return any_of(condition.values, [&](const std::string& value) {
      const std::string lower = policy_lower(value);
      return lower != "true" && lower != "false" ? Match::unknown : known((lower == "true") == !given.has_value());
    });
  const bool if_exists = test.ends_with("IfExists");
  if (if_exists) test.remove_suffix(8);
  const auto [name, negated] = without_not(test);
  // An operator that there is not must not pass for one that a missing key satisfies.
  static constexpr std::string_view operators[] = {"ArnEquals",
                                                   "ArnLike",
                                                   "Bool",
                                                   "DateEquals",
                                                   "DateGreaterThan",
                                                   "DateGreaterThanEquals",
                                                   "DateLessThan",
                                                   "DateLessThanEquals",
                                                   "IpAddress",
                                                   "NumericEquals",
                                                   "NumericGreaterThan",
                                                   "NumericGreaterThanEquals",
                                                   "NumericLessThan",
                                                   "NumericLessThanEquals",
                                                   "StringEquals",
                                                   "StringEqualsIgnoreCase",
                                                   "StringLike"};
  if (std::ranges::find(operators, std::string_view(name)) == std::end(operators)) return Match::unknown;
  if (!given) return known(if_exists || every || (negated && !some));

  std::vector<Resolved> wanted;
  for (const std::string& value : condition.values) wanted.push_back(resolve(value, has_variables, context));
  const auto fits = [&](const std::string& value) {
    const Match any = any_of(wanted, [&](const Resolved& w) { return test_value(name, w, value); });
    return negated ? inverse(any) : any;
  };
  // Without a quantifier a negation holds only if no value is among those named.
  return every || (negated && !some) ? all_of(*given, fits) : any_of(*given, fits);
}

}  // namespace brume::iam
