// IPv6 on Brume's links: off, unless something there has an address.
//
// Where it is on, nothing happens by itself: no link-local address is made, no router believed, no duplicate looked
// for, and neighbours are static. So nothing that is link-local has to pass, and the tables drop all of it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace brume::net {

// Where an instance's IPv6 packets go: the VPC's router, as AWS's is by a link-local address. No one has that address;
// the neighbour entry leads to it.
IpAddress ipv6_router();

// In the namespace of the calling thread.
bool has_ipv6();
// Error: UnsupportedOperation, if the kernel has none.
Result<void> need_ipv6();
// Whether it is on.
Result<bool> ipv6_enabled(std::string_view link);
Result<void> enable_ipv6(std::string_view link);
// With all addresses and routes that it had. Nothing if the kernel has no IPv6.
Result<void> disable_ipv6(std::string_view link);

// The source check of a VPC's instances, as the nftables table `ip6 brume_guard`; what it knows of links stays.
Result<void> guard_ipv6();
// Off for packets from that link. The table must be there.
Result<void> check_ipv6_source(const std::string& link, bool check);

}  // namespace brume::net
