#include "services/autoscaling/decision_log.h"

#include <algorithm>

namespace brume::autoscaling {
namespace {

constexpr std::int64_t kKept = 100;  // of a group

}  // namespace

DecisionLog::DecisionLog(GroupState& state)
    : clock_(state.context.env.clock), decisions_(state.context.store, "autoscaling.decisions", state.context.region) {
  state.on_erase.emplace_back([this](const std::string& group) -> Result<void> {
    erase_under(decisions_, group + ":");
    return {};
  });
}

void DecisionLog::add(const std::string& group, DecisionRecord decision) {
  decision.time = decision.until = clock_.wall();
  const std::string prefix = group + ":";
  const auto kept = rows_under(decisions_, prefix);
  std::int64_t number = 0;
  auto at = kept.end();
  if (at != kept.begin()) number = std::stoll(std::prev(at)->first.substr(prefix.size())) + 1;
  while (decision.before == decision.after && at != kept.begin()) {
    --at;
    const DecisionRecord& old = at->second;
    if (old.by != decision.by || old.name != decision.name || old.alarm != decision.alarm) continue;
    if (old.before != decision.before || old.after != decision.after || old.reason != decision.reason) break;
    decisions_.modify(at->first, [&](DecisionRecord& record) {
      record.until = decision.until;
      record.value = decision.value;
      ++record.times;
    });
    return;
  }
  decisions_.put(fmt::format("{}{:012}", prefix, number), std::move(decision));
  if (number >= kKept) decisions_.erase(fmt::format("{}{:012}", prefix, number - kKept));
}

void DecisionLog::add_request(const std::string& group, int before, int after) {
  DecisionRecord decision;
  decision.by = "user request";
  decision.before = before;
  decision.after = after;
  add(group, std::move(decision));
}

std::vector<DecisionRecord> DecisionLog::of(const std::string& group) const {
  std::vector<DecisionRecord> found;
  for (const auto& [key, decision] : rows_under(decisions_, group + ":")) found.push_back(decision);
  std::ranges::reverse(found);
  return found;
}

}  // namespace brume::autoscaling
