#include "compute/sim_driver.h"

#include <gtest/gtest.h>

#include "compute/sim_images.h"
#include "env/sim.h"

namespace brume::compute {
namespace {

using std::chrono::milliseconds;

struct SimDriverTest : ::testing::Test {
  SimDriverTest() {
    EXPECT_TRUE(images.import("ami-1", "/image"));
    driver.on_exit([this](const std::string& id, int status) { exits.push_back(id + " " + std::to_string(status)); });
  }
  Done note(const std::string& what) {
    return [this, what](Result<void> r) { calls.push_back(what + " " + (r ? "ok" : r.error().code)); };
  }
  InstanceSpec spec(const std::string& id, const std::string& image = "ami-1") { return {.id = id, .image_id = image}; }

  env::SimEnv sim;
  SimImages images;
  SimDriver driver{sim.env, images};
  std::vector<std::string> calls, exits;
};

TEST_F(SimDriverTest, AnInstanceTakesItsTimeAndItsDiskOutlivesAStop) {
  driver.start(spec("i-1"), note("start"));
  sim.loop.run_for(milliseconds(79));
  EXPECT_TRUE(calls.empty());
  sim.loop.run_for(milliseconds(1));
  EXPECT_EQ(calls, std::vector<std::string>{"start ok"});
  EXPECT_EQ(driver.running(), 1U);
  EXPECT_FALSE(driver.console("i-1").value().empty());
  driver.stop("i-1", std::chrono::seconds(10), note("stop"));
  sim.loop.run_for(milliseconds(200));
  EXPECT_EQ(driver.list().value()[0].state, State::stopped);
  driver.destroy("i-1", note("destroy"));
  sim.loop.run_for(milliseconds(200));
  EXPECT_TRUE(driver.list().value().empty());
  EXPECT_EQ(driver.console("i-1").error().code, "InvalidInstanceID.NotFound");
  EXPECT_TRUE(exits.empty());
}

TEST_F(SimDriverTest, CallsAreIdempotent) {
  for (int i = 0; i < 2; ++i) {
    driver.start(spec("i-1"), note("start"));
    sim.loop.run_for(milliseconds(80));
  }
  EXPECT_EQ(driver.starts_of("i-1"), 1U);
  driver.stop("i-none", milliseconds(0), note("stop"));
  driver.destroy("i-none", note("destroy"));
  sim.loop.run_for(milliseconds(200));
  EXPECT_EQ(calls, (std::vector<std::string>{"start ok", "start ok", "stop ok", "destroy ok"}));
  EXPECT_EQ(driver.max_concurrent_of("i-1"), 1);
}

TEST_F(SimDriverTest, TellsOfCallsThatOverlap) {
  driver.start(spec("i-1"), note("start"));
  driver.start(spec("i-1"), note("start"));
  sim.loop.run_for(milliseconds(80));
  EXPECT_EQ(driver.max_concurrent_of("i-1"), 2);
}

TEST_F(SimDriverTest, Faults) {
  driver.fail_next_start({"InsufficientInstanceCapacity", "full", 500});
  driver.start(spec("i-1"), note("start"));
  driver.start(spec("i-2"), note("start"));
  driver.start(spec("i-3", "ami-none"), note("start"));
  sim.loop.run_for(milliseconds(80));
  EXPECT_EQ(calls, (std::vector<std::string>{"start InsufficientInstanceCapacity", "start ok",
                                             "start InvalidAMIID.NotFound"}));
  driver.kill("i-2", 1);
  driver.kill("i-2", 1);
  driver.kill("i-1", 1);
  sim.loop.run_ready();
  EXPECT_EQ(exits, std::vector<std::string>{"i-2 1"});
  EXPECT_EQ(driver.running(), 0U);
}

TEST_F(SimDriverTest, OutlivesACrashOfTheControlPlane) {
  driver.start(spec("i-1"), note("start"));
  sim.loop.run_for(milliseconds(80));
  driver.start(spec("i-2"), note("start"));
  sim.loop.clear();
  driver.crashed();
  sim.loop.run_for(milliseconds(1000));
  EXPECT_EQ(calls, std::vector<std::string>{"start ok"});
  ASSERT_EQ(driver.list().value().size(), 1U);
  EXPECT_EQ(driver.list().value()[0].id, "i-1");
  driver.kill("i-1");
  sim.loop.run_ready();
  EXPECT_TRUE(exits.empty());  // nobody listens
}

}  // namespace
}  // namespace brume::compute
