#include "services/cloudwatch/alarm_reason.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::minutes;

const Timestamp kTime = *parse_iso8601("2026-11-24T10:15:00Z");

Evaluation evaluation(const AlarmCriteria& criteria, std::vector<std::optional<double>> newest_first) {
  std::vector<Slot> slots;
  for (const auto& value : newest_first) slots.push_back({kTime - minutes(int(slots.size())), value});
  return evaluate(criteria, slots);
}

TEST(AlarmReason, ThresholdsCrossed) {
  const AlarmCriteria one{Comparison::greater, 80, 1, 1, MissingData::missing};
  EXPECT_EQ(state_reason(one, evaluation(one, {81, 3, 3}), true),
            "Threshold Crossed: 1 out of the last 1 datapoints [81.0 (24/11/26 10:15:00)] was greater than the "
            "threshold (80.0) (minimum 1 datapoint for OK -> ALARM transition).");
  EXPECT_EQ(state_reason(one, evaluation(one, {81, 3, 3}), false),
            "Threshold Crossed: 1 datapoint [81.0 (24/11/26 10:15:00)] was greater than the threshold (80.0).");
  EXPECT_EQ(state_reason(one, evaluation(one, {0.5, 99, 99}), true),
            "Threshold Crossed: 1 out of the last 1 datapoints [0.5 (24/11/26 10:15:00)] was not greater than the "
            "threshold (80.0) (minimum 1 datapoint for ALARM -> OK transition).");
  const AlarmCriteria two{Comparison::less_or_equal, 10, 3, 2, MissingData::missing};
  EXPECT_EQ(state_reason(two, evaluation(two, {1, 12, 2, 3, 4}), true),
            "Threshold Crossed: 2 out of the last 3 datapoints [1.0 (24/11/26 10:15:00), 2.0 (24/11/26 10:13:00)] were "
            "less than or equal to the threshold (10.0) (minimum 2 datapoints for OK -> ALARM transition).");
  EXPECT_EQ(state_reason(two, evaluation(two, {11, 12, 2, 3, 4}), true),
            "Threshold Crossed: 2 out of the last 3 datapoints [11.0 (24/11/26 10:15:00), 12.0 (24/11/26 10:14:00)] "
            "were not less than or equal to the threshold (10.0) (minimum 2 datapoints for ALARM -> OK transition).");
}

TEST(AlarmReason, MissingData) {
  const AlarmCriteria breaching{Comparison::less, 1, 2, 2, MissingData::breaching};
  EXPECT_EQ(state_reason(breaching, evaluation(breaching, {{}, {}, {}, {}}), false),
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
            "[Breaching].");
  EXPECT_EQ(state_reason(breaching, evaluation(breaching, {{}, 0, {}, {}}), false),
            "Threshold Crossed: 1 datapoint [0.0 (24/11/26 10:14:00)] was less than the threshold (1.0) and 1 missing "
            "datapoint was treated as [Breaching].");
  const AlarmCriteria good{Comparison::less, 1, 1, 1, MissingData::not_breaching};
  EXPECT_EQ(state_reason(good, evaluation(good, {{}, {}, {}}), false),
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
            "[NonBreaching].");
  const AlarmCriteria missing{Comparison::less, 1, 1, 1, MissingData::missing};
  EXPECT_EQ(state_reason(missing, evaluation(missing, {{}, {}, {}}), true),
            "Insufficient Data: 1 datapoint was unknown.");
  const AlarmCriteria five{Comparison::less, 1, 5, 5, MissingData::missing};
  EXPECT_EQ(state_reason(five, evaluation(five, {{}}), true), "Insufficient Data: 5 datapoints were unknown.");
}

TEST(AlarmReason, Data) {
  const ReasonData data{.query_date = kTime + std::chrono::milliseconds(61'500),
                        .statistic = "Average",
                        .unit = "Percent",
                        .period = 60,
                        .threshold = 80,
                        .slots = {{kTime, 81}, {kTime - minutes(1), {}}, {kTime - minutes(2), 7.25}}};
  EXPECT_EQ(
      state_reason_data(data),
      R"({"version":"1.0","queryDate":"2026-11-24T10:16:01.500+0000","startDate":"2026-11-24T10:13:00.000+0000",)"
      R"("unit":"Percent","statistic":"Average","period":60,"recentDatapoints":[7.25,81.0],"threshold":80.0,)"
      R"("evaluatedDatapoints":[{"timestamp":"2026-11-24T10:15:00.000+0000","value":81.0},)"
      R"({"timestamp":"2026-11-24T10:14:00.000+0000"},{"timestamp":"2026-11-24T10:13:00.000+0000","value":7.25}]})");
}

TEST(AlarmReason, LongListsFitTheModel) {
  const AlarmCriteria criteria{Comparison::greater, 0, 1440, 1440, MissingData::missing};
  const std::vector<std::optional<double>> many(1440, 0.1234567890123456);
  EXPECT_LE(state_reason(criteria, evaluation(criteria, many), true).size(), 1023U);
  ReasonData data;
  for (int i = 0; i < 1440; ++i) data.slots.push_back({kTime, 0.1234567890123456});
  EXPECT_LE(state_reason_data(data).size(), 4000U);
  EXPECT_TRUE(is_json_object(state_reason_data(data)));
}

TEST(AlarmReason, NumbersAsJavaWritesThem) {
  EXPECT_EQ(java_number(0), "0.0");
  EXPECT_EQ(java_number(-5), "-5.0");
  EXPECT_EQ(java_number(99.50160229693434), "99.50160229693434");
  EXPECT_EQ(java_number(9999999), "9999999.0");
  EXPECT_EQ(java_number(1e7), "1.0E7");
  EXPECT_EQ(java_number(123456789), "1.23456789E8");
  EXPECT_EQ(java_number(0.001), "0.001");
  EXPECT_EQ(java_number(0.00025), "2.5E-4");
}

}  // namespace
}  // namespace brume::cloudwatch
