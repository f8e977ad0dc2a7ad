// VPCs.
#include "services/ec2/vpc_parts.h"

#include <utility>

#include "services/ec2/filters.h"
#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

template <auto member>
Values ipv6(const Vpc& v) {
  return each(v.Ipv6CidrBlockAssociationSet, [](const auto& a) { return a.*member; });
}

constexpr FilterField<Vpc> kFilters[] = {
    {"vpc-id", [](const Vpc& v) { return value(v.VpcId); }},
    {"cidr", [](const Vpc& v) { return value(v.CidrBlock); }},
    {"cidr-block", [](const Vpc& v) { return value(v.CidrBlock); }},
    {"cidr-block-association.cidr-block",
     [](const Vpc& v) { return each(v.CidrBlockAssociationSet, [](const auto& a) { return a.CidrBlock; }); }},
    {"cidr-block-association.association-id",
     [](const Vpc& v) { return each(v.CidrBlockAssociationSet, [](const auto& a) { return a.AssociationId; }); }},
    {"cidr-block-association.state",
     [](const Vpc& v) {
       return each(v.CidrBlockAssociationSet, [](const auto& a) { return a.CidrBlockState->State; });
     }},
    {"ipv6-cidr-block-association.ipv6-cidr-block", ipv6<&VpcIpv6CidrBlockAssociation::Ipv6CidrBlock>},
    {"ipv6-cidr-block-association.ipv6-pool", ipv6<&VpcIpv6CidrBlockAssociation::Ipv6Pool>},
    {"ipv6-cidr-block-association.association-id", ipv6<&VpcIpv6CidrBlockAssociation::AssociationId>},
    {"ipv6-cidr-block-association.state",
     [](const Vpc& v) {
       return each(v.Ipv6CidrBlockAssociationSet, [](const auto& a) { return a.Ipv6CidrBlockState->State; });
     }},
    {"dhcp-options-id", [](const Vpc& v) { return value(v.DhcpOptionsId); }},
    {"is-default", [](const Vpc& v) { return value(v.IsDefault); }},
    {"isDefault", [](const Vpc& v) { return value(v.IsDefault); }},
    {"owner-id", [](const Vpc& v) { return value(v.OwnerId); }},
    {"state", [](const Vpc& v) { return value(v.State); }},
};

Vpc describe(const NetworkState& state, const VpcRecord& record) {
  Vpc shape = record.vpc;
  shape.Tags = state.tags.of(*shape.VpcId);
  return shape;
}

// AWS's groups of zones are local zones; a region's own has its name.
Result<void> check_border_group(const std::string& region, const std::optional<std::string>& group) {
  if (group && *group != region)
    return fail("InvalidParameterValue", "Value ({}) for parameter ipv6CidrBlockNetworkBorderGroup is invalid.",
                *group);
  return {};
}

}  // namespace

Result<CreateVpcResult> NetworkOperations::CreateVpc(const aws::Call& call, const CreateVpcRequest& request) {
  BRUME_CHECK(check_border_group(context_.region, request.Ipv6CidrBlockNetworkBorderGroup));
  BRUME_CHECK(refuse("Ipv6CidrBlock", request.Ipv6CidrBlock || request.Ipv6Pool));
  BRUME_CHECK(refuse("Ipv4IpamPoolId", request.Ipv4IpamPoolId || request.Ipv6IpamPoolId));
  BRUME_CHECK(refuse("VpcEncryptionControl", request.VpcEncryptionControl.has_value()));
  BRUME_CHECK(refuse("InstanceTenancy", request.InstanceTenancy.value_or("default") != "default"));
  if (!request.CidrBlock) return fail("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
  BRUME_TRY(cidr, parse_block("cidrBlock", *request.CidrBlock));
  if (cidr.prefix < 16 || cidr.prefix > 28 || is_special(cidr))
    return fail("InvalidVpc.Range", "The CIDR '{}' is invalid.", *request.CidrBlock);
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kVpc.type));
  const std::string id = make_vpc(state_, cidr, false);
  if (request.AmazonProvidedIpv6CidrBlock.value_or(false)) BRUME_CHECK(add_ipv6_block(state_, id));
  BRUME_CHECK(state_.tags.set(id, kVpc.type, tags));
  state_.changed(id);
  CreateVpcResult result{.Vpc = describe(state_, *state_.vpcs.find(id))};
  result.Vpc->State = "pending";
  for (VpcIpv6CidrBlockAssociation& association : result.Vpc->Ipv6CidrBlockAssociationSet)
    association.Ipv6CidrBlockState->State = "associating";
  return result;
}

Result<CreateDefaultVpcResult> NetworkOperations::CreateDefaultVpc(const aws::Call&, const CreateDefaultVpcRequest&) {
  if (state_.default_vpc())
    return fail("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.");
  const std::string id = make_default_vpc(state_);
  state_.changed(id);
  return CreateDefaultVpcResult{.Vpc = describe(state_, *state_.vpcs.find(id))};
}

Result<DescribeVpcsResult> NetworkOperations::DescribeVpcs(const aws::Call&, const DescribeVpcsRequest& request) {
  BRUME_TRY(vpcs,
            shapes_of(state_.vpcs, kVpc, request.VpcIds, [&](const VpcRecord& r) { return describe(state_, r); }));
  BRUME_TRY(page, filtered_page<Vpc>(std::move(vpcs), request, kFilters, [](const Vpc& v) { return *v.VpcId; }));
  return DescribeVpcsResult{.NextToken = page.next_token, .Vpcs = page.items};
}

Result<void> NetworkOperations::DeleteVpc(const aws::Call&, const DeleteVpcRequest& request) {
  BRUME_TRY(record, find(state_.vpcs, kVpc, request.VpcId));
  const std::string id = *record->vpc.VpcId;
  const auto in_vpc = [&](const auto& row) { return row.second.VpcId == id; };
  // Besides what it came with, nothing may be left in it.
  const bool used = !state_.subnets_of(id).empty() || state_.internet_gateway_of(id) ||
                    std::ranges::any_of(state_.egress_only_gateways.rows(),
                                        [&](const auto& row) { return row.second.Attachments[0].VpcId == id; }) ||
                    std::ranges::count_if(state_.route_tables.rows(), in_vpc) > 1 ||
                    std::ranges::count_if(state_.network_acls.rows(), in_vpc) > 1 ||
                    std::ranges::count_if(state_.security_groups.rows(), in_vpc) > 1;
  const RouteTable* main = state_.main_route_table(id);
  const SecurityGroup* group = state_.group_by_name(id, "default");
  if (used) return fail("DependencyViolation", "The vpc '{}' has dependencies and cannot be deleted.", id);

  std::vector<std::string> gone = {id, *main->RouteTableId, *state_.default_network_acl(id)->NetworkAclId,
                                   *group->GroupId};
  for (const SecurityGroupRule* rule : state_.rules_of(*group->GroupId)) gone.push_back(*rule->SecurityGroupRuleId);
  for (std::size_t i = 4; i < gone.size(); ++i) state_.security_group_rules.erase(gone[3] + "/" + gone[i]);
  state_.security_groups.erase(gone[3]);
  state_.network_acls.erase(gone[2]);
  state_.route_tables.erase(gone[1]);
  state_.vpcs.erase(id);
  end_peerings(state_, id);
  for (const std::string& each : gone) state_.tags.erase_all(each);
  state_.changed(id);
  return {};
}

Result<AssociateVpcCidrBlockResult> NetworkOperations::AssociateVpcCidrBlock(
    const aws::Call&, const AssociateVpcCidrBlockRequest& request) {
  BRUME_CHECK(refuse("CidrBlock", request.CidrBlock.has_value()));
  BRUME_CHECK(refuse("Ipv6CidrBlock", request.Ipv6CidrBlock || request.Ipv6Pool));
  BRUME_CHECK(refuse("Ipv4IpamPoolId", request.Ipv4IpamPoolId || request.Ipv4NetmaskLength));
  BRUME_CHECK(refuse("Ipv6IpamPoolId", request.Ipv6IpamPoolId || request.Ipv6NetmaskLength));
  BRUME_CHECK(check_border_group(context_.region, request.Ipv6CidrBlockNetworkBorderGroup));
  BRUME_CHECK(find(state_.vpcs, kVpc, request.VpcId));
  if (!request.AmazonProvidedIpv6CidrBlock.value_or(false))
    return fail("MissingParameter", "Either 'cidrBlock' or 'amazonProvidedIpv6CidrBlock' should be provided.");
  BRUME_TRY(association, add_ipv6_block(state_, *request.VpcId));
  AssociateVpcCidrBlockResult result{.Ipv6CidrBlockAssociation = association, .VpcId = request.VpcId};
  result.Ipv6CidrBlockAssociation->Ipv6CidrBlockState->State = "associating";
  return result;
}

Result<DisassociateVpcCidrBlockResult> NetworkOperations::DisassociateVpcCidrBlock(
    const aws::Call&, const DisassociateVpcCidrBlockRequest& request) {
  for (const auto& [id, record] : state_.vpcs.rows()) {
    const Vpc& vpc = record.vpc;
    if (vpc.CidrBlockAssociationSet[0].AssociationId == request.AssociationId)
      return fail("OperationNotPermitted",
                  "The vpc CIDR block with association ID {} may not be disassociated. It is the primary IPv4 CIDR "
                  "block of the VPC",
                  *request.AssociationId);
    const auto found = std::ranges::find(vpc.Ipv6CidrBlockAssociationSet, request.AssociationId,
                                         &VpcIpv6CidrBlockAssociation::AssociationId);
    if (found == vpc.Ipv6CidrBlockAssociationSet.end()) continue;
    DisassociateVpcCidrBlockResult result{.Ipv6CidrBlockAssociation = *found, .VpcId = id};
    result.Ipv6CidrBlockAssociation->Ipv6CidrBlockState->State = "disassociating";
    BRUME_CHECK(remove_ipv6_block(state_, *result.VpcId, *request.AssociationId));
    return result;
  }
  return fail("InvalidVpcCidrBlockAssociationID.NotFound", "The vpc CIDR block association ID '{}' does not exist",
              request.AssociationId.value_or(""));
}

Result<void> NetworkOperations::ModifyVpcAttribute(const aws::Call&, const ModifyVpcAttributeRequest& request) {
  BRUME_TRY(record, find(state_.vpcs, kVpc, request.VpcId));
  const int given = int(request.EnableDnsHostnames.has_value()) + int(request.EnableDnsSupport.has_value()) +
                    int(request.EnableNetworkAddressUsageMetrics.has_value());
  if (given != 1)
    return fail("InvalidParameterCombination", "Exactly one attribute of a VPC can be modified in a call.");
  const std::string id = *record->vpc.VpcId;
  state_.vpcs.modify(id, [&](VpcRecord& vpc) {
    if (request.EnableDnsHostnames) vpc.dns_hostnames = request.EnableDnsHostnames->Value.value_or(false);
    if (request.EnableDnsSupport) vpc.dns_support = request.EnableDnsSupport->Value.value_or(false);
    if (request.EnableNetworkAddressUsageMetrics)
      vpc.address_usage_metrics = request.EnableNetworkAddressUsageMetrics->Value.value_or(false);
  });
  state_.changed(id);
  return {};
}

Result<DescribeVpcAttributeResult> NetworkOperations::DescribeVpcAttribute(const aws::Call&,
                                                                           const DescribeVpcAttributeRequest& request) {
  BRUME_TRY(record, find(state_.vpcs, kVpc, request.VpcId));
  DescribeVpcAttributeResult result{.VpcId = request.VpcId};
  const std::string attribute = request.Attribute.value_or("");
  if (attribute == "enableDnsSupport")
    result.EnableDnsSupport = AttributeBooleanValue{record->dns_support};
  else if (attribute == "enableDnsHostnames")
    result.EnableDnsHostnames = AttributeBooleanValue{record->dns_hostnames};
  else if (attribute == "enableNetworkAddressUsageMetrics")
    result.EnableNetworkAddressUsageMetrics = AttributeBooleanValue{record->address_usage_metrics};
  else
    return fail("InvalidParameterValue", "Value ({}) for parameter attribute is invalid. Unknown VPC attribute",
                attribute);
  return result;
}

}  // namespace brume::ec2
