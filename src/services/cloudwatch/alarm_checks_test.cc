#include "services/cloudwatch/alarm_checks.h"

#include <gtest/gtest.h>

#include <functional>

#include "services/cloudwatch/error_of_test.h"

namespace brume::cloudwatch {
namespace {

PutMetricAlarmInput good() {
  PutMetricAlarmInput input;
  input.AlarmName = "cpu";
  input.Namespace = "AWS/EC2";
  input.MetricName = "CPUUtilization";
  input.Dimensions = {{"InstanceId", "i-1"}};
  input.Statistic = "Average";
  input.Period = 60;
  input.EvaluationPeriods = 2;
  input.Threshold = 80;
  input.ComparisonOperator = "GreaterThanThreshold";
  input.AlarmActions = {"arn:aws:automate:eu-west-1:ec2:stop", "arn:aws:sns:eu-west-1:000000000000:ops"};
  return input;
}

MetricDataQuery query(const std::string& id, const std::optional<std::string>& expression, bool returned) {
  MetricDataQuery out;
  out.Id = id;
  out.ReturnData = returned;
  out.Expression = expression;
  if (!expression) out.MetricStat = MetricStat{Metric{"App", "Load", {}}, 60, "Sum", {}};
  return out;
}

PutMetricAlarmInput maths(const std::string& expression) {
  PutMetricAlarmInput input;
  input.AlarmName = "maths";
  input.EvaluationPeriods = 1;
  input.Threshold = 1;
  input.ComparisonOperator = "LessThanThreshold";
  input.Metrics = {query("m1", std::nullopt, false), query("e1", expression, true)};
  return input;
}

std::string refusal(PutMetricAlarmInput input, const std::function<void(PutMetricAlarmInput&)>& change = {}) {
  if (change) change(input);
  return error_of(check_metric_alarm(input, "eu-west-1")).message;
}

TEST(AlarmChecks, GoodOnes) {
  EXPECT_EQ(refusal(good()), "");
  EXPECT_EQ(refusal(maths("FILL(m1, 0) / PERIOD(m1)")), "");
  EXPECT_TRUE(*check_metric_alarm(good(), "eu-west-1")->ActionsEnabled);
  const auto longest = [](PutMetricAlarmInput& input) {
    input.Period = 3600;
    input.EvaluationPeriods = 168;
  };
  EXPECT_EQ(refusal(good(), longest), "");
}

struct Case {
  std::function<void(PutMetricAlarmInput&)> change;
  std::string_view says;
};

TEST(AlarmChecks, Refusals) {
  const Case cases[] = {
      {[](auto& i) { i.EvaluationPeriods.reset(); }, "The parameter EvaluationPeriods must be specified"},
      {[](auto& i) { i.Threshold.reset(); }, "The parameter Threshold must be specified"},
      {[](auto& i) { i.ComparisonOperator = "GreaterThanUpperThreshold"; }, "anomaly detection"},
      {[](auto& i) { i.ThresholdMetricId = "ad1"; }, "ThresholdMetricId is not supported"},
      {[](auto& i) { i.EvaluationInterval = 60; }, "EvaluationInterval is not supported"},
      {[](auto& i) { i.ExtendedStatistic = "p99"; }, "Exactly one of Statistic and ExtendedStatistic"},
      {[](auto& i) { i.Statistic.reset(); }, "Exactly one of Statistic and ExtendedStatistic"},
      {[](auto& i) { i.Period = 45; }, "must be 10, 20, 30 or a multiple of 60"},
      {[](auto& i) { i.Period = 5; }, "must be 10, 20, 30 or a multiple of 60"},
      {[](auto& i) { i.EvaluationPeriods = 1441; },
       "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)."},
      {[](auto& i) {
         i.Period = 3600;
         i.EvaluationPeriods = 169;
       },
       "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800)."},
      {[](auto& i) { i.DatapointsToAlarm = 3; }, "DatapointsToAlarm (3) must not be more than EvaluationPeriods (2)"},
      {[](auto& i) { i.TreatMissingData = "panic"; },
       "The value panic for parameter TreatMissingData is not supported"},
      {[](auto& i) { i.EvaluateLowSampleCountPercentile = "ignore"; }, "ExtendedStatistic is missing"},
      {[](auto& i) { i.EvaluateLowSampleCountPercentile = "guess"; }, "Option guess is not supported."},
      {[](auto& i) { i.Dimensions.clear(); }, "needs an alarm on one metric with the dimension InstanceId"},
      {[](auto& i) { i.AlarmActions = {"stop"}; }, "Invalid action: stop is not an ARN"},
      {[](auto& i) { i.AlarmActions = {"arn:aws:automate:us-east-1:ec2:stop"}; },
       "Invalid region us-east-1 specified. Only eu-west-1 is supported."},
      {[](auto& i) { i.AlarmActions = {"arn:aws:automate:eu-west-1:ec2:paint"}; }, "Invalid action"},
      {[](auto& i) { i.AlarmActions = {"arn:aws:lambda:eu-west-1:000000000000:function:f"}; },
       "Brume does not carry out alarm actions of lambda"},
      {[](auto& i) { i.AlarmName = "two\nlines"; }, "control characters"},
      {[](auto& i) { i.Metrics = {query("m1", std::nullopt, true)}; }, "Metrics cannot be given together with"},
  };
  for (const Case& c : cases) {
    const std::string said = refusal(good(), c.change);
    EXPECT_NE(said.find(c.says), std::string::npos) << c.says << ": " << said;
  }
}

TEST(AlarmChecks, MathsComesToOneTimeSeries) {
  EXPECT_NE(refusal(maths("AVG(m1)")).find("it comes to a number"), std::string::npos);
  EXPECT_NE(refusal(maths("[m1, m1]")).find("it comes to several time series"), std::string::npos);
  EXPECT_NE(refusal(maths("SUM(SEARCH('a', 'Sum', 60))")).find("SEARCH is not supported on Metric Alarms."),
            std::string::npos);
  EXPECT_NE(refusal(maths("ANOMALY_DETECTION_BAND(m1)")).find("ANOMALY_DETECTION_BAND"), std::string::npos);
  EXPECT_NE(refusal(maths("m1 +")).find("ends too early"), std::string::npos);
  EXPECT_NE(refusal(maths("m1"), [](auto& i) { i.Metrics.front().ReturnData = true; }).find("exactly one query"),
            std::string::npos);
  EXPECT_NE(refusal(maths("m1"), [](auto& i) { i.AlarmActions = {"arn:aws:automate:eu-west-1:ec2:stop"}; })
                .find("needs an alarm on one metric"),
            std::string::npos);
}

TEST(AlarmChecks, CompositeAlarms) {
  PutCompositeAlarmInput input;
  input.AlarmName = "c";
  input.AlarmRule = "ALARM(a)";
  EXPECT_TRUE(check_composite_alarm(input, "eu-west-1"));
  input.AlarmActions = {"arn:aws:automate:eu-west-1:ec2:stop"};
  EXPECT_FALSE(check_composite_alarm(input, "eu-west-1"));
  input.AlarmActions.clear();
  input.ActionsSuppressor = "b";
  EXPECT_FALSE(check_composite_alarm(input, "eu-west-1"));
  input.ActionsSuppressorWaitPeriod = 60;
  input.ActionsSuppressorExtensionPeriod = 0;
  EXPECT_TRUE(check_composite_alarm(input, "eu-west-1"));
  input.ActionsSuppressor.reset();
  EXPECT_FALSE(check_composite_alarm(input, "eu-west-1"));
}

}  // namespace
}  // namespace brume::cloudwatch
