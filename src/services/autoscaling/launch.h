// How instances come: what a group launches by, what EC2 is asked for, a new member, and the pause after a failure.
//
// A launch is one transaction with the member that it makes, so none is lost and none is made twice. Pauses are in
// memory only: one second, doubling to a minute with each failure, and a zone where one failed is avoided for a minute.
// Leaves to others: whether and where to launch (decide.h, warm_pool.h), what the instance waits for (hooks.h).
#pragma once

#include <map>
#include <set>
#include <string>

#include "ec2/api.h"
#include "services/autoscaling/group_state.h"

namespace brume::autoscaling {

class Launches : private GroupPart {
 public:
  Launches(GroupState& state, ec2::Api& ec2) : GroupPart(state), ec2_(ec2) {}

  // What the group launches: one of a template and a configuration. Fills in what AWS echoes. Error: ValidationError.
  Result<void> check_configuration(const aws::Call& call, AutoScalingGroup& group);
  // Whether EC2 would launch for the group: asked when one is made or given another configuration. ValidationError.
  Result<void> try_launch(const GroupRecord& group);

  enum class Into { group, pool };
  // In a transaction. Errors: EC2's.
  Result<void> launch_instance(const GroupRecord& group, const std::string& zone, Into where);
  [[nodiscard]] std::string launch_cause(const GroupRecord& group) const;

  // Outside of one: tells of a failed launch, and pauses.
  void launch_failed(const std::string& group, const std::string& zone, const std::string& reason);
  void back_off(const std::string& group);
  // An instance came into service, or to rest: the next pause is a short one.
  void succeeded(const std::string& group);
  void forget(const std::string& group) { pauses_.erase(group); }

  [[nodiscard]] bool may_launch(const std::string& group) const;
  [[nodiscard]] env::Duration pause_left(const std::string& group) const;  // not above zero: none
  [[nodiscard]] std::set<std::string> failing_zones(const std::string& group) const;

 private:
  Result<ec2::RunInstancesRequest> launch_request(const GroupRecord& group, const std::string& zone);

  struct Pause {
    env::Duration length{};
    env::MonotonicTime until{};
    std::map<std::string, env::MonotonicTime> failing_zones;  // until
  };
  ec2::Api& ec2_;
  std::map<std::string, Pause> pauses_;  // by group
};

}  // namespace brume::autoscaling
