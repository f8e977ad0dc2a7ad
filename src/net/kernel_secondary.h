// Secondary private IPv4 addresses of interfaces, as the kernel has them.
//
// They come and go while an interface is there: what the kernel has is compared with the spec. Each is on both sides
// what the primary one is: a host route and a permanent neighbour in the VPC, an address with its subnet's prefix in
// the instance. Leaves to others: knowing of an interface that it has none (kernel_fabric.cc).
#pragma once

#include <string>

#include "net/fabric.h"
#include "net/rtnetlink.h"
#include "net/spec_check.h"

namespace brume::net {

// Gives the interface the secondary addresses of its spec and takes those that it has no more; one that another
// interface had is this one's from now on. The calling thread is in the VPC's namespace, as is `vpc`. Of a failed call
// stays what it did before the failure.
Result<void> set_secondary_addresses(Rtnetlink& vpc, const InterfaceSpec& spec, const CheckedInterface& checked,
                                     const std::string& instance_path);

}  // namespace brume::net
