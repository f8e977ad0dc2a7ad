// What all parts of Auto Scaling share: the tables that more than one of them reads, and what is said of groups and
// their instances in one way.
//
// `GroupState` is the data, one of it a region; `GroupPart` is what a part stands on. Invariants: a member's row is put
// and erased through put_member and erase_member only, so that the indexes lead to it; a group goes through erase_group
// only, so that nothing of it stays. Tables of one part alone are that part's (policies.h, scheduled_actions.h,
// notifications.h). Leaves to others: what to do about a group (controller.h), how instances come and leave
// (launch.h, transitions.h).
#pragma once

#include <functional>
#include <map>
#include <ranges>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "services/autoscaling/records.h"
#include "services/autoscaling/scaling/elapsed.h"
#include "services/common/context.h"
#include "store/table.h"

namespace brume::autoscaling {

class GroupState {
 public:
  explicit GroupState(services::Context service_context);
  GroupState(const GroupState&) = delete;
  GroupState& operator=(const GroupState&) = delete;

  Result<void> load();

  services::Context context;
  store::Table<GroupRecord> groups;
  store::Table<MemberRecord> members;
  store::Table<ActivityRecord> activities;
  store::Table<RefreshRecord> refreshes;
  store::Table<LifecycleHook> hooks;                 // key "<group>:<hook>"
  store::Table<LaunchConfiguration> configurations;  // by name

  // In memory, and no more than hints: an entry without a record leads nowhere.
  std::map<std::string, std::string> group_of;            // by instance
  std::map<std::string, std::set<std::string>> users_of;  // groups by target group
  Elapsed in_service;                                     // since instances came into service

  // Looks at the group soon, once: the controller's. What it is told of a group that is gone does nothing.
  std::function<void(const std::string& group)> wake = [](const std::string&) {};
  // Parts that keep something of a group, and forget it in the transaction in which the group goes.
  std::vector<std::function<Result<void>(const std::string& group)>> on_erase;
};

class GroupPart {
 protected:
  using Call = aws::Call;

  explicit GroupPart(GroupState& state)
      : state_(state),
        context_(state.context),
        groups_(state.groups),
        members_(state.members),
        activities_(state.activities) {}

  // Errors: ValidationError "AutoScalingGroup name not found - …".
  [[nodiscard]] Result<const GroupRecord*> find_group(const std::string& name) const;
  [[nodiscard]] static bool is_suspended(const GroupRecord& group, const std::string& process);
  // min ≤ desired ≤ max. Error: ValidationError.
  static Result<void> check_sizes(const AutoScalingGroup& group);
  void resize(const std::string& group, int by);
  // The members weigh from now on what the group's mixed instances policy says. Error: ValidationError.
  Result<void> reweigh(const AutoScalingGroup& group);
  // With all that belongs to it. Its instances are gone already.
  Result<void> erase_group(const std::string& name);
  // As DescribeAutoScalingGroups answers it.
  [[nodiscard]] AutoScalingGroup shown(const GroupRecord& record) const;

  // Error: ValidationError.
  [[nodiscard]] Result<const MemberRecord*> find_member(const std::string& instance) const;
  [[nodiscard]] Result<const MemberRecord*> find_member(const std::string& group, const std::string& instance) const;
  // One that there is.
  [[nodiscard]] const MemberRecord& member_of(const std::string& group, const std::string& instance) const;
  // The group's instances, without those of its warm pool.
  [[nodiscard]] std::vector<const MemberRecord*> members_of(const std::string& group) const;
  [[nodiscard]] std::vector<const MemberRecord*> pool_of(const std::string& group) const;
  [[nodiscard]] std::vector<const MemberRecord*> every_member_of(const std::string& group) const;
  // Units of the members that count towards the desired capacity.
  [[nodiscard]] int capacity_of(const std::string& group) const;
  void put_member(const MemberRecord& member);
  void erase_member(const std::string& group, const std::string& instance);

  // Activities (activities.cc). A key is "<group>/<number>".
  std::string begin_activity(const std::string& group, std::string description, std::string cause, std::string status,
                             std::int32_t progress, const std::string& zone, const std::string& subnet);
  void update_activity(const std::string& key, const std::function<void(Activity&)>& change);
  void end_activity(const std::string& key, bool success, const std::string& message = "");
  // One that is under way ends unfinished.
  void cancel_activity(const std::string& key);

  void wake_after_commit(const std::string& group);
  // Tells others, once the transaction is durable, that something of the group changed.
  void announce(const std::string& group);

  GroupState& state_;
  services::Context& context_;
  store::Table<GroupRecord>& groups_;
  store::Table<MemberRecord>& members_;
  store::Table<ActivityRecord>& activities_;
};

// The rows whose keys begin with `prefix`, in order. It ends in the character that parts keys: ':' or '/'.
template <typename T>
auto rows_under(const store::Table<T>& table, std::string prefix) {
  const auto begin = table.rows().lower_bound(prefix);
  ++prefix.back();
  return std::ranges::subrange(begin, table.rows().lower_bound(prefix));
}

template <typename T>
void erase_under(store::Table<T>& table, const std::string& prefix) {
  std::vector<std::string> keys;
  for (const auto& [key, record] : rows_under(table, prefix)) keys.push_back(key);
  for (const std::string& key : keys) table.erase(key);
}

std::string member_key(std::string_view group, std::string_view instance);

}  // namespace brume::autoscaling
