// The load balancer process: started, watched, told what to serve.
//
// It outlives the daemon; a daemon that starts finds it by its pid file and goes on with it. When it ends it is started
// again at once (after a pause that doubles to a second if it ends within a second of its start) and told everything.
#pragma once

#include <map>
#include <memory>

#include "daemon/settings.h"
#include "env/env.h"
#include "lb/channel_client.h"
#include "net/fabric.h"
#include "services/elbv2/data_plane.h"

namespace brume::daemon {

class LbProcess : public elbv2::DataPlane {
 public:
  LbProcess(env::Env& env, boost::asio::io_context& io, const Settings& settings, const net::Fabric& fabric,
            std::function<void(const lb::Stats&)> on_stats);
  // Finds or starts the process. What was published before is sent now, as one: a process that goes on must not be told
  // of some regions only.
  Result<void> start();

  std::int64_t publish(const std::string& region, std::vector<lb::LoadBalancer> load_balancers,
                       std::vector<lb::TargetGroup> target_groups) override;
  Result<void> check_port(const std::string& address, int port) override;
  [[nodiscard]] std::string access_log_folder(const std::string& region) const override;
  [[nodiscard]] std::string vpc_namespace(const std::string& vpc_id) const override;

 private:
  Result<void> spawn();
  void respawn();
  void send();
  void watch(pid_t pid);

  env::Env& env_;
  const Settings& settings_;
  const net::Fabric& fabric_;
  lb::ChannelClient channel_;
  std::map<std::string, lb::Snapshot> regions_;
  std::int64_t version_;
  bool started_ = false;
  env::MonotonicTime spawned_{};
  env::Duration pause_{};
};

std::string lb_socket(const Settings& settings);
std::string lb_pid_file(const Settings& settings);

}  // namespace brume::daemon
