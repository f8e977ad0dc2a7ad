#include "services/cloudwatch/expression/syntax.h"

#include <gtest/gtest.h>

namespace brume::cloudwatch::expression {
namespace {

std::string read(std::string_view text) {
  const auto tree = parse(text);
  return tree ? format(*tree) : tree.error().message;
}

TEST(ExpressionSyntax, Precedence) {
  EXPECT_EQ(read("m1+m2*3"), "(m1 + (m2 * 3))");
  EXPECT_EQ(read("m1-m2-m3"), "((m1 - m2) - m3)");
  EXPECT_EQ(read("-m1^2"), "(-(m1 ^ 2))");
  EXPECT_EQ(read("2^3^2"), "(2 ^ (3 ^ 2))");
  EXPECT_EQ(read("2^-1"), "(2 ^ (-1))");
  EXPECT_EQ(read("m1 > 1 AND m2 <= 2 || m3 == 0"), "(((m1 > 1) AND (m2 <= 2)) OR (m3 == 0))");
  EXPECT_EQ(read("m1>1&&m2!=2"), "((m1 > 1) AND (m2 != 2))");
  EXPECT_EQ(read("(m1+m2)/2.5e1"), "((m1 + m2) / 25)");
}

TEST(ExpressionSyntax, CallsArraysAndTexts) {
  EXPECT_EQ(read("SUM([m1, METRICS('4xx')])"), "SUM([m1, METRICS(\"4xx\")])");
  EXPECT_EQ(read("SORT(METRICS(),AVG,DESC,10)"), "SORT(METRICS(), AVG, DESC, 10)");
  EXPECT_EQ(read("FILL(m1, REPEAT)"), "FILL(m1, REPEAT)");
  EXPECT_EQ(read(R"(SEARCH(' {AWS/EC2,InstanceId} MetricName="CPU" ', 'Average', 300))"),
            R"(SEARCH(' {AWS/EC2,InstanceId} MetricName="CPU" ', "Average", 300))");
}

TEST(ExpressionSyntax, IsStrict) {
  EXPECT_EQ(read(""), "The expression ends too early");
  EXPECT_EQ(read("m1 +"), "The expression ends too early");
  EXPECT_EQ(read("m1 m2"), "'m' at position 4 is unexpected");
  EXPECT_EQ(read("(m1"), "The expression ends too early");
  EXPECT_EQ(read("[]"), "An array of the expression is empty");
  EXPECT_EQ(read("sum(m1)"), "'sum' is not a function; their names are in capitals");
  EXPECT_EQ(read("METRICS(\"a"), "The text that begins at position 9 does not end");
  EXPECT_EQ(read("2x"), "'x' at position 2 is unexpected after a number");
  EXPECT_EQ(read("m1 % 2"), "'%' at position 4 is unexpected");
  EXPECT_EQ(read(std::string(33, '(') + "1" + std::string(33, ')')), "The expression is nested more than 32 deep");
  EXPECT_EQ(read(std::string(100, '-') + "1"), "The expression is nested more than 32 deep");
}

TEST(ExpressionSyntax, LongChainsAreNotDeep) {
  std::string text = "m1";
  while (text.size() < 2048) text += "+1";
  const auto tree = parse(text);
  ASSERT_TRUE(tree);
  EXPECT_GT(format(*tree).size(), text.size());
}

}  // namespace
}  // namespace brume::cloudwatch::expression
