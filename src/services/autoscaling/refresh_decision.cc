#include "services/autoscaling/refresh_decision.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace brume::autoscaling {
namespace {

using Kind = RefreshStep::Kind;
using Phase = RefreshView::Phase;

// Does the refresh leave this one as it is?
bool ignored(const RefreshView& view, const RefreshMember& m) {
  if (m.skipped) return true;
  if (m.standby) return view.if_standby == RefreshView::Standby::ignore;
  // A rollback undoes what the refresh did, protected or not.
  return m.stale && m.is_protected && view.if_protected == RefreshView::Protected::ignore &&
         view.phase != Phase::rolling_back;
}

struct Counts {
  int total = 0;      // places of the group that the refresh is about, at least 1
  int stale = 0;      // still to be replaced, those not begun with and those marked
  int untouched = 0;  // of these, not begun with
  int updated = 0;    // replaced and ready
  int capacity = 0, ready = 0, failing = 0;
};

Counts count(const RefreshView& view) {
  Counts counts;
  int left_alone = 0, fresh_ready = 0, marked = 0, unmarked = 0, standby = 0;
  for (const RefreshMember& m : view.members) {
    if (m.counts) {
      (m.marked ? marked : unmarked) += m.units;
      if (m.ready)
        counts.ready += m.units;
      else if (m.failing)
        counts.failing += m.units;
    }
    if (ignored(view, m)) {
      if (m.counts) left_alone += m.units;
    } else if (m.stale) {
      counts.stale += m.units;
      if (!m.marked) counts.untouched += m.units;
      if (m.standby) standby += m.units;
    } else if (m.counts && m.ready) {
      fresh_ready += m.units;
    }
  }
  counts.capacity = std::max(view.desired, unmarked) + marked;
  counts.total = std::max(view.desired - left_alone + standby, 0);
  counts.updated = std::max(0, std::min(fresh_ready, counts.total - counts.untouched));
  return counts;
}

RefreshStep wait(std::string reason, std::optional<Timestamp> until = {}) {
  return {.kind = Kind::wait, .replacements = {}, .reason = std::move(reason), .until = until};
}

// The highest checkpoint that `percent` reaches and that has not been reached before; 0: none.
int reached(const RefreshView& view, int percent) {
  int highest = 0;
  for (const int checkpoint : view.checkpoints)
    if (checkpoint <= percent && checkpoint > view.checkpoint) highest = checkpoint;
  return highest;
}

// How many more may be begun with before the next checkpoint.
int limit_of(const RefreshView& view, const Counts& counts) {
  for (const int checkpoint : view.checkpoints) {
    if (checkpoint <= view.checkpoint) continue;
    const int wanted = (counts.total * checkpoint + 99) / 100;
    return std::max(0, wanted - (counts.total - counts.untouched));
  }
  return std::numeric_limits<int>::max();
}

bool may_be_replaced(const RefreshView& view, const RefreshMember& m) {
  return m.stale && !ignored(view, m) &&
         (!m.is_protected || view.if_protected == RefreshView::Protected::refresh || view.phase == Phase::rolling_back);
}

Replacements replacements(const RefreshView& view, const Counts& counts, bool only_marked) {
  Replacements plan;
  std::vector<Replaceable> candidates;
  for (const RefreshMember& m : view.members) {
    if (!may_be_replaced(view, m) || (only_marked && !m.marked)) continue;
    if (m.standby && (view.if_standby == RefreshView::Standby::terminate || view.phase == Phase::rolling_back))
      plan.take_out.push_back(m.id);  // it serves nothing
    else if (m.counts)
      candidates.push_back({m.id, m.ready, m.failing, m.marked, m.units});
  }
  // What fails first: nothing is lost with it. Then what starts.
  std::ranges::stable_sort(candidates, {}, [](const Replaceable& c) { return c.failing ? 0 : c.ready ? 2 : 1; });
  const Range range = replacement_range(view.desired, view.min_percent, view.max_percent, view.largest_units);
  const int limit = view.phase == Phase::replacing ? limit_of(view, counts) : std::numeric_limits<int>::max();
  Replacements more =
      plan_replacements(range, counts.capacity, counts.ready, counts.failing, candidates, only_marked ? 0 : limit);
  plan.take_out.insert(plan.take_out.end(), more.take_out.begin(), more.take_out.end());
  plan.mark = std::move(more.mark);
  return plan;
}

// What is waited for, in AWS's words.
std::string waiting_reason(const RefreshView& view) {
  const auto first = [&](auto wanted) -> const RefreshMember* {
    const auto found = std::ranges::find_if(view.members, wanted);
    return found == view.members.end() ? nullptr : &*found;
  };
  if (const auto* m = first([](const RefreshMember& one) { return one.warming; }))
    return fmt::format("Waiting for instances to warm up before continuing. For example: {} is warming up.", m->id);
  constexpr const char* available = "Waiting for remaining instances to be available. For example: {} {}";
  if (const auto* m = first([](const RefreshMember& one) { return one.counts && one.failing; }))
    return fmt::format(available, m->id, "is unhealthy.");
  if (const auto* m = first([](const RefreshMember& one) { return one.counts && !one.ready; }))
    return fmt::format(available, m->id, "is not yet in service and healthy.");
  if (const auto* m = first([&](const RefreshMember& one) { return one.stale && one.standby && !ignored(view, one); }))
    return fmt::format(available, m->id, "is in Standby. Return it to service to continue.");
  if (const auto* m = first(
          [&](const RefreshMember& one) { return one.stale && !ignored(view, one) && !may_be_replaced(view, one); }))
    return fmt::format(available, m->id, "is protected. Remove instance scale-in protection to continue.");
  return "Waiting for instances to launch.";
}

RefreshStep end_badly(const RefreshView& view, std::string reason) {
  const bool back = view.auto_rollback && view.phase != Phase::rolling_back;
  return {.kind = back ? Kind::roll_back : Kind::fail, .replacements = {}, .reason = std::move(reason), .until = {}};
}

RefreshStep decide_cancelling(const RefreshView& view, const Counts& counts) {
  if (view.wait_for_transitions) {
    Replacements plan = replacements(view, counts, true);
    if (!plan.take_out.empty()) return {.kind = Kind::replace, .replacements = std::move(plan), .reason = {}};
    const bool marked = std::ranges::any_of(view.members, &RefreshMember::marked);
    if ((marked && !view.suspended) || view.in_transition > 0)
      return wait("Waiting for instance launches and terminations that are under way.");
  }
  return {.kind = Kind::cancel, .replacements = {}, .reason = "Cancelled due to user request."};
}

}  // namespace

RefreshProgress refresh_progress(const RefreshView& view) {
  const Counts counts = count(view);
  RefreshProgress progress{.total = counts.total, .updated = counts.updated, .untouched = counts.untouched};
  if (view.phase == Phase::rolling_back) {
    progress.percent = std::min(100, 100 * counts.stale / std::max(1, counts.total));
    progress.remaining = counts.stale;
  } else if (counts.total == 0) {
    progress.percent = counts.stale == 0 ? 100 : 0;
    progress.remaining = counts.stale;
  } else {
    progress.percent = 100 * counts.updated / counts.total;
    progress.remaining = counts.total - counts.updated;
  }
  return progress;
}

RefreshStep decide_refresh(const RefreshView& view, Timestamp now) {
  const Counts counts = count(view);
  if (view.phase == Phase::cancelling) return decide_cancelling(view, counts);
  if (!view.alarms.empty() && view.phase != Phase::rolling_back)
    return end_badly(view, fmt::format("The CloudWatch alarm {} is in the ALARM state.", view.alarms.front()));
  if (view.suspended)
    return {.kind = Kind::pause,
            .replacements = {},
            .reason = "Waiting for the suspended processes InstanceRefresh, Launch and Terminate to be resumed.",
            .until = {}};
  if (view.phase == Phase::baking) {
    const Timestamp end = view.baking_since.value_or(now) + view.bake_time;
    if (now < end) return wait("Waiting for the bake time to end.", end);
    return view.alarms_unknown ? wait("Waiting for CloudWatch to tell the state of the alarms.")
                               : RefreshStep{.kind = Kind::succeed, .replacements = {}, .reason = {}, .until = {}};
  }
  if (view.phase == Phase::replacing && view.paused_at && now < *view.paused_at + view.checkpoint_delay)
    return wait(fmt::format("Waiting at the checkpoint of {} percent.", view.checkpoint),
                *view.paused_at + view.checkpoint_delay);

  const RefreshProgress progress = refresh_progress(view);
  if (view.phase == Phase::replacing) {
    const bool all = counts.stale == 0 && progress.percent == 100;
    const int checkpoint = reached(view, progress.percent);
    const bool last = checkpoint != 0 && checkpoint == view.checkpoints.back();
    // A checkpoint is a rest: what is being replaced is gone before it.
    const bool rests = counts.stale == counts.untouched;
    if (all || (last && rests)) {
      if (view.bake_time.count() > 0)
        return {.kind = Kind::bake, .replacements = {}, .reason = {}, .until = {}, .percent = checkpoint};
      if (!view.alarms_unknown)
        return {.kind = Kind::succeed, .replacements = {}, .reason = {}, .until = {}, .percent = checkpoint};
    } else if (checkpoint != 0 && rests) {
      return {.kind = Kind::checkpoint, .replacements = {}, .reason = {}, .until = {}, .percent = checkpoint};
    }
  } else if (counts.stale == 0 && counts.ready >= view.desired) {
    return {.kind = Kind::succeed, .replacements = {}, .reason = {}, .until = {}};
  }
  const Timestamp end = view.progressed + view.warm_up + view.patience;
  if (now >= end) return end_badly(view, fmt::format("No progress was made for too long. {}", waiting_reason(view)));
  if (view.alarms_unknown && view.phase == Phase::replacing)
    return wait("Waiting for CloudWatch to tell the state of the alarms.", end);
  Replacements plan = replacements(view, counts, false);
  if (!plan.take_out.empty() || !plan.mark.empty())
    return {.kind = Kind::replace, .replacements = std::move(plan), .reason = waiting_reason(view), .until = {}};
  return wait(waiting_reason(view), end);
}

}  // namespace brume::autoscaling
