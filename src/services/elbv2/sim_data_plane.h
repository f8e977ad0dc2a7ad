// A simulated load balancer process: applies snapshots and checks health in virtual time.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "env/clock.h"
#include "env/loop.h"
#include "services/elbv2/data_plane.h"

namespace brume::elbv2 {

class SimDataPlane : public DataPlane {
 public:
  // `answers` tells whether a target ("i-…:80") would answer its health check now.
  SimDataPlane(env::Loop& loop, std::function<bool(const std::string& target)> answers)
      : loop_(loop), answers_(std::move(answers)) {}

  std::int64_t publish(const std::string& region, std::vector<lb::LoadBalancer> load_balancers,
                       std::vector<lb::TargetGroup> target_groups) override;
  Result<void> check_port(const std::string& address, int port) override;
  [[nodiscard]] std::string access_log_folder(const std::string& region) const override {
    return "/sim/access-logs/" + region;
  }
  [[nodiscard]] std::string vpc_namespace(const std::string& vpc_id) const override { return "/sim/" + vpc_id; }

  // Stats go here, on the loop.
  std::function<void(const lb::Stats&)> on_stats;
  // The process is killed and started again: what it knew of health is what the snapshot says.
  void restart();

  std::set<int> busy_ports;  // check_port() refuses these
  [[nodiscard]] const lb::Snapshot& snapshot() const { return snapshot_; }

 private:
  struct Health {
    std::string state = "initial";
    int passed = 0, failed = 0;
  };
  void check(const std::string& target_group, std::uint64_t generation);
  void report();

  env::Loop& loop_;
  std::function<bool(const std::string&)> answers_;
  std::map<std::string, std::vector<lb::LoadBalancer>> balancers_;  // by region
  std::map<std::string, std::vector<lb::TargetGroup>> groups_;
  lb::Snapshot snapshot_;
  std::map<std::pair<std::string, std::string>, Health> health_;
  std::set<std::string> checked_;  // target groups with a health check under way
  std::uint64_t generation_ = 0;   // of the process
};

}  // namespace brume::elbv2
