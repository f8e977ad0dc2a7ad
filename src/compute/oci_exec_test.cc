#include "compute/oci_exec.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "compute/machine_fixture.h"
#include "compute/process_end.h"

namespace brume::compute {
namespace {

using testing::Machine;

TEST(ExecProcess, IsPidOnesWithAnotherProgramAndUser) {
  const char* config =
      R"({"process":{"terminal":false,"user":{"uid":0,"gid":0},"args":["/run/init"],"cwd":"/",)"
      R"("env":["PATH=/bin","HOME=/root","TERM=dumb"],"noNewPrivileges":false,"capabilities":{"bounding":["CAP_KILL"]}},)"
      R"("root":{"path":"/x"}})";
  const init::Account web{"web", 1000, 1001, "/srv", "/bin/zsh"};
  EXPECT_EQ(exec_process(config, {.command = {"ls", "a \"b"}, .user = "web", .terminal = ""}, web, {4}, "/"),
            R"({"terminal":false,"user":{"uid":1000,"gid":1001,"additionalGids":[4]},"args":["ls","a \"b"],"cwd":"/",)"
            R"("env":["PATH=/bin","TERM=dumb","HOME=/srv","USER=web","LOGNAME=web","SHELL=/bin/zsh"],)"
            R"("noNewPrivileges":false,"capabilities":{"bounding":["CAP_KILL"]}})");
  const std::string shell =
      exec_process(config, {.command = {}, .user = "", .terminal = "vt100", .rows = 5, .columns = 6}, web, {}, "/srv")
          .value();
  for (const char* part : {R"("args":["/bin/zsh","-l"])", R"("terminal":true)", R"("TERM=vt100")", R"("cwd":"/srv")",
                           R"("consoleSize":{"height":5,"width":6})"})
    EXPECT_NE(shell.find(part), std::string::npos) << part << " in " << shell;
  for (const char* bad : {"", "[]", "{}", R"({"process":1})"}) EXPECT_FALSE(exec_process(bad, {}, web, {}, "/")) << bad;
}

class OciExecTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = testing::cannot_run_instances(); !reason.empty()) GTEST_SKIP() << reason;
    machine = std::make_unique<Machine>();
    const std::string image = machine->root + "/image";
    for (const char* applet : {"stty", "env", "head", "kill", "tty", "pwd"})
      std::filesystem::create_symlink("busybox", image + "/bin/" + applet);
    std::ofstream(image + "/etc/passwd") << "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/srv:/bin/sh\n";
    std::ofstream(image + "/etc/group") << "adm:x:4:web\n";
    std::filesystem::create_directories(image + "/srv");
    ASSERT_TRUE(machine->images->import("ami-exec", image));
    driver = std::make_unique<OciDriver>(machine->real.env(), machine->paths, machine->settings, *machine->images);
    make_exec();
    InstanceSpec spec = machine->spec("i-1");
    spec.image_id = "ami-exec";
    const auto started = machine->wait([&](Done done) { driver->start(spec, std::move(done)); });
    ASSERT_TRUE(started) << started.error().message;
  }
  void make_exec() {
    exec = std::make_unique<OciExec>(machine->real.env(), machine->paths, machine->settings, *machine->images);
  }

  struct Ran {
    std::string output, errors;
    int status = -1;
  };
  static void drain(env::Fd& fd, std::string& into) {
    char buffer[4096];
    for (ssize_t n; fd;) {
      n = ::read(fd.get(), buffer, sizeof buffer);
      if (n > 0) into.append(buffer, std::size_t(n));
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) fd = env::Fd();
    }
  }
  Result<std::unique_ptr<ExecProcess>> start(const ExecSpec& spec) {
    std::optional<Result<std::unique_ptr<ExecProcess>>> process;
    exec->exec("i-1", spec, [&](Result<std::unique_ptr<ExecProcess>> p) {
      process.emplace(std::move(p));
      if (*process) (**process)->ended = [this](int status) { ran.status = status; };
    });
    machine->run_until([&] { return process.has_value(); });
    return *std::move(process);
  }
  // Runs the loop until the program has printed `text`.
  bool prints(ExecProcess& process, const std::string& text) {
    return machine->run_until([&] {
      drain(process.output, ran.output);
      return ran.output.find(text) != std::string::npos;
    });
  }
  Ran run(const ExecSpec& spec, const std::string& input = "") {
    ran = {};
    const auto process = start(spec);
    if (!process) return {"", process.error().code + ": " + process.error().message, -1};
    EXPECT_EQ(::write((*process)->input.get(), input.data(), input.size()), ssize_t(input.size()));
    if (spec.terminal.empty()) (*process)->input = env::Fd();
    machine->run_until([&] {
      drain((*process)->output, ran.output);
      drain((*process)->errors, ran.errors);
      return ran.status >= 0 && !(*process)->output;
    });
    return ran;
  }
  // Processes of the instance but PID 1.
  std::string processes() {
    return run({.command = {"sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"}, .user = "", .terminal = ""}).output;
  }

  std::unique_ptr<Machine> machine;
  std::unique_ptr<OciDriver> driver;
  std::unique_ptr<OciExec> exec;
  Ran ran;
};

TEST_F(OciExecTest, AProgramHasItsStreamsItsStatusAndItsUser) {
  Ran r = run({.command = {"sh", "-c", "cat; echo oops >&2; exit 7"}, .user = "", .terminal = ""}, "hello\n");
  EXPECT_EQ(r.output, "hello\n");
  EXPECT_EQ(r.errors, "oops\n");
  EXPECT_EQ(r.status, 7);
  r = run({.command = {"sh", "-c", "id -u; id -G; pwd; echo $HOME $USER $SHELL"}, .user = "web", .terminal = ""});
  EXPECT_EQ(r.output, "1000\n1001 4\n/srv\n/srv web /bin/sh\n");
  r = run({.command = {"sh", "-c", "id -u; pwd; echo $HOME; echo $PATH"}, .user = "", .terminal = ""});
  EXPECT_EQ(r.output, "0\n/\n/root\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");  // no /root there
  r = run({.command = {}, .user = "", .terminal = ""}, "echo from the shell\n");
  EXPECT_EQ(r.output, "from the shell\n");
  // What PID 1 may not do, it may not either.
  EXPECT_NE(run({.command = {"mount", "-t", "tmpfs", "x", "/tmp"}, .user = "", .terminal = ""}).status, 0);
}

TEST_F(OciExecTest, WhatCannotBeRunIsSaid) {
  Ran r = run({.command = {"no-such-program"}, .user = "", .terminal = ""});
  EXPECT_EQ(r.status, 127);
  EXPECT_NE(r.errors.find("no-such-program"), std::string::npos) << r.errors;
  EXPECT_EQ(run({.command = {"/etc/passwd"}, .user = "", .terminal = ""}).status, 126);
  EXPECT_EQ(run({.command = {"sh", "-c", "exit 255"}, .user = "", .terminal = ""}).status, 255);
  EXPECT_EQ(run({.command = {"id"}, .user = "nobody", .terminal = ""}).errors,
            "InvalidParameterValue: The instance 'i-1' has no user 'nobody'.");
  ASSERT_TRUE(machine->wait([&](Done done) { driver->stop("i-1", std::chrono::seconds(15), std::move(done)); }));
  EXPECT_EQ(run({.command = {"id"}, .user = "", .terminal = ""}).errors,
            "IncorrectInstanceState: The instance 'i-1' is not in the 'running' state.");
}

TEST_F(OciExecTest, ATerminalHasASizeAndPassesControlCharacters) {
  auto process = start({.command = {"sh"}, .user = "", .terminal = "vt100", .rows = 30, .columns = 100});
  ASSERT_TRUE(process) << process.error().message;
  const auto type = [&](const std::string& text) {
    EXPECT_EQ(::write((*process)->input.get(), text.data(), text.size()), ssize_t(text.size()));
  };
  type("stty size; echo term=$TERM; tty\n");
  EXPECT_TRUE(prints(**process, "30 100\r\n")) << ran.output;
  EXPECT_TRUE(prints(**process, "term=vt100\r\n")) << ran.output;
  EXPECT_TRUE(prints(**process, "/dev/pts/0\r\n")) << ran.output;
  (*process)->resize(40, 120);
  type("until stty size | { read r c; test $r = 40; }; do :; done; sh -c 'echo resized; exec sleep 1000'\n");
  EXPECT_TRUE(prints(**process, "\r\nresized\r\n")) << ran.output;
  type("\x03");  // Ctrl-C
  type("echo status $?; exit 5\n");
  EXPECT_TRUE(prints(**process, "status 130\r\n")) << ran.output;
  EXPECT_TRUE(machine->run_until([&] { return ran.status >= 0; }));
  EXPECT_EQ(ran.status, 5);
}

TEST_F(OciExecTest, SignalsReachTheProgram) {
  auto process =
      start({.command = {"sh", "-c", "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.01; done"},
             .user = "",
             .terminal = ""});
  ASSERT_TRUE(process);
  ASSERT_TRUE(prints(**process, "ready\n"));
  (*process)->signal(SIGKILL);  // passed over
  (*process)->signal(SIGTERM);
  EXPECT_TRUE(machine->run_until([&] { return ran.status >= 0; }));
  EXPECT_EQ(ran.status, 9);
}

TEST_F(OciExecTest, AProgramEndsWithItsHandleAlsoOneThatDoesNotListen) {
  {
    auto polite = start({.command = {"sh", "-c", "echo ready; sleep 1001"}, .user = "", .terminal = ""});
    ASSERT_TRUE(polite);
    ASSERT_TRUE(prints(**polite, "ready\n"));
    ran = {};
    auto stubborn =
        start({.command = {"sh", "-c", "trap '' HUP; echo ready; sleep 1002; sleep 1003"}, .user = "", .terminal = ""});
    ASSERT_TRUE(stubborn);
    ASSERT_TRUE(prints(**stubborn, "ready\n"));
  }
  EXPECT_TRUE(machine->run_until(
      [&] { return programs_about({"runc"}, machine->paths.run_dir + "/instances/i-1/exec").empty(); }));
  EXPECT_EQ(processes().find("sleep 100"), std::string::npos) << ran.output;
}

TEST_F(OciExecTest, AllEndWithTheDaemon) {
  auto process = start(
      {.command = {"sh", "-c", "trap '' HUP; echo ready; sleep 1002; sleep 1003"}, .user = "", .terminal = "vt100"});
  ASSERT_TRUE(process);
  ASSERT_TRUE(prints(**process, "ready\r")) << ran.output;
  exec.reset();
  (*process).reset();  // after it: nothing to do any more
  make_exec();
  EXPECT_EQ(processes().find("sleep 100"), std::string::npos) << ran.output;
}

// The daemon that is killed in the next test; not a test by itself.
TEST(OciExec, DISABLED_RunsAProgram) {
  const char* root = ::getenv("BRUME_TEST_ROOT");
  ASSERT_NE(root, nullptr);
  Machine machine(root);
  OciExec exec(machine.real.env(), machine.paths, machine.settings, *machine.images);
  std::unique_ptr<ExecProcess> process;
  exec.exec(
      "i-1",
      {.command = {"sh", "-c", "trap '' HUP PIPE; : > /ready; sleep 1004; sleep 1005"}, .user = "", .terminal = ""},
      [&](Result<std::unique_ptr<ExecProcess>> p) { process = std::move(p).value(); });
  machine.run_until([] { return false; });
}

TEST_F(OciExecTest, WhatAKilledDaemonLeavesIsEndedByTheNext) {
  env::Env& env = machine->real.env();
  const auto daemon = env.processes.start(
      {.argv = {"/proc/self/exe", "--gtest_also_run_disabled_tests", "--gtest_filter=OciExec.DISABLED_RunsAProgram"},
       .environment = {"BRUME_TEST_ROOT=" + machine->root}},
      "");
  ASSERT_TRUE(daemon);
  const std::string ready = machine->paths.state_dir + "/instances/i-1/upper/ready";
  ASSERT_TRUE(machine->run_until([&] { return std::filesystem::exists(ready); }));
  bool ended = false;
  env.processes.watch(*daemon, [&](int) { ended = true; });
  (void)env.processes.kill(*daemon, SIGKILL);
  ASSERT_TRUE(machine->run_until([&] { return ended; }));
  EXPECT_NE(processes().find("sleep 1004"), std::string::npos) << ran.output;
  exec->end_strays();
  EXPECT_EQ(processes().find("sleep 100"), std::string::npos) << ran.output;
  EXPECT_EQ(run({.command = {"echo", "well"}, .user = "", .terminal = ""}).output, "well\n");
}

}  // namespace
}  // namespace brume::compute
