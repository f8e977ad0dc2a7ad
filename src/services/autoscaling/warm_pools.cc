#include "services/autoscaling/warm_pools.h"

#include "services/autoscaling/refresh_state.h"
#include "services/common/page.h"

namespace brume::autoscaling {

Result<PutWarmPoolAnswer> WarmPoolOperations::PutWarmPool(const Call&, const PutWarmPoolType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  if (group->group.Status)
    return fail("ResourceContention", "AutoScalingGroup '{}' is pending delete and cannot be given a warm pool", name);
  // Its own, or the one that its instance refresh brings.
  if (as_launched(state_, *group).group.MixedInstancesPolicy)
    return fail("ValidationError",
                "The Auto Scaling group {} launches by a mixed instances policy and cannot have a warm pool", name);
  WarmPoolConfiguration pool = group->group.WarmPoolConfiguration.value_or(WarmPoolConfiguration{});
  if (pool.Status)
    return fail("ResourceContention", "The warm pool of AutoScalingGroup '{}' is pending delete and cannot be changed",
                name);
  const auto take = [](auto& field, const auto& value) {
    if (value) field = value;
  };
  take(pool.MaxGroupPreparedCapacity, request.MaxGroupPreparedCapacity);
  take(pool.MinSize, request.MinSize);
  take(pool.PoolState, request.PoolState);
  take(pool.InstanceReusePolicy, request.InstanceReusePolicy);
  if (pool.MaxGroupPreparedCapacity == -1) pool.MaxGroupPreparedCapacity.reset();  // the group's maximum again
  if (!pool.MinSize) pool.MinSize = 0;
  if (!pool.PoolState) pool.PoolState = "Stopped";
  if (pool.PoolState == "Hibernated")
    return fail("UnsupportedOperation", "Brume's warm pools have the states Stopped and Running, not Hibernated");
  if (pool.PoolState != "Stopped" && pool.PoolState != "Running")
    return fail("ValidationError", "PoolState must be one of: Stopped, Running, not '{}'", *pool.PoolState);
  if (*pool.MinSize < 0 || pool.MaxGroupPreparedCapacity.value_or(0) < 0)
    return fail("ValidationError", "MinSize must not be negative, nor MaxGroupPreparedCapacity but for -1");
  groups_.modify(name, [&](GroupRecord& record) { record.group.WarmPoolConfiguration = pool; });
  wake_after_commit(name);
  return PutWarmPoolAnswer{};
}

Result<DescribeWarmPoolAnswer> WarmPoolOperations::DescribeWarmPool(const Call&, const DescribeWarmPoolType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  std::vector<Instance> found;
  for (const MemberRecord* member : pool_of(name)) found.push_back(member->instance);
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(50)), request.NextToken,
                                     [](const Instance& i) { return *i.InstanceId; }));
  DescribeWarmPoolAnswer answer;
  answer.WarmPoolConfiguration = group->group.WarmPoolConfiguration;
  answer.Instances = std::move(page.items);
  answer.Instances.set_present();
  answer.NextToken = std::move(page.next_token);
  return answer;
}

Result<DeleteWarmPoolAnswer> WarmPoolOperations::DeleteWarmPool(const Call&, const DeleteWarmPoolType& request) {
  const std::string& name = *request.AutoScalingGroupName;
  BRUME_TRY(group, find_group(name));
  if (!group->group.WarmPoolConfiguration)
    return fail("ValidationError", "No warm pool found for AutoScalingGroup '{}'", name);
  groups_.modify(name, [&](GroupRecord& record) {
    record.group.WarmPoolConfiguration->Status = "PendingDelete";
    record.pool_forced = record.pool_forced || request.ForceDelete.value_or(false);
  });
  wake_after_commit(name);
  return DeleteWarmPoolAnswer{};
}

}  // namespace brume::autoscaling
