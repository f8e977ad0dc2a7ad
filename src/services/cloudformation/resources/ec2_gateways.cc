// Ways out of a VPC and between VPCs, and lists of ranges for routes and rules.
#include "services/cloudformation/resources/ec2_common.h"

namespace brume::cloudformation::resources {
namespace {

using Tags = List<ec2::Tag>;

// NAT gateways ------------------------------------------------------------------------------------------------------

Result<void> create_nat_gateway(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateNatGatewayRequest>(instance.properties));
  request.ClientToken = work.token;
  BRUME_TRY(made, work.apis.ec2.CreateNatGateway(work.call, request));
  instance.physical_id = made.NatGateway->NatGatewayId.value_or("");
  set_attribute(instance, "NatGatewayId", instance.physical_id);
  return tag_ec2(work, instance);
}

Result<std::optional<ec2::NatGateway>> describe_nat_gateway(Work& work, const std::string& id) {
  ec2::DescribeNatGatewaysRequest request;
  request.NatGatewayIds = {id};
  auto found = work.apis.ec2.DescribeNatGateways(work.call, request);
  if (!found && !not_found(found.error())) return std::unexpected(found.error());
  if (!found || found->NatGateways.empty()) return std::nullopt;
  return std::move(found->NatGateways[0]);
}

Result<bool> nat_gateway_settled(Work& work, Instance& instance) {
  BRUME_TRY(gateway, describe_nat_gateway(work, instance.physical_id));
  const std::string state = gateway ? gateway->State.value_or("") : "deleted";
  if (state == "failed" || state == "deleted" || state == "deleting")
    return fail("NotStabilized",
                "NatGateway {} is in state {} and hence failed to stabilize. Detailed failure message: {}",
                instance.physical_id, state, gateway ? gateway->FailureMessage.value_or("") : "");
  for (const auto& address : gateway->NatGatewayAddresses) set_attribute(instance, "EniId", address.NetworkInterfaceId);
  return state == "available";
}

Result<void> remove_nat_gateway(Work& work, const Instance& instance) {
  ec2::DeleteNatGatewayRequest request;
  request.NatGatewayId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DeleteNatGateway(work.call, request));
  return {};
}

Result<bool> nat_gateway_gone(Work& work, const Instance& instance) {
  BRUME_TRY(gateway, describe_nat_gateway(work, instance.physical_id));
  return !gateway || gateway->State == "deleted" || gateway->State == "failed";
}

// Egress-only internet gateways -------------------------------------------------------------------------------------

Result<void> create_egress_only_gateway(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateEgressOnlyInternetGatewayRequest>(instance.properties));
  request.ClientToken = work.token;
  BRUME_TRY(made, work.apis.ec2.CreateEgressOnlyInternetGateway(work.call, request));
  instance.physical_id = made.EgressOnlyInternetGateway->EgressOnlyInternetGatewayId.value_or("");
  set_attribute(instance, "Id", instance.physical_id);
  return tag_ec2(work, instance);
}

Result<void> remove_egress_only_gateway(Work& work, const Instance& instance) {
  ec2::DeleteEgressOnlyInternetGatewayRequest request;
  request.EgressOnlyInternetGatewayId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DeleteEgressOnlyInternetGateway(work.call, request));
  return {};
}

// Peerings ----------------------------------------------------------------------------------------------------------

// In one account CloudFormation accepts the request itself, which has to be done in the peer's region.
Result<void> create_peering(Work& work, Instance& instance) {
  const std::string region = instance.text("PeerRegion");
  if (!region.empty() && region != work.call.region)
    return fail("UnsupportedOperation",
                "A stack of {} cannot accept a VPC peering connection in {}. Make it with CreateVpcPeeringConnection "
                "and accept it there.",
                work.call.region, region);
  BRUME_TRY(request, read<ec2::CreateVpcPeeringConnectionRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.CreateVpcPeeringConnection(work.call, request));
  instance.physical_id = made.VpcPeeringConnection->VpcPeeringConnectionId.value_or("");
  set_attribute(instance, "Id", instance.physical_id);
  return tag_ec2(work, instance);
}

Result<std::optional<ec2::VpcPeeringConnection>> describe_peering(Work& work, const std::string& id) {
  ec2::DescribeVpcPeeringConnectionsRequest request;
  request.VpcPeeringConnectionIds = {id};
  auto found = work.apis.ec2.DescribeVpcPeeringConnections(work.call, request);
  if (!found && !not_found(found.error())) return std::unexpected(found.error());
  if (!found || found->VpcPeeringConnections.empty()) return std::nullopt;
  return std::move(found->VpcPeeringConnections[0]);
}

Result<bool> peering_settled(Work& work, Instance& instance) {
  BRUME_TRY(peering, describe_peering(work, instance.physical_id));
  if (!peering || !peering->Status)
    return fail("NotStabilized", "VPC peering connection {} disappeared", instance.physical_id);
  const std::string state = peering->Status->Code.value_or("");
  if (state == "active") return true;
  if (state == "pending-acceptance") {
    ec2::AcceptVpcPeeringConnectionRequest request;
    request.VpcPeeringConnectionId = instance.physical_id;
    BRUME_CHECK(work.apis.ec2.AcceptVpcPeeringConnection(work.call, request));
    return false;
  }
  if (state == "initiating-request" || state == "provisioning") return false;
  return fail("NotStabilized", "VPC peering connection {} is in state {}: {}", instance.physical_id, state,
              peering->Status->Message.value_or(""));
}

Result<void> remove_peering(Work& work, const Instance& instance) {
  BRUME_TRY(peering, describe_peering(work, instance.physical_id));
  const std::string state = peering && peering->Status ? peering->Status->Code.value_or("") : "deleted";
  if (state != "active" && state != "pending-acceptance") return {};  // it has ended, perhaps with a VPC
  ec2::DeleteVpcPeeringConnectionRequest request;
  request.VpcPeeringConnectionId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DeleteVpcPeeringConnection(work.call, request));
  return {};
}

// Prefix lists ------------------------------------------------------------------------------------------------------

void show_list(Instance& instance, const ec2::ManagedPrefixList& list) {
  set_attribute(instance, "PrefixListId", instance.physical_id);
  set_attribute(instance, "Arn", list.PrefixListArn);
  set_attribute(instance, "OwnerId", list.OwnerId);
  set_attribute(instance, "Version", std::to_string(list.Version.value_or(1)));
}

Result<void> create_prefix_list(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateManagedPrefixListRequest>(instance.properties));
  request.ClientToken = work.token;
  BRUME_TRY(made, work.apis.ec2.CreateManagedPrefixList(work.call, request));
  instance.physical_id = made.PrefixList->PrefixListId.value_or("");
  show_list(instance, *made.PrefixList);
  return tag_ec2(work, instance);
}

// Entries that are in `from` and, as they are there, not in `other`.
List<ec2::AddPrefixListEntry> entries_missing_in(const List<ec2::AddPrefixListEntry>& from,
                                                 const List<ec2::AddPrefixListEntry>& other) {
  List<ec2::AddPrefixListEntry> out;
  for (const auto& entry : from) {
    bool found = false;
    for (const auto& candidate : other)
      found |= candidate.Cidr == entry.Cidr && candidate.Description == entry.Description;
    if (!found) out.push_back(entry);
  }
  return out;
}

Result<void> update_prefix_list(Work& work, Instance& instance, const Value& before) {
  const Value& now = instance.properties;
  ec2::DescribeManagedPrefixListsRequest describe;
  describe.PrefixListIds = {instance.physical_id};
  BRUME_TRY(shown, work.apis.ec2.DescribeManagedPrefixLists(work.call, describe));
  if (shown.PrefixLists.empty()) return fail("InvalidPrefixListID.NotFound", "{} is gone", instance.physical_id);
  ec2::ManagedPrefixList list = shown.PrefixLists[0];
  const auto modify = [&](ec2::ModifyManagedPrefixListRequest request) -> Result<void> {
    request.PrefixListId = instance.physical_id;
    BRUME_TRY(made, work.apis.ec2.ModifyManagedPrefixList(work.call, request));
    list = *made.PrefixList;
    return {};
  };
  if (changed(before, now, "PrefixListName")) BRUME_CHECK(modify({.PrefixListName = instance.text("PrefixListName")}));
  // The size does not change together with entries: a list grows before its entries do and shrinks after them.
  BRUME_TRY(size, read<std::int32_t>(now, "MaxEntries"));
  if (size > list.MaxEntries.value_or(0)) BRUME_CHECK(modify({.MaxEntries = size}));
  if (changed(before, now, "Entries")) {
    BRUME_TRY(old_entries, read<List<ec2::AddPrefixListEntry>>(before, "Entries"));
    BRUME_TRY(new_entries, read<List<ec2::AddPrefixListEntry>>(now, "Entries"));
    ec2::ModifyManagedPrefixListRequest request;
    request.CurrentVersion = list.Version;
    for (const auto& entry : entries_missing_in(old_entries, new_entries))
      request.RemoveEntries.emplace_back().Cidr = entry.Cidr;
    request.AddEntries = entries_missing_in(new_entries, old_entries);
    if (!request.RemoveEntries.empty() || !request.AddEntries.empty()) BRUME_CHECK(modify(std::move(request)));
  }
  if (size < list.MaxEntries.value_or(0)) BRUME_CHECK(modify({.MaxEntries = size}));
  show_list(instance, list);
  return retag_ec2(work, instance, before);
}

Result<void> remove_prefix_list(Work& work, const Instance& instance) {
  ec2::DeleteManagedPrefixListRequest request;
  request.PrefixListId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DeleteManagedPrefixList(work.call, request));
  return {};
}

}  // namespace

std::span<const ResourceType> ec2_gateway_types() {
  static const ResourceType types[] = {
      {.name = "AWS::EC2::NatGateway",
       .properties = {text("SubnetId", kRequired | kCreateOnly), text("AllocationId", kCreateOnly),
                      text("ConnectivityType", kCreateOnly), text("PrivateIpAddress", kCreateOnly),
                      property<Tags>("Tags")},
       .attributes = {"NatGatewayId", "EniId"},
       .create = create_nat_gateway,
       .settled = nat_gateway_settled,
       .update = retag_ec2,
       .remove = remove_nat_gateway,
       .gone = nat_gateway_gone},
      {.name = "AWS::EC2::EgressOnlyInternetGateway",
       .properties = {text("VpcId", kRequired | kCreateOnly), property<Tags>("Tags")},
       .attributes = {"Id"},
       .create = create_egress_only_gateway,
       .update = retag_ec2,
       .remove = remove_egress_only_gateway},
      {.name = "AWS::EC2::VPCPeeringConnection",
       .properties = {text("VpcId", kRequired | kCreateOnly), text("PeerVpcId", kRequired | kCreateOnly),
                      text("PeerOwnerId", kCreateOnly), text("PeerRegion", kCreateOnly), property<Tags>("Tags")},
       .attributes = {"Id"},
       .create = create_peering,
       .settled = peering_settled,
       .update = retag_ec2,
       .remove = remove_peering},
      {.name = "AWS::EC2::PrefixList",
       .properties = {text("PrefixListName", kRequired), text("AddressFamily", kRequired | kCreateOnly),
                      number("MaxEntries", kRequired), property<List<ec2::AddPrefixListEntry>>("Entries"),
                      property<Tags>("Tags")},
       .attributes = {"PrefixListId", "Arn", "OwnerId", "Version"},
       .create = create_prefix_list,
       .update = update_prefix_list,
       .remove = remove_prefix_list},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
