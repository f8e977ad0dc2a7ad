#include "daemon/lb_process.h"

#include "base/log.h"
#include "daemon/pid_file.h"
#include "daemon/port_owner.h"

namespace brume::daemon {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string lb_socket(const Settings& settings) {
  return settings.run_dir + "/lb.sock";
}
std::string lb_pid_file(const Settings& settings) {
  return settings.run_dir + "/lb.pid";
}

LbProcess::LbProcess(env::Env& env, boost::asio::io_context& io, const Settings& settings, const net::Fabric& fabric,
                     std::function<void(const lb::Stats&)> on_stats)
    : env_(env),
      settings_(settings),
      fabric_(fabric),
      channel_(io, std::move(on_stats)),
      // Above every version of a daemon before: a process that goes on has one of those.
      version_(env.clock.wall().time_since_epoch().count()) {}

Result<void> LbProcess::start() {
  channel_.connect(lb_socket(settings_));
  started_ = true;
  send();
  if (const pid_t pid = recorded_process(env_, lb_pid_file(settings_))) {
    watch(pid);
    return {};
  }
  return spawn();
}

Result<void> LbProcess::spawn() {
  spawned_ = env_.clock.now();
  BRUME_TRY(pid, env_.processes.start({.argv = {program_path(), "lb", "--socket", lb_socket(settings_), "--threads",
                                                std::to_string(settings_.lb_threads)}},
                                      settings_.state_dir + "/lb.log"));
  BRUME_CHECK(write_pid_file(env_, lb_pid_file(settings_), pid));
  watch(pid);
  return {};
}

void LbProcess::watch(pid_t pid) {
  env_.processes.watch(pid, [this, pid](int) {
    const bool at_once = env_.clock.now() - spawned_ < seconds(1);
    pause_ = at_once ? std::min<env::Duration>(std::max<env::Duration>(pause_ * 2, milliseconds(50)), seconds(1))
                     : env::Duration::zero();
    log_warning("the load balancer process {} ended; starting it again", pid);
    env_.loop.after(pause_, [this] { respawn(); });
  });
}

void LbProcess::respawn() {
  if (auto spawned = spawn(); !spawned) {
    log_error("the load balancer process cannot be started: {}", spawned.error().message);
    env_.loop.after(seconds(1), [this] { respawn(); });
  }
}

std::int64_t LbProcess::publish(const std::string& region, std::vector<lb::LoadBalancer> load_balancers,
                                std::vector<lb::TargetGroup> target_groups) {
  lb::Snapshot& own = regions_[region];
  own.load_balancers = std::move(load_balancers);
  own.target_groups = std::move(target_groups);
  ++version_;
  if (started_) send();
  return version_;
}

void LbProcess::send() {
  lb::Snapshot all;
  all.version = version_;
  for (const auto& [name, part] : regions_) {
    all.load_balancers.insert(all.load_balancers.end(), part.load_balancers.begin(), part.load_balancers.end());
    all.target_groups.insert(all.target_groups.end(), part.target_groups.begin(), part.target_groups.end());
  }
  channel_.send(all);
}

Result<void> LbProcess::check_port(const std::string& address, int port) {
  return check_port_free(address, port);
}

std::string LbProcess::access_log_folder(const std::string& region) const {
  return settings_.state_dir + "/access-logs/" + region;
}

std::string LbProcess::vpc_namespace(const std::string& vpc_id) const {
  return fabric_.vpc_namespace(vpc_id);
}

}  // namespace brume::daemon
