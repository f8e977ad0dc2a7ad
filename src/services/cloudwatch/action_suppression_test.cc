#include "services/cloudwatch/action_suppression.h"

#include <gtest/gtest.h>

namespace brume::cloudwatch {
namespace {

// A composite alarm from OK on: each row is what is looked at, and what comes of it.
struct Row {
  std::string_view state, suppressor;
  bool over;
  std::string_view phase;
  bool act;
};

void follow(std::initializer_list<Row> rows) {
  Suppression now{.phase = "", .announced = "OK"};
  int number = 0;
  for (const Row& row : rows) {
    const SuppressionStep next = step(now, row.state, row.suppressor, row.over);
    EXPECT_EQ(next.next.phase, row.phase) << "row " << number;
    EXPECT_EQ(next.act, row.act) << "row " << number;
    now = next.next;
    ++number;
  }
}

TEST(ActionSuppression, WithoutASuppressorActionsRunOnceAState) {
  follow({{"OK", "", false, "", false},
          {"ALARM", "", false, "", true},
          {"ALARM", "", false, "", false},
          {"OK", "", false, "", true}});
}

TEST(ActionSuppression, AfterTheWaitTheyRun) {
  follow({{"ALARM", "OK", false, "WaitPeriod", false},
          {"ALARM", "OK", false, "WaitPeriod", false},
          {"ALARM", "OK", true, "", true},
          {"OK", "OK", false, "", true}});
}

TEST(ActionSuppression, AnAlarmThatEndsWhileItWaitsIsNotTold) {
  follow({{"ALARM", "OK", false, "WaitPeriod", false}, {"OK", "OK", false, "", false}});
}

TEST(ActionSuppression, TheSuppressorComesInTime) {
  follow({{"ALARM", "OK", false, "WaitPeriod", false},
          {"ALARM", "ALARM", false, "Alarm", false},
          {"ALARM", "ALARM", true, "Alarm", false},
          {"ALARM", "OK", false, "ExtensionPeriod", false},
          {"ALARM", "OK", false, "ExtensionPeriod", false},
          {"ALARM", "OK", true, "", true}});
}

TEST(ActionSuppression, WhatPassesWithinASuppressionIsNotTold) {
  follow({{"OK", "ALARM", false, "Alarm", false},
          {"ALARM", "ALARM", false, "Alarm", false},
          {"OK", "OK", false, "ExtensionPeriod", false},
          {"OK", "INSUFFICIENT_DATA", true, "", false}});
}

TEST(ActionSuppression, TheSuppressorComesBackWithinTheExtension) {
  follow({{"ALARM", "ALARM", false, "Alarm", false},
          {"ALARM", "OK", false, "ExtensionPeriod", false},
          {"ALARM", "ALARM", false, "Alarm", false},
          {"ALARM", "OK", false, "ExtensionPeriod", false},
          {"ALARM", "OK", true, "", true}});
}

}  // namespace
}  // namespace brume::cloudwatch
