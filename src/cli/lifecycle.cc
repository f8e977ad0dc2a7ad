#include "cli/lifecycle.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <thread>

#include "base/json.h"
#include "cli/command.h"
#include "compute/images_on_disk.h"
#include "compute/oci_driver.h"
#include "daemon/daemon.h"
#include "daemon/lb_process.h"
#include "daemon/pid_file.h"
#include "env/real.h"
#include "net/kernel_fabric.h"

namespace brume::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Polls `done` for at most `limit`.
bool wait_for(std::chrono::seconds limit, const std::function<bool()>& done) {
  const auto end = steady_clock::now() + limit;
  while (!done()) {
    if (steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return true;
}

// Ends a process and waits for it; kills it if it does not end by itself.
void end_process(const env::Env& env, pid_t pid, std::chrono::seconds patience) {
  (void)env.processes.kill(pid, SIGTERM);
  if (wait_for(patience, [&] { return !env.processes.alive(pid); })) return;
  (void)env.processes.kill(pid, SIGKILL);
  wait_for(std::chrono::seconds(5), [&] { return !env.processes.alive(pid); });
}

// What the daemon says of itself; nothing if it does not answer.
std::optional<daemon::Health> health(const daemon::Settings& settings) {
  const auto answer = aws::http_exchange(fmt::format("http://127.0.0.1:{}", settings.api_port),
                                         {.method = "GET", .target = "/health"}, milliseconds(500));
  if (!answer || answer->status != 200) return std::nullopt;
  const auto parsed = from_json<daemon::Health>(answer->body);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

// Instances that no group and no stack would terminate; they would keep the networks of stacks in use.
Result<void> terminate_loose_instances(Session& session) {
  ec2::DescribeInstancesRequest request;
  request.Filters = {
      {"instance-state-name",
       {std::string("pending"), std::string("running"), std::string("stopping"), std::string("stopped")}}};
  BRUME_TRY(described, session.ec2.DescribeInstances(session.call, request));
  ec2::TerminateInstancesRequest terminate;
  for (const ec2::Reservation& reservation : described.Reservations)
    for (const ec2::Instance& instance : reservation.Instances) {
      const bool managed = std::ranges::any_of(instance.Tags, [](const ec2::Tag& tag) {
        return tag.Key == "aws:autoscaling:groupName" || tag.Key == "aws:cloudformation:stack-id";
      });
      if (!managed) terminate.InstanceIds.push_back(*instance.InstanceId);
    }
  if (terminate.InstanceIds.empty()) return {};
  std::printf("Terminating %zu instances that belong to no stack\n", terminate.InstanceIds.size());
  BRUME_CHECK(session.ec2.TerminateInstances(session.call, terminate));
  return {};
}

// Deletes all stacks of all regions in use and waits until they are gone.
Result<void> delete_stacks(const daemon::Settings& settings) {
  BRUME_TRY(session, open_session(settings));
  const auto daemon = health(settings);
  for (const std::string& region : daemon ? daemon->regions : std::vector<std::string>{}) {
    session->call.region = region;
    BRUME_CHECK(terminate_loose_instances(*session));
    const auto live = [&]() -> Result<std::vector<cloudformation::Stack>> {
      BRUME_TRY(described, session->cloudformation.DescribeStacks(session->call, {}));
      return std::vector(described.Stacks.begin(), described.Stacks.end());
    };
    BRUME_TRY(stacks, live());
    for (const cloudformation::Stack& stack : stacks) {
      std::printf("Deleting stack %s\n", stack.StackName->c_str());
      cloudformation::DeleteStackInput request;
      request.StackName = stack.StackId;
      BRUME_CHECK(session->cloudformation.DeleteStack(session->call, request));
    }
    bool failed = false;
    const bool gone = wait_for(std::chrono::seconds(300), [&] {
      const auto left = live();
      for (const cloudformation::Stack& stack : left ? *left : std::vector<cloudformation::Stack>{})
        failed = failed || *stack.StackStatus == "DELETE_FAILED";
      return failed || (left && left->empty());
    });
    if (failed || !gone)
      return fail("DeleteFailed", "Not every stack could be deleted; what is left is removed by force");
  }
  return {};
}

}  // namespace

Result<void> start_daemon(const daemon::Settings& settings, const std::string& root) {
  if (const auto running = health(settings)) {
    if (settings.time_scale == 1 || settings.time_scale == running->time_scale) return {};
    return fail("StartFailed", "The daemon runs with time scale {}; `brume stop` it first", running->time_scale);
  }
  if (::geteuid() != 0)
    return fail("AccessDenied", "Brume needs root to make namespaces and cgroups; run it as root: sudo brume start");
  env::RealEnv world(1);
  const env::Env& env = world.env();
  BRUME_CHECK(daemon::make_places(env.files, settings));
  std::vector<std::string> argv = {daemon::program_path()};
  if (!root.empty()) argv.insert(argv.end(), {"--root", root});
  if (settings.time_scale != 1) argv.insert(argv.end(), {"--time-scale", fmt::format("{}", settings.time_scale)});
  for (const auto& [service, endpoint] : settings.endpoints)
    argv.insert(argv.end(), {"--endpoint", service + "=" + endpoint});
  argv.emplace_back("daemon");
  const std::string log = settings.state_dir + "/daemon.log";
  BRUME_TRY(pid, env.processes.start({.argv = argv}, log));
  // It is our child: one that ended at once is seen by waiting for it.
  wait_for(std::chrono::seconds(15),
           [&] { return health(settings).has_value() || ::waitpid(pid, nullptr, WNOHANG) == pid; });
  if (health(settings)) return {};
  const auto tail = env.files.read_tail(log, 2000);
  std::string last = tail.value_or("");
  while (last.ends_with('\n')) last.pop_back();
  last = last.substr(last.rfind('\n') + 1);
  // "<time> <level> <text>"
  for (int i = 0; i < 2; ++i) last = last.substr(std::min(last.size(), last.find(' ') + 1));
  return fail("StartFailed", "The daemon did not start: {} (see {})", last.empty() ? "it said nothing" : last, log);
}

int start(const daemon::Settings& settings, const std::string& root) {
  if (auto started = start_daemon(settings, root); !started) return report(started.error());
  std::printf("Brume runs. The API is at http://127.0.0.1:%d; `eval \"$(brume env)\"` tells your shell.\n",
              settings.api_port);
  return 0;
}

int stop(const daemon::Settings& settings) {
  env::RealEnv world(1);
  const pid_t pid = daemon::recorded_process(world.env(), daemon::pid_file(settings));
  if (pid == 0) {
    std::printf("The daemon does not run.\n");
    return 0;
  }
  end_process(world.env(), pid, std::chrono::seconds(10));
  std::printf("The daemon is stopped; instances and load balancers go on. `brume start` takes them up again.\n");
  return 0;
}

int down(const daemon::Settings& settings, const std::string& root) {
  if (::geteuid() != 0)
    return report({"AccessDenied", "Removing it all needs root; run it as root: sudo brume down", 403});
  env::RealEnv world(1);
  env::Env& env = world.env();
  if (env.files.exists(settings.state_dir + "/state.db")) {
    Result<void> deleted = start_daemon(settings, root);
    if (deleted) deleted = delete_stacks(settings);
    if (!deleted) report(deleted.error());
  }
  if (const pid_t pid = daemon::recorded_process(env, daemon::pid_file(settings)))
    end_process(env, pid, std::chrono::seconds(10));
  if (const pid_t pid = daemon::recorded_process(env, daemon::lb_pid_file(settings)))
    end_process(env, pid, std::chrono::seconds(10));
  compute::ImagesOnDisk images(env.files, env.processes, settings.state_dir);
  compute::OciDriver driver(env, {settings.state_dir, settings.run_dir}, daemon::compute_settings(settings), images);
  Result<void> swept = driver.sweep();
  if (auto net = net::KernelFabric(settings.run_dir, daemon::edge_options(settings)).sweep(); !net && swept)
    swept = net;
  if (!swept) return report(swept.error());
  if (auto removed = env.files.remove_all(settings.run_dir); !removed) return report(removed.error());
  std::printf("Nothing of Brume runs any more. Images and what the API was told are kept in %s.\n",
              settings.state_dir.c_str());
  return 0;
}

}  // namespace brume::cli
