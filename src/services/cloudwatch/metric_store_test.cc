#include "services/cloudwatch/metric_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "env/sim.h"
#include "services/cloudwatch/metric_budget.h"
#include "services/cloudwatch/metric_tables.h"
#include "services/cloudwatch/statistic.h"
#include "store/memory_backend.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// A disk that can fail in the midst of things.
struct Disk : store::MemoryBackend {
  Result<void> commit(const std::vector<store::Change>& changes) override {
    if (commits_left == 0) return fail_internal("The power is gone.");
    if (commits_left > 0) --commits_left;
    return MemoryBackend::commit(changes);
  }
  int commits_left = -1;  // without end
};

// A metric store on a disk that survives it.
struct Machine {
  explicit Machine(std::uint64_t seed = 1, MetricLimits with = {}, std::optional<std::uint64_t> disk = std::nullopt)
      : sim(seed), limits(with) {
    if (disk) budget.emplace(*disk);
    restart();
  }
  // What `kill -9` and a start leave.
  void restart() {
    sim.loop.clear();
    store = std::make_unique<store::Store>(backend);
    metrics = std::make_unique<MetricStore>(sim.env, *store, "eu-west-1", limits, budget ? &*budget : nullptr);
    const auto loaded = metrics->load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    metrics->start();
  }
  Result<void> put(const std::vector<MetricStore::Sample>& samples) {
    return store->transact([&] { return metrics->put(samples); });
  }
  Result<void> put(const services::MetricBatch& batch) {
    return store->transact([&] { return metrics->put(batch, false); });
  }
  [[nodiscard]] std::uint32_t now() const { return to_seconds(sim.clock.wall()); }
  // What the rows of blocks are in truth.
  [[nodiscard]] std::uint64_t block_bytes() {
    std::uint64_t sum = 0;
    const auto rows = backend.load("cloudwatch.blocks", "eu-west-1");
    for (const store::Row& row : *rows) sum += row.key.size() + row.value.size();
    return sum;
  }
  [[nodiscard]] std::vector<double> read(const MetricId& id, const char* statistic, int period, std::uint32_t start,
                                         std::uint32_t end) const {
    std::vector<double> out;
    for (const MetricPoint& point :
         metrics->read(id, *parse_statistic(statistic), seconds(period), to_timestamp(start), to_timestamp(end)))
      out.push_back(point.value);
    return out;
  }

  env::SimEnv sim;
  Disk backend;
  MetricLimits limits;
  std::optional<MetricBudget> budget;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<MetricStore> metrics;
};

MetricId metric(int number) {
  return {"Shop", "Orders", {{"Number", std::to_string(number)}}};
}

MetricStore::Sample sample(int number, std::uint32_t time, double value, bool high = false, std::uint8_t unit = 0) {
  const MetricId id = metric(number);
  return {key_of(id.metric_namespace, id.name, id.dimensions), high, {time, unit, one_value(value)}};
}

TEST(MetricStore, PeriodsUnitsAndRetention) {
  Machine machine;
  const std::uint32_t now = machine.now();
  ASSERT_EQ(now % 3600, 0U);
  ASSERT_TRUE(machine.put({sample(1, now - 100, 1), sample(1, now - 100, 3), sample(1, now - 50, 5)}));
  EXPECT_EQ(machine.read(metric(1), "Sum", 60, now - 120, now), (std::vector<double>{4, 5}));
  // A start within a period stands for its begin; an end does not.
  EXPECT_EQ(machine.read(metric(1), "Sum", 60, now - 65, now - 60), (std::vector<double>{4}));
  EXPECT_EQ(machine.read(metric(1), "SampleCount", 300, now - 300, now), (std::vector<double>{3}));
  EXPECT_TRUE(machine.read(metric(1), "Sum", 10, now - 120, now).empty());  // not of high resolution
  EXPECT_TRUE(machine.read(metric(2), "Sum", 60, now - 120, now).empty());
  // Several units: together, or the one that is asked for.
  ASSERT_TRUE(machine.put({sample(1, now - 50, 7, false, 1)}));
  const auto all =
      machine.metrics->read(metric(1), *parse_statistic("Sum"), minutes(1), to_timestamp(now - 60), to_timestamp(now));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all.front(), (MetricPoint{to_timestamp(now - 60), 12, ""}));
  const auto timed = machine.metrics->read(metric(1), *parse_statistic("Sum"), minutes(1), to_timestamp(now - 60),
                                           to_timestamp(now), "Seconds");
  ASSERT_EQ(timed.size(), 1U);
  EXPECT_EQ(timed.front(), (MetricPoint{to_timestamp(now - 60), 7, "Seconds"}));

  ASSERT_TRUE(machine.put({sample(3, now, 1, true), sample(3, now + 1, 2, true)}));
  EXPECT_EQ(machine.read(metric(3), "Sum", 1, now, now + 60), (std::vector<double>{1, 2}));
  const struct {
    int period;
    std::uint32_t kept;
  } levels[] = {{1, 3 * kHour}, {60, 15 * kDay}, {300, 63 * kDay}, {3600, 455 * kDay}, {86400, 455 * kDay}};
  for (const auto& [period, kept] : levels) {
    machine.sim.loop.run_for(to_timestamp(now + kept - 60) - machine.sim.clock.wall());
    EXPECT_FALSE(machine.read(metric(3), "Sum", period, now, now + 60).empty()) << period;
    machine.restart();
    EXPECT_FALSE(machine.read(metric(3), "Sum", period, now, now + 60).empty()) << period;
    machine.sim.loop.run_for(seconds(62));
    EXPECT_TRUE(machine.read(metric(3), "Sum", period, now, now + 60).empty()) << period;
  }
  // At last nothing is left of it.
  machine.sim.loop.run_for(hours(24 * 16));
  EXPECT_TRUE(machine.metrics->list({}, 10).empty());
  for (const char* table : {kJournalTable, kNamesTable, "cloudwatch.blocks"})
    EXPECT_TRUE(machine.backend.load(table, "eu-west-1")->empty()) << table;
}

TEST(MetricStore, AnUndoneCallLeavesNothing) {
  Machine machine;
  const std::uint32_t now = machine.now();
  ASSERT_TRUE(machine.put({sample(1, now, 1)}));
  const auto undone = machine.store->transact([&]() -> Result<void> {
    BRUME_CHECK(machine.metrics->put({sample(1, now + 5, 1), sample(2, now, 1)}));
    BRUME_CHECK(machine.metrics->put({sample(3, now, 1), sample(2, now, 1)}));
    return fail("X", "no");
  });
  EXPECT_FALSE(undone);
  machine.backend.full = true;
  EXPECT_EQ(machine.put({sample(4, now, 1)}).error().code, "InsufficientStorage");
  machine.backend.full = false;
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(machine.metrics->list({}, 10), (std::vector<MetricId>{metric(1)}));
    EXPECT_EQ(machine.read(metric(1), "Sum", 60, now, now + 60), (std::vector<double>{1}));
    machine.restart();
  }
  ASSERT_TRUE(machine.put({sample(2, now, 4)}));
  machine.restart();
  EXPECT_EQ(machine.read(metric(2), "Sum", 60, now, now + 60), (std::vector<double>{4}));
  EXPECT_EQ(machine.metrics->series(), 2U);
}

TEST(MetricStore, FoldsByItselfAndAgainAfterAFullDisk) {
  Machine machine;
  const std::uint32_t now = machine.now();
  ASSERT_TRUE(machine.put({sample(1, now, 1)}));
  EXPECT_GT(machine.metrics->journal_bytes(), 0U);
  machine.backend.full = true;
  machine.sim.loop.run_for(minutes(61));
  EXPECT_GT(machine.metrics->journal_bytes(), 0U);
  EXPECT_EQ(machine.read(metric(1), "Sum", 60, now, now + 60), (std::vector<double>{1}));
  machine.backend.full = false;
  machine.sim.loop.run_for(minutes(2));
  EXPECT_EQ(machine.metrics->journal_bytes(), 0U);
  EXPECT_EQ(machine.read(metric(1), "Sum", 60, now, now + 60), (std::vector<double>{1}));
  EXPECT_TRUE(machine.backend.load(kJournalTable, "eu-west-1")->empty());
}

TEST(MetricStore, Bounds) {
  Machine machine(1, {.series = 3, .journal = 250, .fold_bytes = 1000});
  const std::uint32_t now = machine.now();
  ASSERT_TRUE(machine.put({sample(1, now, 1), sample(1, now, 2), sample(2, now, 1)}));
  const auto many = machine.put({sample(1, now, 1), sample(3, now, 1), sample(4, now, 1)});
  EXPECT_EQ(many.error().code, "LimitExceeded");
  double put = 2;
  Result<void> full;
  while ((full = machine.put({sample(1, now, 1)}))) ++put;
  EXPECT_EQ(full.error().code, "Throttling");
  EXPECT_LT(machine.metrics->journal_bytes(), 300U);
  machine.sim.loop.run_for(minutes(61));
  EXPECT_TRUE(machine.put({sample(1, now, 1)}));
  EXPECT_EQ(machine.read(metric(1), "SampleCount", 60, now, now + 60), (std::vector<double>{put + 1}));
}

TEST(MetricStore, Lists) {
  Machine machine;
  const std::uint32_t now = machine.now();
  const std::vector<MetricId> ids = {
      {"A", "x", {}},
      {"A", "x", {{"d", "1"}}},
      {"A", "x", {{"d", "1"}, {"e", "2"}}},
      {"A", "xy", {{"d", "1"}}},
      {"AA", "x", {{"d", "2"}}},
  };
  for (std::size_t i = 0; i < ids.size(); ++i)
    ASSERT_TRUE(machine.put({{key_of(ids[i].metric_namespace, ids[i].name, ids[i].dimensions),
                              false,
                              {now - std::uint32_t(i) * kHour, 0, one_value(1)}}}));
  const auto numbers = [&](const MetricFilter& filter, std::size_t limit = 10,
                           const std::optional<MetricId>& after = {}) {
    std::string out;
    for (const MetricId& id : machine.metrics->list(filter, limit, after))
      out += std::to_string(std::ranges::find(ids, id) - ids.begin());
    return out;
  };
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(numbers({}), "01234");
    EXPECT_EQ(numbers({.metric_namespace = "A"}), "0123");
    EXPECT_EQ(numbers({.metric_namespace = "A", .name = "x"}), "012");
    EXPECT_EQ(numbers({.name = "x"}), "0124");
    EXPECT_EQ(numbers({.dimensions = {{"d", "1"}}}), "123");
    EXPECT_EQ(numbers({.dimensions = {{"d", {}}}}), "1234");
    EXPECT_EQ(numbers({.dimensions = {{"d", "1"}, {"e", {}}}}), "2");
    EXPECT_EQ(numbers({.dimensions = {{"d", "1"}}, .exact_dimensions = true}), "13");
    EXPECT_EQ(numbers({.exact_dimensions = true}), "0");
    EXPECT_EQ(numbers({.active_since = to_timestamp(now - 2 * kHour)}), "012");
    EXPECT_EQ(numbers({}, 2), "01");
    EXPECT_EQ(numbers({}, 2, ids[1]), "23");
    EXPECT_EQ(numbers({}, 9, ids[2]), "34");
    EXPECT_EQ(numbers({.name = "x"}, 9, MetricId{"A", "x", {{"d", "0"}}}), "124");
    if (turn == 0) {
      ASSERT_TRUE(machine.metrics->fold_all());
    }
    if (turn == 1) machine.restart();
  }
}

TEST(MetricStore, AClockThatJumpsLosesNothing) {
  Machine machine;
  for (const int by : {1, -1, -1, 1}) {
    const std::uint32_t now = machine.now();
    ASSERT_TRUE(machine.put({sample(1, now, 1, true)}));
    const std::uint32_t edge = now - 3 * kHour + 600;  // soon too old for its level
    ASSERT_TRUE(machine.put({sample(2, edge, 1, true)}));
    ASSERT_TRUE(machine.metrics->fold_all());
    machine.sim.clock.jump_wall(hours(by));
    machine.sim.loop.run_for(minutes(70));  // a sweep comes by
    machine.restart();
    EXPECT_EQ(machine.read(metric(1), "Sum", 60, now, now + 60), (std::vector<double>{1}));
    machine.sim.clock.jump_wall(hours(-by) - minutes(70));
    EXPECT_EQ(machine.read(metric(2), "Sum", 1, edge, edge + 1), (std::vector<double>{1}));
    machine.sim.clock.jump_wall(minutes(70));
    ASSERT_TRUE(machine.put({sample(1, machine.now(), 1)}));
    machine.sim.loop.run_for(hours(1));
  }
}

constexpr services::MetricDefinition kTwo[] = {{"Shop", "Orders", "Count"}, {"Shop", "Returns", ""}};

TEST(MetricStore, ABatchIsFoundUnderItsNames) {
  Machine machine;
  const std::uint32_t now = machine.now();
  ASSERT_TRUE(machine.put({sample(1, now, 1)}));
  services::MetricSubject one{kTwo, {{"Number", "1"}}}, two{kTwo, {{"Number", "2"}, {"City", "Riga"}}}, again = two;
  for (int turn = 1; turn <= 3; ++turn) {
    services::MetricBatch batch(to_timestamp(now));
    const std::pair<double, double> values[] = {{3, 1}, {5, 2}};
    batch.add(one, 0, 13, 3, 3, 5, values);
    batch.add(two, 1, 4, 2, 2, 2, {});
    batch.add(two, 0, 0, 0, 0, 0, {});  // nothing
    batch.add(again, 1, 1, 1, 1, 1, {});
    ASSERT_TRUE(machine.put(batch));
    EXPECT_EQ(machine.metrics->series(), 2U);
    EXPECT_EQ(machine.read(metric(1), "Sum", 60, now, now + 60), (std::vector<double>{1 + 13.0 * turn}));
    EXPECT_EQ(machine.read(metric(1), "p50", 60, now, now + 60), (std::vector<double>{turn == 1 ? 3 : 5.0}));
    const MetricId returns{"Shop", "Returns", {{"City", "Riga"}, {"Number", "2"}}};
    EXPECT_EQ(machine.read(returns, "SampleCount", 60, now, now + 60), (std::vector<double>{3.0 * turn}));
    const auto read = machine.metrics->read(metric(1), *parse_statistic("Sum"), minutes(1), to_timestamp(now),
                                            to_timestamp(now + 60), "Count");
    EXPECT_EQ(read.at(0).value, 13.0 * turn);
    machine.restart();  // the subjects stay
  }
}

TEST(MetricStore, WhatABatchKnowsOfUndoneOrForgottenMetricsIsNotUsed) {
  Machine machine;
  const std::uint32_t now = machine.now();
  services::MetricSubject subject{kTwo, {{"Number", "7"}}};
  const auto put = [&](std::uint32_t time) {
    services::MetricBatch batch(to_timestamp(time));
    batch.add(subject, 0, 1, 1, 1, 1, {});
    return machine.put(batch);
  };
  machine.backend.full = true;
  EXPECT_FALSE(put(now));
  machine.backend.full = false;
  ASSERT_TRUE(machine.put({sample(1, now, 5)}));  // has the number that the subject's metric nearly had
  ASSERT_TRUE(put(now));
  EXPECT_EQ(machine.read(metric(1), "Sum", 60, now, now + 60), (std::vector<double>{5}));
  EXPECT_EQ(machine.read(metric(7), "Sum", 60, now, now + 60), (std::vector<double>{1}));
  ASSERT_TRUE(machine.metrics->fold_all());
  machine.sim.loop.run_for(hours(24 * 460));
  EXPECT_EQ(machine.metrics->series(), 0U);
  ASSERT_TRUE(put(machine.now()));
  EXPECT_EQ(machine.metrics->list({}, 10), (std::vector<MetricId>{metric(7)}));
  EXPECT_EQ(machine.read(metric(7), "Sum", 60, machine.now() - 60, machine.now() + 60), (std::vector<double>{1}));
}

TEST(MetricStore, ABatchIsOneRowOfTheJournal) {
  Machine machine;
  std::vector<services::MetricSubject> subjects;
  for (int i = 0; i < 100; ++i) subjects.push_back({kTwo, {{"Number", std::to_string(i)}}});
  services::MetricBatch batch(machine.sim.clock.wall());
  for (services::MetricSubject& subject : subjects) batch.add(subject, 0, 1, 1, 1, 1, {});
  ASSERT_TRUE(machine.put(batch));
  EXPECT_EQ(machine.backend.load(kJournalTable, "eu-west-1")->size(), 1U);
  EXPECT_EQ(machine.backend.commits, 1U);
}

// Random puts, folds, crashes and time against a simple model: every sample, kept for ever, and the rules of retention.
class RandomRuns : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomRuns, AgreeWithASimpleModel) {
  Machine machine(GetParam(), {.fold_bytes = 2000, .fold_rows = 20, .slice = 3});
  env::SimRandom random(GetParam());
  struct Kept {
    std::uint32_t time;
    double value;
    bool high;
  };
  std::map<int, std::vector<Kept>> model;
  const auto check = [&] {
    const std::uint32_t now = machine.now();
    const int number = int(random.below(200));
    const int periods[] = {1, 10, 60, 300, 600, 3600, 86400};
    const int period = periods[random.below(std::size(periods))];
    const std::uint32_t start = now - std::uint32_t(random.below(std::uint64_t(20) * kDay)),
                        end = start + std::uint32_t(random.below(std::uint64_t(5) * kDay));
    const std::uint32_t origin = start / period * period;
    const std::uint32_t kept = period % 3600 == 0  ? 455 * kDay
                               : period % 300 == 0 ? 63 * kDay
                               : period % 60 == 0  ? 15 * kDay
                                                   : 3 * kHour;
    std::map<std::uint32_t, std::vector<double>> wanted;
    for (const Kept& k : model[number]) {
      const std::uint32_t begin = k.time / period * period;
      if (begin >= origin && begin < end && begin + kept >= now && (k.high || period >= 60))
        wanted[begin].push_back(k.value);
    }
    std::vector<double> sums, highest, medians;
    for (auto& [begin, values] : wanted) {
      std::ranges::sort(values);
      double sum = 0;
      for (const double v : values) sum += v;
      sums.push_back(sum);
      highest.push_back(values.back());
      medians.push_back(values[(values.size() + 1) / 2 - 1]);
    }
    EXPECT_EQ(machine.read(metric(number), "Sum", period, start, end), sums);
    EXPECT_EQ(machine.read(metric(number), "Maximum", period, start, end), highest);
    EXPECT_EQ(machine.read(metric(number), "p50", period, start, end), medians);
  };
  for (int step = 0; step < 800; ++step) {
    switch (random.below(10)) {
      case 0:
        machine.restart();
        break;
      case 1:
        machine.sim.loop.run_for(seconds(random.below(20000)));
        break;
      case 2:
        // A crash in the midst of a fold.
        machine.backend.commits_left = int(random.below(20));
        (void)machine.metrics->fold_all();
        machine.backend.commits_left = -1;
        machine.restart();
        break;
      case 3:
        check();
        break;
      case 4:
        machine.backend.full = random.below(3) == 0;
        machine.sim.loop.run_for(seconds(random.below(100)));
        machine.backend.full = false;
        break;
      default: {
        std::vector<MetricStore::Sample> samples;
        std::vector<std::pair<int, Kept>> kept;
        const std::uint64_t many = 1 + random.below(8);
        for (std::uint64_t i = 0; i < many; ++i) {
          const int number = int(random.below(200));
          const std::uint32_t past = random.below(3) ? 600 : 14 * kDay;
          const Kept k{machine.now() - std::uint32_t(random.below(past)), double(random.below(50)),
                       random.below(2) == 0};
          samples.push_back(sample(number, k.time, k.value, k.high));
          kept.emplace_back(number, k);
        }
        machine.backend.full = random.below(10) == 0;
        const auto done = machine.put(samples);
        EXPECT_EQ(done.has_value(), !machine.backend.full);
        machine.backend.full = false;
        if (done)
          for (const auto& [number, k] : kept) model[number].push_back(k);
      }
    }
  }
  for (int i = 0; i < 200; ++i) check();
  ASSERT_TRUE(machine.metrics->fold_all());
  machine.restart();
  for (int i = 0; i < 200; ++i) check();
  machine.sim.loop.run_for(hours(2));  // what a crash left undone of a sweep is done
  EXPECT_GT(machine.block_bytes(), 0U);
  EXPECT_EQ(machine.metrics->blocks().bytes(), machine.block_bytes());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRuns, testing::Range<std::uint64_t>(1, 5));

}  // namespace
}  // namespace brume::cloudwatch
