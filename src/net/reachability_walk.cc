#include "net/reachability_walk.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "net/route_lookup.h"

namespace brume::net {
namespace {

const PolicyInterface* find_interface(const ReachableVpc& vpc, const std::string& id) {
  const auto found = vpc.policy.interfaces.find(id);
  return found == vpc.policy.interfaces.end() ? nullptr : &found->second;
}

const PolicyInterface* interface_at(const ReachableVpc& vpc, const IpBlock& address) {
  for (const auto& [id, interface] : vpc.policy.interfaces)
    for (const std::string& own : interface.addresses)
      if (parse_ip_block(own) == address) return &interface;
  return nullptr;
}

const NatGateway* find_nat_gateway(const Routing& routing, const std::string& id) {
  const auto found = std::ranges::find(routing.nat_gateways, id, &NatGateway::id);
  return found == routing.nat_gateways.end() ? nullptr : &*found;
}

bool in_vpc(const Routing& routing, const std::string& address) {
  const auto block = parse_ip_block(address);
  return block && range_with(routing, *block) != nullptr;
}

// The route table of its subnet.
std::string table_for(const ReachableVpc& vpc, const PolicyInterface& interface) {
  for (const std::string& own : interface.addresses)
    if (const auto address = parse_ip_block(own))
      if (std::string table = table_at(vpc.routing, *address); !table.empty()) return table;
  return "";
}

// Of the group rules that an interface has in one direction: none at all?
bool has_no_rules(const Policy& policy, const PolicyInterface& interface, bool egress) {
  return std::ranges::none_of(interface.group_ids, [&](const std::string& id) {
    const auto group = policy.groups.find(id);
    return group != policy.groups.end() &&
           std::ranges::any_of(group->second.rules, [&](const GroupRule& rule) { return rule.egress == egress; });
  });
}

// The one of the interface's groups that has the rule.
std::string group_with(const Policy& policy, const PolicyInterface& interface, const std::string& rule_id) {
  for (const std::string& id : interface.group_ids)
    if (const auto group = policy.groups.find(id); group != policy.groups.end())
      if (std::ranges::find(group->second.rules, rule_id, &GroupRule::id) != group->second.rules.end()) return id;
  return "";
}

std::string name_of(const Route& route) {
  switch (route.target) {
    case RouteTarget::blackhole:
      return "blackhole";
    case RouteTarget::internet_gateway:
      return "igw";
    case RouteTarget::egress_only_gateway:
    case RouteTarget::nat_gateway:
    case RouteTarget::network_interface:
    case RouteTarget::peering:
      break;
  }
  return route.target_id;
}

const char* refused_by_internet_gateway(const std::string& destination) {
  const auto address = parse_ip_block(destination);
  switch (address ? scope_of(*address) : Scope::nowhere) {
    case Scope::global:
      return "";
    case Scope::rfc1918:
      return "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS";
    case Scope::rfc6598:
      return "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS";
    case Scope::nowhere:
      break;
  }
  return "NO_POSSIBLE_DESTINATION";
}

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

// What an ACL decided, in a hop that says where.
Hop acl_hop(const Decision& decision, Hop hop) {
  const std::size_t space = decision.by.find(' ');
  hop.kind = HopKind::acl;
  hop.id = decision.by.substr(0, space);
  hop.rule = space == std::string::npos ? "" : decision.by.substr(space + 1);
  if (!decision.allowed) hop.code = "SUBNET_ACL_RESTRICTION";
  return hop;
}

}  // namespace

Walk Walk::reply_to(const Walk& forward, int port, const Place* end) {
  Walk reply(forward.vpcs_,
             {.source = forward.packet_.destination,
              .destination = forward.packet_.source,
              .protocol = forward.packet_.protocol,
              .port = port},
             end);
  reply.reply_ = true;
  reply.translations_ = forward.translations_;
  reply.ways_ = forward.ways_;
  const Place& from = forward.arrived_;
  if (from.kind == PlaceKind::interface) reply.from_interface(from.vpc_id, from.id);
  if (from.kind == PlaceKind::internet_gateway && from.id.empty()) reply.from_internet(from.vpc_id, "");
  if (from.kind == PlaceKind::internet_gateway && !from.id.empty()) {
    reply.add({.kind = HopKind::internet_gateway, .vpc_id = from.vpc_id, .id = from.id});
    reply.enter(from.vpc_id);
  }
  if (from.kind == PlaceKind::peering) reply.from_peering(from.vpc_id, from.id);
  return reply;
}

void Walk::from_interface(const std::string& vpc_id, const std::string& interface_id) {
  leave(vpc_id, *find_interface(vpc(vpc_id), interface_id), true);
}

void Walk::from_internet(const std::string& vpc_id, const std::string& expected) {
  const Routing& routing = vpc(vpc_id).routing;
  Hop& hop = add({.kind = HopKind::internet_gateway, .vpc_id = vpc_id});
  if (!routing.internet_gateway) hop.code = "BAD_STATE_ATTACHMENT";
  if (!reply_) ways_[vpc_id] = {HopKind::internet_gateway, ""};
  if (!reply_ && !is_ipv6(packet_.destination)) {
    const auto address = std::ranges::find(routing.public_addresses, packet_.destination, &PublicAddress::address);
    if (address != routing.public_addresses.end()) {
      translations_.push_back({vpc_id, "", address->private_address, address->address});
      packet_.destination = address->private_address;
      exchanged();
    } else {
      hop.code = "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS";
      const PolicyInterface* meant = find_interface(vpc(vpc_id), expected);
      if (!meant || std::ranges::find(meant->addresses, packet_.destination) == meant->addresses.end()) return;
    }
  }
  enter(vpc_id);
}

void Walk::from_peering(const std::string& vpc_id, const std::string& peering_id) {
  add({.kind = HopKind::peering, .vpc_id = vpc_id, .id = peering_id});
  if (!reply_) ways_[vpc_id] = {HopKind::peering, peering_id};
  enter(vpc_id);
}

int Walk::blocks() const {
  return int(std::ranges::count_if(hops_, [](const Hop& hop) { return !hop.code.empty(); }));
}

void Walk::block(std::string_view code) {
  if (!hops_.empty() && hops_.back().code.empty()) hops_.back().code = code;
}

Hop& Walk::add(Hop hop) {
  hops_.push_back(std::move(hop));
  exchanged();
  return hops_.back();
}

void Walk::exchanged() {
  hops_.back().source = packet_.source;
  hops_.back().destination = packet_.destination;
}

void Walk::leave(const std::string& vpc_id, const PolicyInterface& interface, bool first) {
  const ReachableVpc& here = vpc(vpc_id);
  const auto destination = parse_ip_block(packet_.destination);
  if (first) {
    Hop& hop = add({.kind = HopKind::interface, .vpc_id = vpc_id, .id = interface.id, .egress = true});
    if (!here.routers.contains(interface.id) &&
        std::ranges::find(interface.addresses, packet_.source) == interface.addresses.end())
      hop.code = "ENI_SOURCE_DEST_CHECK_RESTRICTION";
  }
  // A loopback address is the instance itself.
  if (!destination || (!reply_ && parse_ip_block("127.0.0.0/8")->contains(*destination)))
    return block("NO_POSSIBLE_DESTINATION");
  if (const std::string* range = range_with(here.routing, *destination)) {
    if (const PolicyInterface* to = interface_at(here, *destination)) return deliver(vpc_id, &interface, *to);
    judged(vpc_id, &interface, nullptr, true);
    add({.kind = HopKind::route_table,
         .vpc_id = vpc_id,
         .id = table_for(here, interface),
         .rule = *range,
         .target = "local",
         .code = "NO_POSSIBLE_DESTINATION"});
    return;
  }
  const std::string table = table_for(here, interface);
  const Route* way = longest_match(here.routing, table, *destination);
  if (way && way->target == RouteTarget::network_interface) return through_interface(vpc_id, interface, way->target_id);
  judged(vpc_id, &interface, nullptr, true, peering_towards(vpc_id, table));
  const Route* route = look_up(vpc_id, table);
  if (!route) return;
  if (route->target == RouteTarget::internet_gateway) through_internet_gateway(vpc_id, nullptr);
  if (route->target == RouteTarget::egress_only_gateway) through_egress_only_gateway(vpc_id, route->target_id);
  if (route->target == RouteTarget::nat_gateway) through_nat_gateway(vpc_id, route->target_id);
  if (route->target == RouteTarget::peering) through_peering(vpc_id, route->target_id);
}

void Walk::deliver(const std::string& vpc_id, const PolicyInterface* from, const PolicyInterface& to) {
  const ReachableVpc& here = vpc(vpc_id);
  arrived_ = {.kind = PlaceKind::interface, .id = to.id, .vpc_id = vpc_id, .address = packet_.destination};
  if (from == &to) return;  // it never leaves the interface
  if (from) {
    judged(vpc_id, from, &to, true);
    if (from->subnet_id != to.subnet_id)
      add({.kind = HopKind::route_table,
           .vpc_id = vpc_id,
           .id = table_for(here, *from),
           .rule = *range_with(here.routing, *parse_ip_block(packet_.destination)),
           .target = "local"});
  }
  judged(vpc_id, from, &to, false);
  add({.kind = HopKind::interface, .vpc_id = vpc_id, .id = to.id});
}

void Walk::judged(const std::string& vpc_id, const PolicyInterface* from, const PolicyInterface* to, bool egress,
                  const std::string& towards) {
  const Policy& policy = vpc(vpc_id).policy;
  const auto came = ways_.find(vpc_id);
  const bool from_peer = !from && came != ways_.end() && came->second.kind == HopKind::peering;
  const Packet packet{.from = {from ? from->id : "", packet_.source},
                      .to = {to ? to->id : "", packet_.destination},
                      .protocol = packet_.protocol,
                      .first = packet_.port,
                      .peering_id = from_peer ? came->second.id : towards};
  const PolicyInterface& whose = egress ? *from : *to;
  for (const Decision& decision : judge(policy, packet).decisions) {
    const bool out = decision.stage == Stage::egress_groups || decision.stage == Stage::acl_out;
    const bool groups = decision.stage == Stage::egress_groups || decision.stage == Stage::ingress_groups;
    if (out != egress || (groups && reply_)) continue;
    Hop hop{.kind = HopKind::groups, .vpc_id = vpc_id, .interface_id = whose.id, .egress = egress};
    if (!groups) {
      add(acl_hop(decision, std::move(hop)));
      continue;
    }
    hop.id = group_with(policy, whose, decision.by);
    hop.rule = decision.by;
    if (!decision.allowed) hop.code = has_no_rules(policy, whose, egress) ? "SG_HAS_NO_RULES" : "ENI_SG_RULES_MISMATCH";
    add(std::move(hop));
  }
}

std::string Walk::peering_towards(const std::string& vpc_id, const std::string& table) const {
  const Routing& routing = vpc(vpc_id).routing;
  const auto destination = parse_ip_block(packet_.destination);
  const Route* route = destination ? longest_match(routing, table, *destination) : nullptr;
  if (route && route->target == RouteTarget::nat_gateway) {
    const NatGateway* nat = find_nat_gateway(routing, route->target_id);
    const auto stands_at = nat ? parse_ip_block(nat->private_address) : std::nullopt;
    route = stands_at ? longest_match(routing, table_at(routing, *stands_at), *destination) : nullptr;
  }
  return route && route->target == RouteTarget::peering ? route->target_id : "";
}

void Walk::judged_at(const std::string& vpc_id, const NatGateway& nat, bool egress) {
  const Packet packet{.from = {"", packet_.source},
                      .to = {"", packet_.destination},
                      .protocol = packet_.protocol,
                      .first = packet_.port};
  add(acl_hop(judge_acl(vpc(vpc_id).policy, nat.subnet_id, packet, egress),
              {.vpc_id = vpc_id, .interface_id = nat.id, .egress = egress}));
}

const Route* Walk::look_up(const std::string& vpc_id, const std::string& table) {
  const auto destination = parse_ip_block(packet_.destination);
  const Route* route = destination ? longest_match(vpc(vpc_id).routing, table, *destination) : nullptr;
  Hop& hop = add({.kind = HopKind::route_table, .vpc_id = vpc_id, .id = table, .egress = true});
  if (!route) {
    hop.code = "NO_ROUTE_TO_DESTINATION";
    return nullptr;
  }
  hop.rule = route->destination;
  hop.target = name_of(*route);
  if (route->target == RouteTarget::blackhole)
    hop.code = "BAD_STATE_ROUTE";
  else if (wrong_way_back(vpc_id, *route))
    hop.code = "NO_ROUTE_TO_DESTINATION";
  return hop.code.empty() ? route : nullptr;
}

bool Walk::wrong_way_back(const std::string& vpc_id, const Route& route) const {
  const auto way = ways_.find(vpc_id);
  if (!reply_ || way == ways_.end() || route.target == RouteTarget::network_interface) return false;
  if (way->second.kind == HopKind::internet_gateway) return route.target != RouteTarget::internet_gateway;
  return route.target != RouteTarget::peering || route.target_id != way->second.id;
}

void Walk::through_internet_gateway(const std::string& vpc_id, const NatGateway* nat) {
  const Routing& routing = vpc(vpc_id).routing;
  Hop& hop = add({.kind = HopKind::internet_gateway, .vpc_id = vpc_id, .egress = true});
  if (!routing.internet_gateway)
    hop.code = "BAD_STATE_ATTACHMENT";
  else if (!reply_)
    hop.code = refused_by_internet_gateway(packet_.destination);
  if (!hop.code.empty()) return;
  arrived_ = {.kind = PlaceKind::internet_gateway, .id = "", .vpc_id = vpc_id, .address = packet_.destination};
  if (is_ipv6(packet_.destination)) return;
  std::string outside;
  if (nat) {
    outside = nat->public_address;
    if (!outside.empty()) translations_.back().outside = outside;
  } else {
    const auto own = std::ranges::find(routing.public_addresses, packet_.source, &PublicAddress::private_address);
    if (own != routing.public_addresses.end()) {
      outside = own->address;
      if (!reply_) translations_.push_back({vpc_id, "", own->private_address, own->address});
    } else if (!routers_.empty()) {
      // An instance that routes for others has to lend them its own address.
      const auto lent = std::ranges::find(routing.public_addresses, routers_.back(), &PublicAddress::interface_id);
      if (lent != routing.public_addresses.end()) {
        outside = lent->address;
        if (!reply_) translations_.push_back({vpc_id, routers_.back(), packet_.source, outside});
      }
    }
  }
  if (outside.empty()) return block("IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS");
  packet_.source = outside;
  exchanged();
}

void Walk::through_egress_only_gateway(const std::string& vpc_id, const std::string& id) {
  Hop& hop = add({.kind = HopKind::internet_gateway, .vpc_id = vpc_id, .id = id, .egress = true});
  hop.code = refused_by_internet_gateway(packet_.destination);
  if (hop.code.empty())
    arrived_ = {.kind = PlaceKind::internet_gateway, .id = id, .vpc_id = vpc_id, .address = packet_.destination};
}

void Walk::through_nat_gateway(const std::string& vpc_id, const std::string& nat_id) {
  const Routing& routing = vpc(vpc_id).routing;
  const NatGateway* nat = find_nat_gateway(routing, nat_id);
  if (nat) judged_at(vpc_id, *nat, false);
  Hop& hop = add({.kind = HopKind::nat_gateway, .vpc_id = vpc_id, .id = nat_id, .egress = true});
  if (!nat) hop.code = "BAD_STATE_ROUTE";
  if (nat && !in_vpc(routing, packet_.source)) hop.code = "NGW_REQUIRES_SOURCE_IN_VPC";
  if (!hop.code.empty()) return;
  translations_.push_back({vpc_id, nat_id, packet_.source, nat->private_address});
  packet_.source = nat->private_address;
  exchanged();
  judged_at(vpc_id, *nat, true);
  const auto stands_at = parse_ip_block(nat->private_address);
  const Route* route = look_up(vpc_id, stands_at ? table_at(routing, *stands_at) : "");
  if (!route) return;
  if (route->target == RouteTarget::internet_gateway) return through_internet_gateway(vpc_id, nat);
  // A public one goes to the internet only, and a second translation does not happen.
  if (route->target == RouteTarget::peering && nat->public_address.empty())
    return through_peering(vpc_id, route->target_id);
  block("NO_POSSIBLE_DESTINATION");
}

void Walk::through_peering(const std::string& vpc_id, const std::string& peering_id) {
  const Routing& routing = vpc(vpc_id).routing;
  Hop& hop = add({.kind = HopKind::peering, .vpc_id = vpc_id, .id = peering_id, .egress = true});
  const auto peering = std::ranges::find(routing.peerings, peering_id, &Peering::id);
  if (peering == routing.peerings.end()) {
    hop.code = "BAD_STATE_ROUTE";
    return;
  }
  if (!in_vpc(routing, packet_.source)) {
    hop.code = "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR";
    return;
  }
  if (end_ && end_->kind == PlaceKind::peering && end_->id == peering_id) {
    arrived_ = {.kind = PlaceKind::peering, .id = peering_id, .vpc_id = vpc_id, .address = packet_.destination};
    return;
  }
  if (!vpcs_.contains(peering->peer_vpc_id)) {
    hop.code = "UNKNOWN_RESOURCE";
    return;
  }
  if (!reply_) ways_[peering->peer_vpc_id] = {HopKind::peering, peering_id};
  enter(peering->peer_vpc_id);
}

void Walk::through_interface(const std::string& vpc_id, const PolicyInterface& from, const std::string& router_id) {
  const ReachableVpc& here = vpc(vpc_id);
  const PolicyInterface* router = find_interface(here, router_id);
  judged(vpc_id, &from, router, true);
  if (!look_up(vpc_id, table_for(here, from))) return;
  if (!router) return block("BAD_STATE_ROUTE");
  if (router == &from || std::ranges::find(routers_, router_id) != routers_.end())
    return block("NO_POSSIBLE_DESTINATION");
  routers_.push_back(router_id);
  judged(vpc_id, &from, router, false);
  Hop& hop = add({.kind = HopKind::interface, .vpc_id = vpc_id, .id = router_id});
  if (!here.routers.contains(router_id)) {
    hop.code = "ENI_SOURCE_DEST_CHECK_RESTRICTION";
    return;
  }
  leave(vpc_id, *router, false);
}

void Walk::enter(const std::string& vpc_id) {
  if (reply_ && take_back_translation(vpc_id)) return;
  const auto destination = parse_ip_block(packet_.destination);
  if (!destination || !range_with(vpc(vpc_id).routing, *destination)) return block("PCX_REQUIRES_ADDRESS_IN_VPC_CIDR");
  const PolicyInterface* to = interface_at(vpc(vpc_id), *destination);
  if (!to) return block("NO_POSSIBLE_DESTINATION");
  deliver(vpc_id, nullptr, *to);
}

// True if it has walked the rest: by way of an instance that routes.
bool Walk::take_back_translation(const std::string& vpc_id) {
  const auto made = std::ranges::find_if(translations_ | std::views::reverse, [&](const Translation& translation) {
    return translation.vpc_id == vpc_id && translation.outside == packet_.destination;
  });
  if (made == translations_.rend()) return false;
  if (made->by.starts_with("eni-")) {
    const PolicyInterface& router = *find_interface(vpc(vpc_id), made->by);
    packet_.destination = router.addresses.empty() ? "" : router.addresses.front();
    exchanged();
    deliver(vpc_id, nullptr, router);
    packet_.destination = made->inside;
    leave(vpc_id, router, false);
    return true;
  }
  if (made->by.empty()) {
    packet_.destination = made->inside;
    exchanged();
    return false;
  }
  const NatGateway& nat = *find_nat_gateway(vpc(vpc_id).routing, made->by);
  packet_.destination = nat.private_address;
  exchanged();
  judged_at(vpc_id, nat, false);
  packet_.destination = made->inside;
  add({.kind = HopKind::nat_gateway, .vpc_id = vpc_id, .id = made->by});
  judged_at(vpc_id, nat, true);
  return false;
}

}  // namespace brume::net
