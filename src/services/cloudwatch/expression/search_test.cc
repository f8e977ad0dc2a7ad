#include "services/cloudwatch/expression/search.h"

#include <gtest/gtest.h>

#include "services/cloudwatch/error_of_test.h"

namespace brume::cloudwatch::expression {
namespace {

const MetricId kCount{"MyNamespace", "CustomCount1", {{"Stage", "Project2-trial333"}}};
const MetricId kErrors{"Web", "Network-Errors-2", {}};
const MetricId kCpu{"AWS/EC2", "CPUUtilization", {{"InstanceId", "i-1234567890123456"}}};
const MetricId kMicro{"AWS/EC2", "CPUUtilization", {{"InstanceType", "t2.micro"}}};

bool finds(std::string_view text, const MetricId& metric) {
  const auto search = parse_search(text);
  EXPECT_TRUE(search) << text << ": " << search.error().message;
  return search && matches(*search, metric);
}

TEST(Search, Tokens) {
  using Tokens = std::vector<std::string_view>;
  EXPECT_EQ(tokens("CustomCount1"), (Tokens{"Custom", "Count", "1"}));
  EXPECT_EQ(tokens("SDBFailure"), (Tokens{"SDB", "Failure"}));
  EXPECT_EQ(tokens("Project2-trial333"), (Tokens{"Project", "2", "trial", "333"}));
  EXPECT_EQ(tokens("couNT"), (Tokens{"cou", "NT"}));
  EXPECT_EQ(tokens("--"), Tokens{});
}

// The examples of "CloudWatch search expression syntax".
TEST(Search, PartialMatches) {
  for (const char* text : {"count", "Count", "COUNT", "CustomCount", "Count1", "customcount1", "trial", "mynamespace"})
    EXPECT_TRUE(finds(text, kCount)) << text;
  for (const char* text : {"couNT", "customcount", "count1", "cust", "Stage2"})
    EXPECT_FALSE(finds(text, kCount)) << text;
  for (const char* text : {"network/errors", "network+errors", "network-errors", "Network_Errors"})
    EXPECT_TRUE(finds(text, kErrors)) << text;
}

TEST(Search, ExactMatches) {
  EXPECT_TRUE(finds("{MyNamespace} \"CustomCount1\"", kCount));
  EXPECT_TRUE(finds(" {MyNamespace}, \"CustomCount1\" ", kCount));
  EXPECT_FALSE(finds("{MyNamespace}, \"customcount1\"", kCount));
  EXPECT_FALSE(finds("{MyNamespace}, \"Custom\"", kCount));
  EXPECT_TRUE(finds("MetricName=\"CustomCount1\"", kCount));
  EXPECT_FALSE(finds("MetricName=\"MyNamespace\"", kCount));
}

TEST(Search, SchemasAndProperties) {
  EXPECT_TRUE(finds("{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\"", kCpu));
  EXPECT_FALSE(finds("{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\"", kMicro));
  EXPECT_FALSE(finds("{AWS/EC2,InstanceId,InstanceType}", kCpu));
  EXPECT_TRUE(finds("{AWS/EC2}", kCpu));
  EXPECT_TRUE(finds("InstanceType=micro", kMicro));
  EXPECT_TRUE(finds("InstanceType=\"t2.micro\" Namespace=\"AWS/EC2\"", kMicro));
  EXPECT_FALSE(finds("InstanceType=large", kMicro));
}

TEST(Search, Logic) {
  EXPECT_TRUE(finds("(EC2 OR EBS) AND MetricName=cpu", MetricId{"AWS/EC2", "cpu", {}}));
  EXPECT_TRUE(finds("(EC2 OR EBS) cpu", MetricId{"AWS/EBS", "cpu", {}}));
  EXPECT_FALSE(finds("(EC2 OR EBS) cpu", MetricId{"AWS/ELB", "cpu", {}}));
  EXPECT_FALSE(finds("{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\" NOT i-1234567890123456", kCpu));
  EXPECT_FALSE(finds("NOT Namespace=AWS", kCpu));
  EXPECT_TRUE(finds("NOT Namespace=AWS", kCount));
  EXPECT_TRUE(finds("nothing OR count", kCount));
  EXPECT_TRUE(finds("nothing OR count AND custom", kCount));
}

TEST(Search, IsStrictAndBounded) {
  for (const std::string& text : {std::string(), std::string("{"), std::string("{A"), std::string("(a"),
                                  std::string("a)"), std::string("\"a"), std::string("a ="), std::string("a OR"),
                                  std::string(1025, 'a'), std::string(40, '(') + "a" + std::string(40, ')')})
    EXPECT_EQ(error_of(parse_search(text)).code, "ValidationError") << text;
}

}  // namespace
}  // namespace brume::cloudwatch::expression
