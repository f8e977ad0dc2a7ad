#include "net/route_plan.h"

#include <algorithm>

#include "net/link_name.h"
#include "net/spec_check.h"

namespace brume::net {
namespace {

std::string text(const Ipv4Block& block) {
  return fmt::format("{}/{}", to_string(block.base), block.prefix);
}

bool is_ipv6(const std::string& cidr) {
  return cidr.find(':') != std::string::npos;
}

bool contains(const Ipv4Block& wide, const Ipv4Block& narrow) {
  return wide.prefix <= narrow.prefix && wide.contains(narrow.base);
}

// A route with its destination parsed, and the NAT gateway that its packets pass before they follow it.
struct Way {
  RouteTarget target = RouteTarget::blackhole;
  std::string target_id;
  const NatGateway* nat = nullptr;
};
using Ways = std::map<Ipv4Block, Way>;

class Planner {
 public:
  Planner(const Routing& routing, const Present& present) : routing_(routing), present_(present) {}

  Result<RoutePlan> run() {
    BRUME_CHECK(check_id(routing_.vpc_id, "vpc-"));
    BRUME_CHECK(parse());
    plan_.rules.insert({.priority = main_priority, .table = main_table});
    for (const Ipv4Block& range : ranges_)
      plan_.routes.insert({.table = main_table, .destination = range, .kind = RouteKind::unreachable});
    plan_.uplink = routing_.internet_gateway && !plan_.public_addresses.empty();
    if (plan_.uplink) plan_.hops.insert({uplink_name, internet_hop});
    for (const auto& [subnet, table] : subnets_) {
      plan_.rules.insert({.priority = subnet_priority, .source = subnet, .table = table_of(subnet)});
      for (const auto& [destination, way] : ways_of(table)) place(table_of(subnet), destination, way);
    }
    plan_.nat = nat_table();
    return std::move(plan_);
  }

 private:
  Result<void> parse() {
    for (const std::string& cidr : routing_.cidrs) {
      if (is_ipv6(cidr)) continue;
      BRUME_TRY(range, parse_ipv4_block(cidr));
      ranges_.push_back(range);
    }
    for (const auto& [cidr, table] : routing_.subnet_route_tables) {
      if (is_ipv6(cidr)) continue;
      BRUME_TRY(subnet, parse_ipv4_block(cidr));
      subnets_[subnet] = table;
    }
    for (const auto& [id, routes] : routing_.route_tables)
      for (const Route& route : routes) {
        if (is_ipv6(route.destination)) continue;
        BRUME_TRY(destination, parse_ipv4_block(route.destination));
        tables_[id][destination] = {route.target, route.target_id};
      }
    for (const PublicAddress& address : routing_.public_addresses) {
      BRUME_TRY(outside, parse_ipv4(address.address));
      BRUME_TRY(inside, parse_ipv4(address.private_address));
      if (!plan_.public_addresses.insert(outside).second || !inside_.insert({inside, outside}).second)
        return fail("InvalidParameterValue", "{} or {} is translated twice", address.address, address.private_address);
    }
    for (const NatGateway& nat : routing_.nat_gateways) {
      BRUME_TRY(inside, parse_ipv4(nat.private_address));
      Nat& entry = nats_[nat.id];
      entry = {&nat, inside, {}};
      if (nat.public_address.empty()) continue;
      BRUME_TRY(outside, parse_ipv4(nat.public_address));
      entry.outside = outside;
      if (!plan_.public_addresses.insert(outside).second)
        return fail("InvalidParameterValue", "{} is translated twice", nat.public_address);
    }
    for (const Peering& peering : routing_.peerings) {
      BRUME_CHECK(check_id(peering.id, "pcx-"));
      BRUME_CHECK(check_id(peering.peer_vpc_id, "vpc-"));
      if (present_.vpcs.contains(peering.peer_vpc_id))
        plan_.peerings[peering_link(peering.id)] = peering.peer_vpc_id;
      else
        plan_.missing_peers.push_back(peering.peer_vpc_id);
    }
    return {};
  }

  // The table's routes, those through a NAT gateway followed by the routes of the subnet in which it stands.
  Ways ways_of(const std::string& table) const {
    const auto found = tables_.find(table);
    if (found == tables_.end()) return {};
    Ways ways = found->second;
    for (const auto& [destination, way] : found->second)
      if (way.target == RouteTarget::nat_gateway) pass_nat(found->second, destination, way.target_id, ways);
    return ways;
  }

  void pass_nat(const Ways& own, const Ipv4Block& destination, const std::string& nat_id, Ways& ways) const {
    ways[destination] = {};
    const auto nat = nats_.find(nat_id);
    if (nat == nats_.end()) return;
    const auto subnet =
        std::ranges::find_if(subnets_, [&](const auto& entry) { return entry.first.contains(nat->second.inside); });
    if (subnet == subnets_.end()) return;
    const auto beyond = tables_.find(subnet->second);
    if (beyond == tables_.end()) return;
    int widest = -1;  // the longest prefix around the destination decides for what no longer one names
    for (const auto& [there, way] : beyond->second) {
      // A second translation does not happen.
      const Way after =
          way.target == RouteTarget::nat_gateway ? Way{} : Way{way.target, way.target_id, nat->second.spec};
      if (contains(there, destination)) {
        if (there.prefix <= widest) continue;
        widest = there.prefix;
        ways[destination] = after;
      } else if (contains(destination, there)) {
        const bool named = std::ranges::any_of(own, [&](const auto& entry) {
          return entry.first.prefix > destination.prefix && contains(entry.first, there);
        });
        if (!named) ways[there] = after;
      }
    }
  }

  void place(std::uint32_t table, const Ipv4Block& destination, const Way& way) {
    // The VPC's own ranges are local whatever a table says; the main table has seen to them.
    PlannedRoute route{.table = table, .destination = destination, .kind = RouteKind::blackhole};
    Ipv4 hop = internet_hop;
    if (way.nat) hop = nats_.at(way.nat->id).inside;
    switch (way.target) {
      case RouteTarget::blackhole:
      case RouteTarget::nat_gateway:
        break;
      case RouteTarget::internet_gateway:
        // A private NAT gateway has no address to go out with.
        if (plan_.uplink && (!way.nat || !way.nat->public_address.empty())) through(route, uplink_name, hop);
        break;
      case RouteTarget::peering:
        if (const std::string link = peering_link(way.target_id);
            plan_.peerings.contains(link) && (!way.nat || way.nat->public_address.empty()))
          through(route, link, hop);
        break;
      case RouteTarget::network_interface:
        if (const auto found = present_.interfaces.find(way.target_id);
            found != present_.interfaces.end() && !found->second.source_dest_check && !way.nat) {
          route.kind = RouteKind::unicast;
          route.link = found->second.link;
          route.via = found->second.address;
        }
        break;
    }
    if (route.kind == RouteKind::unicast)
      plan_.routes.insert(
          {.table = table, .destination = destination, .kind = RouteKind::blackhole, .metric = fallback_metric});
    plan_.routes.insert(std::move(route));
  }

  void through(PlannedRoute& route, const std::string& link, Ipv4 hop) {
    route.kind = RouteKind::unicast;
    route.link = link;
    route.via = hop;
    plan_.hops.insert({link, hop});
  }

  std::string nat_table() const;

  struct Nat {
    const NatGateway* spec = nullptr;
    Ipv4 inside, outside;
  };
  const Routing& routing_;
  const Present& present_;
  std::vector<Ipv4Block> ranges_;
  std::map<Ipv4Block, std::string> subnets_;
  std::map<std::string, Ways> tables_;
  std::map<Ipv4, Ipv4> inside_;  // private → public
  std::map<std::string, Nat> nats_;
  RoutePlan plan_;
};

// A set or a map of nft(8); one without elements has no element list.
std::string set_of(std::string_view kind, std::string_view name, std::string_view type,
                   const std::vector<std::string>& elements) {
  std::string out = fmt::format("{} {} {{ type {}; ", kind, name, type);
  if (!elements.empty()) out += fmt::format("elements = {{ {} }}; ", fmt::join(elements, ", "));
  return out + "}\n";
}

std::string Planner::nat_table() const {
  std::vector<std::string> pairs, out, in, with_public, hops, lent, ranges, gateways;
  std::string translate;
  for (const auto& [inside, outside] : inside_) {
    const std::string a = to_string(inside), b = to_string(outside);
    out.push_back(a + " : " + b);
    in.push_back(b + " : " + a);
    pairs.push_back(b + " . " + a);
    with_public.push_back(a);
  }
  for (const auto& [id, nat] : nats_) {
    const std::string inside = to_string(nat.inside);
    translate += fmt::format("oifname \"p*\" rt ip nexthop {0} snat to {0}\n", inside);
    if (nat.outside == Ipv4{}) continue;
    hops.push_back(inside);
    lent.push_back(to_string(nat.outside));
    translate += fmt::format("oifname \"uplink\" rt ip nexthop {} snat to {}\n", inside, to_string(nat.outside));
  }
  for (const Ipv4Block& range : ranges_) ranges.push_back(text(range));
  for (const auto& [subnet, table] : subnets_)
    gateways.push_back(fmt::format("{} : {}", text(subnet), to_string(subnet.at(1))));

  std::string commands = "table ip brume_nat\ndelete table ip brume_nat\ntable ip brume_nat {\n";
  commands += set_of("map", "public_of", "ipv4_addr : ipv4_addr", out);
  commands += set_of("map", "private_of", "ipv4_addr : ipv4_addr", in);
  commands += set_of("set", "pairs", "ipv4_addr . ipv4_addr", pairs);
  commands += set_of("set", "with_public", "ipv4_addr", with_public);
  commands += set_of("set", "nat_hops", "ipv4_addr", hops);
  commands += set_of("set", "nat_addresses", "ipv4_addr", lent);
  commands += set_of("set", "ranges", "ipv4_addr; flags interval", ranges);
  commands += set_of("map", "gateway_of", "ipv4_addr : ipv4_addr; flags interval", gateways);
  const std::string hop = to_string(internet_hop);
  commands += fmt::format(R"(
chain guard {{ type filter hook prerouting priority -310
  iifname "uplink" ip saddr @ranges drop
  iifname "p*" ip saddr @ranges drop
  iifname {{ "uplink", "p*" }} ip daddr 169.254.0.0/16 drop
  iifname != {{ "uplink", "lo" }} ip saddr 127.0.0.0/8 drop
}}
chain translate_in {{ type nat hook prerouting priority -100
  iifname "uplink" dnat to ip daddr map @private_of
}}
chain pass {{ type filter hook forward priority -50
  iifname "uplink" jump pass_in
  oifname "uplink" goto pass_out
  oifname "p*" ip saddr != @ranges drop
}}
chain pass_in {{
  ct direction original ct original ip daddr . ip daddr @pairs return
  ct direction reply ct reply ip daddr . ip daddr @pairs return
  ct direction reply ct reply ip daddr @nat_addresses return
  drop
}}
chain pass_out {{
  iifname "uplink" drop
  ct direction reply rt ip nexthop {0} ct original ip daddr . ip saddr @pairs accept
  ct direction original rt ip nexthop {0} ip saddr @with_public accept
  ct direction original rt ip nexthop @nat_hops accept
  reject with icmp type net-unreachable
}}
chain pass_local {{ type filter hook input priority -50
  iifname "uplink" ct direction original ct status dnat accept
  iifname "uplink" ct direction reply accept
  iifname "uplink" drop
}}
chain translate_out {{ type nat hook postrouting priority 100
{1}  oifname "uplink" snat to ip saddr map @public_of
  oifname != "uplink" ip saddr 127.0.0.0/8 snat to ip daddr map @gateway_of
}}
}}
)",
                          hop, translate);
  return commands;
}

}  // namespace

std::uint32_t table_of(const Ipv4Block& subnet) {
  return (std::uint32_t(1) << 30) | subnet.base.value >> 4;
}

std::string peering_link(std::string_view peering_id) {
  return fmt::format("p{:014x}", fnv1a(peering_id) >> 8);
}

Result<RoutePlan> plan_routes(const Routing& routing, const Present& present) {
  return Planner(routing, present).run();
}

}  // namespace brume::net
