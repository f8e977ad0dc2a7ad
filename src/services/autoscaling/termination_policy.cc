#include "services/autoscaling/termination_policy.h"

#include <algorithm>
#include <functional>
#include <set>

namespace brume::autoscaling {
namespace {

// Keeps the candidates with the smallest key.
template <typename Key>
void keep_smallest(std::vector<Candidate>& candidates, Key key) {
  auto best = key(candidates.front());
  for (const Candidate& candidate : candidates) best = std::min(best, key(candidate));
  std::erase_if(candidates, [&](const Candidate& candidate) { return key(candidate) != best; });
}

std::chrono::milliseconds to_next_hour(const Candidate& candidate, Timestamp now) {
  using namespace std::chrono_literals;
  return 1h - (now - candidate.launched) % std::chrono::milliseconds(1h);
}

void apply(std::string_view policy, std::vector<Candidate>& candidates, const std::string& current_template,
           Timestamp now) {
  if (policy == "AllocationStrategy" || policy == "Default")
    keep_smallest(candidates, [](const Candidate& c) { return -c.rank; });
  if (policy == "OldestInstance") keep_smallest(candidates, [](const Candidate& c) { return c.launched; });
  if (policy == "NewestInstance")
    keep_smallest(candidates, [](const Candidate& c) { return -c.launched.time_since_epoch(); });
  if (policy == "Default")
    keep_smallest(candidates,
                  [&](const Candidate& c) { return c.configuration_created.has_value() == current_template.empty(); });
  if (policy == "OldestLaunchConfiguration" || policy == "Default")
    keep_smallest(candidates, [](const Candidate& c) { return c.configuration_created.value_or(Timestamp::max()); });
  if (policy == "OldestLaunchTemplate" || policy == "Default") {
    keep_smallest(candidates, [&](const Candidate& c) { return c.launch_template == current_template; });
    keep_smallest(candidates, [](const Candidate& c) { return c.template_version; });
  }
  if (policy == "ClosestToNextInstanceHour" || policy == "Default")
    keep_smallest(candidates, [&](const Candidate& c) { return to_next_hour(c, now); });
}

}  // namespace

std::string choose_termination(std::span<const std::string> policies, std::vector<Candidate> candidates,
                               const std::map<std::string, int>& zone_counts, const std::string& current_template,
                               Timestamp now, env::Random& random) {
  keep_smallest(candidates, [&](const Candidate& c) { return -zone_counts.at(c.zone); });
  for (const std::string& policy : policies) apply(policy, candidates, current_template, now);
  return candidates[random.below(candidates.size())].id;
}

Result<void> check_termination_policies(std::span<const std::string> policies) {
  static const std::set<std::string, std::less<>> known = {
      "AllocationStrategy",        "ClosestToNextInstanceHour", "Default", "NewestInstance", "OldestInstance",
      "OldestLaunchConfiguration", "OldestLaunchTemplate"};
  for (const std::string& policy : policies) {
    if (policy.starts_with("arn:aws:lambda:"))
      return fail("UnsupportedOperation", "Brume does not have Lambda functions as termination policies yet");
    if (!known.contains(policy)) return fail("ValidationError", "Termination policy '{}' is not supported", policy);
    if (policy == "Default" && &policy != &policies.back())
      return fail("ValidationError", "The Default termination policy must be the last in the list");
  }
  return {};
}

}  // namespace brume::autoscaling
