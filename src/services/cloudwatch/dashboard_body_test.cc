#include "services/cloudwatch/dashboard_body.h"

#include <gtest/gtest.h>

namespace brume::cloudwatch {
namespace {

std::string wrong(std::string_view body) {
  const auto checked = check_dashboard_body(body);
  return checked ? "" : checked.error().message;
}

TEST(DashboardBody, GoodOnes) {
  EXPECT_EQ(wrong(R"({"widgets":[]})"), "");
  EXPECT_EQ(wrong(R"({"start":"-PT6H","widgets":[
      {"type":"text","x":0,"y":0,"width":3,"height":3,"properties":{"markdown":"Hello"}},
      {"type":"metric","properties":{"region":"eu-west-1","title":"CPU","metrics":[
        ["AWS/EC2","CPUUtilization","InstanceId","i-1",{"stat":"p99"}],["AWS/EC2","CPUUtilization"],
        [{"expression":"m1*2","id":"e1"}]]}}]})"),
            "");
}

TEST(DashboardBody, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(wrong("{"), "The field DashboardBody must be a valid JSON object");
  EXPECT_EQ(wrong("[]"), "The field DashboardBody must be a valid JSON object");
  EXPECT_EQ(wrong(R"({"widgets":[{"type":"metric","properties":{"region":"x","metrics":[["AWS/DMS","CDC","Dim"]]}}]})"),
            "The dashboard body is invalid, there are 1 validation errors:\n[\n  {\n    \"dataPath\": "
            "\"/widgets/0/properties/metrics/0\",\n    \"message\": \"Should NOT have more than 2 items\"\n  }\n]");
  for (const auto& [body, said] : {
           std::pair("{}", "required property 'widgets'"),
           std::pair(R"({"widgets":{}})", "Should be array"),
           std::pair(R"({"widgets":[{"properties":{}}]})", "required property 'type'"),
           std::pair(R"({"widgets":[{"type":"film","properties":{}}]})", "one of the allowed values"),
           std::pair(R"({"widgets":[{"type":"text","width":25,"properties":{"markdown":""}}]})", "Should be <= 24"),
           std::pair(R"({"widgets":[{"type":"text","properties":{}}]})", "required property 'markdown'"),
           std::pair(
               R"({"widgets":[{"type":"metric","properties":{"region":"x","metrics":[["A","B",{"C":"d"},{}]]}}]})",
               "only \\\"String\\\" type is allowed"),
       })
    EXPECT_NE(wrong(body).find(said), std::string::npos) << body << ": " << wrong(body);
}

TEST(DashboardBody, WarnsOfWhatItPassesOver) {
  const auto checked = check_dashboard_body(R"({"widgets":[{"type":"text","colour":1,"properties":{"markdown":""}}]})");
  ASSERT_TRUE(checked);
  ASSERT_EQ(checked->size(), 1U);
  EXPECT_EQ(checked->front().DataPath, "/widgets/0/colour");
}

}  // namespace
}  // namespace brume::cloudwatch
