// Managed prefix lists: the customer's own. AWS's lists, of the addresses of its own services, are not here.
#include <algorithm>
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

constexpr std::int32_t kMaxEntries = 1000;  // VPC user guide, "Amazon VPC quotas"
constexpr std::size_t kMaxDescription = 255;

constexpr FilterField<ManagedPrefixList> kFilters[] = {
    {"owner-id", [](const ManagedPrefixList& p) { return value(p.OwnerId); }},
    {"prefix-list-id", [](const ManagedPrefixList& p) { return value(p.PrefixListId); }},
    {"prefix-list-name", [](const ManagedPrefixList& p) { return value(p.PrefixListName); }},
};

ManagedPrefixList describe(const NetworkState& state, const PrefixListRecord& record) {
  ManagedPrefixList shape = record.list;
  shape.Tags = state.tags.of(*shape.PrefixListId);
  shape.Tags.set_present();
  return shape;
}

Result<std::string> range_of(const std::string& family, const std::optional<std::string>& cidr) {
  std::optional<std::string> canonical;
  if (family == "IPv6") {
    canonical = canonical_ipv6_cidr(cidr.value_or(""));
  } else if (const auto parsed = parse_cidr(cidr.value_or(""))) {
    canonical = format_cidr(*parsed);
  }
  if (canonical) return *canonical;
  return fail("InvalidParameterValue", "The CIDR '{}' is not a valid {} range.", cidr.value_or(""), family);
}

auto of_range(const std::string& range) {
  return [range](const PrefixListEntry& entry) { return entry.Cidr == range; };
}

Result<void> add(PrefixListRecord& record, const List<AddPrefixListEntry>& entries) {
  for (const AddPrefixListEntry& entry : entries) {
    BRUME_TRY(range, range_of(*record.list.AddressFamily, entry.Cidr));
    if (entry.Description.value_or("").size() > kMaxDescription)
      return fail("InvalidParameterValue", "The description of an entry may have up to 255 characters.");
    if (std::ranges::any_of(record.entries, of_range(range)))
      return fail("InvalidParameterValue", "The prefix list already has an entry for {}.", range);
    record.entries.push_back({.Cidr = range, .Description = entry.Description});
  }
  if (record.entries.size() > std::size_t(*record.list.MaxEntries))
    return fail("PrefixListMaxEntriesExceeded", "You've reached the maximum number of entries for the prefix list.");
  std::ranges::sort(record.entries, {}, &PrefixListEntry::Cidr);
  return {};
}

Result<void> check_name(const std::string& name) {
  if (name.empty() || name.size() > 255)
    return fail("InvalidParameterValue", "A prefix list name must have 1 to 255 characters.");
  if (name.starts_with("com.amazonaws"))
    return fail("InvalidParameterValue", "A prefix list name cannot start with com.amazonaws.");
  return {};
}

Result<void> check_max(std::int32_t max) {
  if (max >= 1 && max <= kMaxEntries) return {};
  return fail("InvalidParameterValue", "Value ({}) for parameter maxEntries is invalid. It must be from 1 to {}.", max,
              kMaxEntries);
}

// The VPCs with a rule or a route that names the list.
std::vector<std::string> vpcs_with(const NetworkState& state, const std::string& id) {
  std::vector<std::string> found;
  for (const auto& [key, rule] : state.security_group_rules.rows())
    if (rule.PrefixListId == id) found.push_back(*state.security_groups.find(*rule.GroupId)->VpcId);
  for (const auto& [key, table] : state.route_tables.rows())
    if (std::ranges::any_of(table.Routes, [&](const Route& route) { return route.DestinationPrefixListId == id; }))
      found.push_back(*table.VpcId);
  std::ranges::sort(found);
  const auto repeated = std::ranges::unique(found);
  found.erase(repeated.begin(), repeated.end());
  return found;
}

}  // namespace

Result<CreateManagedPrefixListResult> NetworkOperations::CreateManagedPrefixList(
    const aws::Call& call, const CreateManagedPrefixListRequest& request) {
  BRUME_CHECK(check_name(request.PrefixListName.value_or("")));
  BRUME_CHECK(check_max(request.MaxEntries.value_or(0)));
  if (request.AddressFamily != "IPv4" && request.AddressFamily != "IPv6")
    return fail("InvalidParameterValue", "The address family must be IPv4 or IPv6.");
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kPrefixList.type));
  const std::string id = services::new_id(context_.env.random, kPrefixList.prefix);
  PrefixListRecord record{.list = {.PrefixListId = id,
                                   .AddressFamily = request.AddressFamily,
                                   .State = "create-complete",
                                   .PrefixListArn = services::arn("ec2", context_.region, "prefix-list/" + id),
                                   .PrefixListName = request.PrefixListName,
                                   .MaxEntries = request.MaxEntries,
                                   .Version = 1,
                                   .OwnerId = aws::kAccount}};
  BRUME_CHECK(add(record, request.Entries));
  state_.prefix_lists.put(id, record);
  BRUME_CHECK(state_.tags.set(id, kPrefixList.type, tags));
  return CreateManagedPrefixListResult{.PrefixList = describe(state_, record)};
}

Result<DescribeManagedPrefixListsResult> NetworkOperations::DescribeManagedPrefixLists(
    const aws::Call&, const DescribeManagedPrefixListsRequest& request) {
  BRUME_TRY(lists, shapes_of(state_.prefix_lists, kPrefixList, request.PrefixListIds,
                             [&](const PrefixListRecord& record) { return describe(state_, record); }));
  BRUME_TRY(page, filtered_page<ManagedPrefixList>(std::move(lists), request, kFilters,
                                                   [](const ManagedPrefixList& p) { return *p.PrefixListId; }));
  return DescribeManagedPrefixListsResult{.NextToken = page.next_token, .PrefixLists = page.items};
}

Result<GetManagedPrefixListEntriesResult> NetworkOperations::GetManagedPrefixListEntries(
    const aws::Call&, const GetManagedPrefixListEntriesRequest& request) {
  BRUME_TRY(record, find(state_.prefix_lists, kPrefixList, request.PrefixListId));
  if (request.TargetVersion.value_or(*record->list.Version) != *record->list.Version)
    return fail("InvalidPrefixListVersion.NotFound", "Version {} of the prefix list {} is not kept.",
                *request.TargetVersion, *request.PrefixListId);
  BRUME_TRY(page, services::paginate(std::vector<PrefixListEntry>(record->entries.begin(), record->entries.end()),
                                     std::size_t(std::max(0, request.MaxResults.value_or(0))), request.NextToken,
                                     [](const PrefixListEntry& e) { return *e.Cidr; }));
  return GetManagedPrefixListEntriesResult{.Entries = page.items, .NextToken = page.next_token};
}

Result<ModifyManagedPrefixListResult> NetworkOperations::ModifyManagedPrefixList(
    const aws::Call&, const ModifyManagedPrefixListRequest& request) {
  BRUME_CHECK(refuse("IpamPrefixListResolverSyncEnabled", request.IpamPrefixListResolverSyncEnabled.has_value()));
  BRUME_TRY(found, find(state_.prefix_lists, kPrefixList, request.PrefixListId));
  PrefixListRecord record = *found;
  const std::string id = *record.list.PrefixListId;
  const bool entries_change = !request.AddEntries.empty() || !request.RemoveEntries.empty();
  if (request.MaxEntries && entries_change)
    return fail("InvalidParameterCombination", "MaxEntries and entries cannot be modified in the same request.");
  if (entries_change && !request.CurrentVersion)
    return fail("MissingParameter", "The request must contain the parameter currentVersion");
  if (request.CurrentVersion && request.CurrentVersion != record.list.Version)
    return fail("PrefixListVersionMismatch", "The prefix list has the incorrect version number.");
  if (request.PrefixListName) {
    BRUME_CHECK(check_name(*request.PrefixListName));
    record.list.PrefixListName = request.PrefixListName;
  }
  if (request.MaxEntries) {
    BRUME_CHECK(check_max(*request.MaxEntries));
    if (std::size_t(*request.MaxEntries) < record.entries.size())
      return fail("PrefixListMaxEntriesExceeded", "The prefix list has more entries than {}.", *request.MaxEntries);
    record.list.MaxEntries = request.MaxEntries;
  }
  for (const RemovePrefixListEntry& entry : request.RemoveEntries) {
    BRUME_TRY(range, range_of(*record.list.AddressFamily, entry.Cidr));
    if (std::erase_if(record.entries, of_range(range)) == 0)
      return fail("InvalidParameterValue", "The prefix list has no entry for {}.", range);
  }
  BRUME_CHECK(add(record, request.AddEntries));
  if (entries_change) ++*record.list.Version;
  record.list.State = "modify-complete";
  state_.prefix_lists.put(id, record);
  for (const std::string& vpc_id : vpcs_with(state_, id)) state_.changed(vpc_id);
  return ModifyManagedPrefixListResult{.PrefixList = describe(state_, record)};
}

Result<DeleteManagedPrefixListResult> NetworkOperations::DeleteManagedPrefixList(
    const aws::Call&, const DeleteManagedPrefixListRequest& request) {
  BRUME_TRY(found, find(state_.prefix_lists, kPrefixList, request.PrefixListId));
  DeleteManagedPrefixListResult result{.PrefixList = describe(state_, *found)};
  const std::string id = *found->list.PrefixListId;
  if (!vpcs_with(state_, id).empty())
    return fail("DependencyViolation", "The prefix list '{}' has dependencies and cannot be deleted.", id);
  result.PrefixList->State = "delete-complete";
  state_.tags.erase_all(id);
  state_.prefix_lists.erase(id);
  return result;
}

}  // namespace brume::ec2
