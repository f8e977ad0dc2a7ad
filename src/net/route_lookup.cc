#include "net/route_lookup.h"

#include <algorithm>
#include <array>
#include <utility>

namespace brume::net {
namespace {

bool within(const std::string& cidr, const IpBlock& address) {
  const auto block = parse_ip_block(cidr);
  return block && block->contains(address);
}

}  // namespace

const std::string* range_with(const Routing& routing, const IpBlock& address) {
  const auto range =
      std::ranges::find_if(routing.cidrs, [&](const std::string& cidr) { return within(cidr, address); });
  return range == routing.cidrs.end() ? nullptr : &*range;
}

std::string table_at(const Routing& routing, const IpBlock& address) {
  for (const auto& [cidr, table] : routing.subnet_route_tables)
    if (within(cidr, address)) return table;
  return "";
}

const Route* longest_match(const Routing& routing, const std::string& table, const IpBlock& address) {
  const auto found = routing.route_tables.find(table);
  if (found == routing.route_tables.end()) return nullptr;
  const Route* longest = nullptr;
  int prefix = -1;
  for (const Route& route : found->second) {
    const auto block = parse_ip_block(route.destination);
    if (!block || !block->contains(address) || block->prefix <= prefix) continue;
    longest = &route;
    prefix = block->prefix;
  }
  return longest;
}

Scope scope_of(const IpBlock& address) {
  static constexpr std::array<std::pair<const char*, Scope>, 12> ranges = {{
      {"0.0.0.0/8", Scope::nowhere},
      {"10.0.0.0/8", Scope::rfc1918},
      {"172.16.0.0/12", Scope::rfc1918},
      {"192.168.0.0/16", Scope::rfc1918},
      {"100.64.0.0/10", Scope::rfc6598},
      {"127.0.0.0/8", Scope::nowhere},
      {"169.254.0.0/16", Scope::nowhere},
      {"224.0.0.0/3", Scope::nowhere},
      {"::/127", Scope::nowhere},
      {"fe80::/10", Scope::nowhere},
      {"fc00::/7", Scope::nowhere},
      {"ff00::/8", Scope::nowhere},
  }};
  for (const auto& [cidr, scope] : ranges)
    if (within(cidr, address)) return scope;
  return Scope::global;
}

}  // namespace brume::net
