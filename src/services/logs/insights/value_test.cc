#include "services/logs/insights/value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace brume::logs::insights {
namespace {

Value text(std::string_view value) {
  return Value::of(value);
}

TEST(InsightsValue, NumbersPrintWithFourDecimalsAtMost) {
  const std::pair<double, const char*> cases[] = {{0, "0"},
                                                  {-0.0, "0"},
                                                  {42, "42"},
                                                  {122.0703125, "122.0703"},
                                                  {2.5, "2.5"},
                                                  {-1.25, "-1.25"},
                                                  {1.00001, "1"},
                                                  {1e17, "1e+17"},
                                                  {123456789012345, "123456789012345"},
                                                  {0.00001, "1e-05"}};
  for (const auto& [number, printed] : cases) EXPECT_EQ(print(Value::of(number)), printed);
  EXPECT_EQ(print(Value::of(true)), "1");
  EXPECT_EQ(print(Value::at(1'558'779'879'474)), "2019-05-25 10:24:39.474");
  EXPECT_EQ(print(Value::at(1'558'779'879'000)), "2019-05-25 10:24:39.000");
  EXPECT_TRUE(Value::at(1e300).missing());
  EXPECT_TRUE(Value::of(1.0 / 0.0).missing());
}

TEST(InsightsValue, TextsAreNumbersIfAllOfThemIs) {
  for (const char* number : {"1", "-1", "+1", "1.5", ".5", "1e3", "007"})
    EXPECT_TRUE(to_number(text(number))) << number;
  for (const char* word : {"", "-", "1 ", "0x10", "inf", "nan", "1,5", "--1", "+-1", "1e999", "."})
    EXPECT_FALSE(to_number(text(word))) << word;
}

TEST(InsightsValue, ComparesNumbersWithTextsAndBooleansWithWords) {
  EXPECT_TRUE(equals(text("200"), Value::of(200.0)));
  EXPECT_TRUE(equals(text("200.0"), Value::of(200.0)));
  EXPECT_FALSE(equals(text("0123"), text("123")));
  EXPECT_TRUE(compare(text("9"), text("10")) < 0);
  EXPECT_TRUE(compare(text("b9"), text("b10")) > 0);
  EXPECT_TRUE(equals(Value::of(true), text("true")));
  EXPECT_TRUE(equals(Value::of(true), Value::of(1.0)));
  EXPECT_FALSE(equals(Value{}, Value{}));
  EXPECT_FALSE(equals(Value::structure("[]"), Value::structure("[]")));
  EXPECT_EQ(compare(text("x"), Value::of(1.0)), std::partial_ordering::unordered);
}

TEST(InsightsValue, SortsAsTheGuideSays) {
  // The example of the page on `sort`; 01 and 1 are the same number.
  const std::vector<std::string_view> sorted = {"!:", "#",         "*%04",      "0#", "5A", "111A", "2345_", "@", "@_",
                                                "A",  "A9876fghj", "a12345hfh", "0",  "01", "1",    "2",     "3"};
  std::vector<std::string_view> mixed(sorted.rbegin(), sorted.rend());
  std::swap(mixed[2], mixed[3]);
  std::ranges::stable_sort(mixed, [](auto a, auto b) { return sort_order(text(a), text(b)) < 0; });
  EXPECT_EQ(mixed, sorted);
  EXPECT_TRUE(sort_order(Value{}, text("!")) < 0);
}

}  // namespace
}  // namespace brume::logs::insights
