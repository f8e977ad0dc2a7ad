#include "services/logs/metric_filter.h"

#include <algorithm>
#include <cmath>

#include "services/logs/pattern/characters.h"

namespace brume::logs {
namespace {

constexpr std::size_t kMostDimensions = 3;
constexpr std::size_t kLongestName = 255, kLongestValue = 1024;  // of a dimension (CloudWatch API reference, Dimension)

// CloudWatch has them in ASCII and not all of blanks.
bool is_dimension_text(std::string_view text, std::size_t longest) {
  return text.size() <= longest && std::ranges::any_of(text, [](char c) { return !is_space(c); }) &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

}  // namespace

Result<MetricExtraction> MetricExtraction::make(FilterPattern pattern, MetricDefinition definition) {
  MetricExtraction out(std::move(pattern), std::move(definition));
  BRUME_CHECK(out.read_value());
  BRUME_CHECK(out.read_dimensions());
  if (out.definition_.default_value && !std::isfinite(*out.definition_.default_value))
    return fail("InvalidParameterException",
                "Invalid metric transformation: the default value must be a finite number");
  return out;
}

Result<void> MetricExtraction::read_value() {
  const std::string& value = definition_.value;
  if (const auto number = parse_number(value)) {
    constant_ = number->value;
    return {};
  }
  selector_ = pattern_.selector(value);
  if (!selector_)
    return fail("InvalidParameterException",
                "Invalid metric transformation: metric value {} must be a number or a selector of the filter pattern",
                value);
  return {};
}

Result<void> MetricExtraction::read_dimensions() {
  const auto& given = definition_.dimensions;
  if (given.empty()) return {};
  constexpr std::string_view kCode = "InvalidParameterException";
  if (!pattern_.selects()) return fail(kCode, "The specified filter pattern does not support dimensions");
  if (definition_.default_value)
    return fail(kCode, "Invalid metric transformation: dimensions and default value are mutually exclusive properties");
  if (given.size() > kMostDimensions)
    return fail(kCode, "Invalid metric transformation: there are {} dimensions, {} are allowed", given.size(),
                kMostDimensions);
  for (const auto& [name, text] : given) {
    if (!is_dimension_text(name, kLongestName) || name.starts_with(':'))
      return fail(
          kCode,
          "Invalid metric transformation: dimension name '{}' must be 1 to 255 ASCII characters, not all blank, "
          "and not begin with a colon",
          name);
    auto selector = pattern_.selector(text);
    if (!selector)
      return fail(kCode, "Invalid metric transformation: dimension value must be valid selector (dimension {}: '{}')",
                  name, text);
    dimensions_.emplace_back(name, *std::move(selector));
  }
  return {};
}

void MetricExtraction::Batch::add(Timestamp time, std::string_view message) {
  const MetricExtraction& by = extraction_;
  const bool matched = by.pattern_.matches(message);
  if (!matched && !by.definition_.default_value) return;
  Minute& minute = minutes_[std::chrono::floor<std::chrono::minutes>(time)];
  if (!matched) return;
  minute.matched = true;
  double value = by.constant_;
  if (by.selector_) {
    const auto text = by.pattern_.value(*by.selector_, message);
    const auto number = text ? parse_number(*text) : std::nullopt;
    if (!number) return;
    value = number->value;
  }
  Dimensions dimensions;
  for (const auto& [name, selector] : by.dimensions_)
    if (auto text = by.pattern_.value(selector, message); text && is_dimension_text(*text, kLongestValue))
      dimensions.emplace_back(name, *std::move(text));
  minute.values[std::move(dimensions)][value] += 1;
}

std::vector<services::MetricSample> MetricExtraction::Batch::samples() const {
  const MetricDefinition& definition = extraction_.definition_;
  std::vector<services::MetricSample> out;
  for (const auto& [begin, minute] : minutes_) {
    if (!minute.matched && definition.default_value)
      out.push_back(services::one_value(definition.name, {}, definition.unit, begin, *definition.default_value));
    for (const auto& [dimensions, values] : minute.values) {
      services::MetricSample& sample = out.emplace_back();
      sample.name = definition.name;
      sample.dimensions = dimensions;
      sample.unit = definition.unit;
      sample.time = begin;
      sample.count = 0;
      sample.values.assign(values.begin(), values.end());
      for (const auto& [value, count] : values) {
        sample.sum += value * count;
        sample.count += count;
      }
      sample.minimum = values.begin()->first;
      sample.maximum = values.rbegin()->first;
    }
  }
  return out;
}

}  // namespace brume::logs
