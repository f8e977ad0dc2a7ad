#include "services/autoscaling/cooldowns.h"

#include <algorithm>

namespace brume::autoscaling {

Cooldowns::Cooldowns(GroupState& state)
    : GroupPart(state),
      cooldowns_(context_.store, "autoscaling.cooldowns", context_.region),
      elapsed_(context_.env.clock) {
  state.on_erase.emplace_back([this](const std::string& group) -> Result<void> {
    cooldowns_.erase(group);
    elapsed_.forget(group);
    return {};
  });
}

Result<void> Cooldowns::load() {
  BRUME_CHECK(cooldowns_.load());
  for (const auto& [group, cooldown] : cooldowns_.rows())
    if (cooldown.since) elapsed_.note(group, *cooldown.since);
  return {};
}

bool Cooldowns::in_transition(const std::string& group) const {
  return std::ranges::any_of(members_of(group), [](const MemberRecord* member) {
    return member->instance.LifecycleState != "InService" && member->instance.LifecycleState != "Standby";
  });
}

void Cooldowns::set(const std::string& group, const std::string& policy, std::int64_t seconds) {
  cooldowns_.put(group, {policy, seconds, std::nullopt});
}

void Cooldowns::begin(const std::string& group) {
  const CooldownRecord* cooldown = cooldowns_.find(group);
  if (!cooldown || cooldown->since || in_transition(group)) return;
  const Timestamp now = context_.env.clock.wall();
  (void)context_.store.transact([&]() -> Result<void> {
    cooldowns_.modify(group, [&](CooldownRecord& record) { record.since = now; });
    return {};
  });
  elapsed_.note(group, now);
}

std::optional<std::string> Cooldowns::why_waiting(const std::string& group) {
  if (in_transition(group)) return "a scaling activity is in progress";
  const CooldownRecord* cooldown = cooldowns_.find(group);
  if (!cooldown) return std::nullopt;
  if (!cooldown->since) return "a scaling activity is in progress";
  if (elapsed_.of(group, *cooldown->since) >= context_.scaled(std::chrono::seconds(cooldown->seconds)))
    return std::nullopt;
  return fmt::format("the cooldown after policy {} has not passed", cooldown->policy);
}

}  // namespace brume::autoscaling
