// Who outside of the VPC may talk to a load balancer: what its security groups say of the port, as ranges.
//
// What comes from inside the VPC meets the groups at the nodes (net/policy.h); clients on the host's side never get
// there, so that the data plane judges them.
#pragma once

#include <string>
#include <vector>

#include "ec2/api.h"

namespace brume::elbv2 {

// Ranges of IPv4 addresses that may open TCP connections to `port`, sorted. References to groups are left out: their
// members have private addresses. Errors: ec2's.
Result<std::vector<std::string>> allowed_clients(ec2::Api& ec2, const aws::Call& call, const List<std::string>& groups,
                                                 int port);

}  // namespace brume::elbv2
