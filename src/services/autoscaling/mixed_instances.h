// Mixed instances policies: what one may say, and what a group launches by it.
//
// Pure. Sources: Auto Scaling API reference, MixedInstancesPolicy and its parts; user guide, "Auto Scaling groups with
// multiple instance types and purchase options". Leaves to others: On-Demand or Spot, and of which type first
// (purchase_options.h), whether templates exist and EC2 would launch (launch.h), how many units a group needs
// (decide.h).
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaling/shapes.h"
#include "base/result.h"

namespace brume::autoscaling {

// The policy that a request makes of a group's (none: it has none): what the request leaves out stays, what neither
// says is AWS's default. An empty list of overrides takes them back.
MixedInstancesPolicy merged(const std::optional<MixedInstancesPolicy>& before, const MixedInstancesPolicy& request);

// Of a policy as a request has it: templates are named by one of their id and name. Error: ValidationError.
Result<void> check_template_names(const MixedInstancesPolicy& request);
// Of a merged policy. Errors: ValidationError; UnsupportedOperation for what Brume does not do.
Result<void> check_mixed(const MixedInstancesPolicy& policy);

// Whether the group's sizes are in units of its weights.
bool is_weighted(const std::optional<MixedInstancesPolicy>& policy);

// What an instance of a group that goes over to `policy` weighs from now on: with weights what they say of its type or,
// for a type that they no longer name, what it weighed so far. Error: ValidationError for a type that has no weight
// yet.
Result<std::optional<std::string>> reweighed(const std::optional<MixedInstancesPolicy>& policy,
                                             const Instance& instance);

// The weight that a policy gives an instance type.
std::optional<std::string> weight_of(const MixedInstancesPolicy& policy, std::string_view type);

// One way in which a group launches: its template, and what is laid over that.
struct LaunchOption {
  LaunchTemplateSpecification launch_template;
  std::optional<std::string> type;  // none: the template's, or by
  std::optional<InstanceRequirements> requirements;
  std::optional<std::string> weight;
  int units = 1;
  bool spot = false;             // laid over the template: a Spot Instance
  bool by_requirements = false;  // one of the types that have what was required: nobody chose their order
};

// In the order in which they are preferred, at least one. A group without a policy has one option; if it launches from
// a launch configuration, that has no template.
std::vector<LaunchOption> launch_options(const AutoScalingGroup& group);

// A zone, an instance type and whether it is for Spot: where EC2 has room for one, or has not.
struct Pool {
  std::string zone, type;
  bool spot = false;
  auto operator<=>(const Pool&) const = default;
};

// What to launch in `zone` now: the first of `options`, which must not be empty, that is not known to find no room
// there; the first of all if that is known of each.
LaunchOption choose_option(std::span<const LaunchOption> options, const std::string& zone, const std::set<Pool>& full);
// Whether that is known of each.
bool is_full(std::span<const LaunchOption> options, const std::string& zone, const std::set<Pool>& full);

// EC2 has no room for this type now, in the words of an error or of an instance's state reason: another may find some.
bool lacks_capacity(std::string_view code);

// How much a type is preferred: 0 the most. Types that the policy no longer names come last.
int rank_of(std::span<const LaunchOption> options, std::string_view type);

// Whether the instance is what one of `options`, whose versions are numbers, would launch.
bool is_launched_by(const Instance& instance, std::span<const LaunchOption> options);

}  // namespace brume::autoscaling
