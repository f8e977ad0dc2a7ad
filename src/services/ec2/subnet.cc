// Subnets.
#include <utility>

#include "services/ec2/filters.h"
#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/private_addresses.h"
#include "services/ec2/refusals.h"
#include "services/ec2/vpc_parts.h"

namespace brume::ec2 {
namespace {

Values none(const Subnet&) {
  return {};
}
Values cidr_block(const Subnet& s) {
  return value(s.CidrBlock);
}
Values zone_name(const Subnet& s) {
  return value(s.AvailabilityZone);
}
Values zone_id(const Subnet& s) {
  return value(s.AvailabilityZoneId);
}
Values default_for_zone(const Subnet& s) {
  return value(s.DefaultForAz);
}

template <auto member>
Values ipv6(const Subnet& s) {
  return each(s.Ipv6CidrBlockAssociationSet, [](const auto& a) { return a.*member; });
}

constexpr FilterField<Subnet> kFilters[] = {
    {"subnet-id", [](const Subnet& s) { return value(s.SubnetId); }},
    {"vpc-id", [](const Subnet& s) { return value(s.VpcId); }},
    {"availability-zone", zone_name},
    {"availabilityZone", zone_name},
    {"availability-zone-id", zone_id},
    {"availabilityZoneId", zone_id},
    {"available-ip-address-count", [](const Subnet& s) { return value(s.AvailableIpAddressCount); }},
    {"cidr", cidr_block},
    {"cidr-block", cidr_block},
    {"cidrBlock", cidr_block},
    {"customer-owned-ipv4-pool", none},
    {"default-for-az", default_for_zone},
    {"defaultForAz", default_for_zone},
    {"enable-dns64", [](const Subnet& s) { return value(s.EnableDns64); }},
    {"enable-lni-at-device-index", none},
    {"ipv6-cidr-block-association.ipv6-cidr-block", ipv6<&SubnetIpv6CidrBlockAssociation::Ipv6CidrBlock>},
    {"ipv6-cidr-block-association.association-id", ipv6<&SubnetIpv6CidrBlockAssociation::AssociationId>},
    {"ipv6-cidr-block-association.state",
     [](const Subnet& s) {
       return each(s.Ipv6CidrBlockAssociationSet, [](const auto& a) { return a.Ipv6CidrBlockState->State; });
     }},
    {"ipv6-native", [](const Subnet& s) { return value(s.Ipv6Native); }},
    {"map-customer-owned-ip-on-launch", [](const Subnet& s) { return value(s.MapCustomerOwnedIpOnLaunch); }},
    {"map-public-ip-on-launch", [](const Subnet& s) { return value(s.MapPublicIpOnLaunch); }},
    {"outpost-arn", none},
    {"owner-id", [](const Subnet& s) { return value(s.OwnerId); }},
    {"private-dns-name-options-on-launch.hostname-type",
     [](const Subnet& s) { return value(s.PrivateDnsNameOptionsOnLaunch->HostnameType); }},
    {"private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
     [](const Subnet& s) { return value(s.PrivateDnsNameOptionsOnLaunch->EnableResourceNameDnsARecord); }},
    {"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
     [](const Subnet& s) { return value(s.PrivateDnsNameOptionsOnLaunch->EnableResourceNameDnsAAAARecord); }},
    {"state", [](const Subnet& s) { return value(s.State); }},
    {"subnet-arn", [](const Subnet& s) { return value(s.SubnetArn); }},
};

Subnet describe(const NetworkState& state, const Subnet& record) {
  Subnet shape = record;
  shape.AvailableIpAddressCount = available_addresses(state, record);
  shape.Tags = state.tags.of(*record.SubnetId);
  shape.Ipv6CidrBlockAssociationSet.set_present();
  return shape;
}

// The zone that the request names, or the first one.
Result<Zone> zone_of(const std::string& region, const CreateSubnetRequest& request) {
  if (request.AvailabilityZone) {
    if (const auto zone = zone_by_name(region, *request.AvailabilityZone)) return *zone;
    std::string names;
    for (const Zone& zone : zones_of(region)) names += (names.empty() ? "" : ", ") + zone.name;
    return fail("InvalidParameterValue",
                "Value ({}) for parameter availabilityZone is invalid. Subnets can currently only be created in the "
                "following availability zones: {}.",
                *request.AvailabilityZone, names);
  }
  if (request.AvailabilityZoneId) {
    if (const auto zone = zone_by_id(region, *request.AvailabilityZoneId)) return *zone;
    return fail("InvalidParameterValue", "Value ({}) for parameter availabilityZoneId is invalid.",
                *request.AvailabilityZoneId);
  }
  return zones_of(region)[0];
}

}  // namespace

Result<CreateSubnetResult> NetworkOperations::CreateSubnet(const aws::Call& call, const CreateSubnetRequest& request) {
  BRUME_CHECK(refuse("Ipv6Native", request.Ipv6Native.value_or(false)));
  BRUME_CHECK(refuse("Ipv4IpamPoolId", request.Ipv4IpamPoolId || request.Ipv6IpamPoolId));
  BRUME_CHECK(refuse("OutpostArn", request.OutpostArn.has_value()));
  BRUME_TRY(vpc, find(state_.vpcs, kVpc, request.VpcId));
  if (!request.CidrBlock) return fail("MissingParameter", "The request must contain the parameter cidrBlock");
  BRUME_TRY(cidr, parse_block("cidrBlock", *request.CidrBlock));
  const Cidr around = *parse_cidr(*vpc->vpc.CidrBlock);
  if (cidr.prefix < 16 || cidr.prefix > 28 || !around.contains(cidr))
    return fail("InvalidSubnet.Range", "The CIDR '{}' is invalid.", *request.CidrBlock);
  for (const Subnet* other : state_.subnets_of(*request.VpcId))
    if (parse_cidr(*other->CidrBlock)->overlaps(cidr))
      return fail("InvalidSubnet.Conflict", "The CIDR '{}' conflicts with another subnet", *request.CidrBlock);
  std::string ipv6_block;
  if (request.Ipv6CidrBlock) {
    BRUME_TRY(checked, check_ipv6_subnet(state_, *vpc, *request.Ipv6CidrBlock));
    ipv6_block = checked;
  }
  BRUME_TRY(zone, zone_of(context_.region, request));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kSubnet.type));
  const std::string id = make_subnet(state_, *request.VpcId, cidr, zone, false);
  if (!ipv6_block.empty())
    state_.subnets.modify(id, [&](Subnet& subnet) {
      subnet.Ipv6CidrBlockAssociationSet.push_back(ipv6_association(state_, ipv6_block));
    });
  BRUME_CHECK(state_.tags.set(id, kSubnet.type, tags));
  state_.changed(*request.VpcId);
  return CreateSubnetResult{.Subnet = describe(state_, *state_.subnets.find(id))};
}

Result<DescribeSubnetsResult> NetworkOperations::DescribeSubnets(const aws::Call&,
                                                                 const DescribeSubnetsRequest& request) {
  BRUME_TRY(subnets, shapes_of(state_.subnets, kSubnet, request.SubnetIds,
                               [&](const Subnet& record) { return describe(state_, record); }));
  BRUME_TRY(page,
            filtered_page<Subnet>(std::move(subnets), request, kFilters, [](const Subnet& s) { return *s.SubnetId; }));
  return DescribeSubnetsResult{.NextToken = page.next_token, .Subnets = page.items};
}

Result<void> NetworkOperations::DeleteSubnet(const aws::Call&, const DeleteSubnetRequest& request) {
  BRUME_TRY(subnet, find(state_.subnets, kSubnet, request.SubnetId));
  const std::string id = *subnet->SubnetId, vpc_id = *subnet->VpcId;
  const auto first = state_.addresses.rows().lower_bound(id + "/");
  if (first != state_.addresses.rows().end() && first->first.starts_with(id + "/"))
    return fail("DependencyViolation", "The subnet '{}' has dependencies and cannot be deleted.", id);
  const auto here = [&](const auto& association) { return association.SubnetId == id; };
  const RouteTable* table = state_.route_table_of(*subnet);
  if (table && std::ranges::any_of(table->Associations, here))
    state_.route_tables.modify(*table->RouteTableId, [&](RouteTable& t) { std::erase_if(t.Associations, here); });
  if (const NetworkAcl* acl = state_.network_acl_of(id))
    state_.network_acls.modify(*acl->NetworkAclId, [&](NetworkAcl& a) { std::erase_if(a.Associations, here); });
  state_.tags.erase_all(id);
  state_.subnets.erase(id);
  state_.changed(vpc_id);
  return {};
}

Result<void> NetworkOperations::ModifySubnetAttribute(const aws::Call&, const ModifySubnetAttributeRequest& request) {
  BRUME_TRY(subnet, find(state_.subnets, kSubnet, request.SubnetId));
  const auto wanted = [](const std::optional<AttributeBooleanValue>& flag) {
    return flag && flag->Value.value_or(false);
  };
  if (wanted(request.AssignIpv6AddressOnCreation) && !ipv6_block_of(*subnet))
    return fail("InvalidParameterValue", "The subnet '{}' does not have an IPv6 CIDR block.", *subnet->SubnetId);
  BRUME_CHECK(refuse("MapCustomerOwnedIpOnLaunch", wanted(request.MapCustomerOwnedIpOnLaunch)));
  BRUME_CHECK(refuse("CustomerOwnedIpv4Pool", request.CustomerOwnedIpv4Pool.has_value()));
  BRUME_CHECK(refuse("EnableDns64", wanted(request.EnableDns64)));
  BRUME_CHECK(
      refuse("EnableLniAtDeviceIndex", request.EnableLniAtDeviceIndex || wanted(request.DisableLniAtDeviceIndex)));
  BRUME_CHECK(refuse("PrivateDnsHostnameTypeOnLaunch",
                     request.PrivateDnsHostnameTypeOnLaunch.value_or("ip-name") != "ip-name"));
  BRUME_CHECK(refuse("EnableResourceNameDnsARecordOnLaunch", wanted(request.EnableResourceNameDnsARecordOnLaunch)));
  BRUME_CHECK(
      refuse("EnableResourceNameDnsAAAARecordOnLaunch", wanted(request.EnableResourceNameDnsAAAARecordOnLaunch)));
  state_.subnets.modify(std::string(*subnet->SubnetId), [&](Subnet& record) {
    if (request.MapPublicIpOnLaunch) record.MapPublicIpOnLaunch = request.MapPublicIpOnLaunch->Value.value_or(false);
    if (request.AssignIpv6AddressOnCreation)
      record.AssignIpv6AddressOnCreation = request.AssignIpv6AddressOnCreation->Value.value_or(false);
  });
  return {};
}

Result<AssociateSubnetCidrBlockResult> NetworkOperations::AssociateSubnetCidrBlock(
    const aws::Call&, const AssociateSubnetCidrBlockRequest& request) {
  BRUME_CHECK(refuse("Ipv6IpamPoolId", request.Ipv6IpamPoolId || request.Ipv6NetmaskLength));
  BRUME_TRY(subnet, find(state_.subnets, kSubnet, request.SubnetId));
  if (!request.Ipv6CidrBlock) return fail("MissingParameter", "The request must contain the parameter ipv6CidrBlock");
  if (ipv6_block_of(*subnet))
    return fail("CidrLimitExceeded", "This subnet '{}' has met its maximum number of allowed IPv6 CIDRs: 1",
                *request.SubnetId);
  const std::string vpc_id = *subnet->VpcId;
  BRUME_TRY(block, check_ipv6_subnet(state_, *state_.vpcs.find(vpc_id), *request.Ipv6CidrBlock));
  SubnetIpv6CidrBlockAssociation association = ipv6_association(state_, block);
  state_.subnets.modify(*request.SubnetId,
                        [&](Subnet& record) { record.Ipv6CidrBlockAssociationSet.push_back(association); });
  state_.changed(vpc_id);
  association.Ipv6CidrBlockState->State = "associating";
  return AssociateSubnetCidrBlockResult{.Ipv6CidrBlockAssociation = association, .SubnetId = request.SubnetId};
}

Result<DisassociateSubnetCidrBlockResult> NetworkOperations::DisassociateSubnetCidrBlock(
    const aws::Call&, const DisassociateSubnetCidrBlockRequest& request) {
  for (const auto& [id, subnet] : state_.subnets.rows()) {
    if (!ipv6_block_of(subnet) || subnet.Ipv6CidrBlockAssociationSet[0].AssociationId != request.AssociationId)
      continue;
    SubnetIpv6CidrBlockAssociation association = subnet.Ipv6CidrBlockAssociationSet[0];
    const std::string subnet_id = id, vpc_id = *subnet.VpcId;
    if (ipv6_in_use(state_, subnet_id))
      return fail("InvalidCidrBlock.InUse", "The subnet {} currently has network interfaces within CIDR block {}",
                  subnet_id, *association.Ipv6CidrBlock);
    state_.subnets.modify(subnet_id, [](Subnet& record) {
      record.Ipv6CidrBlockAssociationSet = {};
      record.AssignIpv6AddressOnCreation = false;
    });
    state_.changed(vpc_id);
    association.Ipv6CidrBlockState->State = "disassociating";
    return DisassociateSubnetCidrBlockResult{.Ipv6CidrBlockAssociation = association, .SubnetId = subnet_id};
  }
  return fail("InvalidSubnetCidrBlockAssociationID.NotFound",
              "The subnet CIDR block association ID '{}' does not exist", request.AssociationId.value_or(""));
}

}  // namespace brume::ec2
