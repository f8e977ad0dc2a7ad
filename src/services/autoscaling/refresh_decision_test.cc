#include "services/autoscaling/refresh_decision.h"

#include <cctype>

#include <gtest/gtest.h>

namespace brume::autoscaling {
namespace {

using std::chrono::seconds;
using Kind = RefreshStep::Kind;
using Phase = RefreshView::Phase;

constexpr Timestamp kNow{std::chrono::hours(24 * 365 * 50)};

// The group's instances by letters: o old, n new; and of either: capital marked, or followed by ? not ready, ! failing,
// ~ warming up, + protected, _ in standby, = skipped.
RefreshView view(int desired, std::string_view members) {
  RefreshView view;
  view.desired = desired;
  view.progressed = kNow;
  view.patience = seconds(3600);
  int number = 0;
  for (const char letter : members) {
    if (std::isalpha(letter) != 0) {
      RefreshMember& m = view.members.emplace_back();
      m.id = std::string(1, char(letter | 32)) + std::to_string(++number);
      m.stale = (letter | 32) == 'o';
      m.counts = m.ready = true;
      m.marked = letter < 'a';
      continue;
    }
    RefreshMember& m = view.members.back();
    if (letter == '+') m.is_protected = true;
    if (letter == '=') m.skipped = true;
    if (letter == '_') m.standby = true, m.counts = m.ready = false;
    if (letter == '?' || letter == '!' || letter == '~') m.ready = false;
    m.failing = letter == '!';
    m.warming = letter == '~';
  }
  return view;
}

RefreshView with(RefreshView view, auto change) {
  change(view);
  return view;
}

// The step as text: "out o1 o2 mark o3", "wait: …", "fail: …", "succeed".
std::string step(const RefreshView& view, Timestamp now = kNow) {
  const RefreshStep step = decide_refresh(view, now);
  switch (step.kind) {
    case Kind::wait:
      return "wait: " + step.reason;
    case Kind::pause:
      return "pause";
    case Kind::replace: {
      std::string text;
      const auto list = [&](const char* verb, const std::vector<std::string>& ids) {
        if (!ids.empty()) text += (text.empty() ? "" : " ") + std::string(verb);
        for (const std::string& id : ids) text += " " + id;
      };
      list("out", step.replacements.take_out);
      list("mark", step.replacements.mark);
      return text;
    }
    case Kind::checkpoint:
      return "checkpoint " + std::to_string(step.percent);
    case Kind::bake:
      return "bake";
    case Kind::succeed:
      return "succeed";
    case Kind::fail:
      return "fail: " + step.reason;
    case Kind::roll_back:
      return "roll back: " + step.reason;
    case Kind::cancel:
      return "cancel";
  }
  return "?";
}

const std::string kWarm = "wait: Waiting for instances to warm up before continuing. For example: ";
const std::string kAvailable = "wait: Waiting for remaining instances to be available. For example: ";

TEST(RefreshDecision, ReplacesInBatchesAboveTheFloor) {
  const struct {
    int desired, min, max;
    const char* members;
    std::string step;
  } cases[] = {
      {10, 90, 100, "oooooooooo", "out o1"},
      {10, 80, 100, "oooooooooo", "out o1 o2"},
      {2, 90, 100, "oo", "out o1"},  // at least one
      {1, 90, 100, "o", "out o1"},
      {3, 0, 100, "ooo", "out o1 o2 o3"},
      {2, 100, 100, "oo", "out o1"},
      {2, 100, 110, "oo", "mark o1"},  // launch before terminating
      {2, 100, 200, "oo", "mark o1 o2"},
      {10, 90, 110, "oooooooooo", "out o1 mark o2"},
      // The next only when the last is there: launched, in service and healthy, warm.
      {2, 90, 100, "o", "wait: Waiting for instances to launch."},
      {2, 90, 100, "on?", kAvailable + "n2 is not yet in service and healthy."},
      {2, 90, 100, "on!", kAvailable + "n2 is unhealthy."},
      {2, 90, 100, "on~", kWarm + "n2 is warming up."},
      {2, 90, 100, "on", "out o1"},
      {2, 100, 110, "Oon?", kAvailable + "n3 is not yet in service and healthy."},
      {2, 100, 110, "Oon", "out o1 mark o2"},
      {2, 100, 110, "On", "wait: Waiting for instances to launch."},
      {2, 90, 100, "nn", "succeed"},
      {2, 90, 100, "nn~", kWarm + "n2 is warming up."},
      {0, 90, 100, "", "succeed"},
      // A sick one goes first, and beyond it the floor is kept.
      {2, 90, 100, "oo!", "out o2"},
      {10, 90, 100, "oooooooooo!", "out o10"},
      // Nothing is known of any (the load balancer has just begun to look): nothing is touched.
      {2, 90, 100, "o?o?", kAvailable + "o1 is not yet in service and healthy."},
      // More than is desired: what is scaled out is new.
      {3, 90, 100, "onn", "out o1"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(
        step(with(view(c.desired, c.members), [&](RefreshView& v) { v.min_percent = c.min, v.max_percent = c.max; })),
        c.step)
        << c.members;
}

// The user guide's example: ten instances, checkpoints at 20 and 50 percent, 80 percent stay healthy.
TEST(RefreshDecision, CheckpointsCutTheBatch) {
  const auto at = [](const char* members, int checkpoint, seconds ago = seconds(7200)) {
    return with(view(10, members), [&](RefreshView& v) {
      v.min_percent = 80;
      v.checkpoints = {20, 50, 100};
      v.checkpoint = checkpoint;
      v.checkpoint_delay = seconds(3600);
      if (checkpoint != 0) v.paused_at = kNow - ago;
    });
  };
  EXPECT_EQ(step(at("oooooooooo", 0)), "out o1 o2");
  EXPECT_EQ(step(at("oooooooonn?", 0)), kAvailable + "n10 is not yet in service and healthy.");
  EXPECT_EQ(step(at("oooooooonn", 0)), "checkpoint 20");
  EXPECT_EQ(step(at("oooooooonn", 20, seconds(0))), "wait: Waiting at the checkpoint of 20 percent.");
  EXPECT_EQ(step(at("oooooooonn", 20)), "out o1 o2");
  EXPECT_EQ(step(at("oooooonnnn", 20)), "out o1");
  EXPECT_EQ(step(at("ooooonnnnn", 20)), "checkpoint 50");
  EXPECT_EQ(step(at("ooooonnnnn", 50)), "out o1 o2");
  EXPECT_EQ(step(at("nnnnnnnnnn", 50)), "succeed");
  // Of several that are passed at once the highest counts.
  EXPECT_EQ(step(at("ooonnnnnnn", 0)), "checkpoint 50");
  // One that ends below 100 ends there, when what it replaces is gone.
  const auto half = [](const char* members) {
    return with(view(2, members),
                [](RefreshView& v) { v.checkpoints = {50}, v.min_percent = 100, v.max_percent = 150; });
  };
  EXPECT_EQ(step(half("oo")), "mark o1");
  EXPECT_EQ(step(half("Oon")), "out o1");
  EXPECT_EQ(step(half("on")), "succeed");
}

TEST(RefreshDecision, ProtectedStandbyAndMatchingInstances) {
  const auto ignore = [](RefreshView& v) {
    v.if_protected = RefreshView::Protected::ignore;
    v.if_standby = RefreshView::Standby::ignore;
  };
  const auto refresh = [](RefreshView& v) {
    v.if_protected = RefreshView::Protected::refresh;
    v.if_standby = RefreshView::Standby::terminate;
  };
  EXPECT_EQ(step(view(2, "o+o")), "out o2");
  EXPECT_EQ(step(view(2, "o+n")), kAvailable + "o1 is protected. Remove instance scale-in protection to continue.");
  EXPECT_EQ(step(view(2, "o+n"), kNow + seconds(3600)),
            "fail: No progress was made for too long. Waiting for remaining instances to be available. For example: o1 "
            "is protected. Remove instance scale-in protection to continue.");
  EXPECT_EQ(step(with(view(2, "o+n"), ignore)), "succeed");
  EXPECT_EQ(step(with(view(2, "o+n"), refresh)), "out o1");
  EXPECT_EQ(step(view(1, "o_n")), kAvailable + "o1 is in Standby. Return it to service to continue.");
  EXPECT_EQ(step(with(view(1, "o_n"), ignore)), "succeed");
  EXPECT_EQ(step(with(view(1, "o_n"), refresh)), "out o1");
  EXPECT_EQ(step(view(3, "o=oo=")), "out o2");
  EXPECT_EQ(step(view(3, "o=no=")), "succeed");
  EXPECT_EQ(step(view(2, "o=o=")), "succeed");
}

TEST(RefreshDecision, AlarmsPausesAndPatience) {
  const auto rolls_back = [](RefreshView& v) { v.auto_rollback = true; };
  const auto alarm = [](RefreshView& v) { v.alarms = {"errors"}; };
  EXPECT_EQ(step(with(view(2, "oo"), alarm)), "fail: The CloudWatch alarm errors is in the ALARM state.");
  EXPECT_EQ(step(with(with(view(2, "oo"), alarm), rolls_back)),
            "roll back: The CloudWatch alarm errors is in the ALARM state.");
  EXPECT_EQ(step(with(view(2, "oo"), [](RefreshView& v) { v.alarms_unknown = true; })),
            "wait: Waiting for CloudWatch to tell the state of the alarms.");
  const auto suspended = [](RefreshView& v) { v.suspended = true; };
  EXPECT_EQ(step(with(view(2, "oo"), suspended), kNow + seconds(7200)), "pause");
  // A broken image: its instances never serve.
  EXPECT_EQ(step(view(2, "on!"), kNow + seconds(3599)), kAvailable + "n2 is unhealthy.");
  EXPECT_EQ(
      step(with(view(2, "on!"), rolls_back), kNow + seconds(3600)),
      "roll back: No progress was made for too long. Waiting for remaining instances to be available. For example: "
      "n2 is unhealthy.");
  // A long warm-up is no lack of progress.
  EXPECT_EQ(step(with(view(2, "on~"), [](RefreshView& v) { v.warm_up = seconds(5000); }), kNow + seconds(3600)),
            kWarm + "n2 is warming up.");
}

TEST(RefreshDecision, BakesBeforeItSucceeds) {
  const auto bake = [](RefreshView& v) { v.bake_time = seconds(600); };
  EXPECT_EQ(step(with(view(2, "nn"), bake)), "bake");
  const auto baking = with(with(view(2, "nn"), bake), [](RefreshView& v) {
    v.phase = Phase::baking;
    v.baking_since = kNow;
  });
  EXPECT_EQ(step(baking, kNow + seconds(599)), "wait: Waiting for the bake time to end.");
  EXPECT_EQ(step(baking, kNow + seconds(600)), "succeed");
  EXPECT_EQ(step(with(baking, [](RefreshView& v) { v.alarms = {"errors"}; })),
            "fail: The CloudWatch alarm errors is in the ALARM state.");
}

TEST(RefreshDecision, ARollbackReplacesWhatIsNew) {
  const auto back = [](int desired, const char* members) {
    return with(view(desired, members), [](RefreshView& v) {
      v.phase = Phase::rolling_back;
      for (RefreshMember& m : v.members) m.stale = m.id[0] == 'n';
    });
  };
  EXPECT_EQ(step(back(2, "on!")), "out n2");
  EXPECT_EQ(step(back(2, "on")), "out n2");
  EXPECT_EQ(step(back(2, "n!n!")), "out n1");  // none serves: one goes to make room
  EXPECT_EQ(step(back(2, "o?n!")), kAvailable + "n2 is unhealthy.");
  EXPECT_EQ(step(back(2, "n+n+")), "out n1");
  EXPECT_EQ(step(back(2, "o")), "wait: Waiting for instances to launch.");
  EXPECT_EQ(step(back(2, "oo")), "succeed");
  EXPECT_EQ(step(back(2, "oo?"), kNow + seconds(3600)),
            "fail: No progress was made for too long. Waiting for remaining instances to be available. For example: o2 "
            "is not yet in service and healthy.");
}

TEST(RefreshDecision, CancellingEndsWhatIsUnderWay) {
  const auto cancelling = [](const char* members, int in_transition) {
    return with(view(2, members), [&](RefreshView& v) {
      v.phase = Phase::cancelling;
      v.in_transition = in_transition;
      v.min_percent = 100, v.max_percent = 110;
      for (RefreshMember& m : v.members) m.stale = m.marked;
    });
  };
  EXPECT_EQ(step(cancelling("Oon?", 1)), "wait: Waiting for instance launches and terminations that are under way.");
  EXPECT_EQ(step(cancelling("Oon", 0)), "out o1");
  EXPECT_EQ(step(cancelling("on", 1)), "wait: Waiting for instance launches and terminations that are under way.");
  EXPECT_EQ(step(cancelling("on", 0)), "cancel");
  EXPECT_EQ(step(with(cancelling("Oon?", 1), [](RefreshView& v) { v.wait_for_transitions = false; })), "cancel");
}

TEST(RefreshProgress, CountsWhatIsReplacedAndReady) {
  const auto percent = [](int desired, const char* members) {
    return refresh_progress(view(desired, members)).percent;
  };
  EXPECT_EQ(percent(2, "oo"), 0);
  EXPECT_EQ(percent(2, "on~"), 0);
  EXPECT_EQ(percent(2, "on"), 50);
  EXPECT_EQ(percent(3, "onn"), 66);
  EXPECT_EQ(percent(2, "o=n"), 100);
  EXPECT_EQ(refresh_progress(view(4, "oon?n")).remaining, 3);
}

}  // namespace
}  // namespace brume::autoscaling
