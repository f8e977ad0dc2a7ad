// Where a VPC's route tables send an address: longest prefix, the VPC's own ranges first.
//
// Pure; IPv4 and IPv6. Answers what routing.h describes, without a kernel: reachability.h explains by it.
#pragma once

#include <cstdint>
#include <string>

#include "net/routing.h"
#include "net/verdict.h"

namespace brume::net {

// The VPC's range that has the address, or null.
const std::string* range_with(const Routing& routing, const IpBlock& address);

// The table of the subnet that has the address; empty if no subnet has.
std::string table_at(const Routing& routing, const IpBlock& address);

// The route of the table that has the longest prefix around the address, or null. Not the local ones.
const Route* longest_match(const Routing& routing, const std::string& table, const IpBlock& address);

// What an address is good for beyond the VPC.
enum class Scope : std::uint8_t {
  global,
  rfc1918,  // private
  rfc6598,  // shared
  nowhere,  // loopback, link-local, multicast, unique local: no gateway takes them
};
Scope scope_of(const IpBlock& address);

}  // namespace brume::net
