// What an instance did in an interval, as metrics of CloudWatch: pure.
//
// Names, units and meanings: EC2 user guide, "CloudWatch metrics that are available for your instances" (Nitro: root
// volumes are EBS), and for memory those of the CloudWatch agent. Leaves to the caller: when, and for which dimensions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "compute/driver.h"
#include "services/ec2/instance_types.h"

namespace brume::ec2 {

struct Measured {
  std::string_view metric_namespace;  // "AWS/EC2" or "CWAgent"
  std::string_view name, unit;
  double value = 0;
  bool operator==(const Measured&) const = default;
};

// The share of its processors that was busy between two looks, 0 to 100. `elapsed` must be positive.
double cpu_percent(const compute::Usage& before, const compute::Usage& now, env::Duration elapsed, int vcpus);

// `now`: none if the machine no longer has the instance although it should run: only that it failed its status check is
// known then. Counters that went back began anew.
std::vector<Measured> measure(const compute::Usage& before, const std::optional<compute::Usage>& now,
                              env::Duration elapsed, const InstanceType& type);

}  // namespace brume::ec2
