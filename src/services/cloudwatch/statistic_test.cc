#include "services/cloudwatch/statistic.h"

#include <gtest/gtest.h>

#include <cmath>

namespace brume::cloudwatch {
namespace {

TEST(Statistic, NamesAreReadAndWritten) {
  for (const char* name : {"Average", "Sum",         "Minimum",      "Maximum",     "SampleCount",
                           "p0",      "p50",         "p99.9",        "p100",        "p99.0123456789",
                           "tm90",    "TM(10%:90%)", "TM(150:1000)", "TM(:0.5)",    "TM(5%:)",
                           "IQM",     "wm98",        "WM(10%:90%)",  "tc90",        "TC(0.005:0.03)",
                           "ts80",    "TS(80%:)",    "PR(:300)",     "PR(100:2000)"}) {
    const auto statistic = parse_statistic(name);
    ASSERT_TRUE(statistic) << name;
    EXPECT_EQ(statistic_name(*statistic), name);
  }
  EXPECT_EQ(parse_statistic("TM(25%:75%)"), parse_statistic("iqm"));
  EXPECT_EQ(parse_statistic("tm(:90%)"), (Statistic{.kind = Statistic::Kind::trimmed_mean, .low = {}, .high = 90}));
  for (const char* name :
       {"",       "average",         "p",           "p101",  "p-1",        "p1e1",        "p.5",
        "p5.",    "p99.01234567891", "tm",          "tm101", "TM(10%:90)", "TM(90%:10%)", "TM(:)",
        "TM(10)", "TM(10:20",        "PR(10%:20%)", "pr90",  "IQM2",       "pinf",        "TM(nan:)"})
    EXPECT_FALSE(parse_statistic(name)) << name;
}

TEST(Statistic, OfSamples) {
  std::vector<ValueCount> hundred;
  for (int i = 1; i <= 100; ++i) hundred.push_back({double(i), 1});
  const Aggregate samples = of_values(hundred);
  const struct {
    const char* name;
    double value;
  } cases[] = {{"Average", 50.5},
               {"Sum", 5050},
               {"Minimum", 1},
               {"Maximum", 100},
               {"SampleCount", 100},
               {"p0", 1},
               {"p1", 1},
               {"p50", 50},
               {"p90", 90},
               {"p99.5", 100},
               {"p100", 100},
               {"tm90", 45.5},
               {"TM(10%:90%)", 50.5},
               {"TM(10:20)", 15.5},
               {"TM(:3)", 2},
               {"TM(98:)", 99.5},
               {"IQM", 50.5},
               {"wm90", (4095 + 10 * 90) / 100.0},
               {"WM(10%:90%)", (10 * 10 + 4040 + 10 * 90) / 100.0},
               {"WM(10:20)", (10 * 10 + 155 + 80 * 20) / 100.0},
               {"tc90", 90},
               {"TC(10:20)", 10},
               {"TC(80%:95%)", 15},
               {"ts90", 4095},
               {"TS(10:12)", 23},
               {"PR(:30)", 30},
               {"PR(30:50)", 20},
               {"PR(50:)", 50}};
  for (const auto& [name, value] : cases) {
    const auto got = evaluate(*parse_statistic(name), samples);
    ASSERT_TRUE(got) << name;
    EXPECT_NEAR(*got, value, 1e-9) << name;
  }
}

TEST(Statistic, ManyOfOneValueAndOneAlone) {
  const Aggregate same = one_value(5, 4);
  for (const char* name : {"p10", "tm50", "IQM", "wm90", "TM(5%:6%)"})
    EXPECT_EQ(evaluate(*parse_statistic(name), same), 5) << name;
  EXPECT_EQ(evaluate(*parse_statistic("tc50"), same), 2);
  EXPECT_EQ(evaluate(*parse_statistic("TM(5:9)"), same), std::nullopt);
  EXPECT_EQ(evaluate(*parse_statistic("TC(5:9)"), same), 0);
  EXPECT_EQ(evaluate(*parse_statistic("tm90"), one_value(7)), 7);
}

TEST(Statistic, PercentilesNeedValues) {
  Aggregate set{.sum = 10, .count = 4, .minimum = 1, .maximum = 4, .values = {}};
  EXPECT_EQ(evaluate(*parse_statistic("p50"), set), std::nullopt);
  EXPECT_EQ(evaluate(*parse_statistic("Average"), set), 2.5);
  add(set, one_value(2));
  EXPECT_EQ(evaluate(*parse_statistic("p50"), set), std::nullopt);
  // A set of equal values is as good as the values; negative ones are never.
  Aggregate equal{.sum = 6, .count = 3, .minimum = 2, .maximum = 2, .values = {}};
  add(equal, one_value(3));
  EXPECT_EQ(evaluate(*parse_statistic("p90"), equal), 3);
  add(equal, one_value(-1));
  EXPECT_EQ(evaluate(*parse_statistic("p90"), equal), std::nullopt);
  EXPECT_EQ(evaluate(*parse_statistic("Minimum"), equal), -1);
}

TEST(Aggregate, ManyValuesAreKeptNearly) {
  Aggregate all, backwards;
  for (int i = 1; i <= 3000; ++i) {
    add(all, one_value(i * 0.37));
    add(backwards, one_value((3001 - i) * 0.37));
  }
  EXPECT_LE(all.values.size(), kMaxValues);
  EXPECT_EQ(all.count, 3000);
  EXPECT_NEAR(all.sum, 0.37 * 3000 * 3001 / 2, 1);
  for (const Aggregate* samples : {&all, &backwards})
    for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
      const Statistic p{.kind = Statistic::Kind::percentile, .low = {}, .high = percent};
      const double exact = std::max(1.0, 3000 * percent / 100) * 0.37;
      EXPECT_NEAR(*evaluate(p, *samples), exact, 0.03 * exact) << percent;
    }
  // Whatever the values, the bound holds.
  Aggregate wide;
  for (int i = -300; i < 300; ++i)
    for (const double sign : {-1.0, 1.0}) add(wide, one_value(sign * std::pow(10, i)));
  EXPECT_LE(wide.values.size(), kMaxValues);
}

}  // namespace
}  // namespace brume::cloudwatch
