// How much of the machine's memory instances may take, by what their types allow them.
//
// Without a limit there is room as long as the machine itself starts instances: it then says no only when the disk is
// full. With one (brume.json, instance_memory_mib) launches beyond it are refused as AWS refuses them, and Spot
// Instances give way to On-Demand ones. The limit is the machine's, so all regions count.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>

#include "services/ec2/instance_record.h"
#include "services/ec2/instance_types.h"
#include "store/table.h"

namespace brume::ec2 {

struct MachineRoom {
  std::int64_t limit_mib = 0;               // 0: none
  std::function<std::int64_t()> elsewhere;  // MiB that other regions' instances take
};

inline std::int64_t memory_mib(const InstanceRecord& record) {
  const InstanceType* type = find_instance_type(record.instance.InstanceType.value_or(""));
  return type ? type->memory_mib : 0;
}

// Of instances that are on the machine or on their way there: one that shuts down has its memory until it is gone.
inline std::int64_t memory_taken_mib(const store::Table<InstanceRecord>& instances) {
  std::int64_t taken = 0;
  for (const auto& [id, record] : instances.rows())
    if (record.state() != InstanceStateCode::stopped && record.state() != InstanceStateCode::terminated)
      taken += memory_mib(record);
  return taken;
}

// MiB; the largest number if there is no limit, negative if it was lowered.
inline std::int64_t memory_free_mib(const MachineRoom& room, const store::Table<InstanceRecord>& instances) {
  if (room.limit_mib <= 0) return std::numeric_limits<std::int64_t>::max();
  return room.limit_mib - memory_taken_mib(instances) - (room.elsewhere ? room.elsewhere() : 0);
}

}  // namespace brume::ec2
