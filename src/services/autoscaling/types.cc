// What there is to choose from.
#include "services/autoscaling/group.h"
#include "services/autoscaling/group_metrics.h"
#include "services/autoscaling/launch_configurations.h"

namespace brume::autoscaling {

Result<DescribeAccountLimitsAnswer> GroupOperations::DescribeAccountLimits(const Call&) {
  return DescribeAccountLimitsAnswer{500, std::int32_t(kMaxConfigurations), std::int32_t(groups_.size()),
                                     std::int32_t(state_.configurations.size())};
}

Result<DescribeAdjustmentTypesAnswer> GroupOperations::DescribeAdjustmentTypes(const Call&) {
  return DescribeAdjustmentTypesAnswer{{{"ChangeInCapacity"}, {"ExactCapacity"}, {"PercentChangeInCapacity"}}};
}

Result<DescribeAutoScalingNotificationTypesAnswer> GroupOperations::DescribeAutoScalingNotificationTypes(const Call&) {
  DescribeAutoScalingNotificationTypesAnswer answer;
  for (const char* type : {"autoscaling:EC2_INSTANCE_LAUNCH", "autoscaling:EC2_INSTANCE_LAUNCH_ERROR",
                           "autoscaling:EC2_INSTANCE_TERMINATE", "autoscaling:EC2_INSTANCE_TERMINATE_ERROR",
                           "autoscaling:TEST_NOTIFICATION"})
    answer.AutoScalingNotificationTypes.emplace_back(type);
  return answer;
}

Result<DescribeTerminationPolicyTypesAnswer> GroupOperations::DescribeTerminationPolicyTypes(const Call&) {
  DescribeTerminationPolicyTypesAnswer answer;
  for (const char* type : {"AllocationStrategy", "ClosestToNextInstanceHour", "Default", "NewestInstance",
                           "OldestInstance", "OldestLaunchConfiguration", "OldestLaunchTemplate"})
    answer.TerminationPolicyTypes.emplace_back(type);
  return answer;
}

Result<DescribeLifecycleHookTypesAnswer> GroupOperations::DescribeLifecycleHookTypes(const Call&) {
  DescribeLifecycleHookTypesAnswer answer;
  for (const char* type : {"autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"})
    answer.LifecycleHookTypes.emplace_back(type);
  return answer;
}

Result<DescribeMetricCollectionTypesAnswer> GroupOperations::DescribeMetricCollectionTypes(const Call&) {
  DescribeMetricCollectionTypesAnswer answer;
  for (const std::string_view metric : kGroupMetrics) answer.Metrics.push_back({std::string(metric)});
  answer.Granularities.push_back({"1Minute"});
  return answer;
}

}  // namespace brume::autoscaling
