// Which instance a scale-in terminates.
//
// Pure: a function of the policies, the candidates and the time. Zone balance comes before any policy: only instances
// of the zones with the most are candidates. `Default` as in the AWS Auto Scaling user guide ("Default termination
// policy"): the least preferred type of a mixed instances policy, launched by the other kind (template, configuration)
// than the group launches by now, the oldest launch configuration, other launch template than the current, oldest
// template version, closest to the billing hour, random. Leaves to the caller: scale-in protection (pass only what may
// go), and the termination itself.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "env/random.h"

namespace brume::autoscaling {

struct Candidate {
  std::string id;
  std::string zone;
  std::string launch_template;  // id
  std::int64_t template_version = 0;
  Timestamp launched{};
  std::optional<Timestamp> configuration_created{};  // of its launch configuration, if it was launched from one
  int rank = 0;  // of its type in the group's mixed instances policy, 0 the most preferred
};

// `zone_counts`: the units of all instances of each candidate's zone, protected ones too. `candidates` must not be
// empty. `random` decides ties, so that a simulation replays. `current_template` is empty if the group has a launch
// configuration.
std::string choose_termination(std::span<const std::string> policies, std::vector<Candidate> candidates,
                               const std::map<std::string, int>& zone_counts, const std::string& current_template,
                               Timestamp now, env::Random& random);

// Error: ValidationError for a policy that does not exist or `Default` that is not last.
Result<void> check_termination_policies(std::span<const std::string> policies);

}  // namespace brume::autoscaling
