#include "services/cloudwatch/alarm_rule.h"

#include <gtest/gtest.h>

#include <map>

#include "services/cloudwatch/error_of_test.h"

namespace brume::cloudwatch {
namespace {

bool holds(std::string_view text) {
  static const std::map<std::string, std::string> kStates = {
      {"fire", "ALARM"}, {"calm", "OK"}, {"new", "INSUFFICIENT_DATA"}, {"two words", "ALARM"}};
  const auto rule = parse_alarm_rule(text);
  EXPECT_TRUE(rule) << text << ": " << rule.error().message;
  return rule && holds(*rule, [](const std::string& alarm) -> std::string_view {
           const auto found = kStates.find(std::string(alarm_name_of(alarm)));
           return found == kStates.end() ? "" : std::string_view(found->second);
         });
}

TEST(AlarmRule, Holds) {
  EXPECT_TRUE(holds("TRUE"));
  EXPECT_FALSE(holds("FALSE"));
  EXPECT_TRUE(holds("ALARM(fire)"));
  EXPECT_TRUE(holds("ALARM(\"fire\") AND OK('calm') AND INSUFFICIENT_DATA(new)"));
  EXPECT_TRUE(holds("ALARM(\"two words\")"));
  EXPECT_TRUE(holds("ALARM(arn:aws:cloudwatch:eu-west-1:000000000000:alarm:fire)"));
  EXPECT_FALSE(holds("ALARM(calm) OR OK(fire)"));
  EXPECT_TRUE(holds("ALARM(fire) AND NOT ALARM(calm)"));
  EXPECT_TRUE(holds("(ALARM(calm) OR ALARM(fire)) AND OK(calm)"));
  EXPECT_TRUE(holds("ALARM(fire) OR ALARM(calm) AND FALSE")) << "AND binds tighter";
  EXPECT_TRUE(holds("not false"));
  EXPECT_FALSE(holds("OK(nobody) OR ALARM(nobody)"));
  EXPECT_TRUE(holds("NOT NOT\n TRUE"));
}

TEST(AlarmRule, IsStrictAndBounded) {
  for (const std::string& text :
       {std::string(), std::string("ALARM"), std::string("ALARM()"), std::string("ALARM(a"), std::string("ALARM(\"a)"),
        std::string("TRUE FALSE"), std::string("TRUE AND"), std::string("MAYBE(a)"), std::string("(TRUE"),
        std::string("TRUE)"), std::string("ALARM(a b)"), std::string(40, '(') + "TRUE" + std::string(40, ')')})
    EXPECT_EQ(error_of(parse_alarm_rule(text)).code, "ValidationError") << text;
  std::string many = "TRUE";
  for (int i = 0; i < 101; ++i) many += fmt::format(" OR ALARM(a{})", i);
  EXPECT_FALSE(parse_alarm_rule(many));
  std::string elements = "TRUE";
  for (int i = 0; i < 500; ++i) elements += " OR TRUE";
  EXPECT_FALSE(parse_alarm_rule(elements));
}

TEST(AlarmRule, NamesItsAlarms) {
  EXPECT_EQ(alarms_of(*parse_alarm_rule("ALARM(b) OR (OK(a) AND NOT ALARM(b))")), (std::vector<std::string>{"b", "a"}));
}

}  // namespace
}  // namespace brume::cloudwatch
