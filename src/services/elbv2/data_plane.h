// The load balancer process, as the service sees it. Real: daemon/lb_process.h; simulated: sim_data_plane.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "lb/config.h"

namespace brume::elbv2 {

class DataPlane {
 public:
  virtual ~DataPlane() = default;
  // Replaces what the process serves for `region`; returns the snapshot's version, by which Stats tell that it is
  // applied.
  virtual std::int64_t publish(const std::string& region, std::vector<lb::LoadBalancer> load_balancers,
                               std::vector<lb::TargetGroup> target_groups) = 0;
  // Can the host's `address`:`port` be listened on? Errors: a sentence that says who has it and what to do.
  virtual Result<void> check_port(const std::string& address, int port) = 0;
  // Where the process leaves access logs of a region's load balancers, a folder each (access_log_shipper.h).
  [[nodiscard]] virtual std::string access_log_folder(const std::string& region) const = 0;
  [[nodiscard]] virtual std::string vpc_namespace(const std::string& vpc_id) const = 0;
};

}  // namespace brume::elbv2
