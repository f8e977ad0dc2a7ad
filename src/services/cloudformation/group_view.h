// An Auto Scaling group as an update of it sees it: who is there, who serves, who is known not to.
//
// An instance in service serves once no target group that it is in looks at it still or finds it unhealthy, as in an
// instance refresh. Leaves to rolling_update.h: what follows from that.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "services/cloudformation/resources/apis.h"

namespace brume::cloudformation {

struct GroupMember {
  std::string id;
  bool in_service = false;  // Auto Scaling's InService: it runs and is registered
  bool leaving = false;     // being terminated or detached
  bool awaited = false;     // a target group has not found out yet how it is
  bool failing = false;     // it ended, or fails a target group's health checks
};

struct GroupNow {
  int min_size = 0, max_size = 0, desired = 0;
  // How long a new instance may fail its health checks before Auto Scaling replaces it; nothing: the group's health
  // check type is EC2, so it never does.
  std::optional<std::chrono::seconds> grace;
  std::vector<GroupMember> members;
};

[[nodiscard]] bool serves(const GroupMember& member);

// Nothing if there is none of that name.
Result<std::optional<autoscaling::AutoScalingGroup>> find_group(Apis& apis, const aws::Call& call,
                                                                const std::string& name);

// Errors: of DescribeTargetHealth. A target group that is gone has nothing to say.
Result<GroupNow> view_group(Apis& apis, const aws::Call& call, const autoscaling::AutoScalingGroup& group);

// Pure: whether a group that is `age` old serves with as many as it is to have. Error: NotStabilized, an instance fails
// its health checks for longer than the group has patience.
Result<bool> all_serve(const GroupNow& group, std::chrono::seconds age);

}  // namespace brume::cloudformation
