#include "services/ec2/spot_decision.h"

#include <algorithm>
#include <tuple>

namespace brume::ec2 {

std::vector<std::string> who_gives_way(std::vector<SpotCandidate> candidates, std::int64_t lacking_mib) {
  std::ranges::sort(candidates, [](const SpotCandidate& a, const SpotCandidate& b) {
    return std::tie(b.launched, b.id) < std::tie(a.launched, a.id);
  });
  for (const SpotCandidate& candidate : candidates)
    if (candidate.leaving) lacking_mib -= candidate.memory_mib;
  std::vector<const SpotCandidate*> chosen;
  for (const SpotCandidate& candidate : candidates) {
    if (lacking_mib <= 0) break;
    if (candidate.leaving) continue;
    chosen.push_back(&candidate);
    lacking_mib -= candidate.memory_mib;
  }
  if (lacking_mib > 0) return {};
  // The last one may free more than it had to: the oldest of the others stay first.
  std::vector<std::string> ids;
  for (auto one = chosen.rbegin(); one != chosen.rend(); ++one) {
    if (lacking_mib + (*one)->memory_mib <= 0)
      lacking_mib += (*one)->memory_mib;
    else
      ids.push_back((*one)->id);
  }
  std::ranges::reverse(ids);
  return ids;
}

SpotInstanceRequest shown(const SpotRequestRecord& record, const InstanceRecord& instance) {
  SpotInstanceRequest request = record.request;
  const auto say = [&](const char* state, const char* code, const char* message, std::optional<Timestamp> since) {
    request.State = state;
    request.Status = SpotInstanceStatus{.Code = code, .Message = message, .UpdateTime = since};
  };
  const InstanceStateCode state = instance.state();
  const bool ended = state == InstanceStateCode::shutting_down || state == InstanceStateCode::terminated;
  const std::optional<Timestamp> since = instance.terminated_at ? instance.terminated_at : request.CreateTime;
  const std::string reason =
      instance.instance.StateReason ? instance.instance.StateReason->Code.value_or("") : std::string();
  const char* over = record.cancelled ? "cancelled" : "closed";
  if (ended && reason == "Server.SpotInstanceTermination")
    say(over, "instance-terminated-no-capacity",
        "Your Spot Instance was terminated because its room was needed for an On-Demand Instance.",
        instance.terminated_at ? since : record.interrupt_at);
  else if (ended && reason == "Server.InsufficientInstanceCapacity")
    say(over, "instance-terminated-no-capacity",
        "Your Spot Instance was terminated because there is no Spot capacity available that matches your request.",
        since);
  else if (ended && reason.starts_with("Server."))
    say(over, "instance-terminated-launch-failure", "Your Spot Instance could not be started.", since);
  else if (ended)
    say(over, "instance-terminated-by-user", "Spot Instance terminated due to user-initiated termination.", since);
  else if (record.noticed_at)
    say(record.cancelled ? "cancelled" : "active", "marked-for-termination",
        "Your Spot Instance is marked for termination.", record.noticed_at);
  else if (record.cancelled)
    say("cancelled", "request-canceled-and-instance-running",
        "Your Spot request is canceled, but your Spot Instance is still running.", request.CreateTime);
  else
    say("active", "fulfilled", "Your Spot request is fulfilled.", request.CreateTime);
  return request;
}

}  // namespace brume::ec2
