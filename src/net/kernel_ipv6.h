// The IPv6 half of the kernel's fabric: what a VPC and an interface have of it, if anything.
//
// Addresses come and go while an interface is there: what the kernel has is compared with the spec. An address is a
// /128 on both sides; the rest of its subnet lies behind the router. Leaves to others: routes (kernel_routes.h).
#pragma once

#include "net/fabric.h"
#include "net/rtnetlink.h"
#include "net/spec_check.h"

namespace brume::net {

// The VPC's side of every veth. Each is a link of its own, so that they may be alike.
inline constexpr Mac vpc_side_mac{0x02, 0xb2, 0x00, 0x00, 0x00, 0x01};
inline constexpr std::uint32_t first_table = 10000;  // of an instance's secondary interfaces

// Forwarding, the source check and the gateways. The calling thread is in the VPC's namespace, as is `kernel`.
Result<void> set_up_vpc_ipv6(Rtnetlink& kernel, const VpcSpec& spec);

// Gives the interface the addresses of its spec and takes those that it has no more; an address that another interface
// had is this one's from now on. The calling thread is in the VPC's namespace, as is `vpc`. Of a failed call stays what
// it did before the failure.
Result<void> set_ipv6_addresses(Rtnetlink& vpc, const InterfaceSpec& spec, const CheckedInterface& checked,
                                const std::string& instance_path);

}  // namespace brume::net
