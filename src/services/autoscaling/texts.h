// The words of activities: descriptions, causes, details, as AWS Auto Scaling writes them (its user guide, "Verify a
// scaling activity", and observed answers). Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace brume::autoscaling {

// "At 2026-11-24T10:15:30Z <sentence>"
std::string at(Timestamp time, std::string_view sentence);

std::string created_sentence(int desired);
std::string updated_sentence(int min, int max, int desired, int before);
std::string desired_set_sentence(int before, int after);
std::string scheduled_sentence(int min, int max, int desired, int before);
std::string triggered_sentence(std::string_view alarm, std::string_view state, std::string_view policy, int before,
                               int after);
std::string executed_sentence(std::string_view policy, int before, int after);
std::string launch_sentence(int before, int after);
std::string replacement_launch_sentence();
std::string shrink_sentence(int before, int after);
std::string selected_sentence(std::string_view instance);
// Taken out because another is to take its place: "refresh", "lifetime", "elb", "user", "rebalance",
// "distribution".
std::string replacement_sentence(std::string_view reason);
std::string refresh_launch_sentence();
std::string abandoned_sentence(std::string_view instance);
std::string unhealthy_sentence(std::string_view why);  // "an ELB system health check failure."
std::string user_terminated_sentence();
// With the desired capacity before and after; equal: it did not change, and nothing is said of it.
std::string standby_sentence(std::string_view instance, bool entering, int before, int after);
std::string detached_sentence(std::string_view instance, int before, int after);

inline constexpr std::string_view kOneConfiguration =
    "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy "
    "parameter.";
inline constexpr std::string_view kElbFailure = "an ELB system health check failure.";
inline constexpr std::string_view kEc2Failure = "an EC2 health check indicating it has been terminated or stopped.";
inline constexpr std::string_view kUserFailure = "a user health-check.";

std::string launch_description(std::string_view instance);  // empty: not known yet
// Status message of a failed launch, from EC2's own words.
std::string launch_failure_message(std::string_view reason);
std::string termination_description(std::string_view instance);
// Of warm pools.
std::string pool_launch_sentence();
std::string pool_shrink_sentence(std::string_view instance);
std::string into_pool_description(std::string_view instance);
std::string from_pool_description(std::string_view instance);
std::string return_description(std::string_view instance);
std::string pool_termination_description(std::string_view instance);
// {"Subnet ID":"subnet-…","Availability Zone":"…"}; an empty one is left out.
std::string details(std::string_view subnet, std::string_view zone);

}  // namespace brume::autoscaling
