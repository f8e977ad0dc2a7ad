// The nftables tables of the edge: what passes `internet`, and what the host refuses. Pure.
#pragma once

#include <string>
#include <vector>

namespace brume::net {

// Commands that put the table in place, whole.
std::string internet_table();
// `name`: of the table and the link. `forwarding`: links that forward only because Brume asked them to.
std::string host_table(const std::string& name, const std::vector<std::string>& forwarding);

}  // namespace brume::net
