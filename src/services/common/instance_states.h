// The states of instances, by id, as services that register or manage instances need them.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "ec2/api.h"

namespace brume::services {

// "running", "terminated", … of each of `ids` that EC2 knows; one that is long gone is left out, not an error. Asks for
// the status of instances, which is little; that refuses ids that are gone, and then for instances by filter. In
// portions, since one takes at most 100 ids and the other 200 values.
inline Result<std::map<std::string, std::string>> instance_states(ec2::Api& ec2, const aws::Call& call,
                                                                  const std::vector<std::string>& ids) {
  constexpr std::size_t kPortion = 100;
  std::map<std::string, std::string> states;
  for (std::size_t first = 0; first < ids.size(); first += kPortion) {
    const auto begin = ids.begin() + std::ptrdiff_t(first);
    const auto end = ids.begin() + std::ptrdiff_t(std::min(first + kPortion, ids.size()));
    ec2::DescribeInstanceStatusRequest asked;
    asked.IncludeAllInstances = true;
    asked.InstanceIds.assign(begin, end);
    if (const auto found = ec2.DescribeInstanceStatus(call, asked)) {
      for (const ec2::InstanceStatus& status : found->InstanceStatuses)
        states[*status.InstanceId] = *status.InstanceState->Name;
      continue;
    }
    ec2::DescribeInstancesRequest request;
    ec2::Filter& filter = request.Filters.emplace_back();
    filter.Name = "instance-id";
    filter.Values.assign(begin, end);
    BRUME_TRY(described, ec2.DescribeInstances(call, request));
    for (const ec2::Reservation& reservation : described.Reservations)
      for (const ec2::Instance& instance : reservation.Instances) states[*instance.InstanceId] = *instance.State->Name;
  }
  return states;
}

}  // namespace brume::services
