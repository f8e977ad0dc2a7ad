// Activities: what a group did and why.
#include <algorithm>

#include "services/autoscaling/group.h"
#include "services/autoscaling/texts.h"
#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

// AWS keeps six weeks; besides, a group keeps no more than this, so that one that fails for ever stays bounded.
constexpr std::int64_t kKept = 1000;

std::string activity_key(std::string_view group, std::int64_t number) {
  return fmt::format("{}/{:012}", group, number);
}

}  // namespace

std::string GroupPart::begin_activity(const std::string& group, std::string description, std::string cause,
                                      std::string status, std::int32_t progress, const std::string& zone,
                                      const std::string& subnet) {
  std::int64_t number = 0;
  std::string arn;
  groups_.modify(group, [&](GroupRecord& record) {
    number = record.next_activity++;
    arn = record.group.AutoScalingGroupARN.value_or("");
  });
  ActivityRecord record;
  Activity& activity = record.activity;
  activity.ActivityId = context_.env.random.uuid();
  activity.AutoScalingGroupName = group;
  activity.AutoScalingGroupARN = arn;
  activity.Description = std::move(description);
  activity.Cause = std::move(cause);
  activity.StartTime = context_.env.clock.wall();
  activity.StatusCode = std::move(status);
  activity.Progress = progress;
  activity.Details = details(subnet, zone);
  const std::string key = activity_key(group, number);
  activities_.put(key, std::move(record));
  if (number >= kKept) activities_.erase(activity_key(group, number - kKept));
  return key;
}

void GroupPart::update_activity(const std::string& key, const std::function<void(Activity&)>& change) {
  if (activities_.contains(key)) activities_.modify(key, [&](ActivityRecord& record) { change(record.activity); });
}

void GroupPart::end_activity(const std::string& key, bool success, const std::string& message) {
  update_activity(key, [&](Activity& activity) {
    activity.EndTime = context_.env.clock.wall();
    activity.Progress = 100;
    activity.StatusCode = success ? "Successful" : "Failed";
    if (success) return;
    activity.StatusMessage = message;
    activity.Description = fmt::format("{}.  Status Reason: {}", *activity.Description, message);
  });
}

void GroupPart::cancel_activity(const std::string& key) {
  update_activity(key, [&](Activity& activity) {
    if (activity.EndTime) return;
    activity.EndTime = context_.env.clock.wall();
    activity.StatusCode = "Cancelled";
  });
}

Result<ActivitiesType> GroupOperations::DescribeScalingActivities(const Call&,
                                                                  const DescribeScalingActivitiesType& request) {
  if (request.AutoScalingGroupName && !request.IncludeDeletedGroups.value_or(false))
    BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  if (!request.Filters.empty())
    return fail("UnsupportedOperation", "DescribeScalingActivities has no filters in Brume yet");
  struct Row {
    std::string key;  // newest first: later starts and, within one moment, later numbers sort before
    const Activity* activity;
  };
  std::vector<Row> found;
  const std::string prefix = request.AutoScalingGroupName ? *request.AutoScalingGroupName + "/" : "";
  for (auto at = activities_.rows().lower_bound(prefix);
       at != activities_.rows().end() && at->first.starts_with(prefix); ++at) {
    const Activity& activity = at->second.activity;
    if (request.AutoScalingGroupName && activity.AutoScalingGroupName != request.AutoScalingGroupName) continue;
    if (!request.ActivityIds.empty() &&
        std::ranges::find(request.ActivityIds, *activity.ActivityId) == request.ActivityIds.end())
      continue;
    if (!groups_.contains(*activity.AutoScalingGroupName) && !request.IncludeDeletedGroups.value_or(false)) continue;
    const std::int64_t number = std::stoll(at->first.substr(at->first.rfind('/') + 1));
    found.push_back(
        {fmt::format("{:016}{:012}{}", 9'999'999'999'999'999 - activity.StartTime->time_since_epoch().count(),
                     999'999'999'999 - number, *activity.AutoScalingGroupName),
         &activity});
  }
  std::ranges::sort(found, {}, &Row::key);
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(100)), request.NextToken,
                                     [](const Row& row) { return row.key; }));
  ActivitiesType answer;
  for (const Row& row : page.items) answer.Activities.push_back(*row.activity);
  answer.NextToken = std::move(page.next_token);
  return answer;
}

}  // namespace brume::autoscaling
