// Reads nftables sets from the kernel, in the network namespace of the calling thread.
//
// By netlink: libnftables reads elements only as texts, and ends the process at some that it has not foreseen. Changes
// nothing.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "net/flow_table.h"

namespace brume::net {

// Names of the sets of the table `inet <table>`; none if there is no such table.
Result<std::vector<std::string>> list_sets(const std::string& table);
// An element that the kernel tells twice is there once.
Result<std::vector<CountedElement>> list_elements(const std::string& table, const std::string& set);

}  // namespace brume::net
