// A VPC's routes in the kernel: what kernel_fabric.cc needs of kernel_routes.cc.
#pragma once

#include "net/fabric.h"
#include "net/rtnetlink.h"

namespace brume::net {

// Makes the interface's link take packets from any address, or from its own only. Without the check they follow the
// table of the interface's subnet, whatever their source. The calling thread is in the VPC's namespace, as is `vpc`.
Result<void> set_source_check(Rtnetlink& vpc, const InterfaceSpec& spec);

}  // namespace brume::net
