#include "services/cloudwatch/metric_data.h"

#include <algorithm>
#include <cmath>

#include "services/cloudwatch/metric_tables.h"
#include "services/cloudwatch/units.h"

namespace brume::cloudwatch {
namespace {

// Limits of PutMetricData (API reference).
constexpr std::size_t kMostMetrics = 1000, kMostValues = 150;
constexpr double kLargest = 0x1p360;
constexpr std::chrono::hours kPast{14 * 24}, kFuture{2};
constexpr std::size_t kMostTold = 20;  // lines of an error

class Faults {
 public:
  template <typename... Args>
  void add(std::string_view code, fmt::format_string<Args...> text, Args&&... args) {
    if (told_++ >= kMostTold) return;
    if (code_.empty()) code_ = code;
    text_ += (text_.empty() ? "" : "\n") + fmt::format(text, std::forward<Args>(args)...);
  }
  void add(const Error& error) { add(error.code, "{}", error.message); }
  [[nodiscard]] bool any() const { return told_ > 0; }
  [[nodiscard]] std::unexpected<Error> error() const { return fail(code_, "{}", text_); }

 private:
  std::string code_, text_;
  std::size_t told_ = 0;
};

constexpr std::string_view kValue = "InvalidParameterValue", kCombination = "InvalidParameterCombination",
                           kMissing = "MissingParameter";

class DatumReader {
 public:
  DatumReader(const MetricDatum& datum, std::string place, Timestamp now, Faults& faults)
      : datum_(datum), place_(std::move(place)), now_(now), faults_(faults) {}

  MetricStore::Sample read(const std::string& metric_namespace) {
    MetricStore::Sample sample;
    if (!is_metric_text(*datum_.MetricName))
      faults_.add(kValue, "The value {} for parameter {}.MetricName is invalid.", *datum_.MetricName, place_);
    if (auto dimensions = read_dimensions(datum_.Dimensions, place_ + ".Dimensions"))
      sample.series = key_of(metric_namespace, *datum_.MetricName, *dimensions);
    else
      faults_.add(dimensions.error());
    const Timestamp time = datum_.Timestamp.value_or(now_);
    if (time < now_ - kPast || time > now_ + kFuture)
      faults_.add(kValue, "The parameter {}.Timestamp must specify a time within the past two weeks.", place_);
    sample.point.time = to_seconds(time);
    sample.point.unit = unit_code(datum_.Unit.value_or("None")).value_or(0);
    const std::int32_t resolution = datum_.StorageResolution.value_or(60);
    if (resolution != 1 && resolution != 60)
      faults_.add(kValue, "The parameter {}.StorageResolution must be a value in the set [ 1, 60 ].", place_);
    sample.high_resolution = resolution == 1;
    if (auto samples = read_samples()) sample.point.samples = *std::move(samples);
    return sample;
  }

 private:
  bool is_number(double value, std::string_view name) {
    if (std::isfinite(value) && std::abs(value) <= kLargest) return true;
    const std::string text = std::isnan(value)   ? "NaN"
                             : std::isinf(value) ? (value < 0 ? "-Infinity" : "Infinity")
                                                 : fmt::format("{}", value);
    faults_.add(kValue, "The value {} for parameter {}.{} is invalid.", text, place_, name);
    return false;
  }

  void exclusive(std::string_view a, bool has_a, std::string_view b, bool has_b) {
    if (has_a && has_b)
      faults_.add(kCombination,
                  "The parameters {0}.{1} and {0}.{2} are mutually exclusive and you have specified both.", place_, a,
                  b);
  }

  std::optional<Aggregate> read_samples() {
    const bool value = datum_.Value.has_value(), set = datum_.StatisticValues.has_value(),
               values = !datum_.Values.empty();
    exclusive("Value", value, "StatisticValues", set);
    exclusive("Value", value, "Values", values);
    exclusive("StatisticValues", set, "Values", values);
    if (!datum_.Counts.empty() && !values)
      faults_.add(kCombination, "The parameter {0}.Counts is only for values in {0}.Values.", place_);
    if (value) {
      if (!is_number(*datum_.Value, "Value")) return {};
      return one_value(*datum_.Value);
    }
    if (set) return read_set(*datum_.StatisticValues);
    if (values) return read_values();
    faults_.add(kMissing,
                "At least one of the parameters {0}.Value, {0}.Values or {0}.StatisticValues must be specified.",
                place_);
    return {};
  }

  std::optional<Aggregate> read_set(const StatisticSet& set) {
    Aggregate out{*set.Sum, *set.SampleCount, *set.Minimum, *set.Maximum, {}};
    bool good = is_number(out.sum, "StatisticValues.Sum");
    good = is_number(out.count, "StatisticValues.SampleCount") && good;
    good = is_number(out.minimum, "StatisticValues.Minimum") && good;
    good = is_number(out.maximum, "StatisticValues.Maximum") && good;
    if (!good) return {};
    if (out.count <= 0)
      faults_.add(kValue, "The parameter {}.StatisticValues.SampleCount must be greater than 0.", place_);
    else if (out.maximum < out.minimum)
      faults_.add(kValue, "The parameter {0}.StatisticValues.Maximum must be greater than {0}.StatisticValues.Minimum.",
                  place_);
    else
      return out;
    return {};
  }

  std::optional<Aggregate> read_values() {
    const auto& values = datum_.Values;
    const auto& counts = datum_.Counts;
    if (values.size() > kMostValues) {
      faults_.add(kValue, "The collection {}.Values must not have a size greater than {}.", place_, kMostValues);
      return {};
    }
    if (!counts.empty() && counts.size() != values.size()) {
      faults_.add(kValue, "The parameters {0}.Values and {0}.Counts must be of the same size.", place_);
      return {};
    }
    std::vector<ValueCount> all;
    bool good = true;
    double total = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double count = counts.empty() ? 1 : counts[i];
      good = is_number(values[i], fmt::format("Values.member.{}", i + 1)) && good;
      good = is_number(count, fmt::format("Counts.member.{}", i + 1)) && good;
      if (count < 0) {
        faults_.add(kValue, "The parameter {}.Counts.member.{} must not be less than 0.", place_, i + 1);
        good = false;
      }
      all.push_back({values[i], count});
      total += count;
    }
    if (!good) return {};
    if (total == 0) {
      faults_.add(kValue, "The parameter {}.Counts must have a count greater than 0.", place_);
      return {};
    }
    return of_values(std::move(all));
  }

  const MetricDatum& datum_;
  std::string place_;
  Timestamp now_;
  Faults& faults_;
};

}  // namespace

bool is_metric_text(std::string_view text) {
  return !text.starts_with(':') && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }) &&
         text.find_first_not_of(' ') != std::string_view::npos;
}

Result<std::vector<std::pair<std::string, std::string>>> read_dimensions(const List<Dimension>& dimensions,
                                                                         std::string_view place) {
  std::vector<std::pair<std::string, std::string>> out;
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    const Dimension& dimension = dimensions[i];
    if (!is_metric_text(*dimension.Name))
      return fail(kValue, "The value {} for parameter {}.member.{}.Name is invalid.", *dimension.Name, place, i + 1);
    // A value may begin with a colon.
    if (!is_metric_text("x" + *dimension.Value) || dimension.Value->find_first_not_of(' ') == std::string::npos)
      return fail(kValue, "The value {} for parameter {}.member.{}.Value is invalid.", *dimension.Value, place, i + 1);
    out.emplace_back(*dimension.Name, *dimension.Value);
  }
  std::ranges::sort(out);
  const auto twice = std::ranges::adjacent_find(out, {}, [](const auto& d) -> const std::string& { return d.first; });
  if (twice != out.end()) return fail(kValue, "No Metric may specify the same dimension twice.");
  return out;
}

Result<std::vector<MetricStore::Sample>> read_metric_data(const PutMetricDataInput& input, Timestamp now) {
  const std::string& metric_namespace = *input.Namespace;
  if (metric_namespace.starts_with("AWS/")) return fail(kValue, "The value AWS/ for parameter Namespace is invalid.");
  if (!is_metric_text(metric_namespace))
    return fail(kValue, "The value {} for parameter Namespace is invalid.", metric_namespace);
  if (!input.EntityMetricData.empty())
    return fail(kValue, "The parameter EntityMetricData is not supported by Brume; send the metrics in MetricData.");
  if (input.MetricData.empty()) return fail(kMissing, "The parameter MetricData is required.");
  if (input.MetricData.size() > kMostMetrics)
    return fail(kValue, "The collection MetricData must not have a size greater than {}.", kMostMetrics);
  Faults faults;
  std::vector<MetricStore::Sample> samples;
  samples.reserve(input.MetricData.size());
  for (std::size_t i = 0; i < input.MetricData.size(); ++i)
    samples.push_back(DatumReader(input.MetricData[i], fmt::format("MetricData.member.{}", i + 1), now, faults)
                          .read(metric_namespace));
  if (faults.any()) return faults.error();
  return samples;
}

}  // namespace brume::cloudwatch
