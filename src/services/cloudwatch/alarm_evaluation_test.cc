#include "services/cloudwatch/alarm_evaluation.h"

#include <gtest/gtest.h>

#include <string>

namespace brume::cloudwatch {
namespace {

// As the user guide writes them, the newest on the right: 0 is good, X breaches, - is missing.
std::vector<Slot> slots(std::string_view drawn) {
  std::vector<Slot> out;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    if (drawn[drawn.size() - 1 - i] == ' ') continue;
    const char c = drawn[drawn.size() - 1 - i];
    Slot& slot = out.emplace_back();
    slot.time = Timestamp(std::chrono::minutes(100 - int(out.size())));
    if (c != '-') slot.value = c == 'X' ? 9 : 1;
  }
  return out;
}

struct Case {
  std::string_view drawn;
  std::size_t m;
  std::string_view missing, ignore, breaching, not_breaching;  // "": retains its state
};

// "How alarm state is evaluated when data is missing": both tables, then what their text says besides.
constexpr Case kCases[] = {
    {"0 - X - X", 3, "OK", "OK", "OK", "OK"},
    {"0 - - - -", 3, "OK", "OK", "OK", "OK"},
    {"- - - - -", 3, "INSUFFICIENT_DATA", "", "ALARM", "OK"},
    {"0 X X - X", 3, "ALARM", "ALARM", "ALARM", "ALARM"},
    {"- - X - -", 3, "ALARM", "", "ALARM", "OK"},
    {"0 - X - X", 2, "ALARM", "ALARM", "ALARM", "ALARM"},
    {"0 0 X 0 X", 2, "ALARM", "ALARM", "ALARM", "ALARM"},
    {"0 - X - -", 2, "OK", "OK", "ALARM", "OK"},
    {"- - - - 0", 2, "OK", "OK", "ALARM", "OK"},
    {"- - - X -", 2, "ALARM", "", "ALARM", "OK"},
    {"- - - - X", 3, "", "", "ALARM", "OK"},
    {"- - - X -", 3, "", "", "ALARM", "OK"},
    {"- - - X 0", 3, "OK", "OK", "OK", "OK"},
    {"- - X - 0", 3, "OK", "OK", "OK", "OK"},
    {"- X X - -", 2, "ALARM", "ALARM", "ALARM", "ALARM"},
    {"X X X 0 0", 3, "OK", "OK", "OK", "OK"},
    {"0 0 X X X", 3, "ALARM", "ALARM", "ALARM", "ALARM"},
};

TEST(AlarmEvaluation, TheGuidesTables) {
  for (const Case& c : kCases)
    for (const auto& [treatment, wanted] :
         {std::pair(MissingData::missing, c.missing), std::pair(MissingData::ignore, c.ignore),
          std::pair(MissingData::breaching, c.breaching), std::pair(MissingData::not_breaching, c.not_breaching)}) {
      const AlarmCriteria rule{Comparison::greater, 5, 3, c.m, treatment};
      EXPECT_EQ(evaluate(rule, slots(c.drawn)).state, wanted)
          << c.drawn << ", " << c.m << " out of 3, treatment " << int(treatment);
    }
}

TEST(AlarmEvaluation, InstancesAreLookedAtOverTenMinutes) {
  EXPECT_EQ(evaluation_range(3), 5U);
  EXPECT_EQ(evaluation_range_of_instances(3, std::chrono::minutes(1)), 10U);
  EXPECT_EQ(evaluation_range_of_instances(15, std::chrono::minutes(1)), 17U);
  EXPECT_EQ(evaluation_range_of_instances(1, std::chrono::minutes(2)), 5U);
  EXPECT_EQ(evaluation_range_of_instances(1, std::chrono::minutes(5)), 3U);
  // Five minutes' samples, the newest five to ten minutes old.
  const AlarmCriteria rule{Comparison::greater, 5, 3, 3, MissingData::missing};
  EXPECT_EQ(evaluate(rule, slots("- - - - - X - - - -")).state, "ALARM");
  EXPECT_EQ(evaluate(rule, slots("X - - - - X - - - -")).state, "ALARM");
  EXPECT_EQ(evaluate(rule, slots("0 - - - - X - - - -")).state, "OK");
  EXPECT_EQ(evaluate(rule, slots("- 0 - - - - - - - -")).state, "OK");
}

TEST(AlarmEvaluation, SaysWhatCounted) {
  const auto enough = evaluate({Comparison::greater, 5, 3, 3, MissingData::breaching}, slots("0 X X - X"));
  ASSERT_EQ(enough.counted.size(), 3U);
  EXPECT_EQ(enough.counted[0].time, Timestamp(std::chrono::minutes(99)));
  EXPECT_EQ(enough.counted[1].time, Timestamp(std::chrono::minutes(97)));
  EXPECT_EQ(enough.filled, 0U);
  EXPECT_EQ(evaluate({Comparison::greater, 5, 3, 3, MissingData::breaching}, slots("0 - - - -")).filled, 2U);
  EXPECT_EQ(evaluate({Comparison::greater, 5, 3, 3, MissingData::missing}, slots("0 - - - -")).filled, 0U);
}

TEST(AlarmEvaluation, WhatCannotAllBeLookedAtDecidesOnlyWithEnoughDatapoints) {
  const AlarmCriteria rule{Comparison::greater, 5, 2, 2, MissingData::breaching};
  EXPECT_EQ(evaluate(rule, slots("X X"), false).state, "ALARM");
  EXPECT_EQ(evaluate(rule, slots("0 X"), false).state, "OK");
  EXPECT_EQ(evaluate(rule, slots("- X"), false).state, "");
  EXPECT_EQ(evaluate(rule, slots("- -"), false).state, "");
  EXPECT_EQ(evaluate(rule, {}, false).state, "");
}

TEST(AlarmEvaluation, Comparisons) {
  EXPECT_TRUE(breaches(*read_comparison("GreaterThanThreshold"), 6, 5));
  EXPECT_FALSE(breaches(*read_comparison("GreaterThanThreshold"), 5, 5));
  EXPECT_TRUE(breaches(*read_comparison("GreaterThanOrEqualToThreshold"), 5, 5));
  EXPECT_TRUE(breaches(*read_comparison("LessThanThreshold"), 4, 5));
  EXPECT_FALSE(breaches(*read_comparison("LessThanThreshold"), 5, 5));
  EXPECT_TRUE(breaches(*read_comparison("LessThanOrEqualToThreshold"), 5, 5));
  EXPECT_FALSE(read_comparison("GreaterThanUpperThreshold"));
}

TEST(AlarmEvaluation, PercentilesNeedTenSamplesBeyond) {
  EXPECT_TRUE(too_few_samples(99, 999));
  EXPECT_FALSE(too_few_samples(99, 1001));
  EXPECT_TRUE(too_few_samples(50, 19));
  EXPECT_FALSE(too_few_samples(50, 20));
  EXPECT_TRUE(too_few_samples(10, 99));
  EXPECT_FALSE(too_few_samples(10, 100));
}

}  // namespace
}  // namespace brume::cloudwatch
