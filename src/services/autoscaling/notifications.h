// Notification configurations: recorded and told. Nothing is sent: there is no SNS here yet to send it to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "autoscaling/api.h"
#include "services/autoscaling/group_state.h"

namespace brume::autoscaling {

class NotificationOperations : public virtual Api, protected GroupPart {
 public:
  explicit NotificationOperations(GroupState& state);
  Result<void> load_notifications() { return notifications_.load(); }

  Result<void> PutNotificationConfiguration(const Call&, const PutNotificationConfigurationType&) override;
  Result<void> DeleteNotificationConfiguration(const Call&, const DeleteNotificationConfigurationType&) override;
  Result<DescribeNotificationConfigurationsAnswer> DescribeNotificationConfigurations(
      const Call&, const DescribeNotificationConfigurationsType&) override;

 private:
  // Of all topics, or of one.
  [[nodiscard]] std::vector<std::string> notification_keys(const std::string& group, std::string_view topic) const;

  store::Table<NotificationConfiguration> notifications_;
};

}  // namespace brume::autoscaling
