#include "net/reachability.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "net/reachability_walk.h"
#include "net/route_lookup.h"
#include "net/verdict.h"

namespace brume::net {
namespace {

// So many packets are tried at most: an answer takes milliseconds whatever the rules.
constexpr int kMostWalks = 1000;
// Where Linux takes source ports from (ip_local_port_range); replies should reach all of them.
constexpr PortRange kLinuxPorts{32768, 60999};

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

const PolicyInterface* interface_of(const ReachableVpcs& vpcs, const Place& place) {
  const auto vpc = vpcs.find(place.vpc_id);
  if (vpc == vpcs.end()) return nullptr;
  const auto found = vpc->second.policy.interfaces.find(place.id);
  return found == vpc->second.policy.interfaces.end() ? nullptr : &found->second;
}

std::string first_address(const PolicyInterface& interface, bool ipv6) {
  const auto own =
      std::ranges::find_if(interface.addresses, [&](const std::string& address) { return is_ipv6(address) == ipv6; });
  return own == interface.addresses.end() ? "" : *own;
}

std::string public_address_of(const ReachableVpc& vpc, const std::string& interface_id) {
  const auto found = std::ranges::find(vpc.routing.public_addresses, interface_id, &PublicAddress::interface_id);
  return found == vpc.routing.public_addresses.end() ? "" : found->address;
}

// What the rules that could decide name: for every port and address that they tell apart, one that is tried.
class Candidates {
 public:
  Candidates(const ReachableVpcs& vpcs, const ReachQuestion& question) : vpcs_(vpcs), question_(question) {}

  // The range's first port, and the first behind each border that a rule draws in it.
  std::vector<int> ports(const PortRange& range, bool with_groups) const {
    std::set<int> found;
    const auto add = [&](const Traffic& traffic) {
      for (const int port : {traffic.from, traffic.to + 1})
        if (traffic.protocol == question_.protocol && port > range.from && port <= range.to) found.insert(port);
    };
    for (const auto& [id, vpc] : vpcs_) {
      for (const auto& [acl_id, acl] : vpc.policy.acls)
        for (const AclEntry& entry : acl.entries) add(entry.traffic);
      if (with_groups) each_rule(vpc, [&](const GroupRule& rule) { add(rule.traffic); });
    }
    found.erase(range.from);
    std::vector<int> all{range.from};
    all.insert(all.end(), found.begin(), found.end());
    return all;
  }

  // Of a place whose address is left open. `source`: of the packet, and not its destination.
  std::vector<std::string> addresses(const Place& place, bool source) const {
    std::vector<IpBlock> named = named_blocks();
    std::vector<std::string> found;
    const auto add = [&](const IpBlock& block) {
      IpBlock address = block;
      address.prefix = 32;
      const std::string text = address.text();
      if (!block.ipv6 && fits(place, address, source) && std::ranges::find(found, text) == found.end())
        found.push_back(text);
    };
    if (const auto anybody = unnamed(place, named)) add(*anybody);
    for (const IpBlock& block : named) add(block);
    return found;
  }

 private:
  template <typename F>
  void each_rule(const ReachableVpc& vpc, F visit) const {
    std::set<std::string> groups;
    const auto of = [&](const std::string& interface_id) {
      if (const auto found = vpc.policy.interfaces.find(interface_id); found != vpc.policy.interfaces.end())
        groups.insert(found->second.group_ids.begin(), found->second.group_ids.end());
    };
    of(question_.from.id);
    of(question_.to.id);
    for (const std::string& router : vpc.routers) of(router);
    for (const std::string& id : groups)
      if (const auto group = vpc.policy.groups.find(id); group != vpc.policy.groups.end())
        for (const GroupRule& rule : group->second.rules) visit(rule);
  }

  std::vector<IpBlock> named_blocks() const {
    std::set<IpBlock> found;
    const auto add = [&](const std::string& cidr) {
      if (const auto block = parse_ip_block(cidr); block && block->prefix > 0) found.insert(*block);
    };
    for (const auto& [id, vpc] : vpcs_) {
      each_rule(vpc, [&](const GroupRule& rule) {
        add(rule.cidr);
        if (const auto peer = vpc.policy.peer_groups.find(rule.group_id); peer != vpc.policy.peer_groups.end())
          for (const std::string& address : peer->second.addresses) add(address);
      });
      for (const auto& [acl_id, acl] : vpc.policy.acls)
        for (const AclEntry& entry : acl.entries) add(entry.cidr);
      for (const auto& [table_id, routes] : vpc.routing.route_tables)
        for (const Route& route : routes) add(route.destination);
    }
    return {found.begin(), found.end()};
  }

  // The ranges of the VPC beyond the peering.
  const std::vector<std::string>* beyond(const Place& place) const {
    const auto vpc = vpcs_.find(place.vpc_id);
    if (vpc == vpcs_.end()) return nullptr;
    const auto peering = std::ranges::find(vpc->second.routing.peerings, place.id, &Peering::id);
    if (peering == vpc->second.routing.peerings.end()) return nullptr;
    const auto peer = vpcs_.find(peering->peer_vpc_id);
    return peer == vpcs_.end() ? nullptr : &peer->second.routing.cidrs;
  }

  bool fits(const Place& place, const IpBlock& address, bool source) const {
    if (place.kind == PlaceKind::peering) {
      const auto* ranges = beyond(place);
      return ranges && std::ranges::any_of(*ranges, [&](const std::string& range) {
               const auto block = parse_ip_block(range);
               return block && block->contains(address);
             });
    }
    // Clients on this machine have loopback and private addresses.
    return source ? address.bytes[0] != 0 && address.bytes[0] < 224 : scope_of(address) == Scope::global;
  }

  // An address that no rule names but for all.
  std::optional<IpBlock> unnamed(const Place& place, const std::vector<IpBlock>& named) const {
    const auto is_free = [&](const IpBlock& address) {
      return std::ranges::none_of(named, [&](const IpBlock& block) {
        return block.contains(address) && !(place.kind == PlaceKind::peering && is_range(place, block));
      });
    };
    std::optional<IpBlock> first;
    const auto consider = [&](const IpBlock& address) {
      if (!first) first = address;
      return is_free(address);
    };
    if (place.kind == PlaceKind::peering) {
      const auto* ranges = beyond(place);
      if (!ranges) return {};
      for (const std::string& range : *ranges) {
        const auto block = parse_ip_block(range);
        if (!block || block->ipv6) continue;
        for (int host = 4; host < 250; ++host) {
          IpBlock address = *block;
          address.prefix = 32;
          address.bytes[3] = std::uint8_t(address.bytes[3] | host);
          if (block->contains(address) && consider(address)) return address;
        }
      }
      return first;
    }
    for (int network = 1; network < 224; ++network) {
      const IpBlock address(Ipv4{std::uint32_t(network) << 24 | 0x010101}, 32);
      if (scope_of(address) == Scope::global && consider(address)) return address;
    }
    return first;
  }

  bool is_range(const Place& place, const IpBlock& block) const {
    const auto* ranges = beyond(place);
    return ranges && std::ranges::any_of(*ranges, [&](const std::string& range) {
             const auto whole = parse_ip_block(range);
             return whole && block.contains(*whole);
           });
  }

  const ReachableVpcs& vpcs_;
  const ReachQuestion& question_;
};

// What is wrong with the question before any packet leaves, or "".
std::string refusal(const ReachableVpcs& vpcs, const ReachQuestion& question) {
  for (const Place* place : {&question.from, &question.to}) {
    if (place->kind == PlaceKind::address) continue;
    if (!vpcs.contains(place->vpc_id)) return "NO_SOURCE_OR_DESTINATION";
    if (place->kind == PlaceKind::interface && !interface_of(vpcs, *place)) return "NO_SOURCE_OR_DESTINATION";
  }
  const Routing& routing = vpcs.at(question.from.vpc_id).routing;
  const std::string& to = question.to.address;
  if (question.from.kind == PlaceKind::interface && !to.empty()) {
    // The metadata service and the resolver, which groups and ACLs do not judge.
    if (to == "169.254.169.254" || to == "169.254.169.253") return "UNSUPPORTED_COMPONENT";
    for (const std::string& range : routing.cidrs)
      if (auto block = parse_ip_block(range); block && !block->ipv6) {
        block->bytes[3] = std::uint8_t(block->bytes[3] | 2);
        block->prefix = 32;
        if (block == parse_ip_block(to)) return "UNSUPPORTED_COMPONENT";
      }
  }
  const bool apart = question.from.kind == PlaceKind::interface && question.to.kind == PlaceKind::interface &&
                     question.from.vpc_id != question.to.vpc_id;
  if (apart && std::ranges::find(routing.peerings, question.to.vpc_id, &Peering::peer_vpc_id) == routing.peerings.end())
    return "DISCONNECTED_VPCS";
  return "";
}

bool is_place(const Place& arrived, const Place& wanted) {
  if (arrived.kind == PlaceKind::address) return false;
  if (wanted.kind == PlaceKind::address) return true;
  return arrived.kind == wanted.kind && (wanted.kind == PlaceKind::internet_gateway || arrived.id == wanted.id);
}

class Judge {
 public:
  Judge(const ReachableVpcs& vpcs, const ReachQuestion& question)
      : vpcs_(vpcs), question_(question), candidates_(vpcs, question) {}

  Reachability run() {
    best_.code = refusal(vpcs_, question_);
    if (!best_.code.empty()) return std::move(best_);
    const std::vector<int> ports = candidates_.ports(question_.destination_ports, true);
    const bool ipv6 = is_ipv6(question_.from.address) || is_ipv6(question_.to.address);
    for (const std::string& source : sources(ipv6))
      for (const std::string& destination : destinations(ipv6))
        for (const int port : ports) {
          if (walks_ >= kMostWalks) {
            best_.complete = false;
            return std::move(best_);
          }
          if (try_packet({source, destination, question_.protocol, port})) return std::move(best_);
        }
    return std::move(best_);
  }

 private:
  std::vector<std::string> sources(bool ipv6) const {
    const Place& from = question_.from;
    if (!from.address.empty()) return {from.address};
    if (from.kind == PlaceKind::interface) return {either_address(*interface_of(vpcs_, from), ipv6)};
    return candidates_.addresses(from, true);
  }

  std::vector<std::string> destinations(bool ipv6) const {
    const Place& to = question_.to;
    if (!to.address.empty()) return {to.address};
    if (to.kind == PlaceKind::interface) {
      if (question_.from.kind == PlaceKind::internet_gateway && !ipv6)
        if (std::string address = public_address_of(vpcs_.at(to.vpc_id), to.id); !address.empty()) return {address};
      return {either_address(*interface_of(vpcs_, to), ipv6)};
    }
    return candidates_.addresses(to, false);
  }

  // Of that family, if it has one.
  static std::string either_address(const PolicyInterface& interface, bool ipv6) {
    std::string address = first_address(interface, ipv6);
    return address.empty() ? first_address(interface, !ipv6) : address;
  }

  // True once a packet has arrived and its reply has.
  bool try_packet(const WalkingPacket& packet) {
    const Walk walk = walk_there(packet);
    bool arrives = walk.blocks() == 0;
    std::optional<Walk> reply;
    bool some_lost = false;
    if (arrives) {
      reply.emplace(walk_back(walk, some_lost));
      arrives = reply->blocks() == 0;
    }
    const int worth = arrives ? 0 : reply ? 1 : 1 + walk.blocks();
    const bool first = worth_ < 0;
    if (!first && worth >= worth_) return false;
    worth_ = worth;
    if (first) first_ = packet;
    best_.reachable = arrives;
    best_.forward = walk.hops();
    best_.back = reply ? reply->hops() : std::vector<Hop>{};
    best_.source = packet.source;
    best_.destination = packet.destination;
    best_.port = packet.port;
    best_.reply_port = reply ? reply_port_ : 0;
    best_.only_some_addresses = packet.source != first_.source || packet.destination != first_.destination;
    best_.only_some_ports = packet.port != first_.port;
    best_.only_some_replies = arrives && some_lost;
    return arrives;
  }

  Walk walk_there(const WalkingPacket& packet) {
    ++walks_;
    const Place& from = question_.from;
    const Place& to = question_.to;
    Walk walk(vpcs_, packet, &to);
    if (from.kind == PlaceKind::interface) walk.from_interface(from.vpc_id, from.id);
    if (from.kind == PlaceKind::internet_gateway)
      walk.from_internet(from.vpc_id, to.kind == PlaceKind::interface ? to.id : "");
    if (from.kind == PlaceKind::peering) walk.from_peering(from.vpc_id, from.id);
    if (walk.blocks() == 0 && !is_place(walk.arrived(), to)) {
      if (walk.arrived().kind == PlaceKind::internet_gateway)
        walk.block("IGW_NAT_REFLECTION");
      else
        walk.block(to.kind == PlaceKind::interface ? "NO_POSSIBLE_DESTINATION" : "NO_ROUTE_TO_DESTINATION");
    }
    return walk;
  }

  // The first reply that gets through, or the first of all.
  Walk walk_back(const Walk& there, bool& some_lost) {
    const PortRange& asked = question_.source_ports;
    std::vector<int> ports = candidates_.ports(asked, false);
    if (asked.from < kLinuxPorts.from && asked.to >= kLinuxPorts.from) ports.insert(ports.begin(), kLinuxPorts.from);
    std::optional<Walk> found, first;
    for (const int port : ports) {
      const bool usual = port >= kLinuxPorts.from && port <= kLinuxPorts.to;
      if (found && !usual) continue;
      ++walks_;
      Walk reply = Walk::reply_to(there, port, &question_.from);
      if (reply.blocks() == 0 && !is_place(reply.arrived(), question_.from)) reply.block("NO_ROUTE_TO_DESTINATION");
      some_lost = some_lost || (reply.blocks() > 0 && usual);
      if (!first) {
        reply_port_ = port;
        first.emplace(reply);
      }
      if (!found && reply.blocks() == 0) {
        reply_port_ = port;
        found.emplace(std::move(reply));
      }
    }
    return found ? *std::move(found) : *std::move(first);
  }

  const ReachableVpcs& vpcs_;
  const ReachQuestion& question_;
  const Candidates candidates_;
  Reachability best_;
  WalkingPacket first_;
  int worth_ = -1;  // of the best so far: how far it is from arriving
  int walks_ = 0;
  int reply_port_ = 0;
};

}  // namespace

Reachability judge_reachability(const ReachableVpcs& vpcs, const ReachQuestion& question) {
  return Judge(vpcs, question).run();
}

}  // namespace brume::net
