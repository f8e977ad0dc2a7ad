#include "cli/explain.h"

#include <cstdio>

#include "base/json.h"
#include "base/percent.h"
#include "cli/command.h"
#include "cli/explain_text.h"
#include "cli/stack_progress.h"
#include "daemon/daemon.h"

namespace brume::cli {
namespace {

constexpr std::int32_t kActivities = 20;

// The group of this name, else the only one of the stack of this name.
Result<autoscaling::AutoScalingGroup> find_group(Session& session, const std::string& name) {
  autoscaling::AutoScalingGroupNamesType request;
  request.AutoScalingGroupNames = {name};
  BRUME_TRY(found, session.autoscaling.DescribeAutoScalingGroups(session.call, request));
  if (found.AutoScalingGroups.empty()) {
    const auto groups = resources_of(session, name, "AWS::AutoScaling::AutoScalingGroup");
    if (!groups || groups->empty())
      return fail("ValidationError", "There is no Auto Scaling group '{}', and no stack of that name with one", name);
    if (groups->size() > 1)
      return fail("ValidationError", "The stack {} has {} groups; name one of them: {}", name, groups->size(),
                  fmt::join(*groups, ", "));
    request.AutoScalingGroupNames = {groups->front()};
    BRUME_TRY(of_stack, session.autoscaling.DescribeAutoScalingGroups(session.call, request));
    found = of_stack;
  }
  if (found.AutoScalingGroups.empty()) return fail("ValidationError", "The group of the stack {} is gone", name);
  return found.AutoScalingGroups.front();
}

Result<std::vector<autoscaling::DecisionRecord>> decisions_of(const daemon::Settings& settings,
                                                              const std::string& group) {
  const auto answer = aws::http_exchange(
      fmt::format("http://127.0.0.1:{}", settings.api_port),
      {.method = "GET",
       .target = fmt::format("/decisions?region={}&group={}", region_of(settings), percent_encode(group))},
      std::chrono::seconds(5));
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != 200) return fail("NotStarted", "The daemon did not tell its decisions ({})", answer->status);
  BRUME_TRY(read, from_json<daemon::Decisions>(answer->body));
  return std::move(read.decisions);
}

Result<std::string> ask(Session& session, const daemon::Settings& settings, const std::string& name) {
  Explained explained;
  BRUME_TRY(group, find_group(session, name));
  explained.group = group;
  const std::string& group_name = *group.AutoScalingGroupName;
  autoscaling::DescribePoliciesType policies;
  policies.AutoScalingGroupName = group_name;
  BRUME_TRY(known, session.autoscaling.DescribePolicies(session.call, policies));
  explained.policies = known.ScalingPolicies;
  autoscaling::DescribeScheduledActionsType scheduled;
  scheduled.AutoScalingGroupName = group_name;
  BRUME_TRY(planned, session.autoscaling.DescribeScheduledActions(session.call, scheduled));
  explained.scheduled = planned.ScheduledUpdateGroupActions;
  cloudwatch::DescribeAlarmsInput alarms;
  for (const autoscaling::ScalingPolicy& policy : explained.policies)
    for (const autoscaling::Alarm& alarm : policy.Alarms) alarms.AlarmNames.push_back(*alarm.AlarmName);
  if (!alarms.AlarmNames.empty()) {
    BRUME_TRY(found, session.cloudwatch.DescribeAlarms(session.call, alarms));
    explained.alarms = found.MetricAlarms;
  }
  autoscaling::DescribeScalingActivitiesType activities;
  activities.AutoScalingGroupName = group_name;
  activities.MaxRecords = kActivities;
  BRUME_TRY(done, session.autoscaling.DescribeScalingActivities(session.call, activities));
  explained.activities = done.Activities;
  BRUME_TRY(decisions, decisions_of(settings, group_name));
  explained.decisions = decisions;
  return in_words(explained);
}

}  // namespace

int explain(const daemon::Settings& settings, const std::string& group) {
  const auto session = open_caller_session(settings);
  if (!session) return report(session.error());
  const auto text = ask(**session, settings, group);
  if (!text) return report(text.error());
  std::printf("%s", text->c_str());
  return 0;
}

}  // namespace brume::cli
