#include "services/ec2/console_shipper.h"

#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/common/recorded_logs.h"
#include "store/memory_backend.h"

namespace brume::ec2 {
namespace {

using std::chrono::seconds;

// Consoles of one file each, whose positions count lines.
class FakeConsoles : public compute::ConsoleSource {
 public:
  Result<std::optional<compute::ConsolePiece>> next(const std::string& id, const compute::ConsoleRange& behind,
                                                    bool) override {
    ++looks;
    const auto& lines = printed[id];
    if (std::size_t(behind.end) >= lines.size()) return std::nullopt;
    return piece(id, behind.end, std::min<std::int64_t>(behind.end + most, std::int64_t(lines.size())));
  }
  Result<compute::ConsolePiece> again(const std::string& id, const compute::ConsoleRange& range) override {
    return piece(id, range.begin, range.end);
  }
  Result<std::vector<std::string>> gone() override { return std::vector<std::string>(); }
  Result<void> forget(const std::string& id) override {
    forgotten.push_back(id);
    printed.erase(id);
    return {};
  }
  compute::ConsolePiece piece(const std::string& id, std::int64_t begin, std::int64_t end) {
    compute::ConsolePiece made{{"2026-01-01T00:00:00+00:00", begin, end}, {}};
    for (std::int64_t i = begin; i < end; ++i)
      made.lines.push_back({Timestamp(seconds(i)), printed[id][std::size_t(i)]});
    return made;
  }

  std::map<std::string, std::vector<std::string>> printed;
  std::vector<std::string> forgotten;
  std::int64_t most = 1000;
  int looks = 0;
};

class FakeEc2 : public Api {
 public:
  Result<DescribeInstanceStatusResult> DescribeInstanceStatus(const aws::Call&,
                                                              const DescribeInstanceStatusRequest&) override {
    DescribeInstanceStatusResult result;
    for (const auto& [id, state] : states) {
      InstanceStatus& status = result.InstanceStatuses.emplace_back();
      status.InstanceId = id;
      status.InstanceState = InstanceState{};
      status.InstanceState->Name = state;
    }
    return result;
  }
  std::map<std::string, std::string> states;
};

class ConsoleShipperTest : public testing::Test {
 protected:
  ConsoleShipperTest() { boot(); }
  // `kill -9`, and another daemon.
  void boot() {
    sim.loop.clear();
    shipper.reset();
    store = std::make_unique<store::Store>(backend);
    hints = std::make_unique<services::Hints>(sim.loop);
    shipper = std::make_unique<ConsoleShipper>(services::Context{sim.env, *store, *hints, "ap-southeast-1"}, ec2,
                                               consoles, logs);
    EXPECT_TRUE(shipper->load());
    shipper->start();
  }
  std::vector<std::string>& shipped(const std::string& id = "i-1") { return logs.streams[kConsoleGroup][id]; }

  env::SimEnv sim;
  store::MemoryBackend backend;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<services::Hints> hints;
  FakeConsoles consoles;
  FakeEc2 ec2;
  services::RecordedLogs logs;
  std::unique_ptr<ConsoleShipper> shipper;
};

TEST_F(ConsoleShipperTest, WhatIsPrintedArrives) {
  ec2.states = {{"i-1", "running"}, {"i-2", "pending"}};
  sim.loop.run_for(seconds(6));
  EXPECT_TRUE(logs.groups.empty()) << "nothing was printed";
  consoles.printed = {{"i-1", {"a", "b"}}, {"i-2", {"c"}}};
  sim.loop.run_for(seconds(6));
  EXPECT_EQ(shipped(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(shipped("i-2"), (std::vector<std::string>{"c"}));
  EXPECT_EQ(logs.retentions[kConsoleGroup], 14);
  consoles.printed["i-1"].push_back("d");
  sim.loop.run_for(seconds(6));
  EXPECT_EQ(shipped(), (std::vector<std::string>{"a", "b", "d"}));
}

TEST_F(ConsoleShipperTest, LastWordsArriveAndAreForgotten) {
  ec2.states = {{"i-1", "running"}};
  consoles.printed["i-1"] = {"a"};
  sim.loop.run_for(seconds(6));
  consoles.printed["i-1"] = {"a", "last words"};
  ec2.states = {{"i-1", "terminated"}};
  sim.loop.run_for(seconds(6));
  EXPECT_EQ(shipped(), (std::vector<std::string>{"a", "last words"}));
  EXPECT_EQ(consoles.forgotten, std::vector<std::string>{"i-1"});
  const int looks = consoles.looks;
  sim.loop.run_for(seconds(60));
  EXPECT_EQ(consoles.looks, looks) << "there is nothing more to look at";
  boot();
  sim.loop.run_for(seconds(60));
  EXPECT_EQ(shipped().size(), 2U);
}

TEST_F(ConsoleShipperTest, AlsoOfAnInstanceThatEc2HasForgotten) {
  ec2.states = {{"i-1", "running"}};
  consoles.printed["i-1"] = {"a"};
  sim.loop.run_for(seconds(6));
  ec2.states.clear();
  consoles.printed["i-1"].push_back("b");
  boot();
  EXPECT_TRUE(shipper->knows("i-1"));
  sim.loop.run_for(seconds(6));
  EXPECT_EQ(shipped(), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(shipper->knows("i-1"));
}

TEST_F(ConsoleShipperTest, EachInstanceHasItsTurn) {
  sim.loop.clear();
  shipper = std::make_unique<ConsoleShipper>(services::Context{sim.env, *store, *hints, "ap-southeast-1"}, ec2,
                                             consoles, logs, 3);
  for (int i = 10; i < 30; ++i) {
    ec2.states[fmt::format("i-{}", i)] = "running";
    consoles.printed[fmt::format("i-{}", i)] = {"a"};
  }
  shipper->start();
  for (std::size_t round = 1; round < 4; ++round) {
    sim.loop.run_for(seconds(5));
    for (auto& [id, lines] : consoles.printed) {
      EXPECT_EQ(shipped(id).size(), round) << id;
      lines.push_back("b");
    }
  }
}

TEST_F(ConsoleShipperTest, AFullDiskLosesNothing) {
  ec2.states = {{"i-1", "running"}};
  consoles.printed["i-1"] = {"a"};
  logs.full = true;
  sim.loop.run_for(seconds(60));
  consoles.printed["i-1"].push_back("b");
  logs.full = false;
  sim.loop.run_for(seconds(60));
  EXPECT_EQ(shipped(), (std::vector<std::string>{"a", "b"}));
}

// Killed after any number of milliseconds, again and again, while lines are printed.
TEST_F(ConsoleShipperTest, NoLineIsLostOrThereTwice) {
  ec2.states = {{"i-1", "running"}};
  consoles.most = 2;
  std::vector<std::string> all;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < round % 5; ++i) {
      all.push_back(std::to_string(all.size()));
      consoles.printed["i-1"].push_back(all.back());
    }
    sim.loop.run_for(std::chrono::milliseconds(round % 7));
    boot();
  }
  sim.loop.run_for(std::chrono::hours(2));
  EXPECT_EQ(shipped(), all);
}

}  // namespace
}  // namespace brume::ec2
