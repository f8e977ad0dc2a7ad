// Entries of a network ACL: their check and their order.
//
// Pure. An ACL's entries are judged by ascending number, the first that matches decides (VPC user guide, "Network
// ACLs"); those for egress and those for ingress apart.
#pragma once

#include "base/result.h"
#include "ec2/shapes.h"

namespace brume::ec2 {

// The entry that the parameters make: canonical range, protocol as a number, only the ports or types that its protocol
// has. Errors: InvalidParameterValue, MissingParameter.
Result<NetworkAclEntry> acl_entry(const CreateNetworkAclEntryRequest& request);

// In the order in which they are judged, egress first as AWS lists them.
void sort_entries(List<NetworkAclEntry>& entries);

}  // namespace brume::ec2
