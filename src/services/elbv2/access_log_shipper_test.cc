#include "services/elbv2/access_log_shipper.h"

#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/common/recorded_logs.h"
#include "services/elbv2/attributes.h"
#include "store/memory_backend.h"

namespace brume::elbv2 {
namespace {

using std::chrono::seconds;
constexpr const char* kName = "app/web/0123";
constexpr const char* kGroup = "/aws/elasticloadbalancing/web";

TEST(AccessLogs, Names) {
  const std::string arn = "arn:aws:elasticloadbalancing:ap-southeast-1:000000000000:loadbalancer/app/my-web/50dc6c49";
  EXPECT_EQ(access_log_name(arn), "app/my-web/50dc6c49");
  EXPECT_EQ(folder_of("app/my-web/50dc6c49"), "app.my-web.50dc6c49");
  EXPECT_EQ(access_log_group("app/my-web/50dc6c49"), "/aws/elasticloadbalancing/my-web");
}

TEST(AccessLogs, Events) {
  const Timestamp otherwise(seconds(7));
  const struct {
    const char *what, *lines;
    std::vector<services::LogEvent> events;
  } cases[] = {
      {"nothing", "", {}},
      {"lines",
       "http 1970-01-01T00:00:01.234567Z a b\nws 1970-01-01T00:00:02.000000Z c\n",
       {{Timestamp(std::chrono::milliseconds(1234)), "http 1970-01-01T00:00:01.234567Z a b"},
        {Timestamp(seconds(2)), "ws 1970-01-01T00:00:02.000000Z c"}}},
      {"a torn end",
       "http 1970-01-01T00:00:01.000000Z a\nhttp 1970-01-01T00:0",
       {{Timestamp(seconds(1)), "http 1970-01-01T00:00:01.000000Z a"}}},
      {"a line without a time", "\nhuh\n", {{otherwise, "huh"}}},
  };
  for (const auto& one : cases) EXPECT_EQ(access_log_events(one.lines, otherwise), one.events) << one.what;
}

TEST(AccessLogs, EnabledOnesNeedABucket) {
  Attributes attributes = initial_attributes(load_balancer_attributes());
  EXPECT_TRUE(check_together(attributes));
  attributes["access_logs.s3.enabled"] = "true";
  EXPECT_EQ(check_together(attributes).error().code, "InvalidConfigurationRequest");
  attributes["access_logs.s3.bucket"] = "logs";
  EXPECT_TRUE(check_together(attributes));
  attributes["access_logs.s3.prefix"] = "a/AWSLogs";
  EXPECT_EQ(check_together(attributes).error().code, "InvalidConfigurationRequest");
}

class AccessLogShipperTest : public testing::Test {
 protected:
  AccessLogShipperTest() { boot(); }
  void boot() {
    sim.loop.clear();
    shipper = std::make_unique<AccessLogShipper>(services::Context{sim.env, store, hints, "ap-southeast-1"}, "/logs",
                                                 logs, [this] { return logging; });
    shipper->start();
  }
  void spool(const std::string& file, const std::string& line) {
    ASSERT_TRUE(sim.files.make_folders("/logs/app.web.0123", 0700));
    ASSERT_TRUE(sim.files.write("/logs/app.web.0123/" + file, "http 2026-01-01T00:00:00.000000Z " + line + "\n", 0600));
  }
  std::vector<std::string> shipped() {
    std::vector<std::string> lines;
    for (const std::string& line : logs.streams[kGroup][kName]) lines.push_back(line.substr(line.rfind(' ') + 1));
    return lines;
  }
  using Lines = std::vector<std::string>;

  env::SimEnv sim;
  store::MemoryBackend backend;
  store::Store store{backend};
  services::Hints hints{sim.loop};
  services::RecordedLogs logs;
  std::set<std::string> logging = {kName};
  std::unique_ptr<AccessLogShipper> shipper;
};

TEST_F(AccessLogShipperTest, WholeFilesArriveAndGo) {
  spool("00000000000000000001.log", "a");
  spool("00000000000000000002.open", "not yet");
  sim.loop.run_for(seconds(3));
  EXPECT_EQ(shipped(), Lines{"a"});
  EXPECT_EQ(logs.retentions[kGroup], 14);
  EXPECT_EQ(sim.files.list("/logs/app.web.0123").value(), Lines{"00000000000000000002.open"});
  ASSERT_TRUE(
      sim.files.rename("/logs/app.web.0123/00000000000000000002.open", "/logs/app.web.0123/00000000000000000002.log"));
  sim.loop.run_for(seconds(3));
  EXPECT_EQ(shipped(), (Lines{"a", "yet"}));
}

TEST_F(AccessLogShipperTest, WhatIsLeftArrivesAfterTheLogWasSwitchedOff) {
  spool("00000000000000000001.log", "a");
  spool("00000000000000000002.open", "b");
  logging.clear();
  sim.loop.run_for(seconds(30));
  EXPECT_EQ(shipped(), Lines{"a"}) << "its process may still write the other";
  sim.loop.run_for(seconds(60));
  EXPECT_EQ(shipped(), (Lines{"a", "b"}));
  EXPECT_TRUE(sim.files.list("/logs")->empty());
}

TEST_F(AccessLogShipperTest, WithNothingToDoItHardlyLooks) {
  logging.clear();
  sim.loop.run_for(seconds(120));
  const auto executed = sim.loop.executed();
  sim.loop.run_for(std::chrono::minutes(10));
  EXPECT_LE(sim.loop.executed() - executed, 30U);
  logging = {kName};
  spool("00000000000000000001.log", "a");
  hints.publish("arn:aws:elasticloadbalancing:ap-southeast-1:000000000000:loadbalancer/app/web/0123");
  sim.loop.run_for(seconds(1));
  EXPECT_EQ(shipped(), Lines{"a"});
}

TEST_F(AccessLogShipperTest, AFullDiskLosesNothingAndKeepsTheOrder) {
  logs.full = true;
  spool("00000000000000000001.log", "a");
  sim.loop.run_for(seconds(100));
  spool("00000000000000000002.log", "b");
  logs.full = false;
  sim.loop.run_for(seconds(60));
  EXPECT_EQ(shipped(), (Lines{"a", "b"}));
}

// Killed after any number of milliseconds, again and again.
TEST_F(AccessLogShipperTest, NoLineIsLostOrThereTwice) {
  Lines all;
  for (int round = 0; round < 100; ++round) {
    all.push_back(std::to_string(round));
    spool(fmt::format("{:020}.log", round + 1), all.back());
    sim.loop.run_for(std::chrono::milliseconds(round % 7));
    boot();
  }
  sim.loop.run_for(seconds(60));
  EXPECT_EQ(shipped(), all);
}

}  // namespace
}  // namespace brume::elbv2
