// EC2 for the engine's tests.
#pragma once

#include "aws/call.h"
#include "ec2/api.h"
#include "services/cloudformation/fake_things_test.h"

namespace brume::cloudformation {

class FakeEc2 : public virtual FakeThings, public ec2::Api {
 public:
  FakeEc2(store::Store& store, env::SimEnv& env) : FakeThings(store, env) {}

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
    for (const auto& id : r.VpcIds) {
      if (!things.contains(id)) continue;
      auto& vpc = out.Vpcs.emplace_back();
      vpc.VpcId = id;
      for (const auto& [association, thing] : things.rows()) {
        if (thing.kind != "vpc-cidr-assoc" || !thing.text.contains(id)) continue;
        auto& block = vpc.Ipv6CidrBlockAssociationSet.emplace_back();
        block.AssociationId = association;
        block.Ipv6CidrBlock = "fd00:1:2:300::/56";
        block.Ipv6CidrBlockState.emplace().State = "associated";
      }
    }
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
    for (const auto& id : r.SubnetIds) {
      if (!things.contains(id)) continue;
      auto& subnet = out.Subnets.emplace_back();
      subnet.SubnetId = id;
      for (const auto& [association, thing] : things.rows()) {
        if (thing.kind != "subnet-cidr-assoc" || !thing.text.contains(id)) continue;
        auto& block = subnet.Ipv6CidrBlockAssociationSet.emplace_back();
        block.AssociationId = association;
        block.Ipv6CidrBlock = thing.name;
        block.Ipv6CidrBlockState.emplace().State = "associated";
      }
    }
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
    BRUME_CHECK(make_named("CreateRoute", "route", *r.RouteTableId + ">" + destination(r), r));
    return ec2::CreateRouteResult{};
  }
  Result<void> ReplaceRoute(const aws::Call&, const ec2::ReplaceRouteRequest& r) override {
    BRUME_CHECK(called("ReplaceRoute"));
    things.modify(*r.RouteTableId + ">" + destination(r), [&](Thing& thing) { thing.text = to_json(r); });
    return {};
  }
  Result<void> DeleteRoute(const aws::Call&, const ec2::DeleteRouteRequest& r) override {
    return drop("DeleteRoute", *r.RouteTableId + ">" + destination(r));
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
  // Rules are things of their own, which go with their group.
  template <typename Answer>
  Result<Answer> authorize(const std::string& operation, const auto& r) {
    BRUME_TRY(id, make(operation, "sgr", r));
    Answer out;
    out.SecurityGroupRules.emplace_back().SecurityGroupRuleId = id;
    return out;
  }
  template <typename Answer>
  Result<Answer> revoke(const std::string& operation, const auto& r) {
    if (r.SecurityGroupRuleIds.empty()) BRUME_CHECK(called(operation));
    for (const auto& id : r.SecurityGroupRuleIds) BRUME_CHECK(drop(operation, id));
    return Answer{};
  }
  Result<ec2::AuthorizeSecurityGroupIngressResult> AuthorizeSecurityGroupIngress(
      const aws::Call&, const ec2::AuthorizeSecurityGroupIngressRequest& r) override {
    return authorize<ec2::AuthorizeSecurityGroupIngressResult>("AuthorizeSecurityGroupIngress", r);
  }
  Result<ec2::AuthorizeSecurityGroupEgressResult> AuthorizeSecurityGroupEgress(
      const aws::Call&, const ec2::AuthorizeSecurityGroupEgressRequest& r) override {
    return authorize<ec2::AuthorizeSecurityGroupEgressResult>("AuthorizeSecurityGroupEgress", r);
  }
  Result<ec2::RevokeSecurityGroupIngressResult> RevokeSecurityGroupIngress(
      const aws::Call&, const ec2::RevokeSecurityGroupIngressRequest& r) override {
    return revoke<ec2::RevokeSecurityGroupIngressResult>("RevokeSecurityGroupIngress", r);
  }
  Result<ec2::RevokeSecurityGroupEgressResult> RevokeSecurityGroupEgress(
      const aws::Call&, const ec2::RevokeSecurityGroupEgressRequest& r) override {
    return revoke<ec2::RevokeSecurityGroupEgressResult>("RevokeSecurityGroupEgress", r);
  }
  Result<ec2::DeleteSecurityGroupResult> DeleteSecurityGroup(const aws::Call&,
                                                             const ec2::DeleteSecurityGroupRequest& r) override {
    std::vector<std::string> rules;
    for (const std::string& id : ids("sgr"))
      if (from_json<ec2::AuthorizeSecurityGroupIngressRequest>(things.find(id)->text)->GroupId == r.GroupId)
        rules.push_back(id);
    for (const std::string& id : rules) things.erase(id);
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

  // Addresses and blocks ----------------------------------------------------------------------------------------------
  Result<ec2::AllocateAddressResult> AllocateAddress(const aws::Call&, const ec2::AllocateAddressRequest& r) override {
    BRUME_TRY(id, make("AllocateAddress", "eipalloc", r));
    ec2::AllocateAddressResult out;
    out.AllocationId = id;
    out.PublicIp = "127.8.0." + std::to_string(1 + env_.random.below(250));
    return out;
  }
  Result<ec2::AssociateAddressResult> AssociateAddress(const aws::Call&,
                                                       const ec2::AssociateAddressRequest& r) override {
    std::string old;
    for (const std::string& id : ids("eipassoc"))
      if (things.find(id)->text.contains(*r.AllocationId)) old = id;
    BRUME_TRY(id, make("AssociateAddress", "eipassoc", r));
    if (!old.empty()) things.erase(old);
    ec2::AssociateAddressResult out;
    out.AssociationId = id;
    return out;
  }
  Result<void> DisassociateAddress(const aws::Call&, const ec2::DisassociateAddressRequest& r) override {
    return drop("DisassociateAddress", *r.AssociationId);
  }
  Result<ec2::DescribeAddressesResult> DescribeAddresses(const aws::Call&,
                                                         const ec2::DescribeAddressesRequest& r) override {
    ec2::DescribeAddressesResult out;
    auto& address = out.Addresses.emplace_back();
    address.AllocationId = r.AllocationIds[0];
    for (const std::string& id : ids("eipassoc"))
      if (things.find(id)->text.contains(r.AllocationIds[0])) address.AssociationId = id;
    return out;
  }
  Result<void> ReleaseAddress(const aws::Call&, const ec2::ReleaseAddressRequest& r) override {
    return drop("ReleaseAddress", *r.AllocationId);
  }
  Result<ec2::AssociateVpcCidrBlockResult> AssociateVpcCidrBlock(const aws::Call&,
                                                                 const ec2::AssociateVpcCidrBlockRequest& r) override {
    BRUME_TRY(id, make("AssociateVpcCidrBlock", "vpc-cidr-assoc", r));
    ec2::AssociateVpcCidrBlockResult out;
    out.Ipv6CidrBlockAssociation.emplace().AssociationId = id;
    return out;
  }
  Result<ec2::DisassociateVpcCidrBlockResult> DisassociateVpcCidrBlock(
      const aws::Call&, const ec2::DisassociateVpcCidrBlockRequest& r) override {
    BRUME_CHECK(drop("DisassociateVpcCidrBlock", *r.AssociationId));
    return ec2::DisassociateVpcCidrBlockResult{};
  }
  Result<ec2::AssociateSubnetCidrBlockResult> AssociateSubnetCidrBlock(
      const aws::Call&, const ec2::AssociateSubnetCidrBlockRequest& r) override {
    BRUME_TRY(id, make("AssociateSubnetCidrBlock", "subnet-cidr-assoc", r));
    things.modify(id, [&](Thing& thing) { thing.name = *r.Ipv6CidrBlock; });
    ec2::AssociateSubnetCidrBlockResult out;
    out.Ipv6CidrBlockAssociation.emplace().AssociationId = id;
    return out;
  }
  Result<ec2::DisassociateSubnetCidrBlockResult> DisassociateSubnetCidrBlock(
      const aws::Call&, const ec2::DisassociateSubnetCidrBlockRequest& r) override {
    BRUME_CHECK(drop("DisassociateSubnetCidrBlock", *r.AssociationId));
    return ec2::DisassociateSubnetCidrBlockResult{};
  }

  // Gateways, peerings, lists -----------------------------------------------------------------------------------------
  Result<ec2::CreateNatGatewayResult> CreateNatGateway(const aws::Call&,
                                                       const ec2::CreateNatGatewayRequest& r) override {
    BRUME_TRY(id, make("CreateNatGateway", "nat", r));
    ec2::CreateNatGatewayResult out;
    out.NatGateway.emplace().NatGatewayId = id;
    return out;
  }
  Result<ec2::DescribeNatGatewaysResult> DescribeNatGateways(const aws::Call&,
                                                             const ec2::DescribeNatGatewaysRequest& r) override {
    ec2::DescribeNatGatewaysResult out;
    const Thing* thing = things.find(r.NatGatewayIds[0]);
    if (!thing) return fail("NatGatewayNotFound", "NAT gateway {} was not found", r.NatGatewayIds[0]);
    auto& gateway = out.NatGateways.emplace_back();
    gateway.State = nat_gateways_fail                                ? "failed"
                    : now() - thing->made >= std::chrono::seconds(2) ? "available"
                                                                     : "pending";
    gateway.FailureMessage = "Network vpc-1 has no Internet gateway attached";
    return out;
  }
  Result<ec2::DeleteNatGatewayResult> DeleteNatGateway(const aws::Call&,
                                                       const ec2::DeleteNatGatewayRequest& r) override {
    BRUME_CHECK(drop("DeleteNatGateway", *r.NatGatewayId));
    return ec2::DeleteNatGatewayResult{};
  }
  Result<ec2::CreateEgressOnlyInternetGatewayResult> CreateEgressOnlyInternetGateway(
      const aws::Call&, const ec2::CreateEgressOnlyInternetGatewayRequest& r) override {
    BRUME_TRY(id, make("CreateEgressOnlyInternetGateway", "eigw", r));
    ec2::CreateEgressOnlyInternetGatewayResult out;
    out.EgressOnlyInternetGateway.emplace().EgressOnlyInternetGatewayId = id;
    return out;
  }
  Result<ec2::DeleteEgressOnlyInternetGatewayResult> DeleteEgressOnlyInternetGateway(
      const aws::Call&, const ec2::DeleteEgressOnlyInternetGatewayRequest& r) override {
    BRUME_CHECK(drop("DeleteEgressOnlyInternetGateway", *r.EgressOnlyInternetGatewayId));
    return ec2::DeleteEgressOnlyInternetGatewayResult{};
  }
  Result<ec2::CreateVpcPeeringConnectionResult> CreateVpcPeeringConnection(
      const aws::Call&, const ec2::CreateVpcPeeringConnectionRequest& r) override {
    BRUME_TRY(id, make("CreateVpcPeeringConnection", "pcx", r));
    things.modify(id, [](Thing& thing) { thing.name = "pending-acceptance"; });
    ec2::CreateVpcPeeringConnectionResult out;
    out.VpcPeeringConnection.emplace().VpcPeeringConnectionId = id;
    return out;
  }
  Result<ec2::AcceptVpcPeeringConnectionResult> AcceptVpcPeeringConnection(
      const aws::Call&, const ec2::AcceptVpcPeeringConnectionRequest& r) override {
    BRUME_CHECK(called("AcceptVpcPeeringConnection"));
    things.modify(*r.VpcPeeringConnectionId, [](Thing& thing) { thing.name = "active"; });
    return ec2::AcceptVpcPeeringConnectionResult{};
  }
  Result<ec2::DescribeVpcPeeringConnectionsResult> DescribeVpcPeeringConnections(
      const aws::Call&, const ec2::DescribeVpcPeeringConnectionsRequest& r) override {
    ec2::DescribeVpcPeeringConnectionsResult out;
    if (const Thing* thing = things.find(r.VpcPeeringConnectionIds[0]))
      out.VpcPeeringConnections.emplace_back().Status.emplace().Code = thing->name;
    return out;
  }
  Result<ec2::DeleteVpcPeeringConnectionResult> DeleteVpcPeeringConnection(
      const aws::Call&, const ec2::DeleteVpcPeeringConnectionRequest& r) override {
    BRUME_CHECK(drop("DeleteVpcPeeringConnection", *r.VpcPeeringConnectionId));
    return ec2::DeleteVpcPeeringConnectionResult{};
  }
  Result<ec2::CreateManagedPrefixListResult> CreateManagedPrefixList(
      const aws::Call&, const ec2::CreateManagedPrefixListRequest& r) override {
    BRUME_TRY(id, make("CreateManagedPrefixList", "pl", r));
    things.modify(id, [&](Thing& thing) { thing.name = std::to_string(*r.MaxEntries); });
    ec2::CreateManagedPrefixListResult out;
    out.PrefixList.emplace().PrefixListId = id;
    return out;
  }
  Result<ec2::DescribeManagedPrefixListsResult> DescribeManagedPrefixLists(
      const aws::Call&, const ec2::DescribeManagedPrefixListsRequest& r) override {
    ec2::DescribeManagedPrefixListsResult out;
    auto& list = out.PrefixLists.emplace_back();
    list.Version = 1;
    list.MaxEntries = std::stoi(things.find(r.PrefixListIds[0])->name);
    return out;
  }
  Result<ec2::ModifyManagedPrefixListResult> ModifyManagedPrefixList(
      const aws::Call&, const ec2::ModifyManagedPrefixListRequest& r) override {
    BRUME_CHECK(called("ModifyManagedPrefixList"));
    EXPECT_FALSE(r.MaxEntries && !(r.AddEntries.empty() && r.RemoveEntries.empty()));
    list_changes.push_back(to_json(r).replace(0, to_json(r).find(',') + 1, "{"));
    if (r.MaxEntries) things.modify(*r.PrefixListId, [&](Thing& t) { t.name = std::to_string(*r.MaxEntries); });
    ec2::ModifyManagedPrefixListResult out;
    out.PrefixList.emplace().Version = 2;
    out.PrefixList->MaxEntries = std::stoi(things.find(*r.PrefixListId)->name);
    return out;
  }
  Result<ec2::DeleteManagedPrefixListResult> DeleteManagedPrefixList(
      const aws::Call&, const ec2::DeleteManagedPrefixListRequest& r) override {
    BRUME_CHECK(drop("DeleteManagedPrefixList", *r.PrefixListId));
    return ec2::DeleteManagedPrefixListResult{};
  }

  // Instances and interfaces ------------------------------------------------------------------------------------------
  Result<ec2::Reservation> RunInstances(const aws::Call&, const ec2::RunInstancesRequest& r) override {
    BRUME_TRY(id, make("RunInstances", "i", r));
    ec2::Reservation out;
    out.Instances.emplace_back().InstanceId = id;
    return out;
  }
  Result<ec2::DescribeInstancesResult> DescribeInstances(const aws::Call&,
                                                         const ec2::DescribeInstancesRequest& r) override {
    ec2::DescribeInstancesResult out;
    const Thing* thing = things.find(r.InstanceIds[0]);
    if (!thing) return fail("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist", r.InstanceIds[0]);
    auto& instance = out.Reservations.emplace_back().Instances.emplace_back();
    instance.State.emplace().Name = now() - thing->made >= std::chrono::seconds(2) ? "running" : "pending";
    return out;
  }
  Result<ec2::TerminateInstancesResult> TerminateInstances(const aws::Call&,
                                                           const ec2::TerminateInstancesRequest& r) override {
    BRUME_CHECK(drop("TerminateInstances", r.InstanceIds[0]));
    return ec2::TerminateInstancesResult{};
  }
  Result<ec2::CreateNetworkInterfaceResult> CreateNetworkInterface(
      const aws::Call&, const ec2::CreateNetworkInterfaceRequest& r) override {
    BRUME_TRY(id, make("CreateNetworkInterface", "eni", r));
    ec2::CreateNetworkInterfaceResult out;
    out.NetworkInterface.emplace().NetworkInterfaceId = id;
    return out;
  }
  Result<void> ModifyNetworkInterfaceAttribute(const aws::Call&,
                                               const ec2::ModifyNetworkInterfaceAttributeRequest&) override {
    return called("ModifyNetworkInterfaceAttribute");
  }
  Result<ec2::DescribeNetworkInterfacesResult> DescribeNetworkInterfaces(
      const aws::Call&, const ec2::DescribeNetworkInterfacesRequest&) override {
    ec2::DescribeNetworkInterfacesResult out;
    auto& interface = out.NetworkInterfaces.emplace_back();
    for (const char* address : {"fd00::5", "fd00::6"}) interface.Ipv6Addresses.emplace_back().Ipv6Address = address;
    return out;
  }
  Result<ec2::AssignIpv6AddressesResult> AssignIpv6Addresses(const aws::Call&,
                                                             const ec2::AssignIpv6AddressesRequest& r) override {
    BRUME_CHECK(called("AssignIpv6Addresses"));
    for (const auto& address : r.Ipv6Addresses) assigned.push_back(address);
    return ec2::AssignIpv6AddressesResult{};
  }
  Result<ec2::UnassignIpv6AddressesResult> UnassignIpv6Addresses(const aws::Call&,
                                                                 const ec2::UnassignIpv6AddressesRequest& r) override {
    BRUME_CHECK(called("UnassignIpv6Addresses"));
    for (const auto& address : r.Ipv6Addresses) assigned.push_back("-" + address);
    return ec2::UnassignIpv6AddressesResult{};
  }
  Result<void> DeleteNetworkInterface(const aws::Call&, const ec2::DeleteNetworkInterfaceRequest& r) override {
    return drop("DeleteNetworkInterface", *r.NetworkInterfaceId);
  }
  Result<ec2::AttachNetworkInterfaceResult> AttachNetworkInterface(
      const aws::Call&, const ec2::AttachNetworkInterfaceRequest& r) override {
    for (const std::string& id : ids("eni-attach"))
      if (things.find(id)->text.contains(*r.NetworkInterfaceId))
        return fail("InvalidNetworkInterface.InUse", "Interface: [{}] in use.", *r.NetworkInterfaceId);
    BRUME_TRY(id, make("AttachNetworkInterface", "eni-attach", r));
    ec2::AttachNetworkInterfaceResult out;
    out.AttachmentId = id;
    return out;
  }
  Result<void> DetachNetworkInterface(const aws::Call&, const ec2::DetachNetworkInterfaceRequest& r) override {
    return drop("DetachNetworkInterface", *r.AttachmentId);
  }
  Result<ec2::KeyPair> CreateKeyPair(const aws::Call&, const ec2::CreateKeyPairRequest& r) override {
    BRUME_CHECK(make_named("CreateKeyPair", "key", *r.KeyName, r));
    ec2::KeyPair out;
    out.KeyPairId = "key-1";
    out.KeyMaterial = "private";
    return out;
  }
  Result<ec2::DeleteKeyPairResult> DeleteKeyPair(const aws::Call&, const ec2::DeleteKeyPairRequest& r) override {
    BRUME_CHECK(drop("DeleteKeyPair", *r.KeyName));
    return ec2::DeleteKeyPairResult{};
  }

  // Flow logs and paths -----------------------------------------------------------------------------------------------
  Result<ec2::CreateFlowLogsResult> CreateFlowLogs(const aws::Call&, const ec2::CreateFlowLogsRequest& r) override {
    BRUME_TRY(id, make("CreateFlowLogs", "fl", r));
    ec2::CreateFlowLogsResult out;
    out.FlowLogIds = {id};
    return out;
  }
  Result<ec2::DeleteFlowLogsResult> DeleteFlowLogs(const aws::Call&, const ec2::DeleteFlowLogsRequest& r) override {
    BRUME_CHECK(drop("DeleteFlowLogs", r.FlowLogIds[0]));
    return ec2::DeleteFlowLogsResult{};
  }
  Result<ec2::CreateNetworkInsightsPathResult> CreateNetworkInsightsPath(
      const aws::Call&, const ec2::CreateNetworkInsightsPathRequest& r) override {
    BRUME_TRY(id, make("CreateNetworkInsightsPath", "nip", r));
    ec2::CreateNetworkInsightsPathResult out;
    out.NetworkInsightsPath.emplace().NetworkInsightsPathId = id;
    return out;
  }
  Result<ec2::DeleteNetworkInsightsPathResult> DeleteNetworkInsightsPath(
      const aws::Call&, const ec2::DeleteNetworkInsightsPathRequest& r) override {
    BRUME_CHECK(drop("DeleteNetworkInsightsPath", *r.NetworkInsightsPathId));
    return ec2::DeleteNetworkInsightsPathResult{};
  }
  Result<ec2::StartNetworkInsightsAnalysisResult> StartNetworkInsightsAnalysis(
      const aws::Call&, const ec2::StartNetworkInsightsAnalysisRequest& r) override {
    BRUME_TRY(id, make("StartNetworkInsightsAnalysis", "nia", r));
    ec2::StartNetworkInsightsAnalysisResult out;
    out.NetworkInsightsAnalysis.emplace().NetworkInsightsAnalysisId = id;
    return out;
  }
  Result<ec2::DescribeNetworkInsightsAnalysesResult> DescribeNetworkInsightsAnalyses(
      const aws::Call&, const ec2::DescribeNetworkInsightsAnalysesRequest&) override {
    ec2::DescribeNetworkInsightsAnalysesResult out;
    auto& analysis = out.NetworkInsightsAnalyses.emplace_back();
    analysis.Status = "succeeded";
    analysis.NetworkPathFound = true;
    return out;
  }
  Result<ec2::DeleteNetworkInsightsAnalysisResult> DeleteNetworkInsightsAnalysis(
      const aws::Call&, const ec2::DeleteNetworkInsightsAnalysisRequest& r) override {
    BRUME_CHECK(drop("DeleteNetworkInsightsAnalysis", *r.NetworkInsightsAnalysisId));
    return ec2::DeleteNetworkInsightsAnalysisResult{};
  }

  bool nat_gateways_fail = false;
  std::vector<std::string> list_changes;  // what ModifyManagedPrefixList was asked for
  std::vector<std::string> assigned;      // addresses; "-" before those that were taken away

 private:
  static std::string destination(const auto& r) {
    return r.DestinationCidrBlock.value_or(r.DestinationIpv6CidrBlock.value_or(r.DestinationPrefixListId.value_or("")));
  }
  static std::string entry(const std::string& acl, int number, bool egress) {
    return fmt::format("{}#{}{}", acl, number, egress ? "out" : "in");
  }
  static std::string vpc_in(const std::string& text) {
    const std::size_t at = text.find("vpc-");
    return text.substr(at, text.find('"', at) - at);
  }
};

}  // namespace brume::cloudformation
