#include "services/autoscaling/purchase_options.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace brume::autoscaling {
namespace {

InstancesDistribution of(int base, int percentage) {
  InstancesDistribution distribution;
  distribution.OnDemandBaseCapacity = base;
  distribution.OnDemandPercentageAboveBaseCapacity = percentage;
  return distribution;
}

std::vector<Holding> hold(int on_demand, int spot, const std::string& zone = "a") {
  std::vector<Holding> present;
  for (int i = 0; i < on_demand; ++i) present.push_back({.zone = zone, .type = "t3.micro"});
  for (int i = 0; i < spot; ++i) present.push_back({.zone = zone, .type = "t3.micro", .spot = true});
  return present;
}

// The user guide's examples ("Instances distribution"), and what follows from them.
TEST(PurchaseOptions, SharesByTable) {
  const struct {
    int base, percentage, capacity, on_demand;
  } cases[] = {
      {10, 50, 10, 10}, {10, 50, 20, 15}, {10, 50, 30, 20}, {10, 50, 40, 25},  // base, then half
      {0, 0, 10, 0},    {0, 0, 40, 0},                                         // Spot only
      {0, 60, 10, 6},   {0, 60, 20, 12},  {0, 60, 30, 18},  {0, 60, 40, 24},   // a percentage
      {0, 100, 10, 10}, {0, 100, 40, 40},                                      // On-Demand only
      {12, 0, 10, 10},  {12, 0, 20, 12},  {12, 0, 30, 12},  {12, 0, 40, 12},   // base, then Spot
      {2, 25, 10, 4},   {1, 50, 4, 3},    {0, 1, 1, 1},     {0, 50, 0, 0},     // what is not whole is On-Demand
  };
  for (const auto& one : cases)
    EXPECT_EQ(on_demand_share(of(one.base, one.percentage), one.capacity), one.on_demand)
        << one.base << " " << one.percentage << " " << one.capacity;
  EXPECT_EQ(on_demand_share(InstancesDistribution{}, 7), 7);  // AWS's default
}

TEST(PurchaseOptions, TenInstancesOneByOne) {
  const InstancesDistribution distribution = of(2, 25);
  std::vector<Holding> present;
  std::string order;
  for (int i = 0; i < 10; ++i) {
    const bool spot = next_is_spot(distribution, 10, present);
    order += spot ? 's' : 'd';
    present.push_back({.zone = "a", .type = "t3.micro", .spot = spot});
  }
  EXPECT_EQ(order, "ddddssssss");
  EXPECT_FALSE(spot_in_excess(distribution, 10, present));
  // And back: at each size the shares are kept.
  for (int desired = 9; desired >= 0; --desired) {
    const auto spot = spot_in_excess(distribution, desired, present);
    ASSERT_TRUE(spot) << desired;
    const auto gone = std::ranges::find(present, *spot, &Holding::spot);
    ASSERT_NE(gone, present.end()) << desired;
    present.erase(gone);
    EXPECT_FALSE(spot_in_excess(distribution, desired, present)) << desired;
  }
}

TEST(PurchaseOptions, NextByTable) {
  const struct {
    const char* why;
    InstancesDistribution distribution;
    int desired;
    std::vector<Holding> present;
    bool spot;
  } cases[] = {
      {"the base first", of(1, 0), 3, {}, false},
      {"then the rest", of(1, 0), 3, hold(1, 0), true},
      {"a lost Spot Instance is made up by one", of(1, 50), 5, hold(3, 1), true},
      {"and an On-Demand one by one", of(1, 50), 5, hold(2, 2), false},
      {"weights may overshoot", of(3, 0), 6, {{.zone = "a", .units = 4}}, true},
      {"for balance: what the fullest zone has",
       of(2, 0),
       3,
       {{.zone = "a"}, {.zone = "a"}, {.zone = "b", .spot = true}},
       false},
      {"for balance: Spot there",
       of(1, 0),
       3,
       {{.zone = "a", .spot = true}, {.zone = "a", .spot = true}, {.zone = "b"}},
       true},
      {"for balance: what may go",
       of(1, 0),
       2,
       {{.zone = "a", .spot = true, .is_protected = true}, {.zone = "a"}},
       false},
      {"for balance without Spot", of(0, 100), 2, hold(2, 0), false},
  };
  for (const auto& one : cases)
    EXPECT_EQ(next_is_spot(one.distribution, one.desired, one.present), one.spot) << one.why;
}

TEST(PurchaseOptions, WhichKindGoes) {
  EXPECT_EQ(spot_in_excess(of(0, 50), 2, hold(1, 2)), true);
  EXPECT_EQ(spot_in_excess(of(0, 50), 2, hold(2, 1)), false);
  EXPECT_EQ(spot_in_excess(of(0, 50), 2, hold(1, 1)), std::nullopt);
  EXPECT_EQ(spot_in_excess(of(0, 0), 2, hold(1, 2)), false);  // the percentage was changed
}

std::string types(const std::vector<LaunchOption>& options) {
  std::string text;
  for (const LaunchOption& option : options) text += (text.empty() ? "" : " ") + *option.type;
  return text;
}

TEST(PurchaseOptions, OrdersByStrategy) {
  const std::map<std::string, TypeSize> sizes = {
      {"t3.large", {8192, 2}}, {"t3.micro", {1024, 2}}, {"t2.micro", {1024, 1}}, {"t3.small", {2048, 2}}};
  const auto options = [] {
    std::vector<LaunchOption> made(4);
    const char* names[] = {"t3.large", "t3.micro", "t2.micro", "t3.small"};
    for (std::size_t i = 0; i < made.size(); ++i) made[i].type = names[i];
    return made;
  };
  const auto ordered = [&](const char* on_demand, const char* spot_strategy, bool spot, int pools,
                           const std::vector<Holding>& present, int large_units = 1) {
    InstancesDistribution distribution;
    distribution.OnDemandAllocationStrategy = on_demand;
    distribution.SpotAllocationStrategy = spot_strategy;
    if (pools > 0) distribution.SpotInstancePools = pools;
    auto given = options();
    given[0].units = large_units;
    return types(in_order(std::move(given), distribution, spot, sizes, present, "a"));
  };
  EXPECT_EQ(ordered("prioritized", "capacity-optimized", false, 0, {}), "t3.large t3.micro t2.micro t3.small");
  EXPECT_EQ(ordered("lowest-price", "capacity-optimized", false, 0, {}), "t2.micro t3.micro t3.small t3.large");
  EXPECT_EQ(ordered("prioritized", "capacity-optimized", true, 0, {}), "t2.micro t3.micro t3.small t3.large");
  EXPECT_EQ(ordered("prioritized", "price-capacity-optimized", true, 0, {}), "t2.micro t3.micro t3.small t3.large");
  EXPECT_EQ(ordered("prioritized", "capacity-optimized-prioritized", true, 0, {}),
            "t3.large t3.micro t2.micro t3.small");
  // Nobody chose the order of types that only have what was required.
  InstancesDistribution prioritized;
  prioritized.OnDemandAllocationStrategy = "prioritized";
  auto required = options();
  for (LaunchOption& option : required) option.by_requirements = true;
  EXPECT_EQ(types(in_order(std::move(required), prioritized, false, sizes, {}, "a")),
            "t2.micro t3.micro t3.small t3.large");
  // A unit of a heavy type may be cheaper.
  EXPECT_EQ(ordered("lowest-price", "", false, 0, {}, 16), "t3.large t2.micro t3.micro t3.small");
  // Two pools take turns, in each zone.
  const Holding one{.zone = "a", .type = "t2.micro", .spot = true};
  EXPECT_EQ(ordered("", "lowest-price", true, 2, {}), "t2.micro t3.micro t3.small t3.large");
  EXPECT_EQ(ordered("", "lowest-price", true, 2, {one}), "t3.micro t2.micro t3.small t3.large");
  EXPECT_EQ(ordered("", "lowest-price", true, 1, {one}), "t2.micro t3.micro t3.small t3.large");
  EXPECT_EQ(ordered("", "lowest-price", true, 2, {{.zone = "b", .type = "t2.micro", .spot = true}}),
            "t2.micro t3.micro t3.small t3.large");
}

}  // namespace
}  // namespace brume::autoscaling
