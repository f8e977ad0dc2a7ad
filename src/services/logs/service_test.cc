// The service as it stands in the daemon: groups on one thread, events from several.
#include "services/logs/service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "env/sim.h"
#include "env/temporary_folder.h"
#include "services/common/recorded_metrics.h"
#include "store/memory_backend.h"

namespace brume::logs {
namespace {

class LogsServiceTest : public testing::Test {
 protected:
  LogsServiceTest() { must(service.load()); }

  template <typename T>
  static void must(const Result<T>& result) {
    ASSERT_TRUE(result) << result.error().message;
  }
  void make(const std::string& group) {
    must(store.transact([&] { return service.CreateLogGroup(call, {.logGroupName = group}); }));
  }
  void remove(const std::string& group) {
    must(store.transact([&] { return service.DeleteLogGroup(call, {.logGroupName = group}); }));
  }
  Result<PutLogEventsResponse> put(const std::string& group, const std::string& stream, const std::string& message) {
    const std::int64_t now = sim.clock.wall().time_since_epoch().count();
    return service.PutLogEvents(call, {.logGroupName = group,
                                       .logStreamName = stream,
                                       .logEvents = {InputLogEvent{.timestamp = now, .message = message}}});
  }
  std::size_t count(const std::string& group) {
    const auto found = service.FilterLogEvents(call, {.logGroupName = group});
    return found ? found->events.size() : 0;
  }

  env::SimEnv sim;
  env::TemporaryFolder folder;
  std::unique_ptr<logstore::EventStore> events = *logstore::EventStore::open({.path = folder.path() + "/logs.db"});
  store::MemoryBackend backend;
  store::Store store{backend};
  services::Hints hints{sim.loop};
  services::RecordedMetrics metrics;
  Service service{services::Context{sim.env, store, hints, "ap-southeast-1"},
                  *events,
                  metrics,
                  [this](auto work, auto done) { sim.loop.run_blocking(std::move(work), std::move(done)); },
                  [] {},
                  folder.path() + "/exports"};
  const aws::Call call{.region = "ap-southeast-1"};
};

TEST_F(LogsServiceTest, WhatIsAppendedByServicesIsThereOnceForEachToken) {
  must(service.ensure_group("/brume/test", 0));
  must(service.ensure_group("/brume/test", 0));
  const std::vector<services::LogEvent> lines{{sim.clock.wall(), "a"}, {sim.clock.wall(), "b"}};
  for (int i = 0; i < 3; ++i) must(service.append("/brume/test", "s", lines, "batch"));
  EXPECT_EQ(count("/brume/test"), 2U);
  must(service.append("/brume/test", "s", lines, "another"));
  EXPECT_EQ(count("/brume/test"), 4U);
  EXPECT_FALSE(service.append("/brume/nothing", "s", lines, ""));
}

TEST_F(LogsServiceTest, ADeletedGroupsEventsGoWithItThoughTheDaemonIsKilled) {
  make("g");
  must(service.CreateLogStream(call, {.logGroupName = "g", .logStreamName = "s"}));
  must(put("g", "s", "secret"));
  remove("g");
  EXPECT_EQ(count("g"), 0U);
  sim.loop.clear();  // what was to remove them is gone
  Service next(
      {sim.env, store, hints, "ap-southeast-1"}, *events, metrics,
      [this](auto work, auto done) { sim.loop.run_blocking(std::move(work), std::move(done)); }, [] {},
      folder.path() + "/exports");
  must(next.load());
  next.start();
  sim.loop.run_for(std::chrono::seconds(1));
  must(events->maintain(sim.clock.wall().time_since_epoch().count()));
  EXPECT_EQ(events->usage().events, 0U);
}

TEST_F(LogsServiceTest, MetricsOfWhatMatchesAndTheDefaultOfAMinuteWithoutAMatch) {
  make("g");
  must(service.CreateLogStream(call, {.logGroupName = "g", .logStreamName = "s"}));
  must(store.transact([&] {
    return service.PutMetricFilter(
        call, {.logGroupName = "g",
               .filterName = "errors",
               .filterPattern = "ERROR",
               .metricTransformations = {MetricTransformation{
                   .metricName = "Errors", .metricNamespace = "Web", .metricValue = "1", .defaultValue = 0}}});
  }));
  must(put("g", "s", "an ERROR"));
  must(put("g", "s", "well"));
  sim.loop.run_for(std::chrono::seconds(61));
  must(put("g", "s", "well"));
  sim.loop.run_for(std::chrono::minutes(3));
  const auto told = metrics.of("Errors", {});
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].sum, 1);
  EXPECT_EQ(told[1].sum, 0);
}

// For the thread sanitizer, and that nothing that was acknowledged is missing.
TEST_F(LogsServiceTest, GroupsComeAndGoWhileEventsAreWritten) {
  make("kept");
  must(service.CreateLogStream(call, {.logGroupName = "kept", .logStreamName = "s"}));
  std::atomic<int> acknowledged = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i)
    writers.emplace_back([&] {
      for (int n = 0; n < 50; ++n) {
        acknowledged += put("kept", "s", "line") ? 1 : 0;
        (void)service.CreateLogStream(call, {.logGroupName = "passing", .logStreamName = "s"});
        (void)put("passing", "s", "line");
        (void)count("passing");
      }
      over = true;
    });
  while (!over) {
    make("passing");
    remove("passing");
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(acknowledged, 150);
  EXPECT_EQ(count("kept"), 150U);
}

}  // namespace
}  // namespace brume::logs
