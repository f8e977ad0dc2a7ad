#include "services/logs/group_operations.h"

#include <algorithm>
#include <array>

#include "aws/http.h"
#include "services/common/page.h"

namespace brume::logs {
namespace {

constexpr std::size_t kMostTags = 50;
constexpr std::array kRetentions{1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
constexpr std::int32_t kDeliveryRetention = 2;  // of the class DELIVERY, which has no other

Result<void> check_tags(const Map<std::string>& tags) {
  if (tags.size() > kMostTags)
    return fail("InvalidParameterException", "A log group has at most {} tags; these would be {}.", kMostTags,
                tags.size());
  for (const auto& [key, value] : tags)
    if (key.starts_with("aws:"))
      return fail("InvalidParameterException", "The tag key {} begins with aws:, which is reserved for AWS.", key);
  return {};
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  return aws::to_lower(text).find(aws::to_lower(part)) != std::string::npos;
}

Result<void> refuse_other_accounts(bool asked) {
  if (asked)
    return fail("InvalidParameterException",
                "There is one account here: accountIdentifiers and includeLinkedAccounts have nothing to name.");
  return {};
}

}  // namespace

Result<std::string_view> group_name_of(std::string_view text) {
  if (!text.starts_with("arn:")) return text;
  constexpr std::string_view kMark = ":log-group:";
  const std::size_t mark = text.find(kMark);
  if (!text.starts_with("arn:aws:logs:") || mark == std::string_view::npos)
    return fail("InvalidParameterException", "{} is not the ARN of a log group.", text);
  text.remove_prefix(mark + kMark.size());
  if (text.ends_with(":*")) text.remove_suffix(2);
  return text;
}

GroupOperations::GroupOperations(services::Context context)
    : context_(std::move(context)), groups_(context_.store, "log-groups", context_.region) {}

Result<void> GroupOperations::load_groups() {
  BRUME_CHECK(groups_.load());
  for (const auto& [name, record] : groups_.rows()) directory_.put(view_of(record));
  return {};
}

std::string GroupOperations::arn_of(std::string_view name) const {
  return fmt::format("arn:aws:logs:{}:{}:log-group:{}", context_.region, aws::kAccount, name);
}

GroupView GroupOperations::view_of(const GroupRecord& record) const {
  return {.id = std::uint64_t(record.id),
          .name = record.name,
          .arn = arn_of(record.name),
          .retention_days = record.retention_days,
          .metric_filters = metric_filter_rules(record.name),
          .subscribed = has_subscription_filters(record.name)};
}

void GroupOperations::changed(const std::string& name) {
  context_.store.after_commit([this, name] {
    if (const GroupRecord* record = groups_.find(name))
      directory_.put(view_of(*record));
    else
      directory_.erase(name);
  });
}

Result<const GroupRecord*> GroupOperations::find_group(std::string_view name_or_arn) const {
  BRUME_TRY(name, group_name_of(name_or_arn));
  if (const GroupRecord* record = groups_.find(name)) return record;
  return fail("ResourceNotFoundException", "The specified log group does not exist.");
}

template <typename Change>
Result<void> GroupOperations::modify(std::string_view name_or_arn, Change change) {
  BRUME_TRY(found, find_group(name_or_arn));
  GroupRecord record = *found;
  BRUME_CHECK(change(record));
  const std::string name = record.name;
  groups_.put(name, std::move(record));
  changed(name);
  return {};
}

Result<void> GroupOperations::CreateLogGroup(const Call&, const CreateLogGroupRequest& request) {
  const std::string& name = *request.logGroupName;
  if (aws::to_lower(name).starts_with("aws/"))
    return fail("InvalidParameterException", "Log groups starting with AWS/ are reserved for AWS.");
  if (request.kmsKeyId)
    return fail("InvalidParameterException", "Brume has no keys to encrypt log groups with: leave kmsKeyId out.");
  if (groups_.contains(name)) return fail("ResourceAlreadyExistsException", "The specified log group already exists");
  BRUME_CHECK(check_tags(request.tags));
  GroupRecord record{.id = std::int64_t(context_.env.random.next() >> 1),
                     .name = name,
                     .created = context_.env.clock.wall().time_since_epoch().count(),
                     .retention_days = std::nullopt,
                     .log_class = request.logGroupClass.value_or("STANDARD"),
                     .deletion_protected = request.deletionProtectionEnabled.value_or(false),
                     .tags = request.tags};
  if (record.log_class == "DELIVERY") record.retention_days = kDeliveryRetention;
  groups_.put(name, std::move(record));
  changed(name);
  return {};
}

Result<void> GroupOperations::DeleteLogGroup(const Call&, const DeleteLogGroupRequest& request) {
  BRUME_TRY(found, find_group(*request.logGroupName));
  if (found->deletion_protected)
    return fail("ValidationException",
                "The log group {} is protected from deletion: end that first with PutLogGroupDeletionProtection.",
                found->name);
  const std::string name = found->name;
  forget(*found);
  groups_.erase(name);
  changed(name);
  return {};
}

Result<DescribeLogGroupsResponse> GroupOperations::DescribeLogGroups(const Call&,
                                                                     const DescribeLogGroupsRequest& request) {
  BRUME_CHECK(
      refuse_other_accounts(!request.accountIdentifiers.empty() || request.includeLinkedAccounts.value_or(false)));
  if (request.logGroupNamePrefix && request.logGroupNamePattern)
    return fail("InvalidParameterException",
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive "
                "parameters.");
  std::vector<std::string> asked;
  for (const std::string& identifier : request.logGroupIdentifiers) {
    BRUME_TRY(name, group_name_of(identifier));
    asked.emplace_back(name);
  }
  std::vector<LogGroup> all;
  for (const auto& [name, record] : groups_.rows()) {
    if (request.logGroupNamePrefix && !name.starts_with(*request.logGroupNamePrefix)) continue;
    if (request.logGroupNamePattern && !contains_ignoring_case(name, *request.logGroupNamePattern)) continue;
    if (request.logGroupClass && record.log_class != *request.logGroupClass) continue;
    if (!asked.empty() && std::ranges::find(asked, name) == asked.end()) continue;
    all.push_back({.logGroupName = name,
                   .creationTime = record.created,
                   .retentionInDays = record.retention_days,
                   .metricFilterCount = std::int32_t(metric_filter_count(name)),
                   .arn = arn_of(name) + ":*",
                   .storedBytes = stored_bytes(std::uint64_t(record.id)),
                   .logGroupClass = record.log_class,
                   .logGroupArn = arn_of(name),
                   .deletionProtectionEnabled = record.deletion_protected});
  }
  const auto name_of = [](const LogGroup& group) { return *group.logGroupName; };
  BRUME_TRY(page, services::paginate(std::move(all), std::size_t(request.limit.value_or(50)), request.nextToken,
                                     name_of, "InvalidParameterException"));
  DescribeLogGroupsResponse response;
  response.logGroups = List<LogGroup>(std::move(page.items));
  response.nextToken = std::move(page.next_token);
  return response;
}

Result<ListLogGroupsResponse> GroupOperations::ListLogGroups(const Call&, const ListLogGroupsRequest& request) {
  BRUME_CHECK(
      refuse_other_accounts(!request.accountIdentifiers.empty() || request.includeLinkedAccounts.value_or(false)));
  if (!request.dataSources.empty() || !request.fieldIndexNames.empty())
    return fail("InvalidParameterException",
                "Brume keeps no data sources and no field indexes of log groups: leave dataSources and fieldIndexNames "
                "out.");
  std::string_view pattern = request.logGroupNamePattern ? std::string_view(*request.logGroupNamePattern) : "";
  const bool anchored = pattern.starts_with('^');
  if (anchored) pattern.remove_prefix(1);
  std::vector<LogGroupSummary> all;
  for (const auto& [name, record] : groups_.rows()) {
    if (anchored ? !name.starts_with(pattern) : !contains_ignoring_case(name, pattern)) continue;
    if (request.logGroupClass && record.log_class != *request.logGroupClass) continue;
    const bool tagged = std::ranges::all_of(request.logGroupTags, [&](const TagFilter& filter) {
      const auto tag = record.tags.find(*filter.key);
      return tag != record.tags.end() &&
             (filter.values.empty() || std::ranges::find(filter.values, tag->second) != filter.values.end());
    });
    if (!tagged) continue;
    all.push_back({.logGroupName = name, .logGroupArn = arn_of(name), .logGroupClass = record.log_class});
  }
  const auto name_of = [](const LogGroupSummary& group) { return *group.logGroupName; };
  BRUME_TRY(page, services::paginate(std::move(all), std::size_t(request.limit.value_or(1000)), request.nextToken,
                                     name_of, "InvalidParameterException"));
  ListLogGroupsResponse response;
  response.logGroups = List<LogGroupSummary>(std::move(page.items));
  response.nextToken = std::move(page.next_token);
  return response;
}

Result<void> GroupOperations::PutRetentionPolicy(const Call&, const PutRetentionPolicyRequest& request) {
  const std::int32_t days = *request.retentionInDays;
  if (std::ranges::find(kRetentions, days) == kRetentions.end())
    return fail("InvalidParameterException", "retentionInDays is {}; it may be one of {}.", days,
                fmt::join(kRetentions, ", "));
  return modify(*request.logGroupName, [&](GroupRecord& record) -> Result<void> {
    if (record.log_class == "DELIVERY")
      return fail("InvalidParameterException", "Log groups of the class DELIVERY keep their events for {} days.",
                  kDeliveryRetention);
    record.retention_days = days;
    return {};
  });
}

Result<void> GroupOperations::DeleteRetentionPolicy(const Call&, const DeleteRetentionPolicyRequest& request) {
  return modify(*request.logGroupName, [](GroupRecord& record) -> Result<void> {
    if (record.log_class != "DELIVERY") record.retention_days.reset();
    return {};
  });
}

Result<void> GroupOperations::PutLogGroupDeletionProtection(const Call&,
                                                            const PutLogGroupDeletionProtectionRequest& request) {
  return modify(*request.logGroupIdentifier, [&](GroupRecord& record) -> Result<void> {
    record.deletion_protected = *request.deletionProtectionEnabled;
    return {};
  });
}

Result<void> GroupOperations::TagResource(const Call&, const TagResourceRequest& request) {
  return modify(*request.resourceArn, [&](GroupRecord& record) {
    for (const auto& [key, value] : request.tags) record.tags[key] = value;
    return check_tags(record.tags);
  });
}

Result<void> GroupOperations::UntagResource(const Call&, const UntagResourceRequest& request) {
  return modify(*request.resourceArn, [&](GroupRecord& record) -> Result<void> {
    for (const std::string& key : request.tagKeys) record.tags.erase(key);
    return {};
  });
}

Result<ListTagsForResourceResponse> GroupOperations::ListTagsForResource(const Call&,
                                                                         const ListTagsForResourceRequest& request) {
  BRUME_TRY(group, find_group(*request.resourceArn));
  ListTagsForResourceResponse response{.tags = group->tags};
  response.tags.set_present();
  return response;
}

// The older three name a group where the newer three name its ARN.
Result<void> GroupOperations::TagLogGroup(const Call& call, const TagLogGroupRequest& request) {
  return TagResource(call, {.resourceArn = request.logGroupName, .tags = request.tags});
}

Result<void> GroupOperations::UntagLogGroup(const Call& call, const UntagLogGroupRequest& request) {
  return UntagResource(call, {.resourceArn = request.logGroupName, .tagKeys = request.tags});
}

Result<ListTagsLogGroupResponse> GroupOperations::ListTagsLogGroup(const Call& call,
                                                                   const ListTagsLogGroupRequest& request) {
  BRUME_TRY(listed, ListTagsForResource(call, {.resourceArn = request.logGroupName}));
  return ListTagsLogGroupResponse{.tags = std::move(listed.tags)};
}

}  // namespace brume::logs
