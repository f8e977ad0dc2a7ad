#include "services/cloudwatch/metric_operations.h"

#include <algorithm>

#include "base/base64.h"
#include "base/log.h"
#include "services/cloudwatch/metric_data.h"
#include "services/cloudwatch/metric_tables.h"
#include "services/cloudwatch/statistic.h"
#include "services/cloudwatch/units.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::hours;

constexpr std::size_t kMostDatapoints = 1440, kPage = 500;
constexpr hours kListed{14 * 24}, kRecent{3};

// "43,200"
std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, ",");
  return out;
}

bool is_period(std::int32_t period) {
  constexpr std::int32_t kShort[] = {1, 5, 10, 20, 30};
  return period % 60 == 0 || std::ranges::find(kShort, period) != std::end(kShort);
}

// GetMetricStatistics, "StartTime": down to what is kept of that time, or to the period where it is shorter than a
// minute.
std::uint32_t round_start(std::uint32_t start, std::uint32_t period, std::uint32_t now) {
  std::uint32_t step = period < 60 ? period : 60;
  const std::uint32_t age = now > start ? now - start : 0;
  if (age > 15 * kDay) step = 300;
  if (age > 63 * kDay) step = 3600;
  return start / step * step;
}

Result<void> check(const GetMetricStatisticsInput& request) {
  if (request.Statistics.empty() && request.ExtendedStatistics.empty())
    return fail("InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics");
  if (!request.Statistics.empty() && !request.ExtendedStatistics.empty())
    return fail("InvalidParameterCombination",
                "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.");
  if (*request.StartTime == *request.EndTime)
    return fail("InvalidParameterValue", "The parameter StartTime must not equal parameter EndTime.");
  if (*request.StartTime > *request.EndTime)
    return fail("InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime.");
  const std::int32_t period = *request.Period;
  if (!is_period(period))
    return fail("InvalidParameterValue", "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
  const auto asked =
      std::uint64_t(std::chrono::ceil<std::chrono::seconds>(*request.EndTime - *request.StartTime).count());
  const std::uint64_t datapoints = (asked + std::uint64_t(period) - 1) / std::uint64_t(period);
  if (datapoints > kMostDatapoints)
    return fail("InvalidParameterCombination",
                "You have requested up to {} datapoints, which exceeds the limit of {}. You may reduce the datapoints "
                "requested by increasing Period, or decreasing the time range.",
                grouped(datapoints), grouped(kMostDatapoints));
  return {};
}

std::string token_of(const MetricId& last) {
  const SeriesKey key = key_of(last.metric_namespace, last.name, last.dimensions);
  return base64_encode("m:" + key.metric + key.dimensions);
}

// Namespace and name, each with a NUL behind it, then the dimensions.
Result<std::optional<MetricId>> read_token(const std::optional<std::string>& token) {
  if (!token || token->empty()) return std::nullopt;
  const auto text = base64_decode(*token);
  const auto invalid = [] { return fail("InvalidParameterValue", "Request parameter NextToken is invalid"); };
  if (!text || !text->starts_with("m:") || !text->ends_with('\0')) return invalid();
  const std::size_t name = text->find('\0'), end = name == std::string::npos ? name : text->find('\0', name + 1);
  if (end == std::string::npos) return invalid();
  return id_of(std::string_view(*text).substr(2, end - 1), std::string_view(*text).substr(end + 1));
}

}  // namespace

Result<void> MetricOperations::PutMetricData(const Call&, const PutMetricDataInput& request) {
  BRUME_TRY(samples, read_metric_data(request, context_.env.clock.wall()));
  BRUME_CHECK(store_.put(samples));
  if (request.Namespace == kAgentNamespace)
    for (const MetricStore::Sample& sample : samples) agents_.note(sample.series, context_.env.clock.now());
  return {};
}

Result<GetMetricStatisticsOutput> MetricOperations::GetMetricStatistics(const Call&,
                                                                        const GetMetricStatisticsInput& request) {
  BRUME_CHECK(check(request));
  std::vector<std::pair<std::string, Statistic>> statistics;
  for (const std::string& name : request.ExtendedStatistics) {
    const auto statistic = parse_statistic(name);
    if (!statistic || is_simple(*statistic))
      return fail("InvalidParameterValue", "The value {} for parameter ExtendedStatistics is not supported.", name);
    statistics.emplace_back(name, *statistic);
  }
  BRUME_TRY(dimensions, read_dimensions(request.Dimensions, "Dimensions"));
  const auto unit = request.Unit ? unit_code(*request.Unit) : std::nullopt;
  const std::uint32_t start = to_seconds(*request.StartTime), now = to_seconds(context_.env.clock.wall());
  const auto period = std::uint32_t(*request.Period);
  BRUME_TRY(bins,
            store_.bins(key_of(*request.Namespace, *request.MetricName, dimensions), round_start(start, period, now),
                        period, to_seconds(std::chrono::ceil<std::chrono::seconds>(*request.EndTime)), unit));
  GetMetricStatisticsOutput output;
  output.Label = request.MetricName;
  output.Datapoints.set_present();
  const auto wanted = [&](std::string_view name) {
    return std::ranges::find(request.Statistics, name) != request.Statistics.end();
  };
  for (const MetricStore::Bin& bin : bins) {
    Datapoint out;
    out.Timestamp = to_timestamp(bin.begin);
    out.Unit = std::string(unit_name(bin.unit));
    if (wanted("SampleCount")) out.SampleCount = bin.samples.count;
    if (wanted("Average")) out.Average = bin.samples.sum / bin.samples.count;
    if (wanted("Sum")) out.Sum = bin.samples.sum;
    if (wanted("Minimum")) out.Minimum = bin.samples.minimum;
    if (wanted("Maximum")) out.Maximum = bin.samples.maximum;
    for (const auto& [name, statistic] : statistics)
      if (const auto value = evaluate(statistic, bin.samples)) out.ExtendedStatistics[name] = *value;
    if (statistics.empty() || !out.ExtendedStatistics.empty()) output.Datapoints.push_back(std::move(out));
  }
  return output;
}

Result<ListMetricsOutput> MetricOperations::ListMetrics(const Call&, const ListMetricsInput& request) {
  const bool linked = request.IncludeLinkedAccounts.value_or(false);
  if (request.OwningAccount && !linked)
    return fail("InvalidParameterValue", "The parameter OwningAccount is only for IncludeLinkedAccounts.");
  if (request.OwningAccount && *request.OwningAccount != aws::kAccount)
    return fail("InvalidParameterValue", "The account {} in OwningAccount is not linked: there is no other than {}.",
                *request.OwningAccount, aws::kAccount);
  BRUME_TRY(after, read_token(request.NextToken));
  MetricFilter filter{
      .metric_namespace = request.Namespace, .name = request.MetricName, .dimensions = {}, .active_since = {}};
  for (const DimensionFilter& dimension : request.Dimensions)
    filter.dimensions.emplace_back(*dimension.Name, dimension.Value);
  filter.active_since = context_.env.clock.wall() - (request.RecentlyActive ? kRecent : kListed);
  auto found = store_.list(filter, kPage + 1, after);
  ListMetricsOutput output;
  output.Metrics.set_present();
  if (found.size() > kPage) {
    found.pop_back();
    output.NextToken = token_of(found.back());
  }
  for (MetricId& id : found) {
    Metric& metric = output.Metrics.emplace_back();
    metric.Namespace = std::move(id.metric_namespace);
    metric.MetricName = std::move(id.name);
    metric.Dimensions.set_present();
    for (auto& [name, value] : id.dimensions) metric.Dimensions.push_back({std::move(name), std::move(value)});
    if (linked) output.OwningAccounts.push_back(aws::kAccount);
  }
  return output;
}

void MetricOperations::put(std::string_view metric_namespace, const std::vector<services::MetricSample>& samples) {
  std::vector<MetricStore::Sample> kept;
  kept.reserve(samples.size());
  for (const services::MetricSample& sample : samples) {
    if (sample.count <= 0) continue;
    MetricStore::Sample& out = kept.emplace_back();
    if (std::ranges::is_sorted(sample.dimensions)) {
      out.series = key_of(metric_namespace, sample.name, sample.dimensions);
    } else {
      auto dimensions = sample.dimensions;
      std::ranges::sort(dimensions);
      out.series = key_of(metric_namespace, sample.name, dimensions);
    }
    out.high_resolution = high_resolution();
    out.point.time = to_seconds(sample.time);
    out.point.unit = unit_code(sample.unit).value_or(0);
    if (sample.values.empty()) {
      out.point.samples = {sample.sum, sample.count, sample.minimum, sample.maximum, {}};
    } else {
      std::vector<ValueCount> values;
      for (const auto& [value, count] : sample.values) values.push_back({value, count});
      out.point.samples = of_values(std::move(values));
    }
  }
  tell_loss(metric_namespace, context_.store.transact([&] { return store_.put(kept); }));
}

void MetricOperations::put(const services::MetricBatch& batch) {
  if (batch.samples().empty()) return;
  const services::MetricBatch::Sample& first = batch.samples().front();
  tell_loss(first.subject->metrics[first.metric].metric_namespace, context_.store.transact([&] {
    return store_.put(agents_.empty() ? batch : without_agents(batch), high_resolution());
  }));
}

services::MetricBatch MetricOperations::without_agents(const services::MetricBatch& batch) const {
  const env::MonotonicTime now = context_.env.clock.now();
  services::MetricBatch kept(batch.time(), batch.samples().size());
  auto value = batch.values().begin();
  for (const services::MetricBatch::Sample& sample : batch.samples()) {
    const std::span values(value, sample.values);
    value += sample.values;
    if (sample.subject->metrics[sample.metric].metric_namespace != kAgentNamespace ||
        !agents_.is_published(series_of(*sample.subject, sample.metric), now))
      kept.add(*sample.subject, sample.metric, sample.sum, sample.count, sample.minimum, sample.maximum, values);
  }
  return kept;
}

void MetricOperations::tell_loss(std::string_view metric_namespace, const Result<void>& put) {
  if (!put && !std::exchange(loss_told_, true))
    log_error("Metrics in {} are lost until this is mended: {}", metric_namespace, put.error().message);
  if (put) loss_told_ = false;
}

}  // namespace brume::cloudwatch
