#include "services/autoscaling/termination_policy.h"

#include <gtest/gtest.h>

#include "env/sim.h"

namespace brume::autoscaling {
namespace {

using std::chrono::minutes;

Timestamp minute(int n) {
  return from_epoch_seconds(1767225600) + minutes(n);
}

std::string choose(const std::vector<std::string>& policies, const std::vector<Candidate>& candidates) {
  std::map<std::string, int> zones;
  for (const Candidate& c : candidates) ++zones[c.zone];
  env::SimRandom random(1);
  return choose_termination(policies, candidates, zones, "lt-new", minute(600), random);
}

TEST(TerminationPolicy, Table) {
  const Candidate a_old{"a-old", "a", "lt-new", 1, minute(0)}, a_new{"a-new", "a", "lt-new", 2, minute(100)};
  const Candidate b{"b", "b", "lt-new", 1, minute(50)}, other{"other", "a", "lt-gone", 9, minute(200)};
  const Candidate first{"first", "a", "", 0, minute(300), minute(1)},
      second{"second", "a", "", 0, minute(0), minute(2)};
  const struct {
    const char* what;
    std::vector<std::string> policies;
    std::vector<Candidate> candidates;
    const char* chosen;
  } cases[] = {
      {"the fuller zone first, whatever the policy",
       {"NewestInstance"},
       {a_old, {"a-2", "a", "lt-new", 1, minute(10)}, b},
       "a-2"},
      {"oldest", {"OldestInstance"}, {a_new, a_old}, "a-old"},
      {"newest", {"NewestInstance"}, {a_old, a_new}, "a-new"},
      {"another template than the current goes first", {"Default"}, {a_old, a_new, other}, "other"},
      {"then the oldest version", {"Default"}, {a_old, a_new}, "a-old"},
      {"then the nearest to its next hour",
       {"Default"},
       {{"1", "a", "lt-new", 1, minute(5)}, {"2", "a", "lt-new", 1, minute(55)}},
       "1"},
      {"policies in order",
       {"OldestLaunchTemplate", "NewestInstance"},
       {a_old, {"a-1b", "a", "lt-new", 1, minute(90)}, a_new},
       "a-1b"},
      {"the type that is preferred least",
       {"AllocationStrategy"},
       {a_new, {"a-2", "a", "lt-new", 2, minute(100), {}, 2}, {"a-1", "a", "lt-new", 1, minute(0), {}, 1}},
       "a-2"},
      {"by default before anything else",
       {"Default"},
       {a_old, other, {"a-1", "a", "lt-new", 2, minute(100), {}, 1}},
       "a-1"},
      {"of a launch configuration before the current template's", {"Default"}, {a_old, second, a_new}, "second"},
      {"the oldest configuration, not instance", {"Default"}, {second, first, a_old}, "first"},
      {"the oldest configuration", {"OldestLaunchConfiguration"}, {second, a_old, first}, "first"},
      {"no configuration at all: all tie", {"OldestLaunchConfiguration", "NewestInstance"}, {a_old, a_new}, "a-new"},
  };
  for (const auto& c : cases) EXPECT_EQ(choose(c.policies, c.candidates), c.chosen) << c.what;
}

TEST(TerminationPolicy, AGroupWithALaunchConfigurationGivesTemplatesInstancesFirst) {
  const std::vector<Candidate> both{{"configuration", "a", "", 0, minute(0), minute(0)},
                                    {"template", "a", "lt", 7, minute(9)}};
  env::SimRandom random(1);
  EXPECT_EQ(choose_termination(std::vector<std::string>{"Default"}, both, {{"a", 2}}, "", minute(600), random),
            "template");
}

TEST(TerminationPolicy, TiesAreTheRandomsToBreak) {
  const std::vector<Candidate> same{{"1", "a", "lt-new", 1, minute(0)}, {"2", "a", "lt-new", 1, minute(0)}};
  EXPECT_EQ(choose({"Default"}, same), choose({"Default"}, same));
}

TEST(TerminationPolicy, ListsAreChecked) {
  EXPECT_TRUE(check_termination_policies(std::vector<std::string>{"OldestInstance", "Default"}));
  EXPECT_FALSE(check_termination_policies(std::vector<std::string>{"Default", "OldestInstance"}));
  EXPECT_FALSE(check_termination_policies(std::vector<std::string>{"Nope"}));
}

}  // namespace
}  // namespace brume::autoscaling
