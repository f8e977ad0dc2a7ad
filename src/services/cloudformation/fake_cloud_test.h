// A cloud for the engine's tests: the five services, whose things lie in the same store as the stacks, so that a
// transaction that is undone undoes them too. It records every call, fails the call it is told to, and refuses to
// delete what something else still names.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "env/sim.h"
#include "services/cloudformation/resources/apis.h"
#include "store/table.h"

namespace brume::cloudformation {

struct Thing {
  std::string id, kind, name, text;  // text: the request that made it, in which ids of others appear
  Timestamp made{};
};

}  // namespace brume::cloudformation

BRUME_RECORD(brume::cloudformation::Thing, id, kind, name, text, made)

namespace brume::cloudformation {

class FakeCloud : public ec2::Api, public autoscaling::Api, public elbv2::Api, public iam::Api, public ssm::Api {
 public:
  FakeCloud(store::Store& store, env::SimEnv& env) : things(store, "things", ""), env_(env) {}

  store::Table<Thing> things;
  std::vector<std::string> calls;
  std::map<std::string, std::string> fail_with;  // operation: message
  std::map<std::string, int> allowed;            // how many calls of an operation succeed before that
  std::map<std::string, std::string> parameters{{"/web/image", "ami-12345678"}};
  std::chrono::seconds delay{3};  // until load balancers are active, groups full
  bool launches_fail = false;

  Apis apis() { return {*this, *this, *this, *this, *this}; }
  std::vector<std::string> ids(const std::string& kind) const {
    std::vector<std::string> out;
    for (const auto& [id, thing] : things.rows())
      if (thing.kind == kind) out.push_back(id);
    return out;
  }
  int count(const std::string& operation) const { return int(std::ranges::count(calls, operation)); }

  // EC2 --------------------------------------------------------------------------------------------------------------
  Result<ec2::CreateVpcResult> CreateVpc(const aws::Call& call, const ec2::CreateVpcRequest& r) override {
    BRUME_TRY(id, make("CreateVpc", "vpc", r));
    BRUME_CHECK(put({"acl-" + id, "default-acl", "", id, now()}));
    ec2::CreateVpcResult out;
    out.Vpc.emplace().VpcId = id;
    out.Vpc->CidrBlock = r.CidrBlock;
    EXPECT_EQ(call.user_id, "cloudformation.amazonaws.com");
    return out;
  }
  Result<void> ModifyVpcAttribute(const aws::Call&, const ec2::ModifyVpcAttributeRequest&) override {
    return called("ModifyVpcAttribute");
  }
  Result<ec2::DescribeVpcsResult> DescribeVpcs(const aws::Call&, const ec2::DescribeVpcsRequest& r) override {
    ec2::DescribeVpcsResult out;
    for (const auto& id : r.VpcIds)
      if (things.contains(id)) out.Vpcs.emplace_back().VpcId = id;
    return out;
  }
  Result<void> DeleteVpc(const aws::Call&, const ec2::DeleteVpcRequest& r) override {
    return drop("DeleteVpc", *r.VpcId, "acl-" + *r.VpcId);
  }
  Result<ec2::DescribeSecurityGroupsResult> DescribeSecurityGroups(const aws::Call&,
                                                                   const ec2::DescribeSecurityGroupsRequest&) override {
    ec2::DescribeSecurityGroupsResult out;
    out.SecurityGroups.emplace_back().GroupName = "default";
    out.SecurityGroups[0].GroupId = "sg-default";
    return out;
  }
  Result<ec2::CreateSubnetResult> CreateSubnet(const aws::Call&, const ec2::CreateSubnetRequest& r) override {
    BRUME_TRY(id, make("CreateSubnet", "subnet", r));
    ec2::CreateSubnetResult out;
    out.Subnet.emplace().SubnetId = id;
    out.Subnet->AvailabilityZone = r.AvailabilityZone;
    return out;
  }
  Result<void> ModifySubnetAttribute(const aws::Call&, const ec2::ModifySubnetAttributeRequest&) override {
    return called("ModifySubnetAttribute");
  }
  Result<ec2::DescribeSubnetsResult> DescribeSubnets(const aws::Call&, const ec2::DescribeSubnetsRequest& r) override {
    ec2::DescribeSubnetsResult out;
    for (const auto& id : r.SubnetIds)
      if (things.contains(id)) out.Subnets.emplace_back().SubnetId = id;
    return out;
  }
  Result<void> DeleteSubnet(const aws::Call&, const ec2::DeleteSubnetRequest& r) override {
    return drop("DeleteSubnet", *r.SubnetId);
  }
  Result<ec2::CreateInternetGatewayResult> CreateInternetGateway(const aws::Call&,
                                                                 const ec2::CreateInternetGatewayRequest& r) override {
    BRUME_TRY(id, make("CreateInternetGateway", "igw", r));
    ec2::CreateInternetGatewayResult out;
    out.InternetGateway.emplace().InternetGatewayId = id;
    return out;
  }
  Result<void> DeleteInternetGateway(const aws::Call&, const ec2::DeleteInternetGatewayRequest& r) override {
    return drop("DeleteInternetGateway", *r.InternetGatewayId);
  }
  Result<void> AttachInternetGateway(const aws::Call&, const ec2::AttachInternetGatewayRequest& r) override {
    return make_named("AttachInternetGateway", "attachment", *r.InternetGatewayId + "+" + *r.VpcId, r);
  }
  Result<void> DetachInternetGateway(const aws::Call&, const ec2::DetachInternetGatewayRequest& r) override {
    return drop("DetachInternetGateway", *r.InternetGatewayId + "+" + *r.VpcId);
  }
  Result<ec2::CreateRouteTableResult> CreateRouteTable(const aws::Call&,
                                                       const ec2::CreateRouteTableRequest& r) override {
    BRUME_TRY(id, make("CreateRouteTable", "rtb", r));
    ec2::CreateRouteTableResult out;
    out.RouteTable.emplace().RouteTableId = id;
    return out;
  }
  Result<void> DeleteRouteTable(const aws::Call&, const ec2::DeleteRouteTableRequest& r) override {
    return drop("DeleteRouteTable", *r.RouteTableId);
  }
  Result<ec2::CreateRouteResult> CreateRoute(const aws::Call&, const ec2::CreateRouteRequest& r) override {
    BRUME_CHECK(make_named("CreateRoute", "route", *r.RouteTableId + ">" + *r.DestinationCidrBlock, r));
    return ec2::CreateRouteResult{};
  }
  Result<void> DeleteRoute(const aws::Call&, const ec2::DeleteRouteRequest& r) override {
    return drop("DeleteRoute", *r.RouteTableId + ">" + *r.DestinationCidrBlock);
  }
  Result<ec2::AssociateRouteTableResult> AssociateRouteTable(const aws::Call&,
                                                             const ec2::AssociateRouteTableRequest& r) override {
    BRUME_TRY(id, make("AssociateRouteTable", "rtbassoc", r));
    ec2::AssociateRouteTableResult out;
    out.AssociationId = id;
    return out;
  }
  Result<void> DisassociateRouteTable(const aws::Call&, const ec2::DisassociateRouteTableRequest& r) override {
    return drop("DisassociateRouteTable", *r.AssociationId);
  }
  Result<ec2::CreateNetworkAclResult> CreateNetworkAcl(const aws::Call&,
                                                       const ec2::CreateNetworkAclRequest& r) override {
    BRUME_TRY(id, make("CreateNetworkAcl", "nacl", r));
    ec2::CreateNetworkAclResult out;
    out.NetworkAcl.emplace().NetworkAclId = id;
    return out;
  }
  Result<void> DeleteNetworkAcl(const aws::Call&, const ec2::DeleteNetworkAclRequest& r) override {
    return drop("DeleteNetworkAcl", *r.NetworkAclId);
  }
  Result<void> CreateNetworkAclEntry(const aws::Call&, const ec2::CreateNetworkAclEntryRequest& r) override {
    return make_named("CreateNetworkAclEntry", "entry", entry(*r.NetworkAclId, *r.RuleNumber, *r.Egress), r);
  }
  Result<void> DeleteNetworkAclEntry(const aws::Call&, const ec2::DeleteNetworkAclEntryRequest& r) override {
    return drop("DeleteNetworkAclEntry", entry(*r.NetworkAclId, *r.RuleNumber, *r.Egress));
  }
  // A subnet without an "association" is associated with its VPC's default ACL.
  Result<ec2::DescribeNetworkAclsResult> DescribeNetworkAcls(const aws::Call&,
                                                             const ec2::DescribeNetworkAclsRequest& r) override {
    ec2::DescribeNetworkAclsResult out;
    if (!r.Filters.empty() && r.Filters[0].Name == "association.subnet-id") {
      auto& acl = out.NetworkAcls.emplace_back();
      auto& association = acl.Associations.emplace_back();
      association.NetworkAclAssociationId = "default-of-" + r.Filters[0].Values[0];
      association.SubnetId = r.Filters[0].Values[0];
      return out;
    }
    for (const auto& [id, thing] : things.rows()) {
      const bool wanted = !r.NetworkAclIds.empty()
                              ? id == r.NetworkAclIds[0]
                              : thing.kind == "default-acl" && thing.text == r.Filters[0].Values[0];
      if (!wanted) continue;
      auto& acl = out.NetworkAcls.emplace_back();
      acl.NetworkAclId = id;
      acl.IsDefault = thing.kind == "default-acl";
      acl.VpcId = thing.kind == "default-acl" ? thing.text : vpc_in(thing.text);
      for (const auto& [other, association] : things.rows())
        if (association.kind == "aclassoc" && association.text.contains(id))
          acl.Associations.emplace_back().NetworkAclAssociationId = other;
    }
    return out;
  }
  Result<ec2::ReplaceNetworkAclAssociationResult> ReplaceNetworkAclAssociation(
      const aws::Call&, const ec2::ReplaceNetworkAclAssociationRequest& r) override {
    ec2::ReplaceNetworkAclAssociationResult out;
    if (r.NetworkAclId->starts_with("acl-vpc")) {
      BRUME_CHECK(drop("ReplaceNetworkAclAssociation", *r.AssociationId));
      out.NewAssociationId = "default";
      return out;
    }
    BRUME_TRY(id, make("ReplaceNetworkAclAssociation", "aclassoc", r));
    out.NewAssociationId = id;
    return out;
  }
  Result<ec2::CreateSecurityGroupResult> CreateSecurityGroup(const aws::Call&,
                                                             const ec2::CreateSecurityGroupRequest& r) override {
    BRUME_TRY(id, make("CreateSecurityGroup", "sg", r));
    ec2::CreateSecurityGroupResult out;
    out.GroupId = id;
    return out;
  }
  Result<void> add_rules(const std::string& operation, const std::string& group, const std::string& rules) {
    BRUME_CHECK(called(operation));
    things.modify(group, [&](Thing& thing) { thing.text += rules; });
    return {};
  }
  Result<ec2::AuthorizeSecurityGroupIngressResult> AuthorizeSecurityGroupIngress(
      const aws::Call&, const ec2::AuthorizeSecurityGroupIngressRequest& r) override {
    BRUME_CHECK(add_rules("AuthorizeSecurityGroupIngress", *r.GroupId, to_json(r)));
    return ec2::AuthorizeSecurityGroupIngressResult{};
  }
  Result<ec2::RevokeSecurityGroupIngressResult> RevokeSecurityGroupIngress(
      const aws::Call&, const ec2::RevokeSecurityGroupIngressRequest&) override {
    BRUME_CHECK(called("RevokeSecurityGroupIngress"));
    return ec2::RevokeSecurityGroupIngressResult{};
  }
  Result<ec2::DeleteSecurityGroupResult> DeleteSecurityGroup(const aws::Call&,
                                                             const ec2::DeleteSecurityGroupRequest& r) override {
    BRUME_CHECK(drop("DeleteSecurityGroup", *r.GroupId));
    return ec2::DeleteSecurityGroupResult{};
  }
  Result<ec2::CreateLaunchTemplateResult> CreateLaunchTemplate(const aws::Call&,
                                                               const ec2::CreateLaunchTemplateRequest& r) override {
    BRUME_TRY(id, make("CreateLaunchTemplate", "lt", r));
    ec2::CreateLaunchTemplateResult out;
    out.LaunchTemplate.emplace().LaunchTemplateId = id;
    out.LaunchTemplate->LatestVersionNumber = 1;
    return out;
  }
  Result<ec2::CreateLaunchTemplateVersionResult> CreateLaunchTemplateVersion(
      const aws::Call&, const ec2::CreateLaunchTemplateVersionRequest&) override {
    BRUME_CHECK(called("CreateLaunchTemplateVersion"));
    ec2::CreateLaunchTemplateVersionResult out;
    out.LaunchTemplateVersion.emplace().VersionNumber = 2;
    return out;
  }
  Result<ec2::DeleteLaunchTemplateResult> DeleteLaunchTemplate(const aws::Call&,
                                                               const ec2::DeleteLaunchTemplateRequest& r) override {
    BRUME_CHECK(drop("DeleteLaunchTemplate", *r.LaunchTemplateId));
    return ec2::DeleteLaunchTemplateResult{};
  }
  Result<void> CreateTags(const aws::Call&, const ec2::CreateTagsRequest&) override { return called("CreateTags"); }
  Result<void> DeleteTags(const aws::Call&, const ec2::DeleteTagsRequest&) override { return called("DeleteTags"); }
  Result<ec2::DescribeAvailabilityZonesResult> DescribeAvailabilityZones(
      const aws::Call&, const ec2::DescribeAvailabilityZonesRequest&) override {
    ec2::DescribeAvailabilityZonesResult out;
    for (const char* zone : {"ap-southeast-1b", "ap-southeast-1a"})
      out.AvailabilityZones.emplace_back().ZoneName = zone;
    return out;
  }

  // Auto Scaling -----------------------------------------------------------------------------------------------------
  Result<void> CreateAutoScalingGroup(const aws::Call&, const autoscaling::CreateAutoScalingGroupType& r) override {
    return make_named("CreateAutoScalingGroup", "asg", *r.AutoScalingGroupName, r);
  }
  Result<void> UpdateAutoScalingGroup(const aws::Call&, const autoscaling::UpdateAutoScalingGroupType&) override {
    return called("UpdateAutoScalingGroup");
  }
  Result<autoscaling::AutoScalingGroupsType> DescribeAutoScalingGroups(
      const aws::Call&, const autoscaling::AutoScalingGroupNamesType& r) override {
    autoscaling::AutoScalingGroupsType out;
    const Thing* thing = things.find(r.AutoScalingGroupNames[0]);
    if (!thing) return out;
    auto& group = out.AutoScalingGroups.emplace_back();
    group.DesiredCapacity = 2;
    if (now() - thing->made >= delay && !launches_fail)
      for (int i = 0; i < 2; ++i) group.Instances.emplace_back().LifecycleState = "InService";
    return out;
  }
  Result<autoscaling::ActivitiesType> DescribeScalingActivities(
      const aws::Call&, const autoscaling::DescribeScalingActivitiesType&) override {
    autoscaling::ActivitiesType out;
    for (int i = 0; launches_fail && i < 3; ++i) {
      auto& activity = out.Activities.emplace_back();
      activity.StatusCode = "Failed";
      activity.StatusMessage = "The image id 'ami-1' does not exist";
    }
    return out;
  }
  Result<void> DeleteAutoScalingGroup(const aws::Call&, const autoscaling::DeleteAutoScalingGroupType& r) override {
    return drop("DeleteAutoScalingGroup", *r.AutoScalingGroupName);
  }
  Result<void> CreateOrUpdateTags(const aws::Call&, const autoscaling::CreateOrUpdateTagsType&) override {
    return called("CreateOrUpdateTags");
  }
  Result<void> DeleteTags(const aws::Call&, const autoscaling::DeleteTagsType&) override {
    return called("DeleteTags");
  }

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
    return add_rules("AddRoleToInstanceProfile", *r.InstanceProfileName, *r.RoleName);
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

 private:
  Timestamp now() const { return env_.clock.wall(); }
  static std::string entry(const std::string& acl, int number, bool egress) {
    return fmt::format("{}#{}{}", acl, number, egress ? "out" : "in");
  }
  static std::string vpc_in(const std::string& text) {
    const std::size_t at = text.find("vpc-");
    return text.substr(at, text.find('"', at) - at);
  }
  Result<void> called(const std::string& operation) {
    calls.push_back(operation);
    if (allowed[operation]-- > 0) return {};
    if (const auto found = fail_with.find(operation); found != fail_with.end())
      return fail("Refused", "{}", found->second);
    return {};
  }
  Result<void> put(Thing thing) {
    if (things.contains(thing.id)) return fail("AlreadyExists", "{} exists", thing.id);
    things.put(std::string(thing.id), thing);
    return {};
  }
  template <typename R>
  Result<std::string> make(const std::string& operation, const std::string& prefix, const R& request) {
    BRUME_CHECK(called(operation));
    const std::string id = prefix + (prefix.contains(':') ? "/" : "-") + env_.random.hex(8);
    BRUME_CHECK(put({id, prefix, "", to_json(request), now()}));
    return id;
  }
  template <typename R>
  Result<void> make_named(const std::string& operation, const std::string& kind, const std::string& id,
                          const R& request) {
    BRUME_CHECK(called(operation));
    return put({id, kind, id, to_json(request), now()});
  }
  Result<void> drop(const std::string& operation, const std::string& id, const std::string& except = {}) {
    BRUME_CHECK(called(operation));
    if (!things.contains(id)) return fail("Thing.NotFound", "{} does not exist", id);
    for (const auto& [other, thing] : things.rows())
      if (other != id && other != except && thing.text.contains(id))
        return fail("Thing.Busy", "{} is needed by {}", id, other);
    if (!except.empty()) things.erase(except);
    things.erase(id);
    return {};
  }

  env::SimEnv& env_;
};

}  // namespace brume::cloudformation
