// What the metadata service tells an instance, from what EC2 knows of it.
#pragma once

#include <optional>
#include <string>

#include "net/metadata_tree.h"

namespace brume::daemon {

class Cloud;

// The instance with this address in this VPC, of whichever region.
std::optional<net::InstanceMetadata> instance_metadata(const Cloud& cloud, const std::string& vpc_id,
                                                       const std::string& address, Timestamp now);

}  // namespace brume::daemon
