#include "services/autoscaling/notifications.h"

#include <algorithm>
#include <set>

#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

constexpr std::size_t kMaxTopics = 10;  // quota "SNS topics per Auto Scaling group"

// A group's name holds no colon, a type no slash.
std::string notification_key(std::string_view group, std::string_view topic, std::string_view type) {
  return fmt::format("{}:{}/{}", group, topic, type);
}

}  // namespace

NotificationOperations::NotificationOperations(GroupState& state)
    : GroupPart(state), notifications_(context_.store, "autoscaling.notifications", context_.region) {
  state.on_erase.emplace_back([this](const std::string& group) -> Result<void> {
    erase_under(notifications_, group + ":");
    return {};
  });
}

std::vector<std::string> NotificationOperations::notification_keys(const std::string& group,
                                                                   std::string_view topic) const {
  std::vector<std::string> keys;
  for (const auto& [key, notification] : rows_under(notifications_, group + ":"))
    if (topic.empty() || notification.TopicARN == topic) keys.push_back(key);
  return keys;
}

Result<void> NotificationOperations::PutNotificationConfiguration(const Call& call,
                                                                  const PutNotificationConfigurationType& request) {
  const std::string &group = *request.AutoScalingGroupName, &topic = *request.TopicARN;
  BRUME_CHECK(find_group(group));
  if (!topic.starts_with("arn:aws:sns:")) return fail("ValidationError", "'{}' is not the ARN of an SNS topic", topic);
  if (request.NotificationTypes.empty())
    return fail("ValidationError", "At least one notification type must be specified");
  BRUME_TRY(known, DescribeAutoScalingNotificationTypes(call));
  for (const std::string& type : request.NotificationTypes)
    if (std::ranges::find(known.AutoScalingNotificationTypes, type) == known.AutoScalingNotificationTypes.end())
      return fail("ValidationError", "{} is not a valid Notification Type", type);
  std::set<std::string> topics = {topic};
  for (const std::string& key : notification_keys(group, "")) topics.insert(*notifications_.find(key)->TopicARN);
  if (topics.size() > kMaxTopics)
    return fail("LimitExceeded", "The Auto Scaling group {} can have at most {} notification topics", group,
                kMaxTopics);
  // What was said of this topic before no longer counts.
  for (const std::string& key : notification_keys(group, topic)) notifications_.erase(key);
  for (const std::string& type : request.NotificationTypes)
    notifications_.put(notification_key(group, topic, type), NotificationConfiguration{group, topic, type});
  return {};
}

Result<void> NotificationOperations::DeleteNotificationConfiguration(
    const Call&, const DeleteNotificationConfigurationType& request) {
  BRUME_CHECK(find_group(*request.AutoScalingGroupName));
  for (const std::string& key : notification_keys(*request.AutoScalingGroupName, *request.TopicARN))
    notifications_.erase(key);
  return {};
}

Result<DescribeNotificationConfigurationsAnswer> NotificationOperations::DescribeNotificationConfigurations(
    const Call&, const DescribeNotificationConfigurationsType& request) {
  const auto& names = request.AutoScalingGroupNames;
  for (const std::string& name : names) BRUME_CHECK(find_group(name));
  struct Row {
    std::string key;
    const NotificationConfiguration* configuration;
  };
  std::vector<Row> found;
  for (const auto& [key, configuration] : notifications_.rows())
    if (names.empty() || std::ranges::find(names, *configuration.AutoScalingGroupName) != names.end())
      found.push_back({key, &configuration});
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(50)), request.NextToken,
                                     [](const Row& row) { return row.key; }));
  DescribeNotificationConfigurationsAnswer answer;
  answer.NotificationConfigurations.set_present();
  for (const Row& row : page.items) answer.NotificationConfigurations.push_back(*row.configuration);
  answer.NextToken = std::move(page.next_token);
  return answer;
}

}  // namespace brume::autoscaling
