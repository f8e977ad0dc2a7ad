#include <gtest/gtest.h>

#include <map>

#include "base/json.h"
#include "env/sim.h"
#include "services/common/recorded_metrics.h"
#include "services/elbv2/actions.h"
#include "services/elbv2/attributes.h"
#include "services/elbv2/service.h"
#include "services/elbv2/sim_data_plane.h"
#include "store/memory_backend.h"

namespace brume::elbv2 {
namespace {

using std::chrono::seconds;

// A VPC with a subnet in each of two zones, and instances that are what the test says.
class FakeEc2 : public ec2::Api {
 public:
  std::map<std::string, std::string> instances;  // id to state
  std::set<std::string> interfaces;
  List<ec2::SecurityGroupRule> group_rules;

  Result<ec2::DescribeSubnetsResult> DescribeSubnets(const aws::Call&,
                                                     const ec2::DescribeSubnetsRequest& request) override {
    ec2::DescribeSubnetsResult result;
    for (const std::string& id : request.SubnetIds) {
      if (id != "subnet-a" && id != "subnet-b" && id != "subnet-a2")
        return fail("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist", id);
      ec2::Subnet& subnet = result.Subnets.emplace_back();
      subnet.SubnetId = id;
      subnet.VpcId = "vpc-1";
      subnet.AvailabilityZone = id == "subnet-b" ? "ap-southeast-1b" : "ap-southeast-1a";
    }
    return result;
  }
  Result<ec2::DescribeSecurityGroupsResult> DescribeSecurityGroups(
      const aws::Call&, const ec2::DescribeSecurityGroupsRequest& request) override {
    ec2::DescribeSecurityGroupsResult result;
    List<std::string> ids = request.GroupIds;
    if (ids.empty()) ids.push_back("sg-default");
    for (const std::string& id : ids) {
      ec2::SecurityGroup& group = result.SecurityGroups.emplace_back();
      group.GroupId = id;
      group.VpcId = "vpc-1";
    }
    return result;
  }
  Result<ec2::DescribeSecurityGroupRulesResult> DescribeSecurityGroupRules(
      const aws::Call&, const ec2::DescribeSecurityGroupRulesRequest& request) override {
    EXPECT_EQ(request.Filters.at(0).Name, "group-id");
    ec2::DescribeSecurityGroupRulesResult result;
    result.SecurityGroupRules = group_rules;
    return result;
  }
  Result<ec2::GetManagedPrefixListEntriesResult> GetManagedPrefixListEntries(
      const aws::Call&, const ec2::GetManagedPrefixListEntriesRequest&) override {
    return ec2::GetManagedPrefixListEntriesResult{.Entries = {{.Cidr = "192.0.2.0/24"}, {.Cidr = "2001:db8::/32"}}};
  }
  Result<ec2::DescribeVpcsResult> DescribeVpcs(const aws::Call&, const ec2::DescribeVpcsRequest&) override {
    return ec2::DescribeVpcsResult{};
  }
  Result<ec2::CreateNetworkInterfaceResult> CreateNetworkInterface(
      const aws::Call&, const ec2::CreateNetworkInterfaceRequest& request) override {
    ec2::CreateNetworkInterfaceResult result;
    ec2::NetworkInterface& made = result.NetworkInterface.emplace();
    made.NetworkInterfaceId = "eni-" + *request.SubnetId;
    made.PrivateIpAddress = *request.SubnetId == "subnet-b" ? "10.0.102.4" : "10.0.101.4";
    interfaces.insert(*made.NetworkInterfaceId);
    return result;
  }
  Result<void> DeleteNetworkInterface(const aws::Call&, const ec2::DeleteNetworkInterfaceRequest& request) override {
    interfaces.erase(*request.NetworkInterfaceId);
    return {};
  }
  Result<ec2::DescribeInstancesResult> DescribeInstances(const aws::Call&,
                                                         const ec2::DescribeInstancesRequest& request) override {
    ec2::DescribeInstancesResult result;
    const List<std::string>& ids = request.InstanceIds.empty() ? request.Filters.front().Values : request.InstanceIds;
    for (const std::string& id : ids) {
      if (!instances.contains(id)) continue;
      ec2::Instance& instance = result.Reservations.emplace_back().Instances.emplace_back();
      instance.InstanceId = id;
      instance.VpcId = "vpc-1";
      instance.PrivateIpAddress = "10.0.101.10";
      instance.State.emplace().Name = instances[id];
      instance.Placement.emplace().AvailabilityZone = "ap-southeast-1a";
    }
    return result;
  }
};

class Elbv2Test : public testing::Test {
 protected:
  void SetUp() override { boot(); }
  void boot() {
    service.reset();
    hints = std::make_unique<services::Hints>(sim.loop);  // whoever had listened is gone
    service =
        std::make_unique<Service>(services::Context{sim.env, store, *hints, "ap-southeast-1"}, ec2, plane, metrics);
    ASSERT_TRUE(service->load());
    plane.on_stats = [this](const lb::Stats& stats) { service->on_stats(stats); };
    service->start();
  }
  template <typename F>
  auto in(F&& f) {
    return store.transact(std::forward<F>(f));
  }
  std::string balancer() {
    auto made = in([&] {
      return service->CreateLoadBalancer(
          call, {.Name = "web", .Subnets = {std::string("subnet-a"), std::string("subnet-b")}});
    });
    EXPECT_TRUE(made) << made.error().message;
    return *made->LoadBalancers[0].LoadBalancerArn;
  }
  std::string group() {
    auto made = in([&] {
      return service->CreateTargetGroup(call, {.Name = "web", .Protocol = "HTTP", .Port = 80, .VpcId = "vpc-1"});
    });
    EXPECT_TRUE(made) << made.error().message;
    return *made->TargetGroups[0].TargetGroupArn;
  }
  auto listen(const std::string& lb, const std::string& tg, int port = 80) {
    Action forward;
    forward.Type = "forward";
    forward.TargetGroupArn = tg;
    return in([&] {
      return service->CreateListener(
          call, {.LoadBalancerArn = lb, .Protocol = "HTTP", .Port = port, .DefaultActions = {forward}});
    });
  }
  std::string health(const std::string& tg, const std::string& id) {
    auto all = service->DescribeTargetHealth(call, {.TargetGroupArn = tg});
    for (const auto& d : all->TargetHealthDescriptions)
      if (*d.Target->Id == id) return *d.TargetHealth->State + "/" + d.TargetHealth->Reason.value_or("");
    return "absent";
  }

  env::SimEnv sim;
  store::MemoryBackend backend;
  store::Store store{backend};
  std::unique_ptr<services::Hints> hints;
  FakeEc2 ec2;
  std::set<std::string> dead;
  services::RecordedMetrics metrics;
  SimDataPlane plane{sim.loop, [this](const std::string& id) { return !dead.contains(id); }};
  std::unique_ptr<Service> service;
  aws::Call call;
};

TEST_F(Elbv2Test, ATargetGoesFromInitialToHealthyToUnhealthyToDrained) {
  const std::string lb = balancer(), tg = group();
  EXPECT_EQ(*service->DescribeLoadBalancers(call, {})->LoadBalancers[0].State->Code, "provisioning");
  sim.loop.run_for(seconds(1));
  EXPECT_EQ(*service->DescribeLoadBalancers(call, {})->LoadBalancers[0].State->Code, "active");
  EXPECT_EQ(ec2.interfaces.size(), 2U);

  ec2.instances["i-1"] = "pending";
  EXPECT_EQ(in([&] { return service->RegisterTargets(call, {tg, {{.Id = "i-1"}}}); }).error().code, "InvalidTarget");
  ec2.instances["i-1"] = "running";
  ASSERT_TRUE(in([&] { return service->RegisterTargets(call, {tg, {{.Id = "i-1"}}}); }));
  EXPECT_EQ(health(tg, "i-1"), "unused/Target.NotInUse");
  ASSERT_TRUE(listen(lb, tg));
  EXPECT_EQ(health(tg, "i-1"), "initial/Elb.RegistrationInProgress");
  sim.loop.run_for(seconds(6));
  EXPECT_EQ(health(tg, "i-1"), "healthy/");
  dead.insert("i-1:80");
  sim.loop.run_for(seconds(120));
  EXPECT_EQ(health(tg, "i-1"), "unhealthy/Target.Timeout");
  ec2.instances["i-1"] = "stopped";
  EXPECT_EQ(health(tg, "i-1"), "unused/Target.InvalidState");
  ASSERT_TRUE(in([&] { return service->DeregisterTargets(call, {tg, {{.Id = "i-1"}}}); }));
  EXPECT_EQ(health(tg, "i-1"), "draining/Target.DeregistrationInProgress");
  sim.loop.run_for(seconds(2));  // nothing is in flight
  EXPECT_EQ(health(tg, "i-1"), "absent");
  EXPECT_EQ(in([&] { return service->DeleteTargetGroup(call, {tg}); }).error().code, "ResourceInUse");
  ASSERT_TRUE(in([&] { return service->DeleteLoadBalancer(call, {lb}); }));
  EXPECT_TRUE(ec2.interfaces.empty());
  EXPECT_TRUE(in([&] { return service->DeleteTargetGroup(call, {tg}); }));
}

TEST_F(Elbv2Test, ARestartOfTheDaemonOrOfTheProcessLosesNothing) {
  const std::string lb = balancer(), tg = group();
  ec2.instances["i-1"] = "running";
  ASSERT_TRUE(listen(lb, tg));
  ASSERT_TRUE(in([&] { return service->RegisterTargets(call, {tg, {{.Id = "i-1"}}}); }));
  sim.loop.run_for(seconds(10));
  const std::string before = to_json(plane.snapshot().load_balancers);
  plane.restart();
  sim.loop.run_ready();
  EXPECT_EQ(plane.snapshot().target_groups[0].targets.size(), 1U);
  boot();
  sim.loop.run_for(seconds(1));
  EXPECT_EQ(to_json(plane.snapshot().load_balancers), before);
  EXPECT_EQ(health(tg, "i-1"), "healthy/");
}

TEST_F(Elbv2Test, ClientsOutsideAreThoseOfTheGroups) {
  using Rule = ec2::SecurityGroupRule;
  ec2.group_rules = {
      Rule{.IsEgress = false, .IpProtocol = "tcp", .FromPort = 80, .ToPort = 90, .CidrIpv4 = "10.0.0.0/8"},
      Rule{.IsEgress = false, .IpProtocol = "-1", .CidrIpv4 = "127.0.0.1/32"},
      Rule{.IsEgress = false, .IpProtocol = "tcp", .FromPort = 80, .ToPort = 80, .PrefixListId = "pl-1"},
      Rule{.IsEgress = false, .IpProtocol = "tcp", .FromPort = 81, .ToPort = 81, .CidrIpv4 = "0.0.0.0/0"},
      Rule{.IsEgress = false, .IpProtocol = "udp", .FromPort = 80, .ToPort = 80, .CidrIpv4 = "0.0.0.0/0"},
      Rule{.IsEgress = true, .IpProtocol = "-1", .CidrIpv4 = "0.0.0.0/0"}};
  const std::string lb = balancer(), tg = group();
  ASSERT_TRUE(listen(lb, tg));
  sim.loop.run_for(seconds(1));
  const auto clients = [&] { return plane.snapshot().load_balancers.at(0).listeners.at(0).clients; };
  EXPECT_EQ(clients(), (std::vector<std::string>{"10.0.0.0/8", "127.0.0.1/32", "192.0.2.0/24"}));
  const std::int64_t version = plane.snapshot().version;
  hints->publish("vpc-1");
  sim.loop.run_for(seconds(1));
  EXPECT_EQ(plane.snapshot().version, version) << "nothing that concerns it has changed";
  ec2.group_rules.clear();
  hints->publish("vpc-1");
  sim.loop.run_for(seconds(1));
  EXPECT_TRUE(clients().empty());
}

TEST_F(Elbv2Test, PortsAndNamesAreTakenOnce) {
  const std::string lb = balancer(), tg = group();
  plane.busy_ports.insert(81);
  EXPECT_EQ(listen(lb, tg, 81).error().code, "ResourceInUse");
  ASSERT_TRUE(listen(lb, tg));
  EXPECT_EQ(listen(lb, tg).error().code, "DuplicateListener");
  EXPECT_EQ(balancer(), lb);  // the same request is answered with the same load balancer
  const auto other = in([&] {
    return service->CreateLoadBalancer(
        call, {.Name = "other", .Subnets = {std::string("subnet-a"), std::string("subnet-b")}});
  });
  ASSERT_TRUE(other);
  sim.loop.run_ready();
  std::set<std::string> addresses;
  for (const lb::LoadBalancer& b : plane.snapshot().load_balancers) addresses.insert(b.listen_address);
  EXPECT_EQ(addresses, (std::set<std::string>{"0.0.0.0", "127.1.0.1"}));
}

TEST_F(Elbv2Test, BadRequestsAreRefusedAndNothingIsMade) {
  const auto create = [&](CreateLoadBalancerInput request) {
    const auto result = in([&] { return service->CreateLoadBalancer(call, request); });
    return result ? std::string() : result.error().code;
  };
  const std::string a = "subnet-a", b = "subnet-b", a2 = "subnet-a2";
  EXPECT_EQ(create({.Name = "-x", .Subnets = {a, b}}), "ValidationError");
  EXPECT_EQ(create({.Name = "x", .Subnets = {a}}), "ValidationError");
  EXPECT_EQ(create({.Name = "x", .Subnets = {a, a2}}), "InvalidConfigurationRequest");
  EXPECT_EQ(create({.Name = "x", .Subnets = {a, b}, .Type = "network"}), "UnsupportedOperation");
  EXPECT_TRUE(service->DescribeLoadBalancers(call, {})->LoadBalancers.empty());
  EXPECT_EQ(service->DescribeLoadBalancers(call, {.Names = {std::string("nope")}}).error().code,
            "LoadBalancerNotFound");
}

TEST_F(Elbv2Test, RulesComeByPriorityAndCanSwap) {
  const std::string lb = balancer(), tg = group();
  const std::string listener = *listen(lb, tg)->Listeners[0].ListenerArn;
  const auto rule = [&](int priority, const char* path) {
    CreateRuleInput request{.ListenerArn = listener, .Priority = priority};
    RuleCondition condition;
    condition.Field = "path-pattern";
    condition.Values = {std::string(path)};
    request.Conditions = {condition};
    Action fixed;
    fixed.Type = "fixed-response";
    fixed.FixedResponseConfig = FixedResponseActionConfig{.StatusCode = "404"};
    request.Actions = {fixed};
    return in([&] { return service->CreateRule(call, request); });
  };
  const auto ten = rule(10, "/a"), five = rule(5, "/b");
  ASSERT_TRUE(ten) << ten.error().message;
  EXPECT_EQ(rule(10, "/c").error().code, "PriorityInUse");
  const auto order = [&] {
    std::string priorities;
    const auto described = service->DescribeRules(call, {.ListenerArn = listener});
    for (const Rule& r : described->Rules) priorities += *r.Priority + " ";
    return priorities;
  };
  EXPECT_EQ(order(), "5 10 default ");
  ASSERT_TRUE(in(
      [&] { return service->SetRulePriorities(call, {{{ten->Rules[0].RuleArn, 5}, {five->Rules[0].RuleArn, 10}}}); }));
  sim.loop.run_ready();
  EXPECT_EQ(plane.snapshot().load_balancers[0].listeners[0].rules[0].conditions[0].values[0], "/a");
}

TEST(Attributes, Table) {
  const struct {
    const char *key, *value, *code;
  } cases[] = {
      {"idle_timeout.timeout_seconds", "60", ""},
      {"idle_timeout.timeout_seconds", "0", "ValidationError"},
      {"idle_timeout.timeout_seconds", "1x", "ValidationError"},
      {"no.such.key", "1", "ValidationError"},
      {"deletion_protection.enabled", "true", ""},
      {"deletion_protection.enabled", "yes", "ValidationError"},
      {"access_logs.s3.enabled", "true", ""},
      {"connection_logs.s3.enabled", "true", "UnsupportedOperation"},
      {"access_logs.s3.enabled", "false", ""},
  };
  for (const auto& c : cases) {
    const auto result = check_attribute(load_balancer_attributes(), c.key, c.value);
    EXPECT_EQ(result ? "" : result.error().code, c.code) << c.key << "=" << c.value;
  }
}

}  // namespace
}  // namespace brume::elbv2
