// The states of instances, by id, as services that register or manage instances need them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ec2/api.h"

namespace brume::services {

// "running", "terminated", … of each of `ids` that EC2 knows; one that is long gone is left out, not an error. Asks in
// portions, since a filter takes at most 200 values.
inline Result<std::map<std::string, std::string>> instance_states(ec2::Api& ec2, const aws::Call& call,
                                                                  const std::vector<std::string>& ids) {
  constexpr std::size_t kPortion = 200;
  std::map<std::string, std::string> states;
  for (std::size_t first = 0; first < ids.size(); first += kPortion) {
    ec2::DescribeInstancesRequest request;
    ec2::Filter& filter = request.Filters.emplace_back();
    filter.Name = "instance-id";
    filter.Values.assign(ids.begin() + std::ptrdiff_t(first),
                         ids.begin() + std::ptrdiff_t(std::min(first + kPortion, ids.size())));
    BRUME_TRY(described, ec2.DescribeInstances(call, request));
    for (const ec2::Reservation& reservation : described.Reservations)
      for (const ec2::Instance& instance : reservation.Instances) states[*instance.InstanceId] = *instance.State->Name;
  }
  return states;
}

}  // namespace brume::services
