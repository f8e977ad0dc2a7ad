// How instances come: what a group launches by, what EC2 is asked for, a new member, and what follows a failure:
// another type, or a pause.
//
// A launch is one transaction with the member that it makes, so none is lost and none is made twice. Pauses are in
// memory only: one second, doubling to a minute with each failure, and a zone where one failed is avoided for a minute.
// So is, in its zone, a type for which EC2 had no room; as long as there are others, nothing pauses. Leaves to others:
// whether and where to launch (decide.h, warm_pool.h), which type (purchase_options.h), what the instance waits for
// (hooks.h).
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "ec2/api.h"
#include "services/autoscaling/group_state.h"
#include "services/autoscaling/mixed_instances.h"
#include "services/autoscaling/purchase_options.h"

namespace brume::autoscaling {

class Launches : private GroupPart {
 public:
  Launches(GroupState& state, ec2::Api& ec2) : GroupPart(state), ec2_(ec2) {}

  // What the group launches by: one of a template, a configuration and a mixed instances policy. Fills in what AWS
  // echoes. Errors: ValidationError; UnsupportedOperation for what Brume does not do of a policy.
  Result<void> check_configuration(const aws::Call& call, AutoScalingGroup& group);
  // Whether EC2 would launch for the group: asked when one is made or given another configuration. ValidationError.
  Result<void> try_launch(const GroupRecord& group);

  enum class Into { group, pool };
  // In a transaction. Errors: EC2's.
  Result<void> launch_instance(const GroupRecord& group, const std::string& zone, Into where);
  // Why one of so many units is launched.
  [[nodiscard]] std::string launch_cause(const GroupRecord& group, int units) const;

  // Outside of one: tells of a failed launch. Another type is tried next, or it pauses.
  void launch_failed(const std::string& group, const std::string& zone, const Error& error);
  // A launch from this pool failed, `code` says how: is there another type to be tried in the zone at once? Else it
  // pauses.
  bool try_another(const std::string& group, const Pool& pool, std::string_view code);
  void back_off(const std::string& group);
  // An instance came into service, or to rest: the next pause is a short one.
  void succeeded(const std::string& group);
  void forget(const std::string& group) { pauses_.erase(group); }

  [[nodiscard]] bool may_launch(const std::string& group) const;
  [[nodiscard]] env::Duration pause_left(const std::string& group) const;  // not above zero: none
  [[nodiscard]] std::set<std::string> failing_zones(const std::string& group) const;
  // Where EC2 had no room lately.
  [[nodiscard]] std::set<Pool> full_pools(const std::string& group) const;

  // What a group that launches so (as_launched) launches next in `zone`.
  LaunchOption next_option(const AutoScalingGroup& group, const std::string& zone);
  // All of its options, of types that match where it names requirements; at least one.
  std::vector<LaunchOption> options_of(const AutoScalingGroup& group);
  // Its options for On-Demand or Spot in `zone`, the most preferred first.
  std::vector<LaunchOption> options_in(const AutoScalingGroup& group, bool spot, const std::string& zone);
  // Among others its Spot Instances that are going to be interrupted; none if EC2 cannot be asked.
  [[nodiscard]] std::set<std::string> noticed(const std::string& group);
  // What counts towards its capacity.
  [[nodiscard]] std::vector<Holding> holdings(const std::string& group) const;

 private:
  // Has sizes_ know these options' types.
  void learn_sizes(std::span<const LaunchOption> options);
  Result<ec2::RunInstancesRequest> launch_request(const GroupRecord& group, const LaunchOption& option,
                                                  const std::string& zone);

  struct Pause {
    env::Duration length{};
    env::MonotonicTime until{};
    std::map<std::string, env::MonotonicTime> failing_zones;  // until
    std::map<Pool, env::MonotonicTime> full_pools;            // until
  };
  ec2::Api& ec2_;
  std::map<std::string, Pause> pauses_;                // by group
  std::map<std::string, std::string> zone_of_subnet_;  // of those launched into; it never changes
  std::map<std::string, TypeSize> sizes_;
};

}  // namespace brume::autoscaling
