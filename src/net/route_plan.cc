#include "net/route_plan.h"

#include <algorithm>

#include "net/link_name.h"
#include "net/spec_check.h"

namespace brume::net {
namespace {

constexpr std::uint8_t internet_number = 1, egress_only_number = 4;  // of ipv6_hop()

// A route with its destination parsed, and the NAT gateway that its packets pass before they follow it.
struct Way {
  RouteTarget target = RouteTarget::blackhole;
  std::string target_id;
  const NatGateway* nat = nullptr;
};
using Ways = std::map<IpBlock, Way>;

class Planner {
 public:
  Planner(const Routing& routing, const Present& present) : routing_(routing), present_(present) {}

  Result<RoutePlan> run() {
    BRUME_CHECK(check_id(routing_.vpc_id, "vpc-"));
    BRUME_CHECK(parse());
    plan_.rules.insert({.priority = main_priority, .table = main_table});
    if (plan_.ipv6) plan_.rules.insert({.priority = main_priority, .source = all_of_ipv6(), .table = main_table});
    for (const IpBlock& range : ranges_)
      plan_.routes.insert({.table = main_table, .destination = range, .kind = RouteKind::unreachable});
    if (routing_.internet_gateway && (!public_.empty() || present_.uplink)) {
      plan_.uplink = translates_ = true;
      for (const Ipv4 address : public_) plan_.destinations.insert({address, 32});
      plan_.hops.insert({uplink_name, internet_hop});
    }
    for (const auto& [subnet, table] : subnets_) {
      plan_.rules.insert({.priority = subnet_priority, .source = subnet, .table = table_of(subnet)});
      for (const auto& [destination, way] : ways_of(table))
        if (destination.ipv6 == subnet.ipv6) place(subnet, destination, way);
    }
    plan_.nat = nat_table();
    if (plan_.ipv6) plan_.nat += ipv6_table();
    return std::move(plan_);
  }

 private:
  Result<void> parse() {
    for (const std::string& cidr : routing_.cidrs) {
      BRUME_TRY(range, parse_block(cidr));
      ranges_.push_back(range);
      plan_.ipv6 = plan_.ipv6 || range.ipv6;
    }
    for (const auto& [cidr, table] : routing_.subnet_route_tables) {
      BRUME_TRY(subnet, parse_block(cidr));
      if (subnet.ipv6 && subnet.prefix != 64)
        return fail("InvalidParameterValue", "The subnet {} is not an IPv6 block of /64", cidr);
      subnets_[subnet] = table;
    }
    for (const auto& [id, routes] : routing_.route_tables)
      for (const Route& route : routes) {
        BRUME_TRY(destination, parse_block(route.destination));
        tables_[id][destination] = {route.target, route.target_id};
      }
    for (const PublicAddress& address : routing_.public_addresses) {
      BRUME_TRY(outside, parse_ipv4(address.address));
      BRUME_TRY(inside, parse_ipv4(address.private_address));
      if (!public_.insert(outside).second || !inside_.insert({inside, outside}).second)
        return fail("InvalidParameterValue", "{} or {} is translated twice", address.address, address.private_address);
    }
    for (const NatGateway& nat : routing_.nat_gateways) {
      BRUME_TRY(inside, parse_ipv4(nat.private_address));
      Nat& entry = nats_[nat.id];
      entry = {&nat, inside, {}};
      if (nat.public_address.empty()) continue;
      BRUME_TRY(outside, parse_ipv4(nat.public_address));
      entry.outside = outside;
      if (!public_.insert(outside).second)
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

  void pass_nat(const Ways& own, const IpBlock& destination, const std::string& nat_id, Ways& ways) const {
    ways[destination] = {};
    const auto nat = nats_.find(nat_id);
    if (nat == nats_.end()) return;
    const auto subnet = std::ranges::find_if(
        subnets_, [&](const auto& entry) { return entry.first.contains({nat->second.inside, 32}); });
    if (subnet == subnets_.end()) return;
    const auto beyond = tables_.find(subnet->second);
    if (beyond == tables_.end()) return;
    int widest = -1;  // the longest prefix around the destination decides for what no longer one names
    for (const auto& [there, way] : beyond->second) {
      // A second translation does not happen.
      const Way after =
          way.target == RouteTarget::nat_gateway ? Way{} : Way{way.target, way.target_id, nat->second.spec};
      if (there.contains(destination)) {
        if (there.prefix <= widest) continue;
        widest = there.prefix;
        ways[destination] = after;
      } else if (destination.contains(there)) {
        const bool named = std::ranges::any_of(own, [&](const auto& entry) {
          return entry.first.prefix > destination.prefix && entry.first.contains(there);
        });
        if (!named) ways[there] = after;
      }
    }
  }

  void place(const IpBlock& subnet, const IpBlock& destination, const Way& way) {
    // The VPC's own ranges are local whatever a table says; the main table has seen to them.
    const std::uint32_t table = table_of(subnet);
    PlannedRoute route{.table = table, .destination = destination, .kind = RouteKind::blackhole};
    IpAddress hop = destination.ipv6 ? ipv6_hop(internet_number) : IpAddress(internet_hop);
    if (way.nat) hop = nats_.at(way.nat->id).inside;
    switch (way.target) {
      case RouteTarget::blackhole:
      case RouteTarget::nat_gateway:
        break;
      case RouteTarget::internet_gateway:
        if (destination.ipv6) {
          if (!routing_.internet_gateway) break;
          inbound_.insert(subnet);
          out_by_ipv6(route, hop);
        } else if (translates_ && (!way.nat || !way.nat->public_address.empty())) {
          // A private NAT gateway has no address to go out with.
          through(route, uplink_name, hop);
        }
        break;
      case RouteTarget::egress_only_gateway:
        if (destination.ipv6) out_by_ipv6(route, ipv6_hop(egress_only_number));
        break;
      case RouteTarget::peering:
        if (const std::string link = peering_link(way.target_id);
            plan_.peerings.contains(link) && (!way.nat || way.nat->public_address.empty()))
          through(route, link, hop);
        break;
      case RouteTarget::network_interface:
        if (const auto found = present_.interfaces.find(way.target_id);
            found != present_.interfaces.end() && !found->second.source_dest_check && !way.nat) {
          const PresentInterface& interface = found->second;
          if (destination.ipv6 && interface.ipv6_address == IpAddress{}) break;
          route.kind = RouteKind::unicast;
          route.link = interface.link;
          route.via = destination.ipv6 ? interface.ipv6_address : IpAddress(interface.address);
        }
        break;
    }
    if (route.kind == RouteKind::unicast)
      plan_.routes.insert(
          {.table = table, .destination = destination, .kind = RouteKind::blackhole, .metric = fallback_metric});
    plan_.routes.insert(std::move(route));
  }

  void through(PlannedRoute& route, const std::string& link, const IpAddress& hop) {
    route.kind = RouteKind::unicast;
    route.link = link;
    route.via = hop;
    plan_.hops.insert({link, hop});
  }

  void out_by_ipv6(PlannedRoute& route, const IpAddress& hop) {
    through(route, uplink_name, hop);
    plan_.uplink = true;
    for (const IpBlock& range : ranges_)
      if (range.ipv6) plan_.destinations.insert(range);
  }

  std::string ipv6_table() const;
  std::string nat_table() const;

  struct Nat {
    const NatGateway* spec = nullptr;
    Ipv4 inside, outside;
  };
  const Routing& routing_;
  const Present& present_;
  std::vector<IpBlock> ranges_;
  std::map<IpBlock, std::string> subnets_;
  std::set<Ipv4> public_;
  bool translates_ = false;    // has IPv4 a way out?
  std::set<IpBlock> inbound_;  // IPv6 subnets that an internet gateway leads to
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
  for (const IpBlock& range : ranges_)
    if (!range.ipv6) ranges.push_back(range.text());
  for (const auto& [subnet, table] : subnets_)
    if (!subnet.ipv6)
      gateways.push_back(fmt::format("{} : {}", subnet.text(), to_string(Ipv4{subnet.base().ipv4().value + 1})));

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

// Its addresses are public themselves, so nothing is translated; what passes is what may.
std::string Planner::ipv6_table() const {
  std::vector<std::string> ranges, inbound;
  for (const IpBlock& range : ranges_)
    if (range.ipv6) ranges.push_back(range.text());
  for (const IpBlock& subnet : inbound_) inbound.push_back(subnet.text());
  std::string commands = "table ip6 brume_out\ndelete table ip6 brume_out\ntable ip6 brume_out {\n";
  commands += set_of("set", "ranges", "ipv6_addr; flags interval", ranges);
  commands += set_of("set", "inbound", "ipv6_addr; flags interval", inbound);
  // New flows come in to where an internet gateway is the way out: an egress-only one lets out what began inside.
  commands += fmt::format(R"(
chain guard {{ type filter hook prerouting priority -305
  iifname {{ "uplink", "p*" }} ip6 saddr @ranges drop
  iifname {{ "uplink", "p*" }} ip6 daddr fd00:ec2::/32 drop
}}
chain pass {{ type filter hook forward priority -50
  iifname "uplink" oifname "uplink" drop
  iifname "uplink" ct direction original ip6 daddr != @inbound drop
  oifname {{ "uplink", "p*" }} ip6 saddr != @ranges drop
  oifname "uplink" ct direction reply rt ip6 nexthop {} drop
}}
chain pass_local {{ type filter hook input priority -50
  iifname "uplink" ct direction original drop
}}
}}
)",
                          to_string(ipv6_hop(egress_only_number)));
  return commands;
}

}  // namespace

IpAddress ipv6_hop(std::uint8_t number) {
  IpAddress hop;
  hop.ipv6 = true;
  hop.bytes = {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0xab};
  hop.bytes[15] = number;
  return hop;
}

std::uint32_t table_of(const IpBlock& subnet) {
  const std::size_t last = subnet.ipv6 ? 8 : 4;  // of the bytes that tell subnets apart
  std::uint32_t number = 0;
  for (std::size_t i = last - 4; i < last; ++i) number = number << 8 | subnet.bytes[i];
  // The low 28 bits of an IPv6 subnet's number, the high ones of an IPv4 subnet's base.
  return (std::uint32_t(1) << 30) | (subnet.ipv6 ? number & 0x0fffffffU : number >> 4);
}

std::string peering_link(std::string_view peering_id) {
  return fmt::format("p{:014x}", fnv1a(peering_id) >> 8);
}

Result<RoutePlan> plan_routes(const Routing& routing, const Present& present) {
  return Planner(routing, present).run();
}

}  // namespace brume::net
