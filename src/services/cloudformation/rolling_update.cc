#include "services/cloudformation/rolling_update.h"

#include <algorithm>
#include <cmath>

namespace brume::cloudformation {
namespace {

using Kind = RollStep::Kind;

// "If an instance doesn't transition to the InService state within a fixed time of 1 hour, CloudFormation assumes that
// the instance wasn't updated" (MinActiveInstancesPercent).
constexpr std::chrono::hours kBatchLimit{1};
// A batch whose successors keep going again is given up after so many: one may have had bad luck.
constexpr std::size_t kLostSuccessors = 3;

bool contains(const List<std::string>& ids, const std::string& id) {
  return std::ranges::find(ids, id) != ids.end();
}

int percent_of(double percent, int whole) {
  return int(std::ceil(percent * whole / 100 - 1e-9));
}

// What this batch has brought.
std::vector<std::string> successors(const RollingUpdate& roll, const GroupNow& group) {
  std::vector<std::string> out;
  for (const GroupMember& member : group.members)
    if (!member.leaving && !contains(roll.obsolete, member.id) && !contains(roll.renewed, member.id))
      out.push_back(member.id);
  return out;
}

// What is obsolete counts as AWS counts it: an update is often there to mend it.
int active(const RollingUpdate& roll, const GroupNow& group) {
  return int(std::ranges::count_if(group.members, [&](const GroupMember& m) {
    return contains(roll.obsolete, m.id) ? m.in_service && !m.leaving : serves(m);
  }));
}

// Of the successors, those that Auto Scaling would replace for their health. `since`: when they were all there.
std::vector<std::string> unhealthy(const RollingUpdate& roll, const GroupNow& group, Timestamp now) {
  std::vector<std::string> out;
  if (!roll.added || !group.grace || now - roll.since < *group.grace) return out;
  for (const GroupMember& member : group.members)
    if (member.in_service && !member.leaving && member.failing && contains(roll.arrived, member.id))
      out.push_back(member.id);
  return out;
}

bool late(const RollingUpdate& roll, Timestamp now) {
  return now - roll.since >= kBatchLimit;
}

RollStep next_batch(const RollingPolicy& policy, const RollingUpdate& roll, const GroupNow& group, Timestamp now) {
  std::vector<std::string> idle, serving;
  for (const GroupMember& member : group.members)
    if (!member.leaving && contains(roll.obsolete, member.id))
      (member.in_service && !member.failing ? serving : idle).push_back(member.id);
  const int remaining = int(idle.size() + serving.size());
  if (remaining == 0) return {.kind = Kind::complete};
  // What does not serve is missed by nobody. Of what a target group has yet to look at, nobody knows.
  const int serve = int(std::ranges::count_if(group.members, serves));
  const int spare = std::clamp(serve - policy.min_in_service, 0, int(serving.size()));
  std::vector<std::string> chosen = idle;
  chosen.insert(chosen.end(), serving.begin(), serving.begin() + spare);
  if (std::cmp_greater(chosen.size(), roll.batch_size)) chosen.resize(std::size_t(roll.batch_size));
  if (chosen.empty()) {
    if (!late(roll, now)) return {};
    return {.kind = Kind::fail,
            .reason = fmt::format("The group did not have more than {} instance(s) in service within an hour",
                                  policy.min_in_service)};
  }
  const int count = int(chosen.size());
  const int unreplaced =
      std::min({std::max(0, roll.extra - (remaining - count)), count, std::max(0, group.desired - roll.min_size)});
  return {.kind = Kind::terminate, .instances = std::move(chosen), .unreplaced = unreplaced};
}

}  // namespace

Result<RollSizes> roll_sizes(const RollingPolicy& policy, int desired, int max_size, int obsolete) {
  const int batch = std::min(policy.max_batch, obsolete);
  if (desired - batch >= policy.min_in_service) return RollSizes{batch, desired};
  const int capacity = std::max(desired, std::min(max_size, policy.min_in_service + batch));
  const int possible = std::min(batch, capacity - policy.min_in_service);
  if (possible < 1)
    return fail(
        "ValidationError",
        "MinInstancesInService ({}) must be less than the autoscaling group's MaxSize ({}): no instance could be "
        "replaced",
        policy.min_in_service, max_size);
  return RollSizes{possible, capacity};
}

RollStep next_step(const RollingPolicy& policy, const RollingUpdate& roll, const GroupNow& group,
                   const List<Signal>& signals, Timestamp now, std::chrono::seconds pause) {
  if (roll.batch.empty() && roll.expected == 0) {
    const bool by_timeout = roll.failures > std::ranges::count(signals, "FAILURE", &Signal::status);
    if (std::string reason = too_many_failures(policy, roll, by_timeout); !reason.empty())
      return {.kind = Kind::fail, .reason = std::move(reason)};
    return next_batch(policy, roll, group, now);
  }
  const bool present =
      std::ranges::any_of(group.members, [&](const auto& member) { return contains(roll.batch, member.id); });
  if (!roll.terminated && !present) return {.kind = Kind::terminated};
  std::vector<std::string> renewed = successors(roll, group);
  std::vector<std::string> lost = roll.arrived;
  std::erase_if(lost, [&](const std::string& id) { return std::ranges::find(renewed, id) != renewed.end(); });
  if (!lost.empty()) return {.kind = Kind::lost, .instances = std::move(lost)};
  const bool added = std::cmp_greater_equal(renewed.size(), roll.expected);
  if (added && (!roll.added || renewed.size() > roll.arrived.size()))
    return {.kind = Kind::added, .instances = std::move(renewed)};
  RollStep done{.kind = Kind::batch_done, .unhealthy = unhealthy(roll, group, now)};
  if (roll.lost.size() >= kLostSuccessors) done.unhealthy = {roll.lost.begin(), roll.lost.end()};
  done.failures = std::min(int(done.unhealthy.size()), roll.expected);
  RollingUpdate so_far = roll;
  so_far.failures += done.failures;
  if (!too_many_failures(policy, so_far, false).empty()) return done;
  if (roll.added && !added && done.failures == 0)  // one of them has gone again, and is replaced by the group
    return late(roll, now) ? RollStep{.kind = Kind::fail, .reason = "New instances did not stay in the group"}
                           : RollStep{};
  if (policy.wait_on_signals && roll.added) {
    for (const Signal& signal : signals) {
      if (std::ranges::find(renewed, signal.id) == renewed.end()) continue;
      if (std::ranges::find(done.unhealthy, signal.id) != done.unhealthy.end()) continue;
      ++(signal.status == "FAILURE" ? done.failures : done.successes);
    }
    so_far.failures = roll.failures + done.failures;
    if (!too_many_failures(policy, so_far, false).empty()) return done;  // whatever the others say
    if (done.failures + done.successes < roll.expected) {
      if (now - roll.since < policy.pause) return {};
      done.missing = roll.expected - done.failures - done.successes;
      done.failures += done.missing;
    }
  }
  const bool enough = active(roll, group) >= percent_of(policy.min_active_percent, group.desired);
  if (!roll.terminated || !roll.added || (!enough && done.failures == 0)) {
    if (!late(roll, now)) return {};
    return {.kind = Kind::fail,
            .reason =
                fmt::format("{} of {} instance(s) were in service after an hour", active(roll, group), group.desired)};
  }
  if (!policy.wait_on_signals && roll.expected > 0) {
    done.successes = roll.expected - done.failures;
    if (!roll.settled && done.failures == 0) return {.kind = Kind::settled};
    if (done.failures == 0 && now - roll.since < pause) return {};
  }
  done.instances = std::move(renewed);
  return done;
}

std::string too_many_failures(const RollingPolicy& policy, const RollingUpdate& roll, bool by_timeout) {
  const int total = int(roll.obsolete.size());
  const int required = percent_of(policy.min_successful_percent, total);
  if (roll.failures <= total - required) return "";
  if (!roll.unhealthy.empty())
    return fmt::format(
        "New instance(s) [{}] failed their health checks.  Unable to satisfy {}% MinSuccessfulInstancesPercent "
        "requirement",
        fmt::join(roll.unhealthy, ","), policy.min_successful_percent);
  return fmt::format(
      "Received {} {} signal(s) out of {}.  Unable to satisfy {}% MinSuccessfulInstancesPercent requirement",
      by_timeout ? roll.successes : roll.failures, by_timeout ? "SUCCESS" : "FAILURE", total,
      policy.min_successful_percent);
}

}  // namespace brume::cloudformation
