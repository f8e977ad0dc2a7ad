#include "services/cloudwatch/statistic.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "aws/http.h"

namespace brume::cloudwatch {
namespace {

using Kind = Statistic::Kind;

constexpr std::pair<std::string_view, Kind> kSimple[] = {{"Average", Kind::average},
                                                         {"Sum", Kind::sum},
                                                         {"Minimum", Kind::minimum},
                                                         {"Maximum", Kind::maximum},
                                                         {"SampleCount", Kind::sample_count}};
constexpr std::pair<std::string_view, Kind> kTrimmed[] = {{"tm", Kind::trimmed_mean},
                                                          {"wm", Kind::winsorized_mean},
                                                          {"pr", Kind::percentile_rank},
                                                          {"tc", Kind::trimmed_count},
                                                          {"ts", Kind::trimmed_sum}};

// Digits with at most ten decimals, and nothing else.
std::optional<double> parse_number(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos || dot == 0) return {};
  if (dot != std::string_view::npos && (text.size() - dot < 2 || text.size() - dot > 11)) return {};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<double> parse_percent(std::string_view text) {
  const auto value = parse_number(text);
  return value && *value <= 100 ? value : std::nullopt;
}

// "10%:90%", ":1000", "150:": two bounds of one kind, either of which may be absent.
std::optional<Statistic> parse_bounds(Kind kind, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  Statistic out{.kind = kind, .low = {}, .high = {}, .by_value = true};
  const std::string_view parts[] = {text.substr(0, colon), text.substr(colon + 1)};
  const bool percent = text.find('%') != std::string_view::npos;
  if (percent && kind == Kind::percentile_rank) return {};
  for (int i = 0; i < 2; ++i) {
    std::string_view part = parts[i];
    if (part.empty()) continue;
    if (percent != part.ends_with('%')) return {};
    if (percent) part.remove_suffix(1);
    const auto value = percent ? parse_percent(part) : parse_number(part);
    if (!value) return {};
    (i == 0 ? out.low : out.high) = value;
  }
  out.by_value = !percent;
  if (!out.low && !out.high) return {};
  if (out.low && out.high && *out.low >= *out.high) return {};
  return out;
}

// The part of the sorted samples between two percentages, as values and how much of each.
std::vector<ValueCount> between(std::vector<ValueCount> values, double total, double low, double high) {
  const double from = total * low / 100, to = total * high / 100;
  double before = 0;
  for (ValueCount& v : values) {
    const double begin = std::max(before, from), end = std::min(before + v.count, to);
    before += v.count;
    v.count = std::max(0.0, end - begin);
  }
  return values;
}

double percentile(const std::vector<ValueCount>& values, double total, double percent) {
  const double wanted = total * percent / 100;
  double seen = 0;
  for (const ValueCount& v : values) {
    seen += v.count;
    // Decimal percentages are not exact in binary: p99.9 of 1,000 is the 999th.
    if (seen >= wanted * (1 - 1e-12)) return v.value;
  }
  return values.back().value;
}

}  // namespace

std::optional<Statistic> parse_statistic(std::string_view name) {
  for (const auto& [text, kind] : kSimple)
    if (name == text) return Statistic{.kind = kind, .low = {}, .high = {}};
  const std::string lower = aws::to_lower(name);
  if (lower == "iqm") return Statistic{.kind = Kind::trimmed_mean, .low = 25, .high = 75};
  const std::string_view text = lower;
  for (const auto& [prefix, kind] : kTrimmed) {
    if (!text.starts_with(prefix)) continue;
    const std::string_view rest = text.substr(prefix.size());
    if (rest.starts_with('(') && rest.ends_with(')')) return parse_bounds(kind, rest.substr(1, rest.size() - 2));
    const auto percent = kind == Kind::percentile_rank ? std::nullopt : parse_percent(rest);
    if (!percent) return {};
    return Statistic{.kind = kind, .low = {}, .high = percent};
  }
  if (!text.starts_with('p')) return {};
  const auto percent = parse_percent(text.substr(1));
  if (!percent) return {};
  return Statistic{.kind = Kind::percentile, .low = {}, .high = percent};
}

std::string statistic_name(const Statistic& statistic) {
  for (const auto& [text, kind] : kSimple)
    if (kind == statistic.kind) return std::string(text);
  if (statistic.kind == Kind::percentile) return fmt::format("p{}", statistic.high.value_or(100));
  const std::string_view prefix =
      std::ranges::find(kTrimmed, statistic.kind, [](const auto& k) { return k.second; })->first;
  if (!statistic.by_value && !statistic.low) return fmt::format("{}{}", prefix, statistic.high.value_or(100));
  if (statistic == Statistic{.kind = Kind::trimmed_mean, .low = 25, .high = 75}) return "IQM";
  const auto bound = [&](const std::optional<double>& value) {
    return value ? fmt::format("{}{}", *value, statistic.by_value ? "" : "%") : "";
  };
  std::string upper(prefix);
  for (char& c : upper) c = char(c - 'a' + 'A');
  return fmt::format("{}({}:{})", upper, bound(statistic.low), bound(statistic.high));
}

bool is_simple(const Statistic& statistic) {
  return statistic.kind <= Kind::sample_count;
}

std::optional<double> evaluate(const Statistic& statistic, const Aggregate& samples) {
  switch (statistic.kind) {
    case Kind::average:
      return samples.sum / samples.count;
    case Kind::sum:
      return samples.sum;
    case Kind::minimum:
      return samples.minimum;
    case Kind::maximum:
      return samples.maximum;
    case Kind::sample_count:
      return samples.count;
    default:
      break;
  }
  if (!samples.values_known() || samples.minimum < 0) return {};
  std::vector<ValueCount> values = samples.distribution();
  const double total = samples.count;
  if (statistic.kind == Kind::percentile) {
    // The ends of a distribution that had to be made coarser are still known.
    if (*statistic.high == 0) return samples.minimum;
    return std::clamp(percentile(values, total, *statistic.high), samples.minimum, samples.maximum);
  }
  if (statistic.kind == Kind::winsorized_mean) {
    const double low = !statistic.low       ? samples.minimum
                       : statistic.by_value ? *statistic.low
                                            : percentile(values, total, *statistic.low);
    const double high = !statistic.high      ? samples.maximum
                        : statistic.by_value ? *statistic.high
                                             : percentile(values, total, *statistic.high);
    double sum = 0;
    for (const ValueCount& v : values) sum += std::min(std::max(v.value, low), high) * v.count;
    return sum / total;
  }
  if (statistic.by_value)
    std::erase_if(values, [&](const ValueCount& v) {
      return (statistic.low && v.value <= *statistic.low) || (statistic.high && v.value > *statistic.high);
    });
  else
    values = between(std::move(values), total, statistic.low.value_or(0), statistic.high.value_or(100));
  double sum = 0, count = 0;
  for (const ValueCount& v : values) {
    sum += v.value * v.count;
    count += v.count;
  }
  switch (statistic.kind) {
    case Kind::trimmed_count:
      return count;
    case Kind::trimmed_sum:
      return sum;
    case Kind::percentile_rank:
      return 100 * count / total;
    default:
      if (count == 0) return {};
      return sum / count;
  }
}

}  // namespace brume::cloudwatch
