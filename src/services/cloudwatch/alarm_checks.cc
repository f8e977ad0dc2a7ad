#include "services/cloudwatch/alarm_checks.h"

#include <algorithm>
#include <set>

#include "services/cloudwatch/alarm_rule.h"
#include "services/cloudwatch/statistic.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kDay = 86'400, kWeek = 604'800;
constexpr std::size_t kMostTags = 50, kMostMetrics = 10;

std::unexpected<Error> invalid(std::string message) {
  return std::unexpected(Error{"ValidationError", std::move(message)});
}

Result<void> check_name(const std::string& name) {
  if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return invalid("AlarmName must not hold control characters");
  return {};
}

std::vector<std::string> parts_of(const std::string& arn) {
  std::vector<std::string> out{""};
  for (const char c : arn)
    if (c == ':')
      out.emplace_back();
    else
      out.back() += c;
  return out;
}

// `instance`: does the alarm watch one metric of one instance?
Result<void> check_action(const std::string& arn, const std::string& region, bool composite, bool instance) {
  const std::vector<std::string> parts = parts_of(arn);
  if (parts.size() < 6 || parts[0] != "arn") return invalid(fmt::format("Invalid action: {} is not an ARN", arn));
  if (parts[3] != region)
    return invalid(fmt::format("Invalid region {} specified. Only {} is supported.", parts[3], region));
  const std::string& service = parts[2];
  if (service == "sns") return {};
  if (service != "automate" && service != "autoscaling")
    return invalid(fmt::format("Brume does not carry out alarm actions of {}: {}", service, arn));
  if (composite) return invalid(fmt::format("Composite alarms cannot have EC2 or Auto Scaling actions: {}", arn));
  if (service == "autoscaling") {
    if (parts.size() < 7 || parts[5] != "scalingPolicy")
      return invalid(fmt::format("Invalid action: {} is not the ARN of a scaling policy", arn));
    return {};
  }
  static const std::set<std::string> kVerbs = {"stop", "terminate", "reboot", "recover"};
  if (parts.size() != 6 || parts[4] != "ec2" || !kVerbs.contains(parts[5]))
    return invalid(fmt::format("Invalid action: {}; EC2's are ec2:stop, terminate, reboot and recover", arn));
  if (!instance)
    return invalid(fmt::format("The action {} needs an alarm on one metric with the dimension InstanceId", arn));
  return {};
}

template <typename Input>
Result<void> check_actions(const Input& input, const std::string& region, bool composite, bool instance) {
  for (const auto& [name, actions] :
       {std::pair("OKActions", &input.OKActions), std::pair("AlarmActions", &input.AlarmActions),
        std::pair("InsufficientDataActions", &input.InsufficientDataActions)}) {
    if (std::set<std::string>(actions->begin(), actions->end()).size() != actions->size())
      return invalid(fmt::format("An action is given twice in {}", name));
    for (const std::string& arn : *actions) BRUME_CHECK(check_action(arn, region, composite, instance));
  }
  return {};
}

// For checking an expression's type: it is the same whatever the metrics are.
class NoMetrics : public MetricReader {
 public:
  [[nodiscard]] std::vector<MetricPoint> read(const MetricId&, const Statistic&, seconds, Timestamp, Timestamp,
                                              const std::optional<std::string>&) const override {
    return {};
  }
  [[nodiscard]] std::vector<MetricId> list(const MetricFilter&, std::size_t,
                                           const std::optional<MetricId>&) const override {
    return {};
  }
};

Result<void> check_maths(const MetricAlarm& alarm) {
  BRUME_TRY(source, source_of(alarm));
  std::size_t metrics = 0;
  std::optional<seconds> period;
  for (const MetricQuery& query : source.queries) {
    if (!query.expression) {
      ++metrics;
      if (period && *period != query.period)
        return invalid("The metrics of an alarm on maths must have the same Period");
      period = query.period;
      continue;
    }
    bool searches = false;
    expression::each_node(*query.expression, [&](const expression::Node& node) {
      searches = searches || (node.kind == expression::Node::Kind::call && node.text == "SEARCH");
    });
    if (searches)
      return invalid(fmt::format("Error in expression '{}': SEARCH is not supported on Metric Alarms.", query.id));
  }
  if (metrics > kMostMetrics || source.queries.size() - metrics > kMostMetrics)
    return invalid(fmt::format("Metrics can have at most {} metrics and {} expressions", kMostMetrics, kMostMetrics));
  const NoMetrics none;
  QueryEvaluation evaluation(source.queries, none, Timestamp{}, Timestamp{});
  BRUME_TRY(result, evaluation.result(source.queries[source.returned]));
  if (std::holds_alternative<expression::Array>(result))
    return invalid(fmt::format("Error in expression '{}': it comes to several time series; an alarm watches one",
                               source.queries[source.returned].id));
  return {};
}

Result<void> check_single_metric(const PutMetricAlarmInput& input) {
  if (!input.MetricName || !input.Namespace) return invalid("An alarm needs MetricName and Namespace, or Metrics");
  if (input.Statistic.has_value() == input.ExtendedStatistic.has_value())
    return invalid("Exactly one of Statistic and ExtendedStatistic must be specified");
  if (!parse_statistic(input.Statistic ? *input.Statistic : *input.ExtendedStatistic))
    return invalid(fmt::format("The value {} for parameter ExtendedStatistic is not supported.",
                               input.Statistic ? *input.Statistic : *input.ExtendedStatistic));
  if (!input.Period) return invalid("The parameter Period must be specified");
  return {};
}

Result<void> refuse_others(const PutMetricAlarmInput& input) {
  if (input.ThresholdMetricId) return invalid("Brume has no anomaly detection: ThresholdMetricId is not supported");
  if (input.EvaluationCriteria) return invalid("Brume has no PromQL alarms: EvaluationCriteria is not supported");
  if (input.EvaluationInterval) return invalid("Brume has no PromQL alarms: EvaluationInterval is not supported");
  if (input.ComparisonOperator && !read_comparison(*input.ComparisonOperator))
    return invalid(fmt::format("Brume has no anomaly detection: ComparisonOperator {} is not supported",
                               *input.ComparisonOperator));
  return {};
}

}  // namespace

Result<void> check_tags(const List<Tag>& tags) {
  std::set<std::string> keys;
  for (const Tag& tag : tags) {
    if (tag.Key->starts_with("aws:")) return invalid("Tag keys that begin with aws: are reserved");
    if (!keys.insert(*tag.Key).second) return invalid(fmt::format("The tag key {} is given twice", *tag.Key));
  }
  if (tags.size() > kMostTags) return fail("LimitExceeded", "A resource can have at most {} tags", kMostTags);
  return {};
}

Result<MetricAlarm> check_metric_alarm(const PutMetricAlarmInput& input, const std::string& region) {
  BRUME_CHECK(check_name(*input.AlarmName));
  BRUME_CHECK(refuse_others(input));
  BRUME_CHECK(check_tags(input.Tags));
  const bool maths = !input.Metrics.empty();
  if (!input.EvaluationPeriods) return invalid("The parameter EvaluationPeriods must be specified");
  if (!input.ComparisonOperator) return invalid("The parameter ComparisonOperator must be specified");
  if (!input.Threshold) return invalid("The parameter Threshold must be specified");
  if (maths && (input.MetricName || input.Namespace || input.Statistic || input.ExtendedStatistic || input.Period ||
                input.Unit || !input.Dimensions.empty()))
    return invalid(
        "Metrics cannot be given together with MetricName, Namespace, Dimensions, Period, Unit, Statistic or "
        "ExtendedStatistic");
  if (!maths) BRUME_CHECK(check_single_metric(input));
  if (input.TreatMissingData && !read_missing_data(*input.TreatMissingData))
    return invalid(fmt::format(
        "The value {} for parameter TreatMissingData is not supported: breaching, notBreaching, ignore, missing",
        *input.TreatMissingData));
  if (input.EvaluateLowSampleCountPercentile) {
    if (*input.EvaluateLowSampleCountPercentile != "evaluate" && *input.EvaluateLowSampleCountPercentile != "ignore")
      return invalid(
          fmt::format("Option {} is not supported. Supported options for parameter EvaluateLowSampleCountPercentile "
                      "are evaluate and "
                      "ignore.",
                      *input.EvaluateLowSampleCountPercentile));
    if (!input.ExtendedStatistic)
      return invalid("EvaluateLowSampleCountPercentile is for alarms on percentiles: ExtendedStatistic is missing");
  }
  if (input.DatapointsToAlarm && *input.DatapointsToAlarm > *input.EvaluationPeriods)
    return invalid(fmt::format("DatapointsToAlarm ({}) must not be more than EvaluationPeriods ({})",
                               *input.DatapointsToAlarm, *input.EvaluationPeriods));

  MetricAlarm alarm;
  alarm.AlarmName = input.AlarmName;
  alarm.AlarmDescription = input.AlarmDescription;
  alarm.ActionsEnabled = input.ActionsEnabled.value_or(true);
  alarm.OKActions = List<std::string>(std::vector<std::string>(input.OKActions));
  alarm.AlarmActions = List<std::string>(std::vector<std::string>(input.AlarmActions));
  alarm.InsufficientDataActions = List<std::string>(std::vector<std::string>(input.InsufficientDataActions));
  alarm.MetricName = input.MetricName;
  alarm.Namespace = input.Namespace;
  alarm.Statistic = input.Statistic;
  alarm.ExtendedStatistic = input.ExtendedStatistic;
  alarm.Dimensions = List<Dimension>(std::vector<Dimension>(input.Dimensions));
  alarm.Period = input.Period;
  alarm.Unit = input.Unit;
  alarm.EvaluationPeriods = input.EvaluationPeriods;
  alarm.DatapointsToAlarm = input.DatapointsToAlarm;
  alarm.Threshold = input.Threshold;
  alarm.ComparisonOperator = input.ComparisonOperator;
  alarm.TreatMissingData = input.TreatMissingData;
  alarm.EvaluateLowSampleCountPercentile = input.EvaluateLowSampleCountPercentile;
  alarm.Metrics = input.Metrics;

  BRUME_TRY(source, source_of(alarm));
  const std::int64_t period = source.period.count();
  if (period < 10 || (period < 60 && period % 10 != 0) || period > kDay * 7)
    return invalid(fmt::format("The value {} for parameter Period must be 10, 20, 30 or a multiple of 60", period));
  // Of an hour and more: a week ("Common features of alarms").
  const bool long_period = period >= 3600;
  if (period * *alarm.EvaluationPeriods > (long_period ? kWeek : kDay))
    return invalid(
        fmt::format("Metrics cannot be checked across more than a {} (EvaluationPeriods * Period must be <= {}).",
                    long_period ? "week" : "day", long_period ? kWeek : kDay));
  if (maths) BRUME_CHECK(check_maths(alarm));
  const bool instance = !maths && std::ranges::any_of(input.Dimensions, [](const Dimension& dimension) {
    return dimension.Name == "InstanceId";
  });
  BRUME_CHECK(check_actions(input, region, false, instance));
  return alarm;
}

Result<CompositeAlarm> check_composite_alarm(const PutCompositeAlarmInput& input, const std::string& region) {
  BRUME_CHECK(check_name(*input.AlarmName));
  BRUME_CHECK(check_tags(input.Tags));
  BRUME_CHECK(parse_alarm_rule(*input.AlarmRule));
  BRUME_CHECK(check_actions(input, region, true, false));
  if (input.ActionsSuppressor) {
    if (!input.ActionsSuppressorWaitPeriod || !input.ActionsSuppressorExtensionPeriod)
      return invalid(
          "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must be specified with ActionsSuppressor");
    if (*input.ActionsSuppressorWaitPeriod < 0 || *input.ActionsSuppressorExtensionPeriod < 0)
      return invalid("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must not be negative");
  } else if (input.ActionsSuppressorWaitPeriod || input.ActionsSuppressorExtensionPeriod) {
    return invalid("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod need an ActionsSuppressor");
  }
  CompositeAlarm alarm;
  alarm.AlarmName = input.AlarmName;
  alarm.AlarmDescription = input.AlarmDescription;
  alarm.AlarmRule = input.AlarmRule;
  alarm.ActionsEnabled = input.ActionsEnabled.value_or(true);
  alarm.OKActions = List<std::string>(std::vector<std::string>(input.OKActions));
  alarm.AlarmActions = List<std::string>(std::vector<std::string>(input.AlarmActions));
  alarm.InsufficientDataActions = List<std::string>(std::vector<std::string>(input.InsufficientDataActions));
  alarm.ActionsSuppressor = input.ActionsSuppressor;
  alarm.ActionsSuppressorWaitPeriod = input.ActionsSuppressorWaitPeriod;
  alarm.ActionsSuppressorExtensionPeriod = input.ActionsSuppressorExtensionPeriod;
  return alarm;
}

Result<AlarmSource> source_of(const MetricAlarm& alarm) {
  AlarmSource out;
  if (alarm.Metrics.empty()) {
    MetricQuery& query = out.queries.emplace_back();
    query.id = "m1";
    BRUME_TRY(metric, read_metric(alarm.Namespace.value_or(""), alarm.MetricName.value_or(""), alarm.Dimensions));
    query.metric = std::move(metric);
    query.statistic_name = alarm.Statistic ? *alarm.Statistic : alarm.ExtendedStatistic.value_or("");
    const auto statistic = parse_statistic(query.statistic_name);
    if (!statistic) return invalid(fmt::format("'{}' is not a statistic", query.statistic_name));
    query.statistic = *statistic;
    query.unit = alarm.Unit;
    query.period = out.period = seconds(alarm.Period.value_or(60));
    return out;
  }
  BRUME_TRY(queries, read_queries(alarm.Metrics, "Metrics"));
  out.queries = std::move(queries);
  std::vector<std::size_t> returned;
  seconds longest{};
  for (std::size_t i = 0; i < out.queries.size(); ++i) {
    if (out.queries[i].return_data) returned.push_back(i);
    longest = std::max(longest, out.queries[i].period);
  }
  if (returned.size() != 1) return invalid("Metrics must hold exactly one query with ReturnData true");
  out.returned = returned.front();
  if (longest.count() == 0) return invalid("Metrics must hold a metric, or an expression with a Period");
  out.period = longest;
  // Expressions without a period of their own have that of the alarm.
  for (MetricQuery& query : out.queries)
    if (query.period.count() == 0) query.period = longest;
  return out;
}

AlarmCriteria criteria_of(const MetricAlarm& alarm) {
  AlarmCriteria out;
  out.comparison = read_comparison(alarm.ComparisonOperator.value_or("")).value_or(Comparison::greater);
  out.threshold = alarm.Threshold.value_or(0);
  out.evaluation_periods = std::size_t(alarm.EvaluationPeriods.value_or(1));
  out.datapoints_to_alarm = std::size_t(alarm.DatapointsToAlarm.value_or(alarm.EvaluationPeriods.value_or(1)));
  out.missing_data = read_missing_data(alarm.TreatMissingData.value_or("missing")).value_or(MissingData::missing);
  return out;
}

}  // namespace brume::cloudwatch
