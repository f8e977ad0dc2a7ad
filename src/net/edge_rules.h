// The nftables tables of the edge: what passes `internet`, and what the host refuses. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "net/address.h"

namespace brume::net {

// Commands that put the table in place, whole.
std::string internet_table();
// `name`: of the table and the link. `forwarding`: links that forward only because Brume asked them to.
std::string host_table(const std::string& name, const std::vector<std::string>& forwarding);
// The same for IPv6; `ranges` lie in VPCs.
std::string internet_ipv6_table();
std::string host_ipv6_table(const std::string& name, const std::set<IpBlock>& ranges);

}  // namespace brume::net
