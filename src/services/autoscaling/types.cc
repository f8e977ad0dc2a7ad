// What there is to choose from.
#include "services/autoscaling/service.h"

namespace brume::autoscaling {

Result<DescribeAccountLimitsAnswer> Service::DescribeAccountLimits(const Call&) {
  return DescribeAccountLimitsAnswer{500, std::int32_t(kMaxConfigurations), std::int32_t(groups_.size()),
                                     std::int32_t(configurations_.rows().size())};
}

Result<DescribeAdjustmentTypesAnswer> Service::DescribeAdjustmentTypes(const Call&) {
  return DescribeAdjustmentTypesAnswer{{{"ChangeInCapacity"}, {"ExactCapacity"}, {"PercentChangeInCapacity"}}};
}

Result<DescribeAutoScalingNotificationTypesAnswer> Service::DescribeAutoScalingNotificationTypes(const Call&) {
  DescribeAutoScalingNotificationTypesAnswer answer;
  for (const char* type : {"autoscaling:EC2_INSTANCE_LAUNCH", "autoscaling:EC2_INSTANCE_LAUNCH_ERROR",
                           "autoscaling:EC2_INSTANCE_TERMINATE", "autoscaling:EC2_INSTANCE_TERMINATE_ERROR",
                           "autoscaling:TEST_NOTIFICATION"})
    answer.AutoScalingNotificationTypes.emplace_back(type);
  return answer;
}

Result<DescribeTerminationPolicyTypesAnswer> Service::DescribeTerminationPolicyTypes(const Call&) {
  DescribeTerminationPolicyTypesAnswer answer;
  for (const char* type : {"AllocationStrategy", "ClosestToNextInstanceHour", "Default", "NewestInstance",
                           "OldestInstance", "OldestLaunchConfiguration", "OldestLaunchTemplate"})
    answer.TerminationPolicyTypes.emplace_back(type);
  return answer;
}

Result<DescribeLifecycleHookTypesAnswer> Service::DescribeLifecycleHookTypes(const Call&) {
  DescribeLifecycleHookTypesAnswer answer;
  for (const char* type : {"autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"})
    answer.LifecycleHookTypes.emplace_back(type);
  return answer;
}

Result<DescribeMetricCollectionTypesAnswer> Service::DescribeMetricCollectionTypes(const Call&) {
  DescribeMetricCollectionTypesAnswer answer;
  for (const char* metric :
       {"GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances",
        "GroupStandbyInstances", "GroupTerminatingInstances", "GroupTotalInstances", "GroupInServiceCapacity",
        "GroupPendingCapacity", "GroupStandbyCapacity", "GroupTerminatingCapacity", "GroupTotalCapacity"})
    answer.Metrics.push_back({metric});
  answer.Granularities.push_back({"1Minute"});
  return answer;
}

}  // namespace brume::autoscaling
