#include "services/autoscaling/replacement.h"

#include <limits>

#include <gtest/gtest.h>

namespace brume::autoscaling {
namespace {

TEST(ReplacementRange, IsOfTheDesiredCapacity) {
  const struct {
    int desired, min, max;
    Range range;
  } cases[] = {
      {10, 90, 100, {9, 10}},                          // the default of a refresh
      {10, 100, 110, {10, 11}},                        // launch before terminating
      {10, 80, 120, {8, 12}},                          // both
      {10, 0, 100, {0, 10}},                           // all at once
      {10, 100, 200, {10, 20}},                        // twice the group
      {3, 50, 100, {2, 3}},                            // the floor is rounded up
      {4, 100, 130, {4, 5}},                           // the ceiling down
      {10, 100, 100, {9, 10}},                         // no room at all: one at a time
      {2, 90, 100, {1, 2}},     {1, 90, 100, {0, 1}},  // an outage
      {1, 100, 110, {1, 2}},                           // none: there is room for one more
      {2, 90, 110, {2, 3}},     {0, 90, 100, {0, 0}},
  };
  for (const auto& c : cases)
    EXPECT_EQ(replacement_range(c.desired, c.min, c.max), c.range) << c.desired << " " << c.min << " " << c.max;
}

TEST(ReplacementRange, MovesByTheHeaviestInstance) {
  EXPECT_EQ(replacement_range(10, 90, 100, 4), (Range{6, 10}));  // one at a time
  EXPECT_EQ(replacement_range(10, 90, 110, 4), (Range{9, 14}));  // one more
  EXPECT_EQ(replacement_range(10, 50, 200, 4), (Range{5, 20}));  // there is room
  EXPECT_EQ(replacement_range(3, 100, 100, 4), (Range{0, 3}));   // one is all
}

TEST(Replacements, CountUnits) {
  const auto heavy = [](const char* id, bool ready = true) { return Replaceable{id, ready, !ready, false, 4}; };
  const std::vector<Replaceable> three = {heavy("0"), heavy("1"), heavy("2")};
  constexpr int all = std::numeric_limits<int>::max();
  using Ids = std::vector<std::string>;
  EXPECT_EQ(plan_replacements({6, 10}, 12, 12, 0, three, all).take_out, Ids{"0"});
  EXPECT_EQ(plan_replacements({4, 10}, 12, 12, 0, three, all).take_out, (Ids{"0", "1"}));
  EXPECT_EQ(plan_replacements({9, 14}, 12, 12, 0, three, all), (Replacements{{}, {"0"}}));
  // At most so many units, the last instance whole.
  EXPECT_EQ(plan_replacements({0, 10}, 12, 12, 0, three, 5).take_out, (Ids{"0", "1"}));
  // What fails counts as what it was.
  EXPECT_EQ(plan_replacements({8, 10}, 12, 8, 4, std::vector{heavy("0", false)}, all).take_out, Ids{"0"});
}

// Instances by letters: r ready, f failing, s starting, capitals marked.
Replacements plan(const Range& range, int desired, std::string_view candidates, std::string_view others = "",
                  int limit = std::numeric_limits<int>::max()) {
  std::vector<Replaceable> list;
  int marked = 0, unmarked = 0, ready = 0, failing = 0;
  const auto count = [&](char letter) {
    const bool is_marked = letter < 'a';
    ++(is_marked ? marked : unmarked);
    ready += (letter | 32) == 'r';
    failing += (letter | 32) == 'f';
    return is_marked;
  };
  for (const char letter : candidates) {
    const bool is_marked = count(letter);
    list.push_back({std::to_string(list.size()), (letter | 32) == 'r', (letter | 32) == 'f', is_marked});
  }
  for (const char letter : others) count(letter);
  return plan_replacements(range, std::max(desired, unmarked) + marked, ready, failing, list, limit);
}

using Ids = std::vector<std::string>;

TEST(Replacements, KeepWithinTheRange) {
  // Take out down to the floor.
  EXPECT_EQ(plan({9, 10}, 10, "rrrrrrrrrr"), (Replacements{{"0"}, {}}));
  EXPECT_EQ(plan({0, 10}, 3, "rrr"), (Replacements{{"0", "1", "2"}, {}}));
  // Launch up to the ceiling, and let one go for each that is ready.
  EXPECT_EQ(plan({2, 3}, 2, "rr"), (Replacements{{}, {"0"}}));
  EXPECT_EQ(plan({2, 3}, 2, "Rr", "s"), (Replacements{{}, {}}));
  EXPECT_EQ(plan({2, 3}, 2, "Rr", "r"), (Replacements{{"0"}, {"1"}}));
  EXPECT_EQ(plan({2, 4}, 2, "rr"), (Replacements{{}, {"0", "1"}}));
  EXPECT_EQ(plan({2, 4}, 2, "RR", "rs"), (Replacements{{"0"}, {}}));
  // Both ways at once.
  EXPECT_EQ(plan({9, 11}, 10, "rrrrrrrrrr"), (Replacements{{"0"}, {"1"}}));
  EXPECT_EQ(plan({9, 11}, 10, "Rrrrrrrr", "ss"), (Replacements{{}, {}}));
  // No more than is asked for.
  EXPECT_EQ(plan({8, 10}, 10, "rrrrrrrrrr", "", 1), (Replacements{{"0"}, {}}));
  EXPECT_EQ(plan({0, 10}, 10, "rrrrrrrrrr", "", 0), (Replacements{{}, {}}));
  // A group that is short of instances is not made shorter.
  EXPECT_EQ(plan({9, 10}, 10, "rrrrrrrrr"), (Replacements{{}, {}}));
  EXPECT_EQ(plan({9, 10}, 10, "rrrrrrrr", "ss"), (Replacements{{}, {}}));
}

TEST(Replacements, WhatFailsCostsNothing) {
  EXPECT_EQ(plan({1, 2}, 2, "fr"), (Replacements{{"0"}, {}}));
  // Where another is launched first, that one is waited for.
  EXPECT_EQ(plan({2, 3}, 2, "f", "r"), (Replacements{{}, {"0"}}));
  EXPECT_EQ(plan({2, 3}, 2, "F", "rs"), (Replacements{{}, {}}));
  EXPECT_EQ(plan({2, 3}, 2, "F", "rr"), (Replacements{{"0"}, {}}));
  // Two fail where there is room for one more: one after the other.
  EXPECT_EQ(plan({2, 3}, 2, "ff"), (Replacements{{}, {"0"}}));
  EXPECT_EQ(plan({2, 3}, 2, "Ff", "s"), (Replacements{{}, {}}));
  EXPECT_EQ(plan({2, 3}, 2, "Ff", "r"), (Replacements{{"0"}, {"1"}}));
  // When nothing is known of any instance, none is touched.
  EXPECT_EQ(plan({1, 2}, 2, "ss"), (Replacements{{}, {}}));
  EXPECT_EQ(plan({1, 2}, 2, "s", "r"), (Replacements{{"0"}, {}}));
}

}  // namespace
}  // namespace brume::autoscaling
