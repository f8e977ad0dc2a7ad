// Log groups and what belongs to them: what they ask for, their updates, and that nothing of them is left.
#include "services/cloudformation/world_test.h"

namespace brume::cloudformation {
namespace {

constexpr const char* kLogs = R"(
Parameters:
  Days: {Type: Number, Default: 14}
  Pattern: {Type: String, Default: ERROR}
Resources:
  Log:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /web/app, RetentionInDays: !Ref Days, Tags: [{Key: days, Value: !Ref Days}]}
  Errors:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref Log
      FilterPattern: !Ref Pattern
      MetricTransformations:
        - {MetricName: Errors, MetricNamespace: Web, MetricValue: '1', DefaultValue: 0, Unit: Count}
  ByPath:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref Log
      FilterName: by-path
      FilterPattern: '{ $.path = "*" }'
      MetricTransformations:
        - {MetricName: Took, MetricNamespace: Web, MetricValue: $.took, Dimensions: [{Key: path, Value: $.path}]}
  Forwarded:
    Type: AWS::Logs::SubscriptionFilter
    Properties:
      LogGroupName: !Ref Log
      FilterPattern: !Ref Pattern
      DestinationArn: arn:aws:kinesis:ap-southeast-1:000000000000:stream/lines
      RoleArn: arn:aws:iam::000000000000:role/forward
      Distribution: Random
  Saved: {Type: AWS::Logs::QueryDefinition, Properties: {Name: errors, QueryString: !Sub 'filter @message like /${Pattern}/', LogGroupNames: [!Ref Log]}}
Outputs:
  Log: {Value: !Ref Log}
  Arn: {Value: !GetAtt Log.Arn}
  Filter: {Value: !Ref Errors}
  Forwarded: {Value: !Ref Forwarded}
)";

TEST(LogsTypes, FromCreationToDeletion) {
  World world;
  auto created = world.create(kLogs);
  ASSERT_TRUE(created) << created.error().message;
  world.run();
  ASSERT_EQ(world.status(), "CREATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.output("Log"), "/web/app");
  EXPECT_EQ(world.output("Arn"), "arn:aws:logs:ap-southeast-1:000000000000:log-group:/web/app:*");
  EXPECT_EQ(world.cloud->count("PutRetentionPolicy 14"), 1);
  const std::string filter = world.output("Filter");
  EXPECT_TRUE(filter.starts_with("web-Errors-"));
  EXPECT_TRUE(world.cloud->things.find(filter)->text.contains(R"("defaultValue":0)"));
  const std::string forwarded = world.output("Forwarded");
  EXPECT_TRUE(world.cloud->things.find(forwarded)->text.contains(R"("distribution":"Random")"));
  EXPECT_EQ(world.cloud->count("PutSubscriptionFilter"), 2);  // the destination was asked in between
  EXPECT_TRUE(world.cloud->things.find("by-path")->text.contains(R"("dimensions":{"path":"$.path"})"));

  ASSERT_TRUE(world.update(kLogs, {{"Days", "30"}, {"Pattern", "FATAL"}}));
  world.run();
  ASSERT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.cloud->count("PutRetentionPolicy 30"), 1);
  EXPECT_EQ(world.cloud->count("TagResource arn:aws:logs:ap-southeast-1:000000000000:log-group:/web/app"), 1);
  EXPECT_EQ(world.output("Filter"), filter);
  EXPECT_TRUE(world.cloud->things.find(filter)->text.contains("FATAL"));
  EXPECT_TRUE(world.cloud->things.find(forwarded)->text.contains("FATAL"));

  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_EQ(world.status(*created->StackId), "DELETE_COMPLETE");
  EXPECT_EQ(world.things(), 0U);
}

TEST(LogsTypes, ADestinationThatTakesNothingFailsTheStackAndLeavesAnothersFilterAlone) {
  constexpr const char* kForwarded = R"(
Resources:
  Forwarded:
    Type: AWS::Logs::SubscriptionFilter
    Properties: {LogGroupName: /web/app, FilterName: mine, FilterPattern: '', DestinationArn: arn}
)";
  World world;
  world.cloud->refused_destinations = {"arn"};
  ASSERT_TRUE(world.create(kForwarded));
  world.run();
  EXPECT_EQ(world.status(), "ROLLBACK_COMPLETE");
  EXPECT_TRUE(world.has_event("Forwarded CREATE_FAILED: Could not deliver test message to specified Kinesis stream."));

  world.cloud->refused_destinations.clear();
  ASSERT_TRUE(world.create(kForwarded, "first"));
  world.run();
  ASSERT_EQ(world.status("first"), "CREATE_COMPLETE");
  ASSERT_TRUE(world.create(kForwarded, "second"));
  world.run();
  EXPECT_EQ(world.status("second"), "ROLLBACK_COMPLETE");
  EXPECT_TRUE(world.cloud->things.find("mine"));
}

TEST(LogsTypes, EveryCallMayFail) {
  every_call_may_fail(kLogs);
}

}  // namespace
}  // namespace brume::cloudformation
