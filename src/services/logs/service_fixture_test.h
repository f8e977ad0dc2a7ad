// The service on a simulated loop, with real event files, and with a model of what is elsewhere.
#pragma once

#include <gtest/gtest.h>

#include "env/sim.h"
#include "env/temporary_folder.h"
#include "services/common/recorded_metrics.h"
#include "services/logs/model_endpoint_test.h"
#include "services/logs/service.h"
#include "store/memory_backend.h"

namespace brume::logs {

class LogsServiceTest : public testing::Test {
 protected:
  LogsServiceTest() { boot(); }

  template <typename T>
  static void must(const Result<T>& result) {
    ASSERT_TRUE(result) << result.error().message;
  }
  // A daemon on what an earlier one has left.
  void boot() {
    service.reset();
    sim.loop.clear();
    store = std::make_unique<store::Store>(backend);
    service = std::make_unique<Service>(
        services::Context{sim.env, *store, hints, "ap-southeast-1"}, *events, metrics,
        [this](auto work, auto done) { sim.loop.run_blocking(std::move(work), std::move(done)); }, [] {},
        folder.path() + "/exports", outside);
    must(service->load());
    service->start();
  }
  void make(const std::string& group) {
    must(store->transact([&] { return service->CreateLogGroup(call, {.logGroupName = group}); }));
  }
  void make(const std::string& group, const std::string& stream) {
    make(group);
    must(service->CreateLogStream(call, {.logGroupName = group, .logStreamName = stream}));
  }
  void remove(const std::string& group) {
    must(store->transact([&] { return service->DeleteLogGroup(call, {.logGroupName = group}); }));
  }
  // `age`: how long ago the event was.
  Result<PutLogEventsResponse> put(const std::string& group, const std::string& stream, const std::string& message,
                                   std::chrono::milliseconds age = {}) {
    const std::int64_t at = (sim.clock.wall() - age).time_since_epoch().count();
    return service->PutLogEvents(call, {.logGroupName = group,
                                        .logStreamName = stream,
                                        .logEvents = {InputLogEvent{.timestamp = at, .message = message}}});
  }
  std::size_t count(const std::string& group) {
    const auto found = service->FilterLogEvents(call, {.logGroupName = group});
    return found ? found->events.size() : 0;
  }

  env::SimEnv sim;
  env::TemporaryFolder folder;
  std::unique_ptr<logstore::EventStore> events = *logstore::EventStore::open(
      {.path = folder.path() + "/logs.db", .block_bytes = 4096, .fold_bytes = 8192, .fold_rows = 32});
  store::MemoryBackend backend;
  std::unique_ptr<store::Store> store;
  services::Hints hints{sim.loop};
  services::RecordedMetrics metrics;
  ModelEndpoint endpoint;
  bool dies_before_done = false;  // what runs elsewhere is carried out, and the daemon is killed before it knows
  services::Outside outside{endpoint.outgoing(sim.clock), [this](auto work, auto done) {
                              sim.loop.run_blocking(std::move(work), [this, done = std::move(done)] {
                                if (!dies_before_done) done();
                              });
                            }};
  std::unique_ptr<Service> service;
  const aws::Call call{.region = "ap-southeast-1"};
};

}  // namespace brume::logs
