// A cloud for the engine's tests: the services, whose things lie in the same store as the stacks, so that a
// transaction that is undone undoes them too. It records every call, fails the call it is told to, and refuses to
// delete what something else still names.
#pragma once

#include "services/cloudformation/fake_autoscaling_test.h"
#include "services/cloudformation/fake_cloudwatch_test.h"
#include "services/cloudformation/fake_ec2_test.h"
#include "services/cloudformation/fake_logs_test.h"
#include "services/cloudformation/resources/apis.h"

namespace brume::cloudformation {

class FakeCloud : public FakeEc2,
                  public FakeAutoScaling,
                  public FakeCloudWatch,
                  public FakeLogs,
                  public elbv2::Api,
                  public iam::Api,
                  public ssm::Api {
 public:
  FakeCloud(store::Store& store, env::SimEnv& env)
      : FakeThings(store, env),
        FakeEc2(store, env),
        FakeAutoScaling(store, env),
        FakeCloudWatch(store, env),
        FakeLogs(store, env) {}

  std::map<std::string, std::string> parameters{{"/web/image", "ami-12345678"}};
  std::chrono::seconds delay{3};       // until load balancers are active
  std::chrono::seconds check_time{5};  // from in service to the first health check

  Apis apis() { return {*this, *this, *this, *this, *this, *this, *this}; }

  // Elastic Load Balancing -------------------------------------------------------------------------------------------
  Result<elbv2::CreateLoadBalancerOutput> CreateLoadBalancer(const aws::Call&,
                                                             const elbv2::CreateLoadBalancerInput& r) override {
    EXPECT_LE(r.Name->size(), 32U);
    BRUME_TRY(id, make("CreateLoadBalancer", "arn:aws:elasticloadbalancing:r:0:loadbalancer/app/x/lb", r));
    elbv2::CreateLoadBalancerOutput out;
    auto& balancer = out.LoadBalancers.emplace_back();
    balancer.LoadBalancerArn = id;
    balancer.DNSName = "lb.example.com";
    return out;
  }
  Result<elbv2::DescribeLoadBalancersOutput> DescribeLoadBalancers(
      const aws::Call&, const elbv2::DescribeLoadBalancersInput& r) override {
    elbv2::DescribeLoadBalancersOutput out;
    const Thing* thing = things.find(r.LoadBalancerArns[0]);
    if (!thing) return fail("LoadBalancerNotFound", "One or more load balancers not found");
    auto& balancer = out.LoadBalancers.emplace_back();
    balancer.DNSName = "lb.example.com";
    balancer.State.emplace().Code = now() - thing->made >= delay ? "active" : "provisioning";
    return out;
  }
  Result<elbv2::AddTagsOutput> AddTags(const aws::Call&, const elbv2::AddTagsInput&) override {
    BRUME_CHECK(called("AddTags"));
    return elbv2::AddTagsOutput{};
  }
  Result<elbv2::SetSubnetsOutput> SetSubnets(const aws::Call&, const elbv2::SetSubnetsInput& r) override {
    BRUME_CHECK(called("SetSubnets"));
    things.modify(*r.LoadBalancerArn, [&](Thing& thing) { thing.text = to_json(r.Subnets); });
    return elbv2::SetSubnetsOutput{};
  }
  Result<elbv2::DeleteLoadBalancerOutput> DeleteLoadBalancer(const aws::Call&,
                                                             const elbv2::DeleteLoadBalancerInput& r) override {
    BRUME_CHECK(drop("DeleteLoadBalancer", *r.LoadBalancerArn));
    return elbv2::DeleteLoadBalancerOutput{};
  }
  Result<elbv2::CreateTargetGroupOutput> CreateTargetGroup(const aws::Call&,
                                                           const elbv2::CreateTargetGroupInput& r) override {
    BRUME_TRY(id, make("CreateTargetGroup", "arn:aws:elasticloadbalancing:r:0:targetgroup/x/tg", r));
    elbv2::CreateTargetGroupOutput out;
    out.TargetGroups.emplace_back().TargetGroupArn = id;
    return out;
  }
  Result<elbv2::DescribeTargetHealthOutput> DescribeTargetHealth(const aws::Call&,
                                                                 const elbv2::DescribeTargetHealthInput&) override {
    elbv2::DescribeTargetHealthOutput out;
    for (const std::string& name : ids("asg"))
      for (const FakeMember& member : members(name)) {
        auto& told = out.TargetHealthDescriptions.emplace_back();
        told.Target.emplace().Id = member.id;
        told.TargetHealth.emplace().State = now() - member.since < launch_time + check_time ? "initial"
                                            : member.launched_from == mute                  ? "unhealthy"
                                                                                            : "healthy";
      }
    return out;
  }
  Result<elbv2::ModifyTargetGroupOutput> ModifyTargetGroup(const aws::Call&,
                                                           const elbv2::ModifyTargetGroupInput&) override {
    BRUME_CHECK(called("ModifyTargetGroup"));
    return elbv2::ModifyTargetGroupOutput{};
  }
  Result<elbv2::ModifyTargetGroupAttributesOutput> ModifyTargetGroupAttributes(
      const aws::Call&, const elbv2::ModifyTargetGroupAttributesInput&) override {
    BRUME_CHECK(called("ModifyTargetGroupAttributes"));
    return elbv2::ModifyTargetGroupAttributesOutput{};
  }
  Result<elbv2::DeleteTargetGroupOutput> DeleteTargetGroup(const aws::Call&,
                                                           const elbv2::DeleteTargetGroupInput& r) override {
    BRUME_CHECK(drop("DeleteTargetGroup", *r.TargetGroupArn));
    return elbv2::DeleteTargetGroupOutput{};
  }
  Result<elbv2::CreateListenerOutput> CreateListener(const aws::Call&, const elbv2::CreateListenerInput& r) override {
    BRUME_TRY(id, make("CreateListener", "arn:aws:elasticloadbalancing:r:0:listener", r));
    elbv2::CreateListenerOutput out;
    out.Listeners.emplace_back().ListenerArn = id;
    return out;
  }
  Result<elbv2::DeleteListenerOutput> DeleteListener(const aws::Call&, const elbv2::DeleteListenerInput& r) override {
    BRUME_CHECK(drop("DeleteListener", *r.ListenerArn));
    return elbv2::DeleteListenerOutput{};
  }

  // IAM --------------------------------------------------------------------------------------------------------------
  Result<iam::CreateRoleResponse> CreateRole(const aws::Call&, const iam::CreateRoleRequest& r) override {
    BRUME_CHECK(make_named("CreateRole", "role", *r.RoleName, r));
    iam::CreateRoleResponse out;
    out.Role.emplace().Arn = "arn:aws:iam::0:role/" + *r.RoleName;
    return out;
  }
  Result<void> AttachRolePolicy(const aws::Call&, const iam::AttachRolePolicyRequest&) override {
    return called("AttachRolePolicy");
  }
  Result<void> DetachRolePolicy(const aws::Call&, const iam::DetachRolePolicyRequest&) override {
    return called("DetachRolePolicy");
  }
  Result<void> DeleteRole(const aws::Call&, const iam::DeleteRoleRequest& r) override {
    return drop("DeleteRole", *r.RoleName);
  }
  Result<iam::CreateInstanceProfileResponse> CreateInstanceProfile(
      const aws::Call&, const iam::CreateInstanceProfileRequest& r) override {
    BRUME_CHECK(make_named("CreateInstanceProfile", "profile", *r.InstanceProfileName, r));
    iam::CreateInstanceProfileResponse out;
    out.InstanceProfile.emplace().Arn = "arn:aws:iam::0:instance-profile/" + *r.InstanceProfileName;
    return out;
  }
  Result<void> AddRoleToInstanceProfile(const aws::Call&, const iam::AddRoleToInstanceProfileRequest& r) override {
    BRUME_CHECK(called("AddRoleToInstanceProfile"));
    things.modify(*r.InstanceProfileName, [&](Thing& thing) { thing.text += *r.RoleName; });
    return {};
  }
  Result<void> RemoveRoleFromInstanceProfile(const aws::Call&,
                                             const iam::RemoveRoleFromInstanceProfileRequest&) override {
    return called("RemoveRoleFromInstanceProfile");
  }
  Result<void> DeleteInstanceProfile(const aws::Call&, const iam::DeleteInstanceProfileRequest& r) override {
    return drop("DeleteInstanceProfile", *r.InstanceProfileName);
  }

  // SSM --------------------------------------------------------------------------------------------------------------
  Result<ssm::GetParameterResult> GetParameter(const aws::Call&, const ssm::GetParameterRequest& r) override {
    const auto found = parameters.find(*r.Name);
    if (found == parameters.end()) return fail("ParameterNotFound", "no {}", *r.Name);
    ssm::GetParameterResult out;
    out.Parameter.emplace().Value = found->second;
    return out;
  }
  Result<ssm::PutParameterResult> PutParameter(const aws::Call&, const ssm::PutParameterRequest& r) override {
    if (r.Overwrite.value_or(false)) {
      BRUME_CHECK(called("PutParameter"));
      things.modify(*r.Name, [&](Thing& thing) { thing.text = *r.Value; });
    } else {
      BRUME_CHECK(make_named("PutParameter", "parameter", *r.Name, r));
      things.modify(*r.Name, [&](Thing& thing) { thing.text = *r.Value; });
    }
    return ssm::PutParameterResult{};
  }
  Result<ssm::DeleteParameterResult> DeleteParameter(const aws::Call&, const ssm::DeleteParameterRequest& r) override {
    BRUME_CHECK(drop("DeleteParameter", *r.Name));
    return ssm::DeleteParameterResult{};
  }
  Result<ssm::AddTagsToResourceResult> AddTagsToResource(const aws::Call&,
                                                         const ssm::AddTagsToResourceRequest&) override {
    BRUME_CHECK(called("AddTagsToResource"));
    return ssm::AddTagsToResourceResult{};
  }
};

}  // namespace brume::cloudformation
