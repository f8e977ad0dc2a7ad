#include "services/ec2/instance_usage.h"

#include <algorithm>

namespace brume::ec2 {
namespace {

constexpr std::string_view kEc2 = "AWS/EC2";
constexpr std::string_view kAgent = "CWAgent";

double grown(std::int64_t before, std::int64_t now) {
  return double(now >= before ? now - before : now);
}

}  // namespace

double cpu_percent(const compute::Usage& before, const compute::Usage& now, env::Duration elapsed, int vcpus) {
  const double busy = grown(before.cpu_time.count(), now.cpu_time.count());
  return std::clamp(100 * busy / (double(elapsed.count()) * vcpus), 0.0, 100.0);
}

std::vector<Measured> measure(const compute::Usage& before, const std::optional<compute::Usage>& now,
                              env::Duration elapsed, const InstanceType& type) {
  const double failed = now ? 0 : 1;
  std::vector<Measured> all = {{kEc2, "StatusCheckFailed", "Count", failed},
                               {kEc2, "StatusCheckFailed_Instance", "Count", failed},
                               {kEc2, "StatusCheckFailed_System", "Count", 0}};
  if (!now) return all;
  const double memory = double(type.memory_mib) * 1024 * 1024;
  all.insert(all.end(),
             {{kEc2, "CPUUtilization", "Percent", cpu_percent(before, *now, elapsed, type.vcpus)},
              {kEc2, "NetworkIn", "Bytes", grown(before.network_in_bytes, now->network_in_bytes)},
              {kEc2, "NetworkOut", "Bytes", grown(before.network_out_bytes, now->network_out_bytes)},
              {kEc2, "NetworkPacketsIn", "Count", grown(before.network_in_packets, now->network_in_packets)},
              {kEc2, "NetworkPacketsOut", "Count", grown(before.network_out_packets, now->network_out_packets)},
              {kEc2, "EBSReadBytes", "Bytes", grown(before.disk_read_bytes, now->disk_read_bytes)},
              {kEc2, "EBSWriteBytes", "Bytes", grown(before.disk_write_bytes, now->disk_write_bytes)},
              {kEc2, "EBSReadOps", "Count", grown(before.disk_read_operations, now->disk_read_operations)},
              {kEc2, "EBSWriteOps", "Count", grown(before.disk_write_operations, now->disk_write_operations)},
              {kAgent, "mem_used_percent", "Percent", std::clamp(100 * double(now->memory_bytes) / memory, 0.0, 100.0)},
              {kAgent, "mem_used", "Bytes", double(now->memory_bytes)}});
  return all;
}

}  // namespace brume::ec2
