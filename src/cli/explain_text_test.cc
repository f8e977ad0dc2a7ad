#include "cli/explain_text.h"

#include <gtest/gtest.h>

namespace brume::cli {
namespace {

Timestamp at(const std::string& time) {
  return *parse_iso8601("2026-11-28T" + time + "Z");
}

Explained web() {
  Explained web;
  web.group.AutoScalingGroupName = "web";
  web.group.MinSize = 2;
  web.group.DesiredCapacity = 4;
  web.group.MaxSize = 5;
  for (const char* state : {"InService", "InService", "Pending"})
    web.group.Instances.emplace_back().LifecycleState = state;
  return web;
}

TEST(Explain, AGroupThatOnlyRequestsChange) {
  EXPECT_EQ(in_words(web()),
            "web wants 4 instances (at least 2, at most 5); 2 of 3 are in service.\n"
            "No policy and no scheduled action changes that; only requests do.\n");
}

TEST(Explain, PoliciesAlarmsDecisionsAndWhatCameOfThem) {
  Explained explained = web();
  auto& policy = explained.policies.emplace_back();
  policy.PolicyName = "half-busy";
  policy.PolicyType = "TargetTrackingScaling";
  policy.TargetTrackingConfiguration.emplace().TargetValue = 50;
  policy.TargetTrackingConfiguration->PredefinedMetricSpecification.emplace().PredefinedMetricType =
      "ASGAverageCPUUtilization";
  policy.Alarms.push_back({"High", "arn"});
  auto& alarm = explained.alarms.emplace_back();
  alarm.AlarmName = "High";
  alarm.StateValue = "ALARM";
  alarm.StateReason = "Threshold Crossed: 3 datapoints were greater than the threshold (50.0).";
  explained.decisions = {{.time = at("10:02:00"),
                          .until = at("10:05:00"),
                          .times = 4,
                          .by = "policy",
                          .name = "half-busy",
                          .alarm = "High",
                          .value = 62.5,
                          .threshold = 50,
                          .before = 4,
                          .after = 4,
                          .reason = "instances warm up"},
                         {.time = at("10:01:00"),
                          .until = at("10:01:00"),
                          .by = "policy",
                          .name = "half-busy",
                          .alarm = "High",
                          .value = 91.5,
                          .threshold = 50,
                          .before = 2,
                          .after = 4}};
  auto& activity = explained.activities.emplace_back();
  activity.Description = "Launching a new EC2 instance: i-1";
  activity.StatusCode = "Successful";
  activity.StartTime = at("10:01:01");
  EXPECT_EQ(
      in_words(explained),
      "web wants 4 instances (at least 2, at most 5); 2 of 3 are in service.\n"
      "Policy half-busy: keeps ASGAverageCPUUtilization at 50\n"
      "  alarm High is ALARM: Threshold Crossed: 3 datapoints were greater than the threshold (50.0).\n"
      "\n"
      "2026-11-28 10:02:00  policy half-busy, asked by the alarm High (metric 62.5, threshold 50): it stays at 4, "
      "because instances warm up (4 times, until 2026-11-28 10:05:00)\n"
      "2026-11-28 10:01:01  Launching a new EC2 instance: i-1 (Successful)\n"
      "2026-11-28 10:01:00  policy half-busy, asked by the alarm High (metric 91.5, threshold 50): the desired "
      "capacity "
      "goes from 2 to 4\n");
}

TEST(Explain, WhatKeepsItFromChanging) {
  Explained explained = web();
  explained.group.SuspendedProcesses.emplace_back().ProcessName = "AlarmNotification";
  auto& action = explained.scheduled.emplace_back();
  action.ScheduledActionName = "mornings";
  action.StartTime = at("11:00:00");
  action.Recurrence = "0 11 * * *";
  const std::string text = in_words(explained);
  EXPECT_NE(text.find("The process AlarmNotification is suspended.\n"), std::string::npos);
  EXPECT_NE(text.find("Scheduled action mornings: next at 2026-11-28 11:00:00, again at '0 11 * * *'\n"),
            std::string::npos);
}

}  // namespace
}  // namespace brume::cli
