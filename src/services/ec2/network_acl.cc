// Network ACLs.
#include <utility>

#include "aws/call.h"
#include "services/ec2/acl_rules.h"
#include "services/ec2/filters.h"
#include "services/ec2/ipv6_ranges.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/vpc_parts.h"

namespace brume::ec2 {
namespace {

template <auto member>
Values associations(const NetworkAcl& acl) {
  return each(acl.Associations, [](const NetworkAclAssociation& a) { return a.*member; });
}
template <auto member>
Values entries(const NetworkAcl& acl) {
  return each(acl.Entries, [](const NetworkAclEntry& e) { return e.*member; });
}
template <auto part, auto member>
Values entry_parts(const NetworkAcl& acl) {
  return each(acl.Entries,
              [](const NetworkAclEntry& e) { return e.*part ? (*(e.*part)).*member : std::optional<std::int32_t>(); });
}

constexpr FilterField<NetworkAcl> kFilters[] = {
    {"network-acl-id", [](const NetworkAcl& a) { return value(a.NetworkAclId); }},
    {"vpc-id", [](const NetworkAcl& a) { return value(a.VpcId); }},
    {"owner-id", [](const NetworkAcl& a) { return value(a.OwnerId); }},
    {"default", [](const NetworkAcl& a) { return value(a.IsDefault); }},
    {"association.association-id", associations<&NetworkAclAssociation::NetworkAclAssociationId>},
    {"association.network-acl-id", associations<&NetworkAclAssociation::NetworkAclId>},
    {"association.subnet-id", associations<&NetworkAclAssociation::SubnetId>},
    {"entry.cidr", entries<&NetworkAclEntry::CidrBlock>},
    {"entry.ipv6-cidr", entries<&NetworkAclEntry::Ipv6CidrBlock>},
    {"entry.egress", entries<&NetworkAclEntry::Egress>},
    {"entry.protocol", entries<&NetworkAclEntry::Protocol>},
    {"entry.rule-action", entries<&NetworkAclEntry::RuleAction>},
    {"entry.rule-number", entries<&NetworkAclEntry::RuleNumber>},
    {"entry.icmp.code", entry_parts<&NetworkAclEntry::IcmpTypeCode, &IcmpTypeCode::Code>},
    {"entry.icmp.type", entry_parts<&NetworkAclEntry::IcmpTypeCode, &IcmpTypeCode::Type>},
    {"entry.port-range.from", entry_parts<&NetworkAclEntry::PortRange, &PortRange::From>},
    {"entry.port-range.to", entry_parts<&NetworkAclEntry::PortRange, &PortRange::To>},
};

// Entries an ACL may have in each direction, besides the last (VPC user guide, "Amazon VPC quotas").
constexpr std::ptrdiff_t kMaxEntries = 20;

NetworkAcl describe(const NetworkState& state, const NetworkAcl& record) {
  NetworkAcl shape = record;
  sort_entries(shape.Entries);
  shape.Associations.set_present();
  shape.Tags = state.tags.of(*record.NetworkAclId);
  shape.Tags.set_present();
  return shape;
}

auto same_place(bool egress, std::int32_t number) {
  return [=](const NetworkAclEntry& e) { return e.Egress == egress && e.RuleNumber == number; };
}

[[nodiscard]] std::unexpected<Error> no_entry(const std::string& acl_id, std::int32_t number) {
  return fail("InvalidNetworkAclEntry.NotFound", "The network acl entry identified by {} does not exist in {}", number,
              acl_id);
}

}  // namespace

Result<CreateNetworkAclResult> NetworkOperations::CreateNetworkAcl(const aws::Call& call,
                                                                   const CreateNetworkAclRequest& request) {
  BRUME_TRY(vpc, find(state_.vpcs, kVpc, request.VpcId));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kNetworkAcl.type));
  const std::string id = services::new_id(context_.env.random, kNetworkAcl.prefix);
  NetworkAcl acl{.IsDefault = false, .NetworkAclId = id, .VpcId = request.VpcId, .OwnerId = aws::kAccount};
  add_final_entries(acl);
  if (has_ipv6(*vpc)) add_final_ipv6_entries(acl);
  state_.network_acls.put(id, acl);
  BRUME_CHECK(state_.tags.set(id, kNetworkAcl.type, tags));
  state_.changed(*request.VpcId);
  return CreateNetworkAclResult{.NetworkAcl = describe(state_, acl), .ClientToken = request.ClientToken};
}

Result<DescribeNetworkAclsResult> NetworkOperations::DescribeNetworkAcls(const aws::Call&,
                                                                         const DescribeNetworkAclsRequest& request) {
  BRUME_TRY(acls, shapes_of(state_.network_acls, kNetworkAcl, request.NetworkAclIds,
                            [&](const NetworkAcl& record) { return describe(state_, record); }));
  BRUME_TRY(page, filtered_page<NetworkAcl>(std::move(acls), request, kFilters,
                                            [](const NetworkAcl& a) { return *a.NetworkAclId; }));
  return DescribeNetworkAclsResult{.NetworkAcls = page.items, .NextToken = page.next_token};
}

Result<void> NetworkOperations::DeleteNetworkAcl(const aws::Call&, const DeleteNetworkAclRequest& request) {
  BRUME_TRY(acl, find(state_.network_acls, kNetworkAcl, request.NetworkAclId));
  const std::string id = *acl->NetworkAclId, vpc_id = *acl->VpcId;
  if (acl->IsDefault.value_or(false)) return fail("InvalidParameterValue", "cannot delete default network ACL {}", id);
  if (!acl->Associations.empty())
    return fail("DependencyViolation", "The networkAcl '{}' has dependencies and cannot be deleted.", id);
  state_.tags.erase_all(id);
  state_.network_acls.erase(id);
  state_.changed(vpc_id);
  return {};
}

Result<void> NetworkOperations::CreateNetworkAclEntry(const aws::Call&, const CreateNetworkAclEntryRequest& request) {
  BRUME_TRY(acl, find(state_.network_acls, kNetworkAcl, request.NetworkAclId));
  BRUME_TRY(entry, acl_entry(request));
  if (std::ranges::any_of(acl->Entries, same_place(*entry.Egress, *entry.RuleNumber)))
    return fail("NetworkAclEntryAlreadyExists", "The network acl entry identified by {} already exists.",
                *entry.RuleNumber);
  const auto same_side = [&](const NetworkAclEntry& e) { return e.Egress == entry.Egress && e.RuleNumber < 32767; };
  if (std::ranges::count_if(acl->Entries, same_side) >= kMaxEntries)
    return fail("NetworkAclEntryLimitExceeded", "The maximum number of network acl entries has been reached.");
  const std::string vpc_id = *acl->VpcId;
  state_.network_acls.modify(*request.NetworkAclId, [&](NetworkAcl& a) { a.Entries.push_back(entry); });
  state_.changed(vpc_id);
  return {};
}

Result<void> NetworkOperations::ReplaceNetworkAclEntry(const aws::Call&, const ReplaceNetworkAclEntryRequest& request) {
  BRUME_TRY(acl, find(state_.network_acls, kNetworkAcl, request.NetworkAclId));
  BRUME_TRY(entry, acl_entry({.NetworkAclId = request.NetworkAclId,
                              .RuleNumber = request.RuleNumber,
                              .Protocol = request.Protocol,
                              .RuleAction = request.RuleAction,
                              .Egress = request.Egress,
                              .CidrBlock = request.CidrBlock,
                              .Ipv6CidrBlock = request.Ipv6CidrBlock,
                              .IcmpTypeCode = request.IcmpTypeCode,
                              .PortRange = request.PortRange}));
  const auto here = same_place(*entry.Egress, *entry.RuleNumber);
  if (std::ranges::none_of(acl->Entries, here)) return no_entry(*request.NetworkAclId, *entry.RuleNumber);
  const std::string vpc_id = *acl->VpcId;
  state_.network_acls.modify(*request.NetworkAclId,
                             [&](NetworkAcl& a) { *std::ranges::find_if(a.Entries, here) = entry; });
  state_.changed(vpc_id);
  return {};
}

Result<void> NetworkOperations::DeleteNetworkAclEntry(const aws::Call&, const DeleteNetworkAclEntryRequest& request) {
  BRUME_TRY(acl, find(state_.network_acls, kNetworkAcl, request.NetworkAclId));
  const std::int32_t number = request.RuleNumber.value_or(0);
  const auto here = same_place(request.Egress.value_or(false), number);
  if (number >= 32767 || std::ranges::none_of(acl->Entries, here)) return no_entry(*request.NetworkAclId, number);
  const std::string vpc_id = *acl->VpcId;
  state_.network_acls.modify(*request.NetworkAclId, [&](NetworkAcl& a) { std::erase_if(a.Entries, here); });
  state_.changed(vpc_id);
  return {};
}

Result<ReplaceNetworkAclAssociationResult> NetworkOperations::ReplaceNetworkAclAssociation(
    const aws::Call&, const ReplaceNetworkAclAssociationRequest& request) {
  BRUME_TRY(acl, find(state_.network_acls, kNetworkAcl, request.NetworkAclId));
  const auto here = [&](const NetworkAclAssociation& a) { return a.NetworkAclAssociationId == request.AssociationId; };
  const auto from = std::ranges::find_if(
      state_.network_acls.rows(), [&](const auto& row) { return std::ranges::any_of(row.second.Associations, here); });
  if (from == state_.network_acls.rows().end())
    return fail("InvalidAssociationID.NotFound", "The association ID '{}' does not exist",
                request.AssociationId.value_or(""));
  if (from->second.VpcId != acl->VpcId)
    return fail("InvalidParameterValue", "Network ACL {} belongs to a different network than association {}",
                *request.NetworkAclId, *request.AssociationId);
  NetworkAclAssociation moved = *std::ranges::find_if(from->second.Associations, here);
  moved.NetworkAclAssociationId = services::new_id(context_.env.random, "aclassoc");
  moved.NetworkAclId = request.NetworkAclId;
  const std::string vpc_id = *acl->VpcId;
  state_.network_acls.modify(std::string(from->first), [&](NetworkAcl& a) { std::erase_if(a.Associations, here); });
  state_.network_acls.modify(*request.NetworkAclId, [&](NetworkAcl& a) { a.Associations.push_back(moved); });
  state_.changed(vpc_id);
  return ReplaceNetworkAclAssociationResult{.NewAssociationId = moved.NetworkAclAssociationId};
}

}  // namespace brume::ec2
