#include "services/cloudwatch/metric_budget.h"

#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/cloudwatch/metric_store.h"
#include "services/cloudwatch/metric_tables.h"
#include "services/cloudwatch/statistic.h"
#include "store/memory_backend.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(DropFor, TheOldestUntilThereIsSomewhatLess) {
  const std::multimap<std::uint32_t, std::uint64_t> blocks = {{10, 100}, {20, 30}, {20, 30}, {30, 100}, {99, 50}};
  EXPECT_EQ(drop_for(310, blocks, 50), std::nullopt);
  EXPECT_EQ(drop_for(309, blocks, 50), 10);
  EXPECT_EQ(drop_for(200, blocks, 50), 20);  // 1/64 less than that, and all that ends then
  EXPECT_EQ(drop_for(214, blocks, 50), 10);
  EXPECT_EQ(drop_for(1, blocks, 50), 30);  // what goes on stays
  EXPECT_EQ(drop_for(1, {{99, 50}}, 50), std::nullopt);
}

// Two regions' stores on one disk.
struct TwoRegions {
  explicit TwoRegions(std::uint64_t bytes) { restart(bytes); }
  void restart(std::uint64_t bytes) {
    sim.loop.clear();
    stores.clear();
    budget.emplace(bytes);
    store = std::make_unique<store::Store>(backend);
    for (const char* region : {"eu-west-1", "us-east-1"}) {
      stores.push_back(std::make_unique<MetricStore>(sim.env, *store, region, MetricLimits{}, &*budget));
      ASSERT_TRUE(stores.back()->load());
    }
    for (const auto& metrics : stores) metrics->start();
  }
  // Of so many metrics of a region, a sample each five minutes.
  void live(std::size_t region, int metrics, hours time) {
    for (minutes passed{}; passed < time; passed += minutes(5)) {
      std::vector<MetricStore::Sample> samples;
      for (int i = 0; i < metrics; ++i)
        samples.push_back({key_of("Shop", "Orders", {{"Number", std::to_string(i)}}),
                           false,
                           {to_seconds(sim.clock.wall()), 0, one_value(0.1 * double(i) + double(passed.count()))}});
      ASSERT_TRUE(store->transact([&] { return stores[region]->put(samples); }));
      sim.loop.run_for(minutes(5));
    }
  }
  [[nodiscard]] std::uint64_t rows() {
    std::uint64_t sum = 0;
    for (const char* region : {"eu-west-1", "us-east-1"}) {
      const auto rows = backend.load("cloudwatch.blocks", region);
      for (const store::Row& row : *rows) sum += row.key.size() + row.value.size();
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t counted() const { return stores[0]->blocks().bytes() + stores[1]->blocks().bytes(); }
  [[nodiscard]] std::size_t points(std::size_t region, int period, Timestamp from, Timestamp to) const {
    return stores[region]
        ->read({"Shop", "Orders", {{"Number", "0"}}}, *parse_statistic("Sum"), std::chrono::seconds(period), from, to)
        .size();
  }

  env::SimEnv sim;
  store::MemoryBackend backend;
  std::optional<MetricBudget> budget;
  std::unique_ptr<store::Store> store;
  std::vector<std::unique_ptr<MetricStore>> stores;
};

TEST(MetricBudget, TheOldestOfAllRegionsGo) {
  constexpr std::uint64_t kBudget = 400'000;
  TwoRegions world(kBudget);
  const Timestamp begin = world.sim.clock.wall();
  world.live(0, 20, hours(24));
  EXPECT_EQ(world.stores[0]->dropped_bytes(), 0U);
  EXPECT_EQ(world.counted(), world.rows());
  world.live(1, 20, hours(24 * 9));
  const Timestamp end = world.sim.clock.wall();
  world.sim.loop.run_for(hours(2));
  EXPECT_LE(world.rows(), kBudget);
  EXPECT_GT(world.rows(), kBudget / 2);
  EXPECT_GT(world.stores[0]->dropped_bytes(), 0U);
  EXPECT_EQ(world.counted(), world.rows());
  // The first day of the one region went before anything later of the other.
  EXPECT_EQ(world.points(0, 300, begin, begin + hours(12)), 0U);
  EXPECT_EQ(world.points(1, 300, end - hours(24), end), 288U);
  EXPECT_EQ(world.points(1, 60, end - hours(24), end), 288U);
  // A daemon that starts anew knows what there is.
  const std::uint64_t before = world.counted();
  world.restart(kBudget);
  EXPECT_EQ(world.counted(), before);
  world.live(1, 20, hours(24));
  world.sim.loop.run_for(hours(2));
  EXPECT_LE(world.rows(), kBudget);
  EXPECT_EQ(world.counted(), world.rows());
}

TEST(MetricBudget, ALesserOneHoldsFromTheStart) {
  TwoRegions world(1 << 30);
  world.live(0, 20, hours(24 * 8));
  world.sim.loop.run_for(hours(2));
  const std::uint64_t all = world.rows();
  world.restart(all / 2);
  world.sim.loop.run_for(minutes(1));
  EXPECT_LE(world.rows(), all / 2);
  EXPECT_EQ(world.counted(), world.rows());
}

}  // namespace
}  // namespace brume::cloudwatch
