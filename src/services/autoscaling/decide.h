// What a group does next.
//
// Pure: a function of what is desired (the group) and what is (its members and what EC2 and the load balancer say of
// them). The controller carries the steps out, one transaction each, and asks again; a step that is lost is decided
// again. All sizes are in capacity units (services/common/capacity_units.h): with weights the capacity may stay above
// the desired one by what no instance fits into. Sources: Auto Scaling user guide, "Health checks", "Scaling
// activities", "Availability Zone rebalancing", "Configure an Auto Scaling group to use instance weights". Leaves to
// others: which instance a scale-in takes (termination_policy.h), which type is launched (mixed_instances.h), the words
// (texts.h).
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/autoscaling/lifecycle_actions.h"

namespace brume::autoscaling {

struct MemberView {
  std::string id, zone;
  int units = 1;
  // Pending[:Wait|:Proceed] InService Terminating[:Wait|:Proceed] EnteringStandby Standby Detaching
  std::string lifecycle;
  std::string instance_state;     // EC2's; "terminated" also for one that EC2 no longer knows
  bool marked_unhealthy = false;  // by SetInstanceHealth
  bool elb_unhealthy = false;     // a target group's health check fails
  bool in_grace = false;
  bool registered = false;  // still a target somewhere, draining included
  bool is_protected = false;
  bool terminating_sent = false;
  HookOutcome hooks = HookOutcome::none;
  bool awaited = false;  // a target group has not found out yet how it is
  bool marked = false;   // another takes its place, and is launched first
  std::optional<std::chrono::milliseconds> in_service_for;
};

struct GroupView {
  int desired = 0;
  std::vector<std::string> zones;
  bool elb_checks = false;  // HealthCheckType ELB
  bool deleting = false;    // desired is 0, and protection does not count
  std::set<std::string> suspended;
  std::set<std::string> failing_zones;      // where a launch failed lately
  bool may_launch = true;                   // no back-off
  std::map<std::string, int> launch_units;  // of what would be launched now, by zone; 1 where none is said
  int largest_units = 1;                    // of what the group launches
  // What fails its checks but runs is replaced by the group's maintenance policy (maintenance.cc), not here.
  bool has_policy = false;
};

struct Step {
  enum class Kind {
    put_in_service,    // running: register it; the launch is done
    give_up_launch,    // it ended before it was in service
    proceed,           // its hooks are done: …:Proceed
    abandon,           // a hook ends its launch, or, `why` ec2, it stopped meanwhile
    replace,           // unhealthy, `why`: take it out; the gap is filled as any other
    terminate,         // drained: wait for hooks, or call EC2
    forget,            // gone from EC2: the termination is done
    rest,              // drained: Standby
    release,           // drained: detached
    launch,            // in `zone`
    scale_in,          // one instance too many
    report_protected,  // too many, but all are protected
  } kind;
  std::string instance;
  std::string zone;
  enum class Why { none, ec2, elb, user } why = Why::none;

  bool operator==(const Step&) const = default;
};

// In the order in which they are to be done. At most one launch or scale-in a call: the next is decided with its
// effect.
std::vector<Step> decide(const GroupView& group, const std::vector<MemberView>& members);

// Instances that may go, save protected ones: those that count, and leave the capacity at `desired` or above.
std::vector<const MemberView*> spare(int desired, const std::vector<MemberView>& members);
// The group has what is desired, and nothing to spare.
bool is_fulfilled(int desired, const std::vector<MemberView>& members);

// Why an instance in service has to be replaced, if it has.
Step::Why unhealthy(const GroupView& group, const MemberView& member);

bool is_pending(std::string_view lifecycle);  // or waiting for a hook while it is
bool is_terminating(std::string_view lifecycle);
// Pending or in service.
bool is_present(const MemberView& member);
// Instances that count towards the desired capacity: those present, without the marked ones.
bool counts(const MemberView& member);
// Is known not to serve: it ended, or a check fails.
bool is_failing(const MemberView& member);
// Serves: in service for this long, healthy, and seen so by every target group that it is registered with.
bool is_ready(const MemberView& member, std::chrono::seconds warm_up);

}  // namespace brume::autoscaling
