// The service as it stands in the daemon: groups on one thread, events from several.
#include <atomic>
#include <thread>

#include "services/logs/service_fixture_test.h"

namespace brume::logs {
namespace {

TEST_F(LogsServiceTest, WhatIsAppendedByServicesIsThereOnceForEachToken) {
  must(service->ensure_group("/brume/test", 0));
  must(service->ensure_group("/brume/test", 0));
  const std::vector<services::LogEvent> lines{{sim.clock.wall(), "a"}, {sim.clock.wall(), "b"}};
  for (int i = 0; i < 3; ++i) must(service->append("/brume/test", "s", lines, "batch"));
  EXPECT_EQ(count("/brume/test"), 2U);
  must(service->append("/brume/test", "s", lines, "another"));
  EXPECT_EQ(count("/brume/test"), 4U);
  EXPECT_FALSE(service->append("/brume/nothing", "s", lines, ""));
}

TEST_F(LogsServiceTest, ADeletedGroupsEventsGoWithItThoughTheDaemonIsKilled) {
  make("g");
  must(service->CreateLogStream(call, {.logGroupName = "g", .logStreamName = "s"}));
  must(put("g", "s", "secret"));
  remove("g");
  EXPECT_EQ(count("g"), 0U);
  boot();  // what was to remove them is gone
  sim.loop.run_for(std::chrono::seconds(1));
  must(events->maintain(sim.clock.wall().time_since_epoch().count()));
  EXPECT_EQ(events->usage().events, 0U);
}

TEST_F(LogsServiceTest, MetricsOfWhatMatchesAndTheDefaultOfAMinuteWithoutAMatch) {
  make("g");
  must(service->CreateLogStream(call, {.logGroupName = "g", .logStreamName = "s"}));
  must(store->transact([&] {
    return service->PutMetricFilter(
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
  must(service->CreateLogStream(call, {.logGroupName = "kept", .logStreamName = "s"}));
  std::atomic<int> acknowledged = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i)
    writers.emplace_back([&] {
      for (int n = 0; n < 50; ++n) {
        acknowledged += put("kept", "s", "line") ? 1 : 0;
        (void)service->CreateLogStream(call, {.logGroupName = "passing", .logStreamName = "s"});
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
