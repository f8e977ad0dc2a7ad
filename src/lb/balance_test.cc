#include "lb/balance.h"

#include <gtest/gtest.h>

namespace brume::lb {
namespace {

TEST(Balance, EligibleTargets) {
  struct Case {
    std::vector<Candidate> candidates;
    std::vector<std::uint32_t> expected;
  };
  const Case cases[] = {
      {{}, {}},
      {{{true, false}, {false, false}, {true, false}}, {0, 2}},
      {{{true, true}, {true, false}}, {1}},
      {{{false, false}, {false, false}}, {0, 1}},                 // fail-open
      {{{true, true}, {false, false}}, {1}},                      // a draining healthy one does not count
      {{{true, true}, {false, true}}, {}},
  };
  for (const auto& test : cases) EXPECT_EQ(eligible(test.candidates), test.expected);
}

TEST(Balance, RoundRobinTakesTurns) {
  const std::vector<std::uint32_t> targets{1, 4, 7};
  std::vector<std::uint32_t> chosen;
  for (std::uint64_t cursor = 0; cursor < 5; ++cursor) chosen.push_back(choose_round_robin(targets, cursor));
  EXPECT_EQ(chosen, (std::vector<std::uint32_t>{1, 4, 7, 1, 4}));
}

TEST(Balance, LeastOutstanding) {
  const std::vector<std::uint32_t> targets{0, 1, 2};
  auto choose = [&](std::vector<int> outstanding, std::uint64_t cursor) {
    return choose_least_outstanding(targets, cursor, [&](std::uint32_t i) { return outstanding[i]; });
  };
  EXPECT_EQ(choose({3, 1, 2}, 0), 1u);
  EXPECT_EQ(choose({3, 1, 1}, 2), 2u);
  EXPECT_EQ(choose({0, 0, 0}, 0), 0u);
  EXPECT_EQ(choose({0, 0, 0}, 1), 1u);
  EXPECT_EQ(choose({5, 5, 4}, 0), 2u);
}

TEST(Balance, Weights) {
  const std::vector<std::uint32_t> weights{1, 0, 3};
  int counts[3] = {};
  for (std::uint64_t random = 0; random < 400; ++random) ++counts[choose_weighted(weights, random)];
  EXPECT_EQ(counts[0], 100);
  EXPECT_EQ(counts[1], 0);
  EXPECT_EQ(counts[2], 300);
  EXPECT_EQ(choose_weighted(std::vector<std::uint32_t>{0, 0}, 7), -1);
  EXPECT_EQ(choose_weighted({}, 7), -1);
}

}  // namespace
}  // namespace brume::lb
