// The services, put together: one set a region, made when the region is first used, and the global ones.
//
// The order of construction is the order of dependence; nothing here decides anything.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/dispatcher.h"
#include "compute/console_source.h"
#include "compute/driver.h"
#include "compute/images.h"
#include "daemon/log_keeper.h"
#include "daemon/shared_driver.h"
#include "net/fabric.h"
#include "services/autoscaling/service.h"
#include "services/cloudformation/service.h"
#include "services/cloudwatch/metric_budget.h"
#include "services/cloudwatch/service.h"
#include "services/common/alarm_actions.h"
#include "services/ec2/console_shipper.h"
#include "services/ec2/service.h"
#include "services/elbv2/access_log_shipper.h"
#include "services/elbv2/service.h"
#include "services/iam/service.h"
#include "services/logs/service.h"
#include "services/ssm/service.h"
#include "services/sts/service.h"

namespace brume::daemon {

struct Machine {
  net::Fabric& fabric;
  compute::Driver& driver;
  compute::Images& images;
  elbv2::DataPlane& data_plane;
  logstore::EventStore& logs;                                               // of all regions
  std::vector<ec2::Cidr> public_addresses = {{127U << 24 | 8U << 16, 16}};  // 127.8.0.0/16
  std::string export_folder = "/var/lib/brume/exports";                     // of log groups
  std::uint64_t metric_budget = std::uint64_t(10) << 30;                    // bytes of disk for metrics, of all regions
  compute::ConsoleSource* consoles = nullptr;                               // null: they go to no log group
  env::Aside aside;                      // where what searches or writes much runs; none: with all else that blocks
  double time_scale = 1;                 // services::Context
  std::int64_t instance_memory_mib = 0;  // ec2::MachineRoom
  services::Outside outside = {};        // without threads of its own: with all else that blocks
};

class Cloud {
 public:
  // `session_key`: what temporary keys are made with, 32 random bytes kept across restarts; without one they end with
  // this object.
  Cloud(env::Env& env, store::Store& store, Machine machine, std::optional<std::string> session_key = std::nullopt,
        std::uint16_t api_port = 4566);
  ~Cloud();
  // Reads the state of every region that has some, and starts their controllers.
  Result<void> start();
  // Offers every service to the dispatcher, and has it accept temporary keys.
  void serve(aws::Dispatcher& dispatcher);
  void on_stats(const lb::Stats& stats);

  struct Region {
    Region(const services::Context& context, Cloud& cloud);
    SharedDriver driver;
    services::AlarmActions alarm_actions;
    cloudwatch::Service cloudwatch;
    logs::Service logs;
    ec2::Service ec2;
    ssm::Service ssm;
    elbv2::Service elbv2;
    elbv2::AccessLogShipper access_logs;
    std::unique_ptr<ec2::ConsoleShipper> consoles;  // if there is a source of them
    autoscaling::Service autoscaling;
    cloudformation::Service cloudformation;
  };
  // Error: InvalidRegion for a region that AWS does not have.
  Result<Region*> region(const std::string& name);
  // Those in use.
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Region>>& regions() const { return regions_; }
  [[nodiscard]] iam::Service& iam() { return iam_; }
  [[nodiscard]] const iam::Service& iam() const { return iam_; }
  [[nodiscard]] const sts::Authority& authority() const { return authority_; }

 private:
  Result<void> load(const std::string& name);
  Result<void> start(Region& region);
  // Consoles of instances that no region knows any more.
  Result<void> forget_strangers();

  env::Env& env_;
  store::Store& store_;
  Machine machine_;
  std::uint16_t api_port_;
  services::Hints hints_;
  LogKeeper log_keeper_;
  cloudwatch::MetricBudget metric_budget_;
  ExitHub exits_;
  iam::Service iam_;
  sts::Authority authority_;
  sts::Service sts_;
  std::map<std::string, std::unique_ptr<Region>> regions_;
};

}  // namespace brume::daemon
