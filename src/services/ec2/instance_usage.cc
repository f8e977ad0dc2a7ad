#include "services/ec2/instance_usage.h"

#include <algorithm>
#include <limits>

namespace brume::ec2 {
namespace {

double grown(std::int64_t before, std::int64_t now) {
  return double(now >= before ? now - before : now);
}

}  // namespace

double cpu_percent(const compute::Usage& before, const compute::Usage& now, env::Duration elapsed, int vcpus) {
  const double busy = grown(before.cpu_time.count(), now.cpu_time.count());
  return std::clamp(100 * busy / (double(elapsed.count()) * vcpus), 0.0, 100.0);
}

MeasuredValues measure(const compute::Usage& before, const std::optional<compute::Usage>& now, env::Duration elapsed,
                       const InstanceType& type) {
  if (!now) {
    MeasuredValues failed;
    failed.fill(std::numeric_limits<double>::quiet_NaN());
    failed[0] = failed[1] = 1;
    failed[2] = 0;
    return failed;
  }
  const double memory = double(type.memory_mib) * 1024 * 1024;
  return {0,
          0,
          0,
          cpu_percent(before, *now, elapsed, type.vcpus),
          grown(before.network_in_bytes, now->network_in_bytes),
          grown(before.network_out_bytes, now->network_out_bytes),
          grown(before.network_in_packets, now->network_in_packets),
          grown(before.network_out_packets, now->network_out_packets),
          grown(before.disk_read_bytes, now->disk_read_bytes),
          grown(before.disk_write_bytes, now->disk_write_bytes),
          grown(before.disk_read_operations, now->disk_read_operations),
          grown(before.disk_write_operations, now->disk_write_operations),
          std::clamp(100 * double(now->memory_bytes) / memory, 0.0, 100.0),
          double(now->memory_bytes)};
}

}  // namespace brume::ec2
