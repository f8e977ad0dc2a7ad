// Subscription filters against a model of their destinations: what was acknowledged after a filter was made arrives,
// whatever fails or dies; nothing from before does.
#include <random>
#include <set>

#include "services/logs/service_fixture_test.h"

namespace brume::logs {
namespace {

using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;
using Fault = ModelEndpoint::Fault;

constexpr const char* kStream = "arn:aws:kinesis:eu-west-1:000000000000:stream/lines";
constexpr const char* kFirehose = "arn:aws:firehose:eu-west-1:000000000000:deliverystream/lines";
constexpr const char* kFunction = "arn:aws:lambda:eu-west-1:000000000000:function:reader:live";

class SubscriptionFilters : public LogsServiceTest {
 protected:
  PutSubscriptionFilterRequest request(const std::string& arn = kStream, const std::string& name = "f") {
    return {.logGroupName = "g", .filterName = name, .filterPattern = "", .destinationArn = arn, .roleArn = "role"};
  }
  // As the dispatcher does it.
  Result<void> subscribe(const PutSubscriptionFilterRequest& asked) {
    BRUME_TRY(errand, service->put_errand(asked));
    BRUME_CHECK(errand());
    return store->transact([&] { return service->PutSubscriptionFilter(call, asked); });
  }
  Result<void> unsubscribe(const std::string& name = "f") {
    return store->transact(
        [&] { return service->DeleteSubscriptionFilter(call, {.logGroupName = "g", .filterName = name}); });
  }
  double told(const std::string& metric, const char* type = "Kinesis Data Streams") {
    double sum = 0;
    for (const auto& sample :
         metrics.of(metric, {{"DestinationType", type}, {"FilterName", "f"}, {"LogGroupName", "g"}}))
      sum += sample.sum;
    return sum;
  }
  void run(std::chrono::milliseconds time = seconds(2)) { sim.loop.run_for(time); }
};

using Messages = std::vector<std::string>;

TEST_F(SubscriptionFilters, WhatComesAfterTheFilterIsDeliveredInAwssForm) {
  make("g", "a");
  must(service->CreateLogStream(call, {.logGroupName = "g", .logStreamName = "b"}));
  must(put("g", "a", "before"));
  auto asked = request();
  asked.filterPattern = "-debug";
  must(subscribe(asked));
  EXPECT_EQ(endpoint.control_messages, 1);
  must(put("g", "a", "late", hours(5)));  // of an earlier time than "before", and appended after it
  must(put("g", "a", "debug"));
  must(put("g", "b", "\"quoted\"\n"));
  run();
  ASSERT_EQ(endpoint.taken.size(), 2U);  // one a stream
  EXPECT_EQ(endpoint.messages(), (Messages{"late", "\"quoted\"\n"}));
  EXPECT_EQ(endpoint.keys, (Messages{"a", "b"}));
  const TakenMessage& first = endpoint.taken[0];
  EXPECT_EQ(first.messageType, "DATA_MESSAGE");
  EXPECT_EQ(first.owner, "000000000000");
  EXPECT_EQ(first.logGroup, "g");
  EXPECT_EQ(first.logStream, "a");
  EXPECT_EQ(first.subscriptionFilters, List<std::string>{"f"});
  EXPECT_EQ(first.logEvents[0].id.size(), 56U);
  EXPECT_EQ(first.logEvents[0].timestamp, (sim.clock.wall() - seconds(2) - hours(5)).time_since_epoch().count());
  EXPECT_EQ(told("ForwardedLogEvents"), 2);
  EXPECT_GT(told("ForwardedBytes"), 100);
  EXPECT_EQ(told("DeliveryErrors"), 0);

  run(minutes(10));
  boot();
  run(minutes(10));
  EXPECT_EQ(endpoint.taken.size(), 2U);  // once
}

TEST_F(SubscriptionFilters, FirehoseAndFunctions) {
  make("g", "a");
  must(subscribe(request(kFirehose)));
  auto function = request(kFunction, "g");
  function.roleArn.reset();
  must(subscribe(function));
  EXPECT_EQ(endpoint.control_messages, 1);
  EXPECT_EQ(endpoint.dry_runs, 1);
  must(put("g", "a", "one"));
  run();
  EXPECT_EQ(endpoint.messages(), (Messages{"one", "one"}));
  EXPECT_EQ(endpoint.keys[1], "/2015-03-31/functions/reader/invocations?Qualifier=live");
}

TEST_F(SubscriptionFilters, RandomDistributionHasPartitionsOfEachMessage) {
  make("g", "a");
  auto asked = request();
  asked.distribution = "Random";
  must(subscribe(asked));
  for (int i = 0; i < 3; ++i) {
    must(put("g", "a", "line"));
    run();
  }
  EXPECT_EQ(std::set(endpoint.keys.begin(), endpoint.keys.end()).size(), 3U);
}

TEST_F(SubscriptionFilters, WhatCannotBeIsRefusedWithAReason) {
  make("g", "a");
  const auto refused = [&](const PutSubscriptionFilterRequest& asked) {
    const auto put = subscribe(asked);
    EXPECT_FALSE(put);
    return put ? "" : put.error().code + ": " + put.error().message;
  };
  endpoint.fault = Fault::no_stream;
  EXPECT_EQ(refused(request()),
            "InvalidParameterException: Could not deliver test message to specified Kinesis stream. Check if the given "
            "Kinesis stream is in ACTIVE state. (400 ResourceNotFoundException: no)");
  endpoint.fault = Fault::none;
  outside.calls = aws::Outgoing();
  EXPECT_TRUE(refused(request()).contains("--endpoint kinesis=http://HOST:PORT"));
  outside.calls = endpoint.outgoing(sim.clock);
  EXPECT_TRUE(refused(request("arn:aws:sqs:eu-west-1:000000000000:lines")).contains("is not the ARN of"));
  auto asked = request();
  asked.roleArn.reset();
  EXPECT_TRUE(refused(asked).contains("destinationArn for vendor kinesis cannot be used without roleArn"));
  asked = request();
  asked.filterPattern = "{ $.a";
  EXPECT_TRUE(refused(asked).starts_with("InvalidParameterException"));
  asked = request();
  asked.logGroupName = "nothing";
  EXPECT_TRUE(refused(asked).starts_with("ResourceNotFoundException"));
  must(subscribe(request(kStream, "f")));
  must(subscribe(request(kStream, "g")));
  EXPECT_TRUE(refused(request(kStream, "h")).starts_with("LimitExceededException"));
  must(subscribe(request(kFirehose, "g")));  // in place of itself
  const auto shown = service->DescribeSubscriptionFilters(call, {.logGroupName = "g"});
  ASSERT_EQ(shown->subscriptionFilters.size(), 2U);
  EXPECT_EQ(shown->subscriptionFilters[1].destinationArn, kFirehose);
  EXPECT_EQ(shown->subscriptionFilters[1].distribution, "ByLogStream");
  must(unsubscribe());
  EXPECT_EQ(unsubscribe().error().code, "ResourceNotFoundException");
}

// As CloudFormation calls it: in process, where nobody waits.
TEST_F(SubscriptionFilters, WithoutAnErrandTheDestinationIsAskedMeanwhile) {
  make("g", "a");
  const auto put = [&] { return store->transact([&] { return service->PutSubscriptionFilter(call, request()); }); };
  endpoint.fault = Fault::unreachable;
  EXPECT_EQ(put().error().code, "OperationAbortedException");
  EXPECT_EQ(put().error().code, "OperationAbortedException");
  run();
  EXPECT_EQ(put().error().code, "InvalidParameterException");
  EXPECT_EQ(endpoint.calls, 1);
  endpoint.fault = Fault::none;
  EXPECT_EQ(put().error().code, "OperationAbortedException");
  run();
  must(put());
}

TEST_F(SubscriptionFilters, DestinationsByName) {
  make("g", "a");
  const std::string arn = "arn:aws:logs:ap-southeast-1:000000000000:destination:lines";
  EXPECT_FALSE(subscribe(request(arn)));
  must(store->transact([&] {
    return service->PutDestination(call, {.destinationName = "lines", .targetArn = kStream, .roleArn = "role"});
  }));
  auto asked = request(arn);
  asked.roleArn.reset();
  must(subscribe(asked));
  must(put("g", "a", "one"));
  run();
  EXPECT_EQ(endpoint.messages(), Messages{"one"});
  must(store->transact([&] { return service->DeleteDestination(call, {.destinationName = "lines"}); }));
  must(put("g", "a", "two"));
  run(minutes(5));
  EXPECT_EQ(endpoint.messages(), Messages{"one"});
  must(store->transact([&] {
    return service->PutDestination(call, {.destinationName = "lines", .targetArn = kFirehose, .roleArn = "role"});
  }));
  run(minutes(2));
  EXPECT_EQ(endpoint.messages(), (Messages{"one", "two"}));
}

TEST_F(SubscriptionFilters, AFilterMadeAgainBeginsAnew) {
  make("g", "a");
  must(subscribe(request()));
  endpoint.fault = Fault::unreachable;
  must(put("g", "a", "one"));
  run(minutes(1));
  must(unsubscribe());
  endpoint.fault = Fault::none;
  must(put("g", "a", "two"));
  must(subscribe(request()));
  must(put("g", "a", "three"));
  run(minutes(2));
  EXPECT_EQ(endpoint.messages(), Messages{"three"});

  remove("g");
  make("g", "a");
  must(put("g", "a", "four"));
  run(minutes(2));
  EXPECT_EQ(service->DescribeSubscriptionFilters(call, {.logGroupName = "g"})->subscriptionFilters.size(), 0U);
  must(subscribe(request()));
  must(put("g", "a", "five"));
  run(minutes(2));
  EXPECT_EQ(endpoint.messages(), (Messages{"three", "five"}));
}

TEST_F(SubscriptionFilters, ADestinationThatIsAwayGetsEverythingOnceAndInOrderWhenItIsBack) {
  for (const Fault fault : {Fault::unreachable, Fault::fails, Fault::throttles, Fault::no_stream}) {
    SCOPED_TRACE(int(fault));
    make("g", "a");
    must(subscribe(request()));
    endpoint = {};
    metrics.samples.clear();
    endpoint.fault = fault;
    Messages all;
    for (int i = 0; i < 120; ++i) {
      all.push_back(fmt::format("line {}", i));
      must(put("g", "a", all.back()));
      run(minutes(1));
      if (i % 50 == 0) boot();
      if (i % 10 == 0) must(events->maintain(sim.clock.wall().time_since_epoch().count()));
    }
    EXPECT_LT(endpoint.calls, 180);  // once a minute, and sooner after each start
    endpoint.fault = Fault::none;
    run(minutes(2));
    EXPECT_EQ(endpoint.messages(), all);
    EXPECT_GT(told(fault == Fault::throttles ? "DeliveryThrottling" : "DeliveryErrors"), 0);
    EXPECT_EQ(told(fault == Fault::throttles ? "DeliveryErrors" : "DeliveryThrottling"), 0);
    EXPECT_EQ(told("ForwardedLogEvents"), 120);
    remove("g");
  }
}

TEST_F(SubscriptionFilters, OfACallOnlyWhatWasRefusedIsSentAgain) {
  make("g");
  must(subscribe(request()));
  std::set<std::string> all;
  for (int i = 0; i < 40; ++i) {
    const std::string stream = fmt::format("s{}", i);
    must(service->CreateLogStream(call, {.logGroupName = "g", .logStreamName = stream}));
    must(put("g", stream, *all.insert("line of " + stream).first));
  }
  endpoint.fault = Fault::throttles_every_other_record;
  run(minutes(10));
  endpoint.fault = Fault::none;
  run(minutes(2));
  const Messages came = endpoint.messages();
  EXPECT_EQ(came.size(), 40U);
  EXPECT_EQ(std::set(came.begin(), came.end()), all);
  EXPECT_GT(told("DeliveryThrottling"), 0);
}

TEST_F(SubscriptionFilters, AfterADayWithoutTheDestinationWhatIsADayOldIsGivenUp) {
  make("g", "a");
  must(subscribe(request()));
  endpoint.fault = Fault::unreachable;
  must(put("g", "a", "old"));
  run(hours(20));
  must(put("g", "a", "new"));
  run(hours(10));
  endpoint.fault = Fault::none;
  run(minutes(2));
  EXPECT_EQ(endpoint.messages(), Messages{"new"});
}

// Where the daemon did not run, the destination is not to blame.
TEST_F(SubscriptionFilters, WhatWasNotTriedForADayIsDelivered) {
  make("g", "a");
  must(subscribe(request()));
  must(put("g", "a", "old"));
  sim.loop.clear();
  run(hours(50));
  boot();
  run();
  EXPECT_EQ(endpoint.messages(), Messages{"old"});
}

TEST_F(SubscriptionFilters, PayloadsAreAsLargeAsTheirDestinationTakes) {
  make("g", "a");
  must(subscribe(request(kFunction)));
  std::mt19937 random(1);
  const auto noise = [&](std::size_t size) {
    std::string text(size, ' ');
    for (char& c : text) c = char(33 + random() % 90);
    return text;
  };
  Messages all;
  for (int i = 0; i < 20; ++i) must(put("g", "a", all.emplace_back(noise(100'000))));
  must(put("g", "a", noise(1'000'000)));  // more than an invocation carries
  must(put("g", "a", all.emplace_back("last")));
  run(minutes(1));
  EXPECT_EQ(endpoint.messages(), all);
  EXPECT_GE(endpoint.taken.size(), 10U);
  EXPECT_LE(endpoint.largest * 4 / 3, 256U << 10);
  EXPECT_EQ(told("DeliveryErrors", "Lambda"), 1);
}

// kill -9 at any moment, also between a delivery and the note of it; a destination that comes and goes; late events;
// folds meanwhile.
TEST_F(SubscriptionFilters, WhateverDiesAllIsDeliveredAtLeastOnce) {
  make("g");
  for (const char* stream : {"a", "b", "c"})
    must(service->CreateLogStream(call, {.logGroupName = "g", .logStreamName = stream}));
  must(put("g", "a", "never"));
  must(subscribe(request()));
  std::mt19937 random(7);
  std::set<std::string> all;
  for (int i = 0; i < 1500; ++i) {
    const std::string stream(1, char('a' + random() % 3));
    must(put("g", stream, *all.insert(fmt::format("line {}", i)).first, seconds(random() % 100'000)));
    endpoint.fault = random() % 4 == 0 ? Fault(random() % 7) : Fault::none;
    if (random() % 20 == 0) dies_before_done = true;
    run(std::chrono::milliseconds(random() % 3000));
    if (dies_before_done || random() % 30 == 0) boot();
    dies_before_done = false;
    if (random() % 20 == 0) must(events->maintain(sim.clock.wall().time_since_epoch().count()));
  }
  endpoint.fault = Fault::none;
  run(minutes(5));
  const Messages came = endpoint.messages();
  EXPECT_EQ(std::set(came.begin(), came.end()), all);
  EXPECT_GT(came.size(), all.size());      // some twice: the test has killed where it hurts
  EXPECT_LT(came.size(), all.size() * 2);  // and not all of them
}

}  // namespace
}  // namespace brume::logs
