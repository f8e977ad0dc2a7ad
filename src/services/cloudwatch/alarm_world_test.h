// A region's alarms in a simulated world: metrics in memory, actions that are written down, crashes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "env/sim.h"
#include "services/cloudwatch/alarm_operations.h"
#include "services/cloudwatch/metric_reader_fake_test.h"
#include "store/memory_backend.h"

namespace brume::cloudwatch {

inline constexpr const char* kPolicy =
    "arn:aws:autoscaling:eu-west-1:000000000000:scalingPolicy:1:autoScalingGroupName/web:policyName/out";
inline constexpr const char* kTopic = "arn:aws:sns:eu-west-1:000000000000:ops";
inline constexpr const char* kStop = "arn:aws:automate:eu-west-1:ec2:stop";

class AlarmWorld : public testing::Test {
 protected:
  explicit AlarmWorld(double scale = 1) : scale_(scale) {
    for (const char* service : {"autoscaling", "automate"})
      actions.add(service, [this](const services::AlarmEvent& event) -> Result<std::string> {
        if (refuse) return fail("ValidationError", "it may not be");
        done.push_back(event);
        return "It was done";
      });
    boot();
  }
  void boot() {
    store = std::make_unique<store::Store>(backend);
    hints = std::make_unique<services::Hints>(sim.loop);
    alarms = std::make_unique<AlarmOperations>(services::Context{sim.env, *store, *hints, "eu-west-1", scale_}, metrics,
                                               actions);
    ASSERT_TRUE(alarms->load_alarms());
    alarms->start_alarms();
  }
  // As kill -9 does: what was committed is all that there is.
  void crash() {
    sim.loop.clear();
    alarms.reset();
    hints.reset();
    store.reset();
  }

  template <typename Request, typename Answer>
  Answer call(Answer (AlarmOperations::*operation)(const aws::Call&, const Request&), const Request& request) {
    return store->transact([&] { return ((*alarms).*operation)({}, request); });
  }
  // An alarm on `metric`: more than 80 on average in one minute of one.
  static PutMetricAlarmInput alarm_on(const std::string& name) {
    PutMetricAlarmInput input;
    input.AlarmName = name;
    input.Namespace = "App";
    input.MetricName = "Load";
    input.Statistic = "Average";
    input.Period = 60;
    input.EvaluationPeriods = 1;
    input.Threshold = 80;
    input.ComparisonOperator = "GreaterThanThreshold";
    return input;
  }
  void put(const PutMetricAlarmInput& input) {
    const auto made = call(&AlarmOperations::PutMetricAlarm, input);
    ASSERT_TRUE(made) << made.error().message;
  }
  void put_composite(const std::string& name, const std::string& rule, const std::string& suppressor = "") {
    PutCompositeAlarmInput input;
    input.AlarmName = name;
    input.AlarmRule = rule;
    input.AlarmActions.push_back(kTopic);
    if (!suppressor.empty()) {
      input.ActionsSuppressor = suppressor;
      input.ActionsSuppressorWaitPeriod = 120;
      input.ActionsSuppressorExtensionPeriod = 60;
    }
    const auto made = call(&AlarmOperations::PutCompositeAlarm, input);
    ASSERT_TRUE(made) << made.error().message;
  }
  void set_state(const std::string& name, const std::string& state) {
    SetAlarmStateInput input;
    input.AlarmName = name;
    input.StateValue = state;
    input.StateReason = "by hand";
    ASSERT_TRUE(call(&AlarmOperations::SetAlarmState, input));
  }

  DescribeAlarmsOutput described() {
    DescribeAlarmsInput request;
    request.AlarmTypes = {"MetricAlarm", "CompositeAlarm"};
    request.MaxRecords = 100;
    return *call(&AlarmOperations::DescribeAlarms, request);
  }
  MetricAlarm shown(const std::string& name) {
    for (const MetricAlarm& alarm : described().MetricAlarms)
      if (alarm.AlarmName == name) return alarm;
    ADD_FAILURE() << "there is no alarm " << name;
    return {};
  }
  CompositeAlarm shown_composite(const std::string& name) {
    for (const CompositeAlarm& alarm : described().CompositeAlarms)
      if (alarm.AlarmName == name) return alarm;
    ADD_FAILURE() << "there is no alarm " << name;
    return {};
  }
  std::string state(const std::string& name) { return *shown(name).StateValue; }
  // Summaries of an alarm's history, oldest first.
  std::vector<std::string> history(const std::string& name, const std::string& type = "") {
    DescribeAlarmHistoryInput request;
    request.AlarmName = name;
    request.ScanBy = "TimestampAscending";
    if (!type.empty()) request.HistoryItemType = type;
    std::vector<std::string> out;
    const auto found = call(&AlarmOperations::DescribeAlarmHistory, request);
    for (const AlarmHistoryItem& item : found->AlarmHistoryItems) out.push_back(*item.HistorySummary);
    return out;
  }

  // Time passes; every ten seconds the metric has this value, if it has one.
  void live(std::chrono::seconds time, std::optional<double> value = std::nullopt) {
    for (std::chrono::seconds passed{0}; passed < time; passed += std::chrono::seconds(10)) {
      if (value) metrics.put(metric, sim.clock.wall(), *value);
      sim.loop.run_for(std::chrono::seconds(10));
    }
  }

  const MetricId metric{"App", "Load", {}};
  env::SimEnv sim;
  store::MemoryBackend backend;
  FakeMetrics metrics;
  services::AlarmActions actions;
  std::vector<services::AlarmEvent> done;
  bool refuse = false;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<services::Hints> hints;
  std::unique_ptr<AlarmOperations> alarms;

 private:
  double scale_;
};

}  // namespace brume::cloudwatch
