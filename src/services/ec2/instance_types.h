// The instance types that Brume offers: what DescribeInstanceTypes answers and what an instance's cgroup allows.
//
// vCPUs, memory and interface limits are those of AWS's EC2 user guide ("instance type specifications"). Types of other
// processor architectures (t4g, m6g, …) are not offered: an instance runs on the machine's own processor.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ec2/shapes.h"

namespace brume::ec2 {

struct InstanceType {
  std::string_view name;  // "t3.micro"
  int vcpus;
  std::int64_t memory_mib;
  int interfaces;               // most network interfaces
  int addresses_per_interface;  // most private IPv4 addresses of one

  [[nodiscard]] std::string_view family() const { return name.substr(0, name.find('.')); }
  // Earns and spends CPU credits (t families).
  [[nodiscard]] bool burstable() const { return name.starts_with('t'); }
};

// Sorted by name.
std::span<const InstanceType> instance_types();
// nullptr: not offered.
const InstanceType* find_instance_type(std::string_view name);
int threads_per_core(const InstanceType& type);
InstanceTypeInfo describe(const InstanceType& type);

}  // namespace brume::ec2
