#include "services/autoscaling/texts.h"

#include <fmt/format.h>

namespace brume::autoscaling {

std::string at(Timestamp time, std::string_view sentence) {
  return fmt::format("At {} {}", to_iso8601(std::chrono::floor<std::chrono::seconds>(time)), sentence);
}

std::string created_sentence(int desired) {
  return fmt::format("a user request created an AutoScalingGroup changing the desired capacity from 0 to {}.", desired);
}

std::string updated_sentence(int min, int max, int desired, int before) {
  return fmt::format(
      "a user request update of AutoScalingGroup constraints to min: {}, max: {}, desired: {} changing the desired "
      "capacity from {} to {}.",
      min, max, desired, before, desired);
}

std::string desired_set_sentence(int before, int after) {
  return fmt::format(
      "a user request explicitly set group desired capacity changing the desired capacity from {} to {}.", before,
      after);
}

std::string scheduled_sentence(int min, int max, int desired, int before) {
  return fmt::format(
      "a scheduled action update of AutoScalingGroup constraints to min: {}, max: {}, desired: {} changing the desired "
      "capacity from {} to {}.",
      min, max, desired, before, desired);
}

std::string triggered_sentence(std::string_view alarm, std::string_view state, std::string_view policy, int before,
                               int after) {
  return fmt::format("a monitor alarm {} in state {} triggered policy {} changing the desired capacity from {} to {}.",
                     alarm, state, policy, before, after);
}

std::string executed_sentence(std::string_view policy, int before, int after) {
  return fmt::format("a user request executed policy {} changing the desired capacity from {} to {}.", policy, before,
                     after);
}

std::string launch_sentence(int before, int after) {
  return fmt::format(
      "an instance was started in response to a difference between desired and actual capacity, increasing the "
      "capacity from {} to {}.",
      before, after);
}

std::string replacement_launch_sentence() {
  return "an instance was launched in response to an unhealthy instance needing to be replaced.";
}

std::string shrink_sentence(int before, int after) {
  return fmt::format(
      "an instance was taken out of service in response to a difference between desired and actual capacity, shrinking "
      "the capacity from {} to {}.",
      before, after);
}

std::string selected_sentence(std::string_view instance) {
  return fmt::format("instance {} was selected for termination.", instance);
}

std::string replacement_sentence(std::string_view reason) {
  if (reason == "elb") return unhealthy_sentence(kElbFailure);
  if (reason == "user") return unhealthy_sentence(kUserFailure);
  return fmt::format("an instance was taken out of service in response to {}",
                     reason == "lifetime"       ? "the maximum instance lifetime."
                     : reason == "rebalance"    ? "an EC2 instance rebalance recommendation."
                     : reason == "distribution" ? "a change of the group's instances distribution."
                                                : "an instance refresh.");
}

std::string refresh_launch_sentence() {
  return "an instance was launched in response to an instance refresh.";
}

std::string abandoned_sentence(std::string_view instance) {
  return fmt::format("instance {} was taken out of service because a lifecycle action was abandoned.", instance);
}

std::string unhealthy_sentence(std::string_view why) {
  return fmt::format("an instance was taken out of service in response to {}", why);
}

std::string user_terminated_sentence() {
  return "instance was taken out of service in response to a user request.";
}

namespace {

std::string capacity_change(int before, int after) {
  if (before == after) return ".";
  return fmt::format(", {} the capacity from {} to {}.", after < before ? "shrinking" : "increasing", before, after);
}

}  // namespace

std::string standby_sentence(std::string_view instance, bool entering, int before, int after) {
  return fmt::format("instance {} was moved {} in response to a user request{}", instance,
                     entering ? "to standby" : "out of standby", capacity_change(before, after));
}

std::string detached_sentence(std::string_view instance, int before, int after) {
  return fmt::format("instance {} was detached in response to a user request{}", instance,
                     capacity_change(before, after));
}

std::string launch_description(std::string_view instance) {
  return instance.empty() ? "Launching a new EC2 instance" : fmt::format("Launching a new EC2 instance: {}", instance);
}

std::string termination_description(std::string_view instance) {
  return fmt::format("Terminating EC2 instance: {}", instance);
}

std::string pool_launch_sentence() {
  return "an instance was launched into the warm pool, which has fewer instances than it is to have.";
}

std::string pool_shrink_sentence(std::string_view instance) {
  return fmt::format("instance {} was taken out of the warm pool.", instance);
}

std::string into_pool_description(std::string_view instance) {
  return fmt::format("Launching a new EC2 instance into warm pool: {}", instance);
}

std::string from_pool_description(std::string_view instance) {
  return fmt::format("Launching a new EC2 instance from warm pool: {}", instance);
}

std::string return_description(std::string_view instance) {
  return fmt::format("Returning EC2 instance to warm pool: {}", instance);
}

std::string pool_termination_description(std::string_view instance) {
  return fmt::format("Terminating EC2 instance from warm pool: {}", instance);
}

std::string launch_failure_message(std::string_view reason) {
  return fmt::format("{}{} Launching EC2 instance failed.", reason, reason.ends_with('.') ? "" : ".");
}

std::string details(std::string_view subnet, std::string_view zone) {
  std::string text = "{";
  if (!subnet.empty()) text += fmt::format(R"("Subnet ID":"{}")", subnet);
  if (!subnet.empty() && !zone.empty()) text += ",";
  if (!zone.empty()) text += fmt::format(R"("Availability Zone":"{}")", zone);
  return text + "}";
}

}  // namespace brume::autoscaling
