#include <fstream>
#include <sstream>

#include "services/cloudformation/world_test.h"

namespace brume::cloudformation {
namespace {

std::string example() {
  std::ifstream file(BRUME_SOURCE_DIR "/examples/web/stack.yaml");
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

// A small stack with most of what an engine has to get right.
constexpr const char* kSmall = R"(
Parameters: {Cidr: {Type: String, Default: 10.0.1.0/24}, Path: {Type: String, Default: /}}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: !Ref Cidr}}
  Group: {Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {VpcId: !Ref Vpc, Port: 80, Protocol: HTTP, HealthCheckPath: !Ref Path}}
  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Subnets: [!Ref Subnet]}}
Outputs: {Subnet: {Value: !Ref Subnet}, Name: {Value: !GetAtt Balancer.DNSName}}
)";

TEST(Engine, SmallStackFromCreationToDeletion) {
  World world;
  auto created = world.create(kSmall);
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(world.status(), "CREATE_IN_PROGRESS");
  world.env.loop.run_for(std::chrono::seconds(1));
  EXPECT_EQ(world.status(), "CREATE_IN_PROGRESS");  // the balancer is not active yet
  world.run();
  EXPECT_EQ(world.status(), "CREATE_COMPLETE");
  EXPECT_EQ(world.output("Name"), "lb.example.com");
  EXPECT_EQ(world.things(), 5U);
  EXPECT_EQ(world.events()[0], "web CREATE_IN_PROGRESS: User Initiated");
  EXPECT_TRUE(world.has_event("Vpc CREATE_IN_PROGRESS: Resource creation Initiated"));
  EXPECT_EQ(world.events().back(), "web CREATE_COMPLETE");
  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_EQ(world.things(), 0U);
  EXPECT_EQ(world.status(*created->StackId), "DELETE_COMPLETE");
  EXPECT_FALSE(world.call([&](Service& s) { return s.DescribeStacks({}, {.StackName = "web"}); }));
}

TEST(Engine, FailureRollsBackAndSaysWhy) {
  World world;
  world.cloud->fail_with["CreateLoadBalancer"] = "no more load balancers";
  ASSERT_TRUE(world.create(kSmall));
  world.run();
  EXPECT_EQ(world.status(), "ROLLBACK_COMPLETE");
  EXPECT_EQ(world.things(), 0U);
  EXPECT_TRUE(world.has_event("Balancer CREATE_FAILED: no more load balancers"));
  EXPECT_TRUE(world.has_event(
      "web ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [Balancer]. Rollback requested by user."));
  EXPECT_FALSE(world.update(kSmall));
  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_FALSE(world.call([&](Service& s) { return s.DescribeStacks({}, {.StackName = "web"}); }));
}

TEST(Engine, OnFailureDecides) {
  for (const char* choice : {"DO_NOTHING", "DELETE"}) {
    World world;
    world.cloud->fail_with["CreateLoadBalancer"] = "no";
    auto created = world.create(kSmall, "web", [&](auto& request) { request.OnFailure = choice; });
    ASSERT_TRUE(created);
    world.run();
    EXPECT_EQ(world.status(*created->StackId), std::string(choice) == "DELETE" ? "DELETE_COMPLETE" : "CREATE_FAILED");
    EXPECT_EQ(world.things() == 0, std::string(choice) == "DELETE");
  }
}

TEST(Engine, GroupThatCannotLaunchFailsSoon) {
  World world;
  world.cloud->launches_fail = true;
  ASSERT_TRUE(
      world.create("Resources: {G: {Type: AWS::AutoScaling::AutoScalingGroup, Properties: {MinSize: 2, MaxSize: 2}}}"));
  world.run(std::chrono::seconds(10));
  EXPECT_EQ(world.status(), "ROLLBACK_COMPLETE");
  EXPECT_TRUE(
      world.has_event("G CREATE_FAILED: Group did not stabilize. {current/minSize/desired} group size: {0/2/2}. Last "
                      "failed activity: The image id 'ami-1' does not exist"));
}

TEST(Engine, UpdateInPlaceAndReplacement) {
  World world;
  ASSERT_TRUE(world.create(kSmall));
  world.run();
  const std::string before = world.output("Subnet");
  auto nothing = world.update(kSmall);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().message, "No updates are to be performed.");
  ASSERT_TRUE(world.update(kSmall, {{"Path", "/health"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
  EXPECT_EQ(world.cloud->count("ModifyTargetGroup"), 1);
  EXPECT_EQ(world.output("Subnet"), before);
  EXPECT_TRUE(world.has_event("Group UPDATE_COMPLETE"));
  // A template without the balancer, with another range for the subnet: replaced, the old ones removed at the end.
  const std::string smaller = R"(
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.2.0/24}}
Outputs: {Subnet: {Value: !Ref Subnet}}
)";
  ASSERT_TRUE(world.update(smaller));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
  EXPECT_NE(world.output("Subnet"), before);
  EXPECT_FALSE(world.cloud->things.contains(before));
  EXPECT_EQ(world.things(), 3U);  // the VPC, its ACL and the subnet
  EXPECT_TRUE(world.has_event("web UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"));
  EXPECT_TRUE(
      world.has_event("Subnet UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; "
                      "hence creating one."));
}

TEST(Engine, UpdateThatFailsGoesBack) {
  World world;
  ASSERT_TRUE(world.create(kSmall));
  world.run();
  const std::string before = world.output("Subnet");
  world.cloud->fail_with["ModifyTargetGroup"] = "not now";
  const std::string more = std::string(kSmall) + "Metadata: {A: b}\n";
  ASSERT_TRUE(world.update(more, {{"Path", "/x"}, {"Cidr", "10.0.9.0/24"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_EQ(world.output("Subnet"), before);
  EXPECT_TRUE(world.cloud->things.contains(before));
  EXPECT_EQ(world.things(), 5U);
  EXPECT_TRUE(world.has_event("web UPDATE_ROLLBACK_IN_PROGRESS: The following resource(s) failed to update: [Group]."));
  // What was rolled back can be updated again, and nothing is to be done for what it was.
  world.cloud->fail_with.clear();
  EXPECT_FALSE(world.update(kSmall));
  ASSERT_TRUE(world.update(kSmall, {{"Path", "/x"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
}

TEST(Engine, AnUpdateCanBeCancelled) {
  World world;
  ASSERT_TRUE(world.create(kSmall));
  world.run();
  const std::string before = world.output("Subnet");
  const std::string more = std::string(kSmall).replace(
      std::string(kSmall).find("Outputs:"), 0,
      "  Second: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Subnets: [!Ref Subnet]}}\n");
  ASSERT_TRUE(world.update(more, {{"Cidr", "10.0.9.0/24"}}));
  world.run(std::chrono::seconds(1));
  EXPECT_EQ(world.status(), "UPDATE_IN_PROGRESS");
  CancelUpdateStackInput cancel;
  cancel.StackName = "web";
  ASSERT_TRUE(world.call([&](Service& s) { return s.CancelUpdateStack({}, cancel); }));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_TRUE(world.has_event("Second CREATE_FAILED: Resource creation cancelled"));
  EXPECT_EQ(world.output("Subnet"), before);
  EXPECT_EQ(world.things(), 5U);
}

TEST(Engine, ARollbackThatFailsGoesOnWhenAsked) {
  World world;
  ASSERT_TRUE(world.create(kSmall));
  world.run();
  const std::string more = std::string(kSmall).replace(
      std::string(kSmall).find("Outputs:"), 0,
      "  Last: {Type: AWS::SSM::Parameter, DependsOn: [Group, Balancer], Properties: {Type: String, Value: x}}\n");
  world.cloud->fail_with["PutParameter"] = "no parameters";
  world.cloud->fail_with["ModifyTargetGroup"] = "not back";
  world.cloud->allowed["ModifyTargetGroup"] = 1;
  ASSERT_TRUE(world.update(more, {{"Path", "/x"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_FAILED");
  EXPECT_TRUE(world.has_event("Group UPDATE_FAILED: not back"));
  world.cloud->fail_with.clear();
  ContinueUpdateRollbackInput go_on;
  go_on.StackName = "web";
  ASSERT_TRUE(world.call([&](Service& s) { return s.ContinueUpdateRollback({}, go_on); }));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_EQ(world.things(), 5U);
  EXPECT_FALSE(world.update(kSmall));  // it is again what it was
}

TEST(Engine, AFullDiskIsWaitedOut) {
  World world;
  ASSERT_TRUE(world.create(kSmall));
  world.disk.left = 0;
  const auto before = world.env.loop.executed();
  world.run();
  EXPECT_LT(world.env.loop.executed() - before, 400U);  // once a second
  world.disk.left = ~0ULL;
  world.run();
  EXPECT_EQ(world.status(), "CREATE_COMPLETE");
}

TEST(Engine, PreviousTemplateAndValues) {
  World world;
  ASSERT_TRUE(world.create(kSmall));
  world.run();
  UpdateStackInput request;
  request.StackName = "web";
  request.UsePreviousTemplate = true;
  auto& kept = request.Parameters.emplace_back();
  kept.ParameterKey = "Cidr";
  kept.UsePreviousValue = true;
  auto& path = request.Parameters.emplace_back();
  path.ParameterKey = "Path";
  path.ParameterValue = "/y";
  auto& tag = request.Tags.emplace_back();
  tag.Key = "team";
  tag.Value = "blue";
  ASSERT_TRUE(world.call([&](Service& s) { return s.UpdateStack({}, request); }));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
  EXPECT_TRUE(world.has_event("Vpc UPDATE_COMPLETE"));  // the stack's tags reach its resources
  EXPECT_EQ(world.things(), 5U);
}

TEST(Engine, PoliciesAreKept) {
  World world;
  ASSERT_TRUE(world.create(
      "Resources:\n  Vpc: {Type: AWS::EC2::VPC, DeletionPolicy: Retain, Properties: {CidrBlock: 10.0.0.0/16}}\n"
      "  Gw: {Type: AWS::EC2::InternetGateway}"));
  world.run();
  const std::string id = *world.describe("web").StackId;
  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_EQ(world.status(id), "DELETE_COMPLETE");
  EXPECT_EQ(world.cloud->ids("vpc").size(), 1U);
  EXPECT_EQ(world.cloud->ids("igw").size(), 0U);
  EXPECT_TRUE(world.has_event("Vpc DELETE_SKIPPED", id));
}

TEST(Engine, DeletionThatFailsIsNamedAndCanRetain) {
  World world;
  ASSERT_TRUE(world.create(kSmall));
  world.run();
  const std::string id = *world.describe("web").StackId;
  world.cloud->fail_with["DeleteSubnet"] = "it is mine";
  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_EQ(world.status(), "DELETE_FAILED");
  EXPECT_EQ(world.describe("web").StackStatusReason, "The following resource(s) failed to delete: [Subnet].");
  DeleteStackInput request;
  request.StackName = "web";
  request.RetainResources = {"Subnet"};
  ASSERT_TRUE(world.call([&](Service& s) { return s.DeleteStack({}, request); }));
  world.run();
  // The VPC cannot go while the subnet stays.
  EXPECT_EQ(world.status(), "DELETE_FAILED");
  EXPECT_EQ(world.cloud->ids("subnet").size(), 1U);
  world.cloud->fail_with.clear();
  ASSERT_TRUE(world.store->transact([&]() -> Result<void> {
    world.cloud->things.erase(world.cloud->ids("subnet")[0]);
    return {};
  }));
  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_EQ(world.status(id), "DELETE_COMPLETE");
  EXPECT_EQ(world.things(), 0U);
}

TEST(Engine, SignalsAreCounted) {
  const std::string body = R"(
Resources:
  G:
    Type: AWS::AutoScaling::AutoScalingGroup
    CreationPolicy: {ResourceSignal: {Count: 2, Timeout: PT2M}}
    Properties: {MinSize: 2, MaxSize: 2}
)";
  const auto signal = [](World& world, const char* id, const char* status) {
    SignalResourceInput request;
    request.StackName = "web";
    request.LogicalResourceId = "G";
    request.UniqueId = id;
    request.Status = status;
    return world.call([&](Service& s) { return s.SignalResource({}, request); });
  };
  World world;
  ASSERT_TRUE(world.create(body));
  world.run(std::chrono::seconds(30));
  EXPECT_EQ(world.status(), "CREATE_IN_PROGRESS");
  ASSERT_TRUE(signal(world, "i-1", "SUCCESS"));
  EXPECT_FALSE(signal(world, "i-1", "SUCCESS"));
  ASSERT_TRUE(signal(world, "i-2", "SUCCESS"));
  world.run(std::chrono::seconds(5));
  EXPECT_EQ(world.status(), "CREATE_COMPLETE");

  World late;
  ASSERT_TRUE(late.create(body));
  late.run();
  EXPECT_TRUE(late.has_event("G CREATE_FAILED: Failed to receive 2 resource signal(s) within the specified duration"));
  EXPECT_EQ(late.status(), "ROLLBACK_COMPLETE");

  World broken;
  ASSERT_TRUE(broken.create(body));
  broken.run(std::chrono::seconds(10));
  ASSERT_TRUE(signal(broken, "i-1", "FAILURE"));
  broken.run(std::chrono::seconds(10));
  EXPECT_TRUE(
      broken.has_event("G CREATE_FAILED: Received 1 FAILURE signal(s) out of 2.  Unable to satisfy 100% "
                       "MinSuccessfulInstancesPercent requirement"));
}

TEST(Engine, ExportsHoldTheirStack) {
  World world;
  ASSERT_TRUE(
      world.create("Resources: {V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}}\nOutputs: {V: {Value: "
                   "!Ref V, Export: {Name: vpc}}}",
                   "base"));
  world.run();
  ASSERT_TRUE(world.create(
      "Resources: {S: {Type: AWS::EC2::Subnet, Properties: {VpcId: !ImportValue vpc, CidrBlock: 10.0.0.0/24}}}"));
  world.run();
  EXPECT_EQ(world.status(), "CREATE_COMPLETE");
  auto imports = world.call([&](Service& s) { return s.ListImports({}, {.ExportName = "vpc"}); });
  ASSERT_TRUE(imports);
  EXPECT_EQ(imports->Imports, List<std::string>{"web"});
  ASSERT_TRUE(world.remove("base"));
  world.run();
  EXPECT_EQ(world.describe("base").StackStatusReason, "Export vpc cannot be deleted as it is in use by web");
  ASSERT_TRUE(world.remove());
  world.run();
  ASSERT_TRUE(world.remove("base"));
  world.run();
  EXPECT_EQ(world.things(), 0U);
}

TEST(Engine, MistakesAreFoundBeforeAnythingIsMade) {
  World world;
  auto refused = world.create("Resources:\n  V: {Type: AWS::EC2::VPC, Properties: {Cidr: x}}");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "ValidationError");
  EXPECT_TRUE(world.cloud->calls.empty());
  auto role =
      world.create("Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: x, AssumeRolePolicyDocument: {}}}}");
  ASSERT_FALSE(role);
  EXPECT_EQ(role.error().code, "InsufficientCapabilitiesException");
  EXPECT_EQ(role.error().message, "Requires capabilities : [CAPABILITY_NAMED_IAM]");
  EXPECT_TRUE(world.call([&](Service& s) { return s.DescribeStacks({}, {}); })->Stacks.empty());
}

TEST(Engine, ExampleFromEndToEnd) {
  const std::string body = example();
  if (body.empty()) GTEST_SKIP() << "examples/web/stack.yaml is not there";
  World world;
  auto created = world.create(body);
  ASSERT_TRUE(created) << created.error().message;
  world.run();
  EXPECT_EQ(world.status(), "CREATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.output("Url"), "http://lb.example.com/");
  ASSERT_TRUE(world.update(body, {{"AppVersion", "2.0.0"}}));
  world.run();
  EXPECT_EQ(world.status(), "UPDATE_COMPLETE");
  EXPECT_EQ(world.cloud->count("CreateLaunchTemplateVersion"), 1);
  EXPECT_EQ(world.cloud->count("UpdateAutoScalingGroup"), 1);
  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_EQ(world.status(*created->StackId), "DELETE_COMPLETE");
  EXPECT_EQ(world.things(), 0U);
}

TEST(Engine, EveryCallOfTheExampleMayFail) {
  const std::string body = example();
  if (body.empty()) GTEST_SKIP() << "examples/web/stack.yaml is not there";
  every_call_may_fail(body);
}

// The crash at every commit: whatever was on disk, the next start goes on, and nothing exists twice or is left over.
TEST(Engine, CrashAtEveryCommit) {
  std::uint64_t total = 0;
  {
    World world;
    ASSERT_TRUE(world.create(kSmall));
    world.run();
    ASSERT_TRUE(world.update(kSmall, {{"Path", "/x"}, {"Cidr", "10.0.9.0/24"}}));
    world.run();
    ASSERT_TRUE(world.remove());
    world.run();
    total = world.disk.commits;
    ASSERT_EQ(world.things(), 0U);
  }
  for (std::uint64_t at = 1; at < total; ++at) {
    World world;
    world.disk.left = at;
    // What was accepted before the crash goes on by itself; what was not is asked for again.
    const auto ask = [&](auto&& request) {
      if (request()) return;
      world.disk.left = ~0ULL;
      world.boot();
      ASSERT_TRUE(request());
    };
    const auto settle = [&] {
      world.run();
      if (world.disk.left != 0) return;
      world.disk.left = ~0ULL;
      world.boot();
      world.run();
    };
    ask([&] { return world.create(kSmall).has_value(); });
    settle();
    ASSERT_EQ(world.status(), "CREATE_COMPLETE") << at;
    ASSERT_EQ(world.things(), 5U) << at;
    ask([&] { return world.update(kSmall, {{"Path", "/x"}, {"Cidr", "10.0.9.0/24"}}).has_value(); });
    settle();
    ASSERT_EQ(world.status(), "UPDATE_COMPLETE") << at;
    ASSERT_EQ(world.things(), 5U) << at;
    ask([&] { return world.remove().has_value(); });
    settle();
    ASSERT_EQ(world.things(), 0U) << at;
  }
}

TEST(Engine, CrashAtEveryCommitOfARollback) {
  std::uint64_t total = 0;
  const auto prepare = [](World& world) {
    ASSERT_TRUE(world.create(kSmall));
    world.run();
    world.cloud->fail_with["ModifyTargetGroup"] = "no";
    ASSERT_TRUE(world.update(kSmall, {{"Path", "/x"}, {"Cidr", "10.0.9.0/24"}}));
  };
  {
    World world;
    prepare(world);
    const std::uint64_t before = world.disk.commits;
    world.run();
    EXPECT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE");
    total = world.disk.commits - before;
  }
  for (std::uint64_t at = 0; at < total; ++at) {
    World world;
    prepare(world);
    const std::string subnet = world.output("Subnet");
    world.disk.left = at;
    world.run();
    world.disk.left = ~0ULL;
    world.boot();
    world.cloud->fail_with["ModifyTargetGroup"] = "no";
    world.run();
    ASSERT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE") << at;
    ASSERT_EQ(world.things(), 5U) << at;
    ASSERT_TRUE(world.cloud->things.contains(subnet)) << at;
  }
}

TEST(ChangeSets, DeployAsTheCommandLineDoes) {
  World world;
  CreateChangeSetInput request;
  request.StackName = "web";
  request.ChangeSetName = "one";
  request.ChangeSetType = "CREATE";
  request.TemplateBody = kSmall;
  auto made = world.call([&](Service& s) { return s.CreateChangeSet({}, request); });
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(world.status(), "REVIEW_IN_PROGRESS");
  DescribeChangeSetInput describe;
  describe.StackName = "web";
  describe.ChangeSetName = "one";
  auto described = world.call([&](Service& s) { return s.DescribeChangeSet({}, describe); });
  ASSERT_TRUE(described);
  EXPECT_EQ(described->Status, "CREATE_COMPLETE");
  EXPECT_EQ(described->Changes.size(), 4U);
  ExecuteChangeSetInput execute;
  execute.StackName = "web";
  execute.ChangeSetName = "one";
  ASSERT_TRUE(world.call([&](Service& s) { return s.ExecuteChangeSet({}, execute); }));
  EXPECT_FALSE(world.call([&](Service& s) { return s.ExecuteChangeSet({}, execute); }));
  world.run();
  EXPECT_EQ(world.status(), "CREATE_COMPLETE");

  request.ChangeSetName = "two";
  request.ChangeSetType = "UPDATE";
  ASSERT_TRUE(world.call([&](Service& s) { return s.CreateChangeSet({}, request); }));
  describe.ChangeSetName = "two";
  described = world.call([&](Service& s) { return s.DescribeChangeSet({}, describe); });
  EXPECT_EQ(described->Status, "FAILED");
  EXPECT_EQ(described->StatusReason,
            "The submitted information didn't contain changes. Submit different information to create a change set.");

  request.ChangeSetName = "three";
  auto& parameter = request.Parameters.emplace_back();
  parameter.ParameterKey = "Cidr";
  parameter.ParameterValue = "10.0.7.0/24";
  ASSERT_TRUE(world.call([&](Service& s) { return s.CreateChangeSet({}, request); }));
  describe.ChangeSetName = "three";
  described = world.call([&](Service& s) { return s.DescribeChangeSet({}, describe); });
  ASSERT_EQ(described->Changes.size(), 2U);  // the subnet is replaced, the balancer may be changed
  EXPECT_EQ(described->Changes[0].ResourceChange->LogicalResourceId, "Subnet");
  EXPECT_EQ(described->Changes[0].ResourceChange->Replacement, "True");
  EXPECT_EQ(described->Changes[1].ResourceChange->Replacement, "False");
}

}  // namespace
}  // namespace brume::cloudformation
