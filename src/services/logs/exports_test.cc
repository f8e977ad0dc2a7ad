// Exports to a bucket: where objects lie, what is in them, and what becomes of a task that is interrupted.
#include "services/logs/service_fixture_test.h"

namespace brume::logs {
namespace {

using Fault = ModelEndpoint::Fault;

class Exports : public LogsServiceTest {
 protected:
  Result<std::string> begin() {
    const CreateExportTaskRequest asked{.logGroupName = "g",
                                        .from = 0,
                                        .to = sim.clock.wall().time_since_epoch().count(),
                                        .destination = "bucket",
                                        .destinationPrefix = "logs"};
    BRUME_TRY(errand, service->export_errand(asked));
    BRUME_CHECK(errand());
    BRUME_TRY(made, store->transact([&] { return service->CreateExportTask(call, asked); }));
    return *made.taskId;
  }
  ExportTaskStatus status(const std::string& id) {
    return *service->DescribeExportTasks(call, {.taskId = id})->exportTasks[0].status;
  }
};

TEST_F(Exports, LieInTheBucketAsAwsLaysThem) {
  make("g", "a/b [$LATEST]");
  must(put("g", "a/b [$LATEST]", "one"));
  must(put("g", "a/b [$LATEST]", "two"));
  const auto id = begin();
  must(id);
  sim.loop.run_for(std::chrono::seconds(1));
  EXPECT_EQ(status(*id).code, "COMPLETED");
  EXPECT_EQ(endpoint.objects["/bucket/logs/aws-logs-write-test"], "Permission Check Successful");
  const auto object = endpoint.objects.find("/bucket/logs/" + *id + "/a-b%20%5B%24LATEST%5D/000000.gz");
  ASSERT_NE(object, endpoint.objects.end());
  EXPECT_EQ(*aws::gunzip(object->second, 1000), "2026-01-01T00:00:00Z one\n2026-01-01T00:00:00Z two\n");
  EXPECT_EQ(endpoint.objects.size(), 2U);
}

TEST_F(Exports, ABucketThatTakesNothingIsToldAtOnceAndLaterByTheTask) {
  make("g", "s");
  must(put("g", "s", "one"));
  endpoint.fault = Fault::no_stream;
  const auto refused = begin();
  EXPECT_TRUE(refused.error().message.starts_with("PutObject call on the given bucket failed."));
  endpoint.fault = Fault::none;
  const auto id = begin();
  must(id);
  endpoint.fault = Fault::fails;
  sim.loop.run_for(std::chrono::seconds(1));
  EXPECT_EQ(status(*id).code, "FAILED");
  EXPECT_TRUE(status(*id).message->contains("500"));
}

TEST_F(Exports, WhatARestartInterruptedBeginsAnew) {
  make("g", "s");
  must(put("g", "s", "one"));
  const auto id = begin();
  must(id);
  endpoint.objects["/bucket/logs/" + *id + "/s/000007.gz"] = "of an earlier daemon, whose objects were shorter";
  endpoint.objects["/bucket/logs/other"] = "another's";
  boot();
  sim.loop.run_for(std::chrono::seconds(1));
  EXPECT_EQ(status(*id).code, "COMPLETED");
  EXPECT_TRUE(endpoint.objects.contains("/bucket/logs/" + *id + "/s/000000.gz"));
  EXPECT_EQ(endpoint.objects.size(), 3U);
}

TEST_F(Exports, AreCancelledWhileTheyWait) {
  make("g", "s");
  must(put("g", "s", "one"));
  const auto id = begin();
  must(id);
  must(store->transact([&] { return service->CancelExportTask(call, {.taskId = *id}); }));
  EXPECT_EQ(status(*id).code, "PENDING_CANCEL");
  sim.loop.run_for(std::chrono::seconds(1));
  EXPECT_EQ(status(*id).code, "CANCELLED");
  EXPECT_EQ(endpoint.objects.size(), 1U);
}

}  // namespace
}  // namespace brume::logs
