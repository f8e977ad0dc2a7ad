#include "compute/sim_exec.h"

#include <signal.h>

#include <gtest/gtest.h>

#include "env/sim.h"

namespace brume::compute {
namespace {

TEST(SimExec, AProgramPrintsAndEndsOrStaysUntilItIsTold) {
  env::SimEnv sim;
  SimExec exec(sim.env);
  std::unique_ptr<ExecProcess> process;
  const auto started = [&](Result<std::unique_ptr<ExecProcess>> p) { process = std::move(p).value(); };
  exec.exec("i-1", {.command = {"echo", "hi"}, .user = "", .terminal = ""}, started);
  sim.loop.run_for(exec.latency);
  ASSERT_TRUE(process);
  char text[16];
  EXPECT_EQ(std::string(text, std::size_t(::read(process->output.get(), text, sizeof text))), "echo hi\n");
  EXPECT_EQ(::read(process->output.get(), text, sizeof text), 0);

  exec.program = [](const std::string&, const ExecSpec&) {
    return SimExec::Program{.output = "", .errors = "", .status = std::nullopt};
  };
  int status = -1;
  exec.exec("i-1", {.command = {"sleep"}, .user = "", .terminal = "xterm"}, started);
  sim.loop.run_for(exec.latency);
  process->ended = [&](int s) { status = s; };
  process->resize(10, 20);
  process->signal(SIGINT);
  sim.loop.run_ready();
  EXPECT_EQ(status, 128 + SIGINT);
  exec.exec("i-1", {.command = {"sleep"}, .user = "", .terminal = ""}, started);
  sim.loop.run_for(exec.latency);
  process.reset();
  EXPECT_EQ(exec.events, (std::vector<std::string>{"start i-1 echo hi", "start i-1 sleep", "resize 10x20", "signal 2",
                                                   "start i-1 sleep", "abandoned"}));
}

}  // namespace
}  // namespace brume::compute
