#include "aws/validate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>

#include <re2/re2.h>

#include "aws/query.h"
#include "aws/text.h"

namespace brume::aws {
namespace {

constexpr std::size_t kMaxTold = 20;  // violations in one message

// Java's \uXXXX (and its surrogate pairs, which stand for all that lies beyond) in RE2's spelling.
std::string to_re2(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.substr(i).starts_with("\\uD800\\uDC00-\\uDBFF\\uDFFF")) {
      out += "\\x{10000}-\\x{10FFFF}";
      i += 24;
    } else if (pattern[i] == '\\' && i + 5 < pattern.size() && pattern[i + 1] == 'u') {
      out.append("\\x{").append(pattern.substr(i + 2, 4)).append("}");
      i += 5;
    } else if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      out.append(pattern.substr(i, 2));
      ++i;
    } else {
      out += pattern[i];
    }
  }
  return out;
}

// Compiled once a shape; null where RE2 has no equivalent.
const RE2* compiled(const Shape& shape) {
  static std::mutex mutex;
  static std::map<const Shape*, std::unique_ptr<RE2>> cache;
  const std::lock_guard lock(mutex);
  const auto [entry, added] = cache.try_emplace(&shape);
  if (added) {
    RE2::Options options(RE2::Quiet);
    auto expression = std::make_unique<RE2>(to_re2(shape.pattern), options);
    if (expression->ok()) entry->second = std::move(expression);
  }
  return entry->second.get();
}

bool matches(const Shape& shape, const std::string& text) {
  const RE2* expression = compiled(shape);
  if (!expression) return true;
  // Java's matches() is about the whole; a pattern with an anchor says itself what it is about.
  const std::string_view pattern = shape.pattern;
  const bool anchored = pattern.starts_with('^') || pattern.ends_with('$');
  return anchored ? RE2::PartialMatch(text, *expression) : RE2::FullMatch(text, *expression);
}

std::string number(double value) {
  return std::abs(value) < 1e15 ? fmt::format("{}", value) : fmt::format("{:.0f}", value);
}

// Operations whose violations AWS words by parameter, by the names of their inputs: what CloudWatch had before there
// were models.
constexpr std::string_view kWordedByParameter[] = {"PutMetricDataInput", "GetMetricStatisticsInput",
                                                   "ListMetricsInput"};

std::size_t characters(std::string_view text) {
  return std::size_t(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

class Checker {
 public:
  enum class Wording : std::uint8_t { ec2, sentence, parameter };
  explicit Checker(Wording wording) : ec2_(wording == Wording::ec2), by_parameter_(wording == Wording::parameter) {}

  void structure(const Shape& shape, const void* value, const std::string& path) {
    for (const Member& member : shape.members) {
      const void* held = member.get(value);
      const std::string place = join(path, member_name(member));
      if (held)
        check(*member.shape(), held, place);
      else if (member.required)
        missing(place);
    }
  }

  struct Violation {
    bool missing;
    std::string place, value, constraint;
    std::string parameter;  // the sentence that is worded by parameter
  };
  std::vector<Violation> violations;

 private:
  [[nodiscard]] std::string member_name(const Member& member) const {
    if (ec2_) return query_name(QueryDialect::ec2, member);
    if (by_parameter_) return member.name;
    std::string name = member.name;
    if (name.size() > 1 && name[1] >= 'A' && name[1] <= 'Z') return name;  // "AMIId" keeps its capitals
    if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') name[0] = char(name[0] - 'A' + 'a');
    return name;
  }

  static std::string join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
  }

  void missing(const std::string& place) {
    violations.push_back(
        {true, place, "", "Member must not be null", fmt::format("The parameter {} is required.", place)});
  }

  void violated(const Shape& shape, const void* value, const std::string& place, std::string constraint,
                std::string parameter) {
    violations.push_back({false, place, shown(shape, value), std::move(constraint), std::move(parameter)});
  }

  static std::string shown(const Shape& shape, const void* value) {
    if (shape.sensitive) return "***Sensitive information***";
    switch (shape.kind) {
      case Kind::structure:
        return "{...}";
      case Kind::map:
        return shape.map->size(value) == 0 ? "{}" : "{...}";
      case Kind::blob:
        return "...";
      case Kind::list: {
        std::string text = "[";
        for (std::size_t i = 0, n = shape.list->size(value); i < n && text.size() < 1024; ++i)
          text += (i ? ", " : "") + shown(*shape.element(), shape.list->at(value, i));
        return text + "]";
      }
      default:
        return to_text(shape, nullptr, value);
    }
  }

  void bounds(const Shape& shape, const void* value, double measure, std::string_view what, const std::string& place) {
    if (shape.min && measure < *shape.min)
      violated(shape, value, place,
               fmt::format("Member must have {} greater than or equal to {}", what, number(*shape.min)),
               what == "value"
                   ? fmt::format("The parameter {} must be greater than or equal to {}.", place, number(*shape.min))
                   : fmt::format("The parameter {} is required.", place));
    if (shape.max && measure > *shape.max)
      violated(
          shape, value, place, fmt::format("Member must have {} less than or equal to {}", what, number(*shape.max)),
          what == "value" ? fmt::format("The parameter {} must be less than or equal to {}.", place, number(*shape.max))
          : shape.kind == Kind::list
              ? fmt::format("The collection {} must not have a size greater than {}.", place, number(*shape.max))
              : fmt::format("The parameter {} must be shorter than {} characters.", place, number(*shape.max + 1)));
  }

  void string(const Shape& shape, const std::string& text, const std::string& place) {
    bounds(shape, &text, double(characters(text)), "length", place);
    const bool listed = std::ranges::any_of(shape.values, [&](const char* v) { return text == v; });
    // Of an instance type that is not known each operation has a sentence of its own, and new ones come out all the
    // time.
    const bool judged_by_service = ec2_ && std::string_view(shape.name) == "InstanceType";
    if (!shape.values.empty() && !listed && !judged_by_service) {
      std::string all;
      for (const char* v : shape.values) all.append(all.empty() ? "" : ", ").append(v);
      violated(shape, &text, place, fmt::format("Member must satisfy enum value set: [{}]", all),
               fmt::format("The parameter {} must be a value in the set [ {} ].", place, all));
    }
    if (shape.pattern && !matches(shape, text))
      violated(shape, &text, place, fmt::format("Member must satisfy regular expression pattern: {}", shape.pattern),
               fmt::format("The value {} for parameter {} is invalid.", shown(shape, &text), place));
  }

  void check(const Shape& shape, const void* value, const std::string& place) {
    if (violations.size() >= kMaxTold) return;
    switch (shape.kind) {
      case Kind::string:
        return string(shape, *static_cast<const std::string*>(value), place);
      case Kind::integer:
        return bounds(shape, value, double(*static_cast<const std::int32_t*>(value)), "value", place);
      case Kind::long_integer:
        return bounds(shape, value, double(*static_cast<const std::int64_t*>(value)), "value", place);
      case Kind::real:
        return bounds(shape, value, *static_cast<const double*>(value), "value", place);
      case Kind::blob:
        return bounds(shape, value, double(static_cast<const Blob*>(value)->bytes.size()), "length", place);
      case Kind::list:
        bounds(shape, value, double(shape.list->size(value)), "length", place);
        for (std::size_t i = 0, n = shape.list->size(value); i < n; ++i)
          check(*shape.element(), shape.list->at(value, i),
                by_parameter_ ? fmt::format("{}.member.{}", place, i + 1)
                              : fmt::format("{}.{}{}", place, i + 1, ec2_ ? "" : ".member"));
        return;
      case Kind::map:
        bounds(shape, value, double(shape.map->size(value)), "length", place);
        shape.map->each(value, [&](const std::string& key, const void* element) {
          if (shape.map_key) string(*shape.map_key(), key, place);
          check(*shape.element(), element, fmt::format("{}.{}.member", place, key));
        });
        return;
      case Kind::structure:
        return structure(shape, value, place);
      default:
        return;
    }
  }

  bool ec2_, by_parameter_;
};

// Places are as the query protocol has them ("MetricData.member.1.Unit"), each violation is a line.
Result<void> validate_by_parameter(const Shape& shape, const void* value) {
  Checker checker(Checker::Wording::parameter);
  checker.structure(shape, value, "");
  if (checker.violations.empty()) return {};
  std::string message;
  for (const Checker::Violation& v : checker.violations) message += (message.empty() ? "" : "\n") + v.parameter;
  return fail(checker.violations.front().missing ? "MissingParameter" : "InvalidParameterValue", "{}", message);
}

}  // namespace

bool checks_pattern(const Shape& shape) {
  return !shape.pattern || compiled(shape);
}

Result<void> validate(Protocol protocol, const Shape& shape, const void* value) {
  if (std::ranges::find(kWordedByParameter, std::string_view(shape.name)) != std::end(kWordedByParameter))
    return validate_by_parameter(shape, value);
  Checker checker(protocol == Protocol::ec2 ? Checker::Wording::ec2 : Checker::Wording::sentence);
  checker.structure(shape, value, "");
  if (checker.violations.empty()) return {};
  if (protocol == Protocol::ec2) {
    const Checker::Violation& first = checker.violations.front();
    if (first.missing) return fail("MissingParameter", "The request must contain the parameter {}", first.place);
    return fail("InvalidParameterValue", "Value ({}) for parameter {} is invalid. {}", first.value, first.place,
                first.constraint);
  }
  const std::size_t count = checker.violations.size();
  std::string message = fmt::format("{} validation error{} detected: ", count, count == 1 ? "" : "s");
  for (std::size_t i = 0; i < count; ++i) {
    const Checker::Violation& v = checker.violations[i];
    message += fmt::format("{}Value {} at '{}' failed to satisfy constraint: {}", i ? "; " : "",
                           v.missing ? "null" : "'" + v.value + "'", v.place, v.constraint);
  }
  return fail(protocol == Protocol::query ? "ValidationError" : "ValidationException", "{}", message);
}

}  // namespace brume::aws
