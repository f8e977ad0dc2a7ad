// Log groups and their tags: what is desired of logs. Events are event_operations.h's.
//
// All on the loop, in the caller's transaction. What other threads need to know is put into the directory once it is on
// disk. Encryption by KMS is refused by name.
#pragma once

#include "logs/api.h"
#include "services/common/context.h"
#include "services/logs/group.h"
#include "services/logs/group_directory.h"
#include "store/table.h"

namespace brume::logs {

class GroupOperations : public virtual Api {
 public:
  explicit GroupOperations(services::Context context);

  using Call = aws::Call;
  Result<void> CreateLogGroup(const Call&, const CreateLogGroupRequest&) override;
  Result<void> DeleteLogGroup(const Call&, const DeleteLogGroupRequest&) override;
  Result<DescribeLogGroupsResponse> DescribeLogGroups(const Call&, const DescribeLogGroupsRequest&) override;
  Result<ListLogGroupsResponse> ListLogGroups(const Call&, const ListLogGroupsRequest&) override;
  Result<void> PutRetentionPolicy(const Call&, const PutRetentionPolicyRequest&) override;
  Result<void> DeleteRetentionPolicy(const Call&, const DeleteRetentionPolicyRequest&) override;
  Result<void> PutLogGroupDeletionProtection(const Call&, const PutLogGroupDeletionProtectionRequest&) override;
  Result<void> TagLogGroup(const Call&, const TagLogGroupRequest&) override;
  Result<void> UntagLogGroup(const Call&, const UntagLogGroupRequest&) override;
  Result<ListTagsLogGroupResponse> ListTagsLogGroup(const Call&, const ListTagsLogGroupRequest&) override;
  Result<void> TagResource(const Call&, const TagResourceRequest&) override;
  Result<void> UntagResource(const Call&, const UntagResourceRequest&) override;
  Result<ListTagsForResourceResponse> ListTagsForResource(const Call&, const ListTagsForResourceRequest&) override;

  // A group's record, or the rules made of it, changed; called in the transaction.
  void changed(const std::string& name);

  // By name or ARN. Errors: ResourceNotFoundException; InvalidParameterException for another ARN.
  [[nodiscard]] Result<const GroupRecord*> find_group(std::string_view name_or_arn) const;
  [[nodiscard]] const store::Table<GroupRecord>& groups() const { return groups_; }
  [[nodiscard]] const GroupDirectory& directory() const { return directory_; }
  [[nodiscard]] std::string arn_of(std::string_view name) const;

 protected:
  Result<void> load_groups();
  // Of a group's events.
  [[nodiscard]] virtual std::int64_t stored_bytes(std::uint64_t group) const = 0;
  // How many metric filters a group has, and what threads are to do for them.
  [[nodiscard]] virtual std::size_t metric_filter_count(const std::string& name) const = 0;
  [[nodiscard]] virtual MetricFilterRules metric_filter_rules(const std::string& name) const = 0;
  [[nodiscard]] virtual bool has_subscription_filters(const std::string& name) const = 0;
  // What depends on a group and goes with it, in its transaction.
  virtual void forget(const GroupRecord& group) = 0;

 private:
  template <typename Change>
  Result<void> modify(std::string_view name_or_arn, Change change);
  [[nodiscard]] GroupView view_of(const GroupRecord& record) const;

  services::Context context_;
  store::Table<GroupRecord> groups_;
  GroupDirectory directory_;
};

// The name in an ARN of a log group, with or without ":*" at its end; `text` itself if it is no ARN. Error:
// InvalidParameterException for another kind of ARN.
Result<std::string_view> group_name_of(std::string_view text);

}  // namespace brume::logs
