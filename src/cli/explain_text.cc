#include "cli/explain_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace brume::cli {
namespace {

using autoscaling::DecisionRecord;

std::string clock_of(Timestamp time) {
  return to_iso8601(time).substr(0, 19).replace(10, 1, " ");
}

// What a policy wants: "ASGAverageCPUUtilization at 50".
std::string aim_of(const autoscaling::ScalingPolicy& policy) {
  if (!policy.TargetTrackingConfiguration)
    return fmt::format("{} {}", policy.PolicyType.value_or(""), policy.AdjustmentType.value_or(""));
  const auto& tracking = *policy.TargetTrackingConfiguration;
  std::string metric = "a metric of your own";
  if (tracking.PredefinedMetricSpecification)
    metric = tracking.PredefinedMetricSpecification->PredefinedMetricType.value_or("");
  else if (tracking.CustomizedMetricSpecification && tracking.CustomizedMetricSpecification->MetricName)
    metric = *tracking.CustomizedMetricSpecification->MetricName;
  return fmt::format("keeps {} at {:g}", metric, tracking.TargetValue.value_or(0));
}

std::string line_of(const DecisionRecord& decision) {
  std::string line = decision.by;
  if (!decision.name.empty()) line += " " + decision.name;
  if (!decision.alarm.empty()) line += fmt::format(", asked by the alarm {}", decision.alarm);
  if (decision.value)
    line += fmt::format(" (metric {:.4g}, threshold {:.4g})", *decision.value, decision.threshold.value_or(0));
  if (decision.before != decision.after)
    return line + fmt::format(": the desired capacity goes from {} to {}", decision.before, decision.after);
  line += fmt::format(": it stays at {}", decision.after);
  if (!decision.reason.empty()) line += fmt::format(", because {}", decision.reason);
  if (decision.times > 1) line += fmt::format(" ({} times, until {})", decision.times, clock_of(decision.until));
  return line;
}

}  // namespace

std::string in_words(const Explained& explained) {
  const autoscaling::AutoScalingGroup& group = explained.group;
  const auto in_service = std::ranges::count(group.Instances, std::optional<std::string>("InService"),
                                             &autoscaling::Instance::LifecycleState);
  const bool weighted =
      std::ranges::any_of(group.Instances, [](const auto& one) { return one.WeightedCapacity.has_value(); });
  std::string out =
      fmt::format("{} wants {} {} (at least {}, at most {}); {} of {} {} in service.\n", *group.AutoScalingGroupName,
                  *group.DesiredCapacity, weighted ? "units" : "instances", *group.MinSize, *group.MaxSize, in_service,
                  group.Instances.size(), weighted ? "instances are" : "are");
  if (group.Status) out += fmt::format("It is being deleted ({}).\n", *group.Status);
  for (const autoscaling::SuspendedProcess& process : group.SuspendedProcesses)
    out += fmt::format("The process {} is suspended.\n", process.ProcessName.value_or(""));
  if (explained.policies.empty() && explained.scheduled.empty())
    out += "No policy and no scheduled action changes that; only requests do.\n";
  for (const autoscaling::ScalingPolicy& policy : explained.policies) {
    out += fmt::format("Policy {}{}: {}\n", *policy.PolicyName, policy.Enabled.value_or(true) ? "" : " (disabled)",
                       aim_of(policy));
    for (const autoscaling::Alarm& alarm : policy.Alarms) {
      const auto found = std::ranges::find(explained.alarms, alarm.AlarmName, &cloudwatch::MetricAlarm::AlarmName);
      if (found == explained.alarms.end()) continue;
      out += fmt::format("  alarm {} is {}: {}\n", *alarm.AlarmName, found->StateValue.value_or(""),
                         found->StateReason.value_or(""));
    }
  }
  for (const autoscaling::ScheduledUpdateGroupAction& action : explained.scheduled)
    out += fmt::format("Scheduled action {}: next at {}{}\n", *action.ScheduledActionName,
                       action.StartTime ? clock_of(*action.StartTime) : "no time",
                       action.Recurrence ? fmt::format(", again at '{}'", *action.Recurrence) : "");

  struct Event {
    Timestamp time;
    std::string text;
  };
  std::vector<Event> events;
  for (const DecisionRecord& decision : explained.decisions) events.push_back({decision.time, line_of(decision)});
  for (const autoscaling::Activity& activity : explained.activities)
    events.push_back({activity.StartTime.value_or(Timestamp()),
                      fmt::format("{} ({})", activity.Description.value_or(""), activity.StatusCode.value_or(""))});
  std::ranges::stable_sort(events, std::greater(), &Event::time);
  if (!events.empty()) out += "\n";
  for (const Event& event : events) out += fmt::format("{}  {}\n", clock_of(event.time), event.text);
  return out;
}

}  // namespace brume::cli
