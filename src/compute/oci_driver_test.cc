#include "compute/oci_driver.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/json.h"
#include "compute/machine_fixture.h"

namespace brume::compute {
namespace {

using testing::Machine;

#define NEEDS_INSTANCES() \
  if (const std::string reason = testing::cannot_run_instances(); !reason.empty()) GTEST_SKIP() << reason

std::string failure(const Result<void>& result) {
  return result ? "" : result.error().message;
}

Running record_of(const Machine& machine, const std::string& id) {
  std::ifstream in(machine.paths.run_dir + "/instances/" + id + "/running");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto running = from_json<Running>(text);
  EXPECT_TRUE(running) << text;
  return running.value_or(Running{});
}

bool prints(Machine& machine, Driver& driver, const std::string& id, const std::string& text) {
  const bool found = machine.run_until([&] { return driver.console(id).value_or("").find(text) != std::string::npos; });
  EXPECT_TRUE(found) << "no '" << text << "' in: " << driver.console(id).value_or("");
  return found;
}

State state_of(Driver& driver, const std::string& id) {
  const auto listed = driver.list();
  EXPECT_TRUE(listed);
  for (const Observed& instance : *listed)
    if (instance.id == id) return instance.state;
  ADD_FAILURE() << id << " is not listed";
  return State::stopped;
}

std::string read(const std::string& path) {
  std::ifstream in(path);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

TEST(OciDriver, WhatAnInstanceUsesIsCounted) {
  NEEDS_INSTANCES();
  Machine machine;
  machine.set_user_data("#!/bin/sh\nn=0\nwhile [ $n -lt 200000 ]; do n=$((n+1)); done\necho counted\nsleep 1000\n");
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  driver.on_exit([](const std::string&, int) {});
  const auto usage = [&] {
    std::optional<std::map<std::string, Usage>> found;
    driver.usage([&](std::map<std::string, Usage> all) { found = std::move(all); });
    EXPECT_TRUE(machine.run_until([&] { return found.has_value(); }));
    return *found;
  };
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  ASSERT_TRUE(prints(machine, driver, "i-1", "counted\n"));
  const Usage used = usage().at("i-1");
  EXPECT_GT(used.cpu_time, std::chrono::milliseconds(20));
  EXPECT_LT(used.cpu_time, std::chrono::seconds(60));
  EXPECT_GT(used.memory_bytes, 0);
  EXPECT_GE(usage().at("i-1").cpu_time, used.cpu_time);
  // Several regions ask, each when it likes.
  int answers = 0;
  for (int i = 0; i < 50; ++i)
    driver.usage([&](const std::map<std::string, Usage>& all) { answers += all.contains("i-1") ? 1 : 0; });
  EXPECT_TRUE(machine.run_until([&] { return answers == 50; }));
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.destroy("i-1", done); })), "");
  EXPECT_TRUE(usage().empty());
}

TEST(OciDriver, AnInstanceLivesAndLeavesNothing) {
  NEEDS_INSTANCES();
  Machine machine;
  machine.set_user_data(
      "#!/bin/sh\necho user data of $(id -u) in $PWD\ncat /etc/hosts /etc/resolv.conf\n"
      "mount -t tmpfs x /tmp || echo no mounts\nsleep 1000\n");
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  std::vector<std::string> exits;
  driver.on_exit([&](const std::string& id, int) { exits.push_back(id); });

  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  EXPECT_EQ(state_of(driver, "i-1"), State::running);
  prints(machine, driver, "i-1", "boots: 1\n");
  prints(machine, driver, "i-1", "user data of 0 in /\n");
  prints(machine, driver, "i-1", "10.0.0.5 ip-10-0-0-5\n");
  prints(machine, driver, "i-1", "nameserver 10.0.0.2\n");
  prints(machine, driver, "i-1", "no mounts\n");
  prints(machine, driver, "i-1", "host ip-10-0-0-5\n");

  // Starting what runs changes nothing.
  const Running before = record_of(machine, "i-1");
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  EXPECT_EQ(record_of(machine, "i-1").pid, before.pid);

  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.stop("i-1", std::chrono::seconds(15), done); })), "");
  EXPECT_EQ(state_of(driver, "i-1"), State::stopped);
  EXPECT_EQ(machine.traces(), "");
  EXPECT_NE(driver.console("i-1").value_or("").find("brume-init: stopped\n"), std::string::npos);
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.stop("i-1", std::chrono::seconds(15), done); })), "");

  // The disk is kept; user data is not run again.
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  prints(machine, driver, "i-1", "boots: 2\n");
  prints(machine, driver, "i-1", "user data has run already\n");

  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.destroy("i-1", done); })), "");
  EXPECT_EQ(driver.list().value().size(), 0U);
  EXPECT_EQ(driver.console("i-1").error().code, "InvalidInstanceID.NotFound");
  EXPECT_FALSE(std::filesystem::exists(machine.paths.state_dir + "/instances/i-1"));
  EXPECT_FALSE(std::filesystem::exists(machine.paths.run_dir + "/instances/i-1"));
  EXPECT_EQ(machine.traces(), "");
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.destroy("i-1", done); })), "");
  EXPECT_TRUE(exits.empty());  // nothing ended that was not told to
}

TEST(OciDriver, AnInstanceIsLimited) {
  NEEDS_INSTANCES();
  Machine machine;
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  const std::string below = machine.settings.cgroup_root + "/zone-a/i-1/";
  const auto value = [&](const std::string& v1, const std::string& v2) {
    const std::string old =
        read("/sys/fs/cgroup/" + v1.substr(0, v1.find('/')) + "/" + below + v1.substr(v1.find('/') + 1));
    return old.empty() ? read("/sys/fs/cgroup/" + below + v2) : old;
  };
  EXPECT_EQ(value("memory/memory.limit_in_bytes", "memory.max"), "67108864\n");
  EXPECT_EQ(value("pids/pids.max", "pids.max"), "8192\n");
  EXPECT_EQ(value("cpu/cpu.cfs_quota_us", "cpu.max").substr(0, 5), "50000");
}

TEST(OciDriver, TheEndOfAnInstanceIsToldAlsoToTheNextDriver) {
  NEEDS_INSTANCES();
  Machine machine;
  {
    OciDriver first(machine.real.env(), machine.paths, machine.settings, *machine.images);
    ASSERT_EQ(failure(machine.wait([&](Done done) { first.start(machine.spec("i-1"), done); })), "");
  }
  OciDriver second(machine.real.env(), machine.paths, machine.settings, *machine.images);
  std::vector<std::pair<std::string, int>> exits;
  second.on_exit([&](const std::string& id, int status) { exits.emplace_back(id, status); });
  ASSERT_EQ(state_of(second, "i-1"), State::running);
  ASSERT_EQ(::kill(pid_t(record_of(machine, "i-1").pid), SIGKILL), 0);
  ASSERT_TRUE(machine.run_until([&] { return !exits.empty(); }));
  EXPECT_EQ(exits, (std::vector<std::pair<std::string, int>>{{"i-1", 137}}));
  EXPECT_EQ(machine.traces(), "");
  EXPECT_EQ(state_of(second, "i-1"), State::stopped);
}

TEST(OciDriver, WithoutItsMonitorAnInstanceDoesNotLiveOn) {
  NEEDS_INSTANCES();
  Machine machine;
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  int status = 0;
  driver.on_exit([&](const std::string&, int s) { status = s; });
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  ASSERT_EQ(::kill(pid_t(record_of(machine, "i-1").conmon), SIGKILL), 0);
  ASSERT_TRUE(machine.run_until([&] { return status != 0; }));
  EXPECT_EQ(status, -1);
  EXPECT_EQ(machine.traces(), "");
}

TEST(OciDriver, AStubbornInstanceIsKilledAfterTheGrace) {
  NEEDS_INSTANCES();
  Machine machine;
  machine.set_user_data("#!/bin/sh\ntrap '' TERM\necho stubborn\nwhile true; do sleep 1; done\n");
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  prints(machine, driver, "i-1", "stubborn\n");
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.stop("i-1", std::chrono::milliseconds(50), done); })), "");
  EXPECT_EQ(machine.traces(), "");
  EXPECT_EQ(state_of(driver, "i-1"), State::stopped);
}

TEST(OciDriver, AFailedStartLeavesOnlyTheDisk) {
  NEEDS_INSTANCES();
  Machine machine;
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  InstanceSpec spec = machine.spec("i-1");
  spec.image_id = "ami-none";
  EXPECT_EQ(machine.wait([&](Done done) { driver.start(spec, done); }).error().code, "InvalidAMIID.NotFound");
  spec = machine.spec("i-1");
  spec.network_namespace = "/nowhere";
  const auto failed = machine.wait([&](Done done) { driver.start(spec, done); });
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("/nowhere"), std::string::npos) << failed.error().message;
  EXPECT_EQ(machine.traces(), "");
  EXPECT_EQ(state_of(driver, "i-1"), State::stopped);
  EXPECT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
}

TEST(OciDriver, WhatACrashLeavesIsMended) {
  NEEDS_INSTANCES();
  Machine machine;
  const auto start = [&] {
    OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
    return machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); });
  };
  const std::string place = machine.paths.run_dir + "/instances/i-1";
  // As if the daemon had died before it wrote down that the instance runs.
  ASSERT_EQ(failure(start()), "");
  const Running lost = record_of(machine, "i-1");
  std::filesystem::remove(place + "/running");
  {
    OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
    EXPECT_EQ(state_of(driver, "i-1"), State::stopped);
    EXPECT_EQ(machine.traces(), "");
    EXPECT_FALSE(machine.real.env().processes.alive(pid_t(lost.pid), std::uint64_t(lost.pid_start)));
  }
  // Nothing but the folder, or the folder and half a bundle.
  std::filesystem::create_directories(place);
  ASSERT_EQ(failure(start()), "");
  // A pid that now belongs to another process does not make an instance run.
  {
    Running stranger = record_of(machine, "i-1");
    stranger.pid = ::getpid();
    std::ofstream(place + "/running") << to_json(stranger);
  }
  ASSERT_EQ(failure(start()), "");
  EXPECT_NE(record_of(machine, "i-1").pid, ::getpid());
  // A removal that stopped half way.
  std::filesystem::create_directories(machine.paths.state_dir + "/instances/i-2.removed/upper");
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  EXPECT_EQ(driver.list().value().size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(machine.paths.state_dir + "/instances/i-2.removed"));
}

TEST(OciDriver, TheConsoleHasItsLast64KiBWhenTheLogHasJustBegunAnew) {
  NEEDS_INSTANCES();
  Machine machine;
  // A line is 51 bytes of log, which is full after some 82,300 of them.
  machine.set_user_data("#!/bin/busybox sh\n/bin/busybox seq 10000 92999\n");
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  prints(machine, driver, "i-1", "user data has ended\n");
  EXPECT_LT(std::filesystem::file_size(machine.paths.state_dir + "/instances/i-1/console.log"), 1U << 20);
  std::string lines;
  for (int i = 70000; i < 93000; ++i) lines += std::to_string(i) + "\n";
  std::string console = driver.console("i-1").value();
  EXPECT_EQ(console.size(), 64U << 10);
  console.erase(console.rfind('['));  // what brume-init says
  EXPECT_TRUE(lines.ends_with(console)) << console.substr(0, 100);
}

TEST(OciDriver, WhatIsPrintedLastIsKept) {
  NEEDS_INSTANCES();
  Machine machine;
  // Killed in the middle of printing: whatever has left the program is there, up to the last line begun.
  machine.set_user_data("#!/bin/sh\ntrap '' TERM\ni=0\nwhile :; do i=$((i+1)); echo $i; echo $i > /count; done\n");
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  prints(machine, driver, "i-1", "\n100\n");
  ASSERT_EQ(failure(machine.wait([&](Done done) { driver.stop("i-1", std::chrono::milliseconds(50), done); })), "");
  const std::string console = driver.console("i-1").value();
  const std::string last = read(machine.paths.state_dir + "/instances/i-1/upper/count");
  EXPECT_NE(console.find("\n" + last), std::string::npos) << last << console.substr(console.size() - 50);
}

// The daemon that is killed in the next test; not a test by itself.
TEST(OciDriver, DISABLED_StartsAnInstanceAndStops) {
  Machine machine(::getenv("BRUME_TEST_ROOT"));
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  EXPECT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "");
  EXPECT_EQ(failure(machine.wait([&](Done done) { driver.stop("i-1", std::chrono::seconds(5), done); })), "");
}

TEST(OciDriver, KilledAtAnyMomentItLeavesWhatTheNextOneMends) {
  NEEDS_INSTANCES();
  Machine machine;
  env::Env& env = machine.real.env();
  // Moments spread over a start and a stop, which take 100 to 300 ms.
  for (const int moment : {20, 40, 55, 70, 90, 120, 170, 250}) {
    const auto daemon = env.processes.start({.argv = {"/proc/self/exe", "--gtest_also_run_disabled_tests",
                                                      "--gtest_filter=OciDriver.DISABLED_StartsAnInstanceAndStops"},
                                             .environment = {"BRUME_TEST_ROOT=" + machine.root}},
                                            "");
    ASSERT_TRUE(daemon);
    bool ended = false;
    env.processes.watch(*daemon, [&](int) { ended = true; });
    env.loop.after(std::chrono::milliseconds(moment), [&] { (void)env.processes.kill(*daemon, SIGKILL); });
    ASSERT_TRUE(machine.run_until([&] { return ended; }));

    OciDriver driver(env, machine.paths, machine.settings, *machine.images);
    const auto listed = driver.list();
    ASSERT_TRUE(listed) << moment << " ms: " << listed.error().message;
    const bool runs = !listed->empty() && listed->front().state == State::running;
    EXPECT_EQ(runs, machine.traces() != "") << moment << " ms";
    const auto start = [&] {
      EXPECT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-1"), done); })), "")
          << moment << " ms";
    };
    start();
    // A stop that was under way when the daemon died may end the instance only now.
    const auto boots = [&] { return driver.console("i-1").value_or("").find("boots: ") != std::string::npos; };
    EXPECT_TRUE(machine.run_until([&] { return boots() || state_of(driver, "i-1") == State::stopped; }));
    if (!boots()) start();
    prints(machine, driver, "i-1", "boots: ");
    EXPECT_EQ(failure(machine.wait([&](Done done) { driver.destroy("i-1", done); })), "") << moment << " ms";
    EXPECT_EQ(machine.traces(), "") << moment << " ms";
    EXPECT_TRUE(std::filesystem::is_empty(machine.paths.state_dir + "/instances"));
    EXPECT_TRUE(std::filesystem::is_empty(machine.paths.run_dir + "/instances"));
    EXPECT_TRUE(std::filesystem::is_empty(machine.paths.run_dir + "/runtime"));
  }
}

// Not an assertion: how long a start takes, for whoever looks at the test's output (bench/ has the real measurement).
TEST(OciDriver, TellsHowLongAStartTakes) {
  NEEDS_INSTANCES();
  Machine machine;
  OciDriver driver(machine.real.env(), machine.paths, machine.settings, *machine.images);
  std::vector<double> times;
  for (int i = 0; i < 9; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(failure(machine.wait([&](Done done) { driver.start(machine.spec("i-" + std::to_string(i)), done); })),
              "");
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  RecordProperty("start_p50_ms", std::to_string(times[4]));
  std::printf("start: p50 %.0f ms, most %.0f ms\n", times[4], times.back());
}

}  // namespace
}  // namespace brume::compute
