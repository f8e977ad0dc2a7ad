#include "services/cloudformation/lint.h"

#include <gtest/gtest.h>

#include "services/cloudformation/pseudo.h"

namespace brume::cloudformation {
namespace {

std::vector<Finding> check(const std::string& text, std::map<std::string, std::string> parameters = {}) {
  return lint(text, {.parameters = std::move(parameters),
                     .pseudo = pseudo_parameters("ap-southeast-1", "s", "id"),
                     .look_up = [](const std::string&) -> Result<std::string> { return "ami-1"; }});
}

TEST(Lint, NamesResourceAndLine) {
  const struct {
    const char *text, *message;
    int line;
  } cases[] = {
      {"Resources:\n  A:\n    Type: AWS::Foo::Bar",
       "Unrecognized resource types: [AWS::Foo::Bar] of resource A (line 2)", 2},
      {"Resources:\n  V:\n    Type: AWS::EC2::VPC\n    Properties:\n      CidrBlock: 10.0.0.0/16\n      Foo: 1",
       "Resource V (AWS::EC2::VPC): Encountered unsupported property Foo (line 6)", 6},
      {"Resources:\n  V:\n    Type: AWS::EC2::VPC", "Property CidrBlock is required (line 2)", 2},
      {"Resources:\n  V:\n    Type: AWS::EC2::VPC\n    Properties:\n      CidrBlock: [a]",
       "Value of property CidrBlock must be of type String (line 5)", 5},
      {"Resources:\n  V:\n    Type: AWS::EC2::VPC\n    Properties:\n      CidrBlock: x\n      EnableDnsSupport: maybe",
       "Value of property EnableDnsSupport must be of type Boolean (line 6)", 6},
      {"Resources:\n  L:\n    Type: AWS::EC2::LaunchTemplate\n    Properties:\n      LaunchTemplateData:\n        "
       "Imagine: x",
       "Encountered unsupported property LaunchTemplateData.Imagine (line 6)", 6},
      {"Resources:\n  S:\n    Type: AWS::EC2::Subnet\n    Properties:\n      CidrBlock: x\n      VpcId: !Ref Vpc",
       "Unresolved resource dependencies [Vpc] in the Resources block of the template, resource S (line 6)", 6},
      {"Resources:\n  S:\n    Type: AWS::EC2::Subnet\n    Properties:\n      CidrBlock: x\n      VpcId: !GetAtt Vpc.Id",
       "instance of Fn::GetAtt references undefined resource Vpc, resource S (line 6)", 6},
      {"Resources:\n  V: {Type: AWS::EC2::InternetGateway}\nOutputs:\n  O: {Value: !GetAtt V.Foo}",
       "resource V does not support attribute type Foo in Fn::GetAtt (line 4)", 4},
      {"Resources:\n  V: {Type: AWS::EC2::InternetGateway, Condition: C}",
       "Unresolved condition C of resource V (line 2)", 2},
      {"Resources:\n  V:\n    Type: AWS::EC2::InternetGateway\n    CreationPolicy: {ResourceSignal: {Count: 1}}",
       "CreationPolicy is not allowed on resource V", 4},
      {"Resources:\n  A: {Type: AWS::EC2::InternetGateway, DependsOn: B}\n  B: {Type: AWS::EC2::InternetGateway, "
       "DependsOn: A}\n  C: {Type: AWS::EC2::InternetGateway, DependsOn: A}",
       "Circular dependency between resources: [A, B]", 0},
      {"Resources:\n  A: {Type: AWS::EC2::InternetGateway, DependsOn: B}", "Unresolved resource dependencies [B]", 0},
      {"Conditions: {C: !Equals [!Ref R, x]}\nResources:\n  R: {Type: AWS::EC2::InternetGateway}",
       "Unresolved resource dependencies [R] in the Conditions block", 1},
      {"Conditions: {C: !Equals [a, b]}\nResources:\n  R: {Type: AWS::EC2::InternetGateway, Condition: C}\n  Q: {Type: "
       "AWS::EC2::InternetGateway}\nOutputs: {O: {Value: !Ref R}}",
       "Unresolved resource dependencies [R] in the Outputs block", 5},
      {"Resources:\n  G:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    UpdatePolicy: {AutoScalingRollingUpdate: "
       "{Batch: 1}}\n    Properties: {MinSize: 1, MaxSize: 2}",
       "Encountered unsupported property UpdatePolicy.AutoScalingRollingUpdate.Batch (line 4)", 4},
  };
  for (const auto& c : cases) {
    const auto findings = check(c.text);
    ASSERT_FALSE(findings.empty()) << c.text;
    EXPECT_NE(findings[0].message.find(c.message), std::string::npos) << findings[0].message;
    EXPECT_EQ(findings[0].line, c.line) << findings[0].message;
  }
}

TEST(Lint, ReportsEveryMistakeAtOnce) {
  const auto findings = check(
      "Resources:\n  A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: x, Foo: 1}}\n  B: {Type: AWS::EC2::Subnet, "
      "Properties: {VpcId: !Ref A}}");
  EXPECT_EQ(findings.size(), 2U);
}

TEST(Lint, UnknownValuesAndUntakenBranchesPass) {
  EXPECT_TRUE(check(R"(
Parameters: {P: {Type: String, Default: p}}
Conditions: {C: !Equals [!Ref P, q]}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Other: {Type: AWS::EC2::VPC, Condition: C, Properties: {CidrBlock: 10.1.0.0/16}}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !If [C, !Ref Other, !Ref Vpc]
      CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 2, 8]]
      AvailabilityZone: !Select [0, !GetAZs ""]
)")
                  .empty());
}

TEST(Lint, CapabilitiesAreThoseThatAwsAsksFor) {
  const auto needed = [](const std::string& properties) {
    auto source = templates::read_template("Resources:\n  R: {Type: AWS::IAM::Role, Properties: {" + properties + "}}");
    return needed_capability(*source)->name;
  };
  EXPECT_EQ(needed(""), "CAPABILITY_IAM");
  EXPECT_EQ(needed("RoleName: x"), "CAPABILITY_NAMED_IAM");
  EXPECT_FALSE(needed_capability(*templates::read_template("Resources: {V: {Type: AWS::EC2::VPC}}")));
}

}  // namespace
}  // namespace brume::cloudformation
