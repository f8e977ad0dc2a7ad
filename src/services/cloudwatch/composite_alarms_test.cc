// Composite alarms against the simulated world.
#include "services/cloudwatch/alarm_world_test.h"
#include "services/cloudwatch/error_of_test.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::seconds;
using Summaries = std::vector<std::string>;

class CompositeAlarmTest : public AlarmWorld {
 protected:
  CompositeAlarmTest() {
    for (const char* name : {"a", "b", "maintenance"}) {
      PutMetricAlarmInput input = alarm_on(name);
      input.TreatMissingData = "ignore";
      put(input);
    }
    sim.loop.run_ready();
  }
  std::string state(const std::string& name) { return *shown_composite(name).StateValue; }
  void pass(seconds time) { sim.loop.run_for(time); }
};

TEST_F(CompositeAlarmTest, FollowsItsAlarms) {
  put_composite("both", "ALARM(a) AND ALARM(\"arn:aws:cloudwatch:eu-west-1:000000000000:alarm:b\")");
  put_composite("top", "ALARM(both) OR FALSE");
  EXPECT_EQ(state("both"), "INSUFFICIENT_DATA");
  pass(seconds(1));
  EXPECT_EQ(state("both"), "OK");
  EXPECT_EQ(shown_composite("both").StateReason,
            "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:both was created and its alarm rule evaluates to OK");
  set_state("a", "ALARM");
  pass(seconds(1));
  EXPECT_EQ(state("both"), "OK");
  set_state("b", "ALARM");
  pass(seconds(1));
  EXPECT_EQ(state("both"), "ALARM");
  EXPECT_EQ(state("top"), "ALARM");
  EXPECT_EQ(shown_composite("both").StateReason,
            "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:b transitioned to ALARM at Thursday 01 January, 2026 "
            "00:00:02 UTC");
  set_state("a", "OK");
  pass(seconds(1));
  EXPECT_EQ(state("top"), "OK");
  EXPECT_EQ(history("top", "Action").size(), 1U);
}

TEST_F(CompositeAlarmTest, AStateThatWasSetStaysUntilAnAlarmOfItsChanges) {
  put_composite("c", "ALARM(a)");
  pass(seconds(1));
  set_state("c", "ALARM");
  pass(seconds(300));
  EXPECT_EQ(state("c"), "ALARM");
  EXPECT_EQ(history("c", "Action").size(), 1U);
  set_state("a", "OK");
  pass(seconds(1));
  EXPECT_EQ(state("c"), "OK");
}

TEST_F(CompositeAlarmTest, CirclesAndStrangersAreRefused) {
  put_composite("c", "ALARM(a)");
  put_composite("d", "ALARM(c)");
  PutCompositeAlarmInput input;
  input.AlarmName = "c";
  for (const char* rule : {"ALARM(d)", "ALARM(c)", "ALARM(nobody)", "NOT"}) {
    input.AlarmRule = rule;
    EXPECT_EQ(error_of(call(&AlarmOperations::PutCompositeAlarm, input)).code, "ValidationError") << rule;
  }
  input.AlarmName = "a";
  input.AlarmRule = "TRUE";
  EXPECT_EQ(error_of(call(&AlarmOperations::PutCompositeAlarm, input)).code, "ValidationError")
      << "a metric alarm has this name";
  DeleteAlarmsInput remove;
  remove.AlarmNames = {"a"};
  EXPECT_EQ(error_of(call(&AlarmOperations::DeleteAlarms, remove)).message,
            "Cannot delete a as there are composite alarm(s) depending on it: c");
  remove.AlarmNames = {"d", "c"};
  EXPECT_FALSE(call(&AlarmOperations::DeleteAlarms, remove));
  remove.AlarmNames = {"d"};
  EXPECT_TRUE(call(&AlarmOperations::DeleteAlarms, remove));
}

TEST_F(CompositeAlarmTest, ActionsWaitForTheSuppressor) {
  put_composite("c", "ALARM(a)", "maintenance");
  pass(seconds(1));
  set_state("a", "ALARM");
  pass(seconds(1));
  EXPECT_EQ(shown_composite("c").ActionsSuppressedBy, "WaitPeriod");
  set_state("maintenance", "ALARM");
  pass(seconds(600));
  EXPECT_EQ(shown_composite("c").ActionsSuppressedBy, "Alarm");
  set_state("maintenance", "OK");
  pass(seconds(30));
  EXPECT_EQ(shown_composite("c").ActionsSuppressedBy, "ExtensionPeriod");
  EXPECT_EQ(history("c", "Action"), (Summaries{"Actions suppressed by WaitPeriod", "Actions suppressed by Alarm",
                                               "Actions suppressed by ExtensionPeriod"}));
  pass(seconds(31));
  EXPECT_FALSE(shown_composite("c").ActionsSuppressedBy);
  EXPECT_TRUE(history("c", "Action").back().starts_with("Recorded action arn:aws:sns"))
      << history("c", "Action").back();
}

TEST_F(CompositeAlarmTest, AWaitSurvivesARestart) {
  put_composite("c", "ALARM(a)", "maintenance");
  pass(seconds(1));
  set_state("a", "ALARM");
  pass(seconds(60));
  crash();
  boot();
  pass(seconds(100));
  EXPECT_EQ(shown_composite("c").ActionsSuppressedBy, "WaitPeriod") << "it begins anew";
  pass(seconds(30));
  EXPECT_FALSE(shown_composite("c").ActionsSuppressedBy);
  EXPECT_TRUE(history("c", "Action").back().starts_with("Recorded action"));
}

}  // namespace
}  // namespace brume::cloudwatch
