#include "services/cloudwatch/alarm_controller.h"

#include "services/cloudwatch/alarm_world_test.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

using AlarmControllerTest = AlarmWorld;
using Summaries = std::vector<std::string>;

TEST_F(AlarmControllerTest, FiresAndClears) {
  PutMetricAlarmInput input = alarm_on("load");
  input.DatapointsToAlarm = 1;
  put(input);
  EXPECT_EQ(state("load"), "INSUFFICIENT_DATA");
  EXPECT_EQ(shown("load").StateReason, "Unchecked: Initial alarm creation");
  live(minutes(3), 10);
  EXPECT_EQ(state("load"), "OK");
  live(minutes(3), 95);
  EXPECT_EQ(state("load"), "ALARM");
  const std::string reason = *shown("load").StateReason;
  EXPECT_TRUE(reason.starts_with("Threshold Crossed: 1 out of the last 1 datapoints [95.0 (01/01/26 00:0")) << reason;
  EXPECT_TRUE(
      reason.ends_with("was greater than the threshold (80.0) (minimum 1 datapoint for OK -> ALARM transition)."))
      << reason;
  live(minutes(3), 10);
  EXPECT_EQ(state("load"), "OK");
  live(minutes(6));
  EXPECT_EQ(state("load"), "INSUFFICIENT_DATA");
  EXPECT_EQ(history("load", "StateUpdate"),
            (Summaries{"Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to ALARM",
                       "Alarm updated from ALARM to OK", "Alarm updated from OK to INSUFFICIENT_DATA"}));
}

TEST_F(AlarmControllerTest, BasicMonitoringsFiveMinutesDecideAnAlarmOnMinutes) {
  const MetricId cpu{"AWS/EC2", "CPUUtilization", {}};
  // Five minutes are over: their sample comes, and the next five pass.
  const auto pass = [&](double value) {
    metrics.put(cpu, sim.clock.wall() - minutes(5), value);
    sim.loop.run_for(minutes(5));
  };
  sim.loop.run_for(minutes(10));
  PutMetricAlarmInput input = alarm_on("busy");
  input.Namespace = cpu.metric_namespace;
  input.MetricName = cpu.name;
  input.EvaluationPeriods = 3;
  put(input);
  pass(10);
  EXPECT_EQ(state("busy"), "OK");
  for (int i = 0; i < 4; ++i) {
    pass(95);
    EXPECT_EQ(state("busy"), "ALARM");
  }
  pass(10);
  EXPECT_EQ(state("busy"), "OK");
  EXPECT_EQ(history("busy", "StateUpdate"),
            (Summaries{"Alarm updated from INSUFFICIENT_DATA to OK", "Alarm updated from OK to ALARM",
                       "Alarm updated from ALARM to OK"}));
  sim.loop.run_for(minutes(11));
  EXPECT_EQ(state("busy"), "INSUFFICIENT_DATA");
}

TEST_F(AlarmControllerTest, ActionsRunOnATransitionAndAutoScalingsEachMinute) {
  PutMetricAlarmInput input = alarm_on("load");
  input.AlarmActions = {kPolicy, kTopic};
  put(input);
  live(minutes(5), 10);
  EXPECT_TRUE(done.empty());
  live(minutes(6), 95);
  ASSERT_EQ(state("load"), "ALARM");
  ASSERT_GE(done.size(), 5U);
  EXPECT_LE(done.size(), 6U);
  EXPECT_FALSE(done.front().repeated);
  EXPECT_EQ(done.front().state, "ALARM");
  EXPECT_EQ(done.front().action_arn, kPolicy);
  EXPECT_EQ(done.front().newest(), 95);
  EXPECT_EQ(done.front().threshold, 80);
  EXPECT_TRUE(done.back().repeated);
  EXPECT_EQ(history("load", "Action"),
            (Summaries{std::string("Successfully executed action ") + kPolicy,
                       std::string("Recorded action ") + kTopic + ": there is no SNS here yet to publish it"}))
      << "repetitions that come to the same are not told";
  const std::size_t before = done.size();
  live(minutes(5), 10);
  EXPECT_EQ(state("load"), "OK");
  EXPECT_LE(done.size(), before + 2);
}

TEST_F(AlarmControllerTest, IsDecidedAsItsPeriodEnds) {
  put(alarm_on("load"));
  live(minutes(3), 10);
  live(minutes(3), 95);
  ASSERT_EQ(state("load"), "ALARM");
  EXPECT_LE(shown("load").StateUpdatedTimestamp->time_since_epoch() % minutes(1), std::chrono::milliseconds(1300));
}

TEST_F(AlarmControllerTest, IsEvaluatedWhereSomethingIsNew) {
  metrics.tells_changes = true;
  PutMetricAlarmInput input = alarm_on("load");
  input.Period = 300;
  input.AlarmActions = {kPolicy};
  put(input);
  live(minutes(10), 10);
  ASSERT_EQ(state("load"), "OK");
  const int reads = metrics.reads;
  live(minutes(32));
  EXPECT_LE(metrics.reads - reads, 8) << "once for each period that ended, for the last samples, and for the new state";
  ASSERT_EQ(state("load"), "INSUFFICIENT_DATA");
  metrics.put(metric, sim.clock.wall() - minutes(5), 95);  // late
  live(minutes(1));
  EXPECT_EQ(state("load"), "ALARM");
  const std::size_t acted = done.size();
  live(minutes(2));
  EXPECT_EQ(done.size(), acted + 2) << "the action is repeated though nothing is new";
  set_state("load", "OK");
  live(minutes(1));
  EXPECT_EQ(state("load"), "ALARM");
}

TEST_F(AlarmControllerTest, HighResolutionAlarmsAreLookedAtEachTenSecondsAndActEachMinute) {
  PutMetricAlarmInput input = alarm_on("quick");
  input.Period = 10;
  input.AlarmActions = {kPolicy};
  put(input);
  live(minutes(1), 10);
  EXPECT_EQ(state("quick"), "OK");
  live(seconds(30), 95);
  EXPECT_EQ(state("quick"), "ALARM");
  live(minutes(5), 95);
  EXPECT_GE(done.size(), 5U);
  EXPECT_LE(done.size(), 7U);
}

TEST_F(AlarmControllerTest, DisabledActionsDoNotRun) {
  PutMetricAlarmInput input = alarm_on("load");
  input.AlarmActions = {kPolicy};
  input.ActionsEnabled = false;
  put(input);
  live(minutes(5), 95);
  EXPECT_EQ(state("load"), "ALARM");
  EXPECT_TRUE(done.empty());
}

TEST_F(AlarmControllerTest, AnActionThatFailsIsTold) {
  refuse = true;
  PutMetricAlarmInput input = alarm_on("load");
  input.AlarmActions = {kPolicy};
  put(input);
  live(minutes(5), 95);
  EXPECT_EQ(history("load", "Action"),
            (Summaries{std::string("Failed to execute action ") + kPolicy + ". Received error: \"it may not be\""}));
}

TEST_F(AlarmControllerTest, AStateThatWasSetGoesBackAtTheNextLook) {
  PutMetricAlarmInput input = alarm_on("load");
  input.AlarmActions = {kStop, kPolicy};
  input.Dimensions = {{"InstanceId", "i-1"}};
  put(input);
  for (int i = 0; i < 30; ++i) {
    metrics.put({"App", "Load", {{"InstanceId", "i-1"}}}, sim.clock.wall(), 10);
    live(seconds(10));
  }
  ASSERT_EQ(state("load"), "OK");
  set_state("load", "ALARM");
  EXPECT_EQ(state("load"), "ALARM");
  sim.loop.run_ready();
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0].action_arn, kStop);
  live(minutes(2));
  EXPECT_EQ(state("load"), "OK");
}

TEST_F(AlarmControllerTest, MathsIsWatched) {
  PutMetricAlarmInput input;
  input.AlarmName = "errors";
  input.EvaluationPeriods = 1;
  input.Threshold = 5;
  input.ComparisonOperator = "GreaterThanThreshold";
  MetricDataQuery errors, requests, rate;
  errors.Id = "errors";
  errors.ReturnData = false;
  errors.MetricStat = MetricStat{Metric{"App", "Errors", {}}, 60, "Sum", {}};
  requests.Id = "requests";
  requests.ReturnData = false;
  requests.MetricStat = MetricStat{Metric{"App", "Requests", {}}, 60, "Sum", {}};
  rate.Id = "rate";
  rate.Expression = "100 * errors / requests";
  input.Metrics = {errors, requests, rate};
  put(input);
  const auto pass = [&](double bad) {
    for (int i = 0; i < 18; ++i) {
      metrics.put({"App", "Errors", {}}, sim.clock.wall(), bad);
      metrics.put({"App", "Requests", {}}, sim.clock.wall(), 10);
      live(seconds(10));
    }
  };
  pass(0);
  EXPECT_EQ(state("errors"), "OK");
  pass(1);
  EXPECT_EQ(state("errors"), "ALARM");
  EXPECT_NE(shown("errors").StateReason->find("[10.0 ("), std::string::npos) << *shown("errors").StateReason;
}

TEST_F(AlarmControllerTest, PercentilesOfFewSamplesMayBeIgnored) {
  PutMetricAlarmInput input = alarm_on("p99");
  input.Statistic.reset();
  input.ExtendedStatistic = "p99";
  input.EvaluateLowSampleCountPercentile = "ignore";
  put(input);
  input.AlarmName = "eager";
  input.EvaluateLowSampleCountPercentile = "evaluate";
  put(input);
  live(minutes(5), 95);
  EXPECT_EQ(state("p99"), "INSUFFICIENT_DATA");
  EXPECT_EQ(state("eager"), "ALARM");
}

// Whatever the clock does, data goes on as it was: no state may change.
TEST_F(AlarmControllerTest, AClockThatJumpsChangesNothing) {
  int number = 0;
  for (const auto jump : {seconds(hours(1)), seconds(hours(-1)), seconds(hours(8)), seconds(minutes(-3))})
    for (const double value : {10.0, 95.0})
      for (const char* treatment : {"missing", "ignore", "breaching", "notBreaching"}) {
        const std::string name = fmt::format("a{}", number++);
        const MetricId own{"App", "Load", {{"Case", name}}};
        PutMetricAlarmInput input = alarm_on(name);
        input.Dimensions = {{"Case", name}};
        input.EvaluationPeriods = 3;
        input.DatapointsToAlarm = 2;
        input.TreatMissingData = treatment;
        const auto pass = [&](minutes time) {
          for (seconds passed{0}; passed < time; passed += seconds(10)) {
            metrics.put(own, sim.clock.wall(), value);
            live(seconds(10));
          }
        };
        // Before there were other data, the opposite.
        for (int i = 120; i > 0; --i) metrics.put(own, sim.clock.wall() - minutes(i), 105 - value);
        put(input);
        pass(minutes(10));
        const std::string before = state(name);
        ASSERT_EQ(before, value > 80 ? "ALARM" : "OK");
        const std::size_t changes = history(name, "StateUpdate").size();
        sim.clock.jump_wall(jump);
        pass(minutes(90));
        EXPECT_EQ(state(name), before) << treatment << ", jump of " << jump.count();
        EXPECT_EQ(history(name, "StateUpdate").size(), changes)
            << treatment << ", value " << value << ", jump of " << jump.count() << ": "
            << history(name, "StateUpdate").back();
        DeleteAlarmsInput remove;
        remove.AlarmNames.push_back(name);
        ASSERT_TRUE(call(&AlarmOperations::DeleteAlarms, remove));
      }
}

TEST_F(AlarmControllerTest, AfterAJumpItStillSees) {
  PutMetricAlarmInput input = alarm_on("load");
  input.EvaluationPeriods = 2;
  put(input);
  live(minutes(10), 10);
  sim.clock.jump_wall(hours(1));
  live(minutes(5), 95);
  EXPECT_EQ(state("load"), "ALARM");
}

TEST_F(AlarmControllerTest, ADaemonThatWasAwayMissesNothingAndInventsNothing) {
  PutMetricAlarmInput input = alarm_on("load");
  input.TreatMissingData = "breaching";
  input.AlarmActions = {kPolicy};
  live(minutes(2), 10);
  put(input);
  live(minutes(10), 10);
  ASSERT_EQ(state("load"), "OK");
  crash();
  sim.loop.run_for(hours(2));
  boot();
  live(seconds(50), 10);
  EXPECT_EQ(state("load"), "OK");
  live(minutes(5), 10);
  EXPECT_EQ(history("load", "StateUpdate").size(), 1U);
  EXPECT_TRUE(done.empty());
}

TEST_F(AlarmControllerTest, AnActionIsNotLostAndNotDoneTwice) {
  PutMetricAlarmInput input = alarm_on("load");
  input.AlarmActions = {kStop};
  input.Dimensions = {{"InstanceId", "i-1"}};
  put(input);
  set_state("load", "ALARM");
  crash();
  ASSERT_TRUE(done.empty());
  boot();
  sim.loop.run_ready();
  EXPECT_EQ(done.size(), 1U);
  EXPECT_EQ(history("load", "Action").size(), 1U);
  crash();
  boot();
  sim.loop.run_for(seconds(1));
  EXPECT_EQ(done.size(), 1U);
}

TEST_F(AlarmControllerTest, AFullDiskDelaysActions) {
  PutMetricAlarmInput input = alarm_on("load");
  input.AlarmActions = {kStop};
  input.TreatMissingData = "ignore";
  input.Dimensions = {{"InstanceId", "i-1"}};
  put(input);
  set_state("load", "ALARM");
  backend.full = true;
  sim.loop.run_for(seconds(5));
  EXPECT_TRUE(history("load", "Action").empty()) << "what it did is undone with its record";
  backend.full = false;
  sim.loop.run_for(seconds(30));
  EXPECT_EQ(history("load", "Action").size(), 1U);
}

class ScaledAlarmTest : public AlarmWorld {
 protected:
  ScaledAlarmTest() : AlarmWorld(6) {}
};

TEST_F(ScaledAlarmTest, PeriodsPassFaster) {
  put(alarm_on("load"));
  live(seconds(30), 10);
  EXPECT_EQ(state("load"), "OK");
  live(seconds(30), 95);
  EXPECT_EQ(state("load"), "ALARM");
  EXPECT_NE(shown("load").StateReasonData->find("\"period\":60"), std::string::npos);
}

}  // namespace
}  // namespace brume::cloudwatch
