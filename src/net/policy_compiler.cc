#include "net/policy_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "net/link_name.h"
#include "net/route_plan.h"
#include "net/rule_elements.h"
#include "net/table_names.h"
#include "net/verdict.h"

namespace brume::net {
namespace {

bool same_keys(const auto& a, const auto& b) {
  return std::ranges::equal(
      a, b, {}, [](const auto& entry) -> auto& { return entry.first; },
      [](const auto& entry) -> auto& { return entry.first; });
}

const std::array kPlaces = {"egress_if",   "acl_out_if",   "acl_in_if",   "ingress_if",
                            "egress_node", "acl_out_node", "acl_in_node", "ingress_node"};

class Compiler {
 public:
  Compiler(const Policy& policy, const Compiled* before) : policy_(policy), before_(before) {
    if (!before) return;
    same_interfaces_ = policy.interfaces == before->policy.interfaces;
    same_members_ = same_interfaces_ && policy.peer_groups == before->policy.peer_groups;
    same_places_ = same_interfaces_ && policy.subnet_acls == before->policy.subnet_acls &&
                   same_keys(policy.acls, before->policy.acls) && same_keys(policy.groups, before->policy.groups);
    for (const auto& [id, group] : policy.groups)
      if (const SecurityGroup* old = before->policy.groups.get(id); old && *old == group) unchanged_.insert(id);
  }

  Ruleset run(const std::set<std::string>& services) {
    add("set", "services", "type ipv4_addr;").elements = services;
    base_chains();
    for (const auto& [id, group] : policy_.groups) {
      if (share_group(group)) continue;
      group_chain(group, false);
      group_chain(group, true);
    }
    for (const auto& [id, acl] : policy_.acls) {
      acl_chain(acl, false);
      acl_chain(acl, true);
    }
    make_places();
    nat_places();
    for (const auto& [subnet, acl] : policy_.subnet_acls)
      if (policy_.acls.contains(acl)) subnet_chains(subnet, acl);
    for (auto& [name, set] : sets_)
      rules_.sets.put(name, {set.kind, set.declaration, SharedSet<std::string>::of(set.elements)});
    for (auto& [name, chain] : chains_) rules_.chains.put(name, std::move(chain));
    return std::move(rules_);
  }

 private:
  // --- what is made, and what is taken from before ---

  struct Set {
    std::string kind, declaration;
    std::set<std::string> elements;
  };
  Set& add(const std::string& kind, const std::string& name, std::string declaration) {
    Set& set = sets_[name];
    set.kind = kind;
    set.declaration = std::move(declaration);
    return set;
  }

  // False if there is none to take.
  bool share_set(const std::string& name) {
    const Ruleset::Set* old = before_->rules.sets.get(name);
    return old && (rules_.sets.put(name, *old), true);
  }
  bool share_chain(const std::string& name) {
    const Ruleset::Chain* old = before_->rules.chains.get(name);
    return old && (rules_.chains.put(name, *old), true);
  }

  // Its chains and sets are as they were if its rules are, and if what they name has members as it had.
  bool share_group(const SecurityGroup& group) {
    if (!unchanged_.contains(group.id)) return false;
    for (const GroupRule& rule : group.rules) {
      if (rule.group_id.empty()) continue;
      if (peering_of(policy_, rule.group_id) != peering_of(before_->policy, rule.group_id)) return false;
      const Match match = match_of(rule.traffic);
      for (const bool ipv6 : {false, true})
        if (fits(match.kind, match.protocol, ipv6) &&
            members(rule.group_id, ipv6) != before_->rules.sets.contains(members_name(rule.group_id, ipv6)))
          return false;
    }
    for (const bool egress : {false, true}) {
      const std::string name = group_chain_name(group.id, egress), prefix = name + "_";
      share_chain(name);
      const auto& sets = before_->rules.sets;
      for (auto set = sets.lower_bound(prefix); set != sets.end() && set->first.starts_with(prefix); ++set)
        rules_.sets.put(set->first, set->second);
    }
    return true;
  }

  // --- chains ---

  void base(const std::string& name, std::string_view hook, int priority, std::vector<std::string> lines,
            std::string_view otherwise = "drop") {
    chains_[name] = {fmt::format("type filter hook {} priority {}; policy {};", hook, priority, otherwise),
                     std::move(lines)};
  }

  void base_chains() {
    // By direction: whose side the sender is, and the receiver.
    const std::vector<std::string> sender = {
        "ct state established,related ct direction original ct mark and 1 == 0 accept",
        "ct state established,related ct direction reply ct mark and 2 == 0 accept"};
    const std::vector<std::string> receiver = {
        "ct state established,related ct direction original ct mark and 2 == 0 accept",
        "ct state established,related ct direction reply ct mark and 1 == 0 accept"};
    const auto lines = [](std::vector<std::string> before, const std::vector<std::string>& tracked,
                          std::vector<std::string> after) {
      before.insert(before.end(), tracked.begin(), tracked.end());
      before.insert(before.end(), after.begin(), after.end());
      return before;
    };
    // The VPC's ways to the outside and to other VPCs (route_plan.h) have no groups or ACLs of their own, but NAT
    // gateways on the way have their subnets'. Asked last where the order does not matter: their links are in no map,
    // and most packets are those of instances.
    const std::string from_link = R"(iifname { "uplink", "p*" })", to_link = R"(oifname { "uplink", "p*" })";
    const std::string from_beyond = from_link + " accept", to_beyond = to_link + " accept";
    std::vector<std::string> nat_in, nat_out, nat_reply_out;
    if (!policy_.nat_gateways.empty()) {
      nat_in = {to_link + " rt ip nexthop vmap @nat_in"};
      nat_out = {to_link + " rt ip nexthop vmap @nat_out"};
      nat_reply_out = {from_link + " ct direction reply ct reply ip daddr vmap @nat_reply_out"};
      // Behind connection tracking, before its address is translated back.
      base("nat_reply", "prerouting", -150, {from_link + " ct direction reply ip daddr vmap @nat_reply_in"}, "accept");
    }
    base("forward_egress", "forward", -40, lines({}, sender, {"iifname vmap @egress_if", from_beyond}));
    base("forward_acl_out", "forward", -30, lines({"iifname vmap @acl_out_if"}, nat_reply_out, {from_beyond}));
    base("forward_acl_in", "forward", -20, lines({"oifname vmap @acl_in_if"}, nat_in, {to_beyond}));
    base("forward_ingress", "forward", -10, lines(nat_out, receiver, {"oifname vmap @ingress_if", to_beyond}));
    // From one node to another the output hook asks for the sender, the input hook for the receiver.
    const std::string too_big = "icmpv6 type packet-too-big accept";  // the router's own, which no flow may know yet
    const std::string served = "ip saddr @services accept", asked = "ip daddr @services accept";
    const std::string inside_out = R"(oifname "lo" accept)", inside_in = R"(iifname "lo" accept)";
    base("output_egress", "output", -40, lines({served, too_big}, sender, {"ip saddr vmap @egress_node"}));
    base("output_acl_out", "output", -30, {served, too_big, "ip saddr vmap @acl_out_node"});
    base("output_acl_in", "output", -20,
         lines({served, too_big, inside_out, "oifname vmap @acl_in_if"}, nat_in, {to_beyond}));
    base("output_ingress", "output", -10,
         lines(lines({served, too_big, inside_out}, nat_out, {}), receiver, {"oifname vmap @ingress_if", to_beyond}));
    base("input_egress", "input", -40, lines({asked, inside_in}, sender, {"iifname vmap @egress_if", from_beyond}));
    base("input_acl_out", "input", -30,
         lines({asked, inside_in, "iifname vmap @acl_out_if"}, nat_reply_out, {from_beyond}));
    base("input_acl_in", "input", -20, {asked, "ip daddr vmap @acl_in_node"});
    base("input_ingress", "input", -10, lines({asked}, receiver, {"ip daddr vmap @ingress_node"}));
  }

  // A set of a group's and the line that asks it.
  Set& group_set(const std::string& chain, const std::string& name, const std::string& types,
                 const std::string& question) {
    chains_[chain].rules.push_back(fmt::format("{} @{} accept", question, name));
    return add("set", name, fmt::format("type {}; flags interval;", types));
  }

  void group_chain(const SecurityGroup& group, bool egress) {
    const std::string name = group_chain_name(group.id, egress), end = egress ? "daddr" : "saddr";
    chains_[name];
    // By family, kind and protocol; by peer, family, kind and protocol.
    std::map<std::tuple<bool, Kind, int>, std::map<IpBlock, Ranges>> blocks;
    std::map<std::tuple<std::string, bool, Kind, int>, Ranges> peers;
    for (const GroupRule& rule : group.rules) {
      if (rule.egress != egress) continue;
      const Match match = match_of(rule.traffic);
      const auto into = [&](Ranges& ranges) { ranges.insert(ranges.end(), match.ranges.begin(), match.ranges.end()); };
      if (!rule.group_id.empty()) {
        for (const bool ipv6 : {false, true})
          if (fits(match.kind, match.protocol, ipv6) && members(rule.group_id, ipv6))
            into(peers[{rule.group_id, ipv6, match.kind, match.protocol}]);
      } else if (const auto block = parse_ip_block(rule.cidr); block && fits(match.kind, match.protocol, block->ipv6)) {
        into(blocks[{block->ipv6, match.kind, match.protocol}][*block]);
      }
    }
    constexpr std::array kSuffixes = {"all", "ports", "icmp"};  // by kind
    const auto set_name = [&](const std::string& of, bool ipv6, Kind kind) {
      return fmt::format("{}{}_{}{}", name, of, kSuffixes[std::size_t(kind)], ipv6 ? 6 : 4);
    };
    for (const auto& [key, of_block] : blocks) {
      const auto& [ipv6, kind, protocol] = key;
      const std::string set = set_name("", ipv6, kind);
      if (!sets_.contains(set)) {
        const Columns columns = columns_of(kind, ipv6);
        group_set(name, set, (ipv6 ? "ipv6_addr . " : "ipv4_addr . ") + columns.types,
                  fmt::format("{} {} . {}", ipv6 ? "ip6" : "ip", end, columns.fields));
      }
      std::set<std::string>& elements = sets_[set].elements;
      for (const auto& [block, ranges] : of_block) {
        Ranges left = merged(ranges);
        for (const auto& [wider, theirs] : of_block)
          if (wider != block && wider.contains(block)) left = minus(left, merged(theirs));
        for (const Range& range : left)
          for (const std::string& element : elements_of(kind, protocol, range))
            elements.insert(text_of(block) + " . " + element);
      }
    }
    for (const auto& [key, ranges] : peers) {
      const auto& [peer, ipv6, kind, protocol] = key;
      const std::string set = set_name("_of_" + peer, ipv6, kind);
      if (!sets_.contains(set)) {
        const Columns columns = columns_of(kind, ipv6);
        const std::string peering = peering_of(policy_, peer);
        const std::string by =
            peering.empty() ? "" : fmt::format("{} {} ", egress ? "oifname" : "iifname", peering_link(peering));
        group_set(
            name, set, columns.types,
            fmt::format("{}{} {} @{} {}", by, ipv6 ? "ip6" : "ip", end, members_name(peer, ipv6), columns.fields));
      }
      for (const Range& range : merged(ranges))
        for (std::string& element : elements_of(kind, protocol, range)) sets_[set].elements.insert(std::move(element));
    }
  }

  // The peering beyond which the group lies, if it is none of the VPC's own.
  static std::string peering_of(const Policy& policy, const std::string& group) {
    const auto peer = policy.peer_groups.find(group);
    return peer == policy.peer_groups.end() ? "" : peer->second.peering_id;
  }

  // Makes the set of a group's private addresses; false if it has none.
  bool members(const std::string& group, bool ipv6) {
    const std::string name = members_name(group, ipv6);
    if (sets_.contains(name) || rules_.sets.contains(name)) return true;
    if (same_members_ && share_set(name)) return true;
    if (!members_) {
      members_.emplace();
      for (const auto& [id, interface] : policy_.interfaces)
        for (const std::string& of : interface.group_ids)
          for (const std::string& address : interface.addresses) (*members_)[{of, is_ipv6(address)}].insert(address);
      for (const auto& [of, peer] : policy_.peer_groups)
        for (const std::string& address : peer.addresses) (*members_)[{of, is_ipv6(address)}].insert(address);
    }
    const auto found = members_->find({group, ipv6});
    if (found == members_->end()) return false;
    add("set", name, ipv6 ? "type ipv6_addr;" : "type ipv4_addr;").elements = found->second;
    return true;
  }

  static std::string acl_chain_name(const std::string& acl, bool egress) { return acl + (egress ? "_out" : "_in"); }

  void acl_chain(const NetworkAcl& acl, bool egress) {
    std::vector<const AclEntry*> entries;
    for (const AclEntry& entry : acl.entries)
      if (entry.egress == egress) entries.push_back(&entry);
    std::ranges::sort(entries, {}, &AclEntry::number);
    Ruleset::Chain& chain = chains_[acl_chain_name(acl.id, egress)];
    for (const AclEntry* entry : entries) {
      const auto block = parse_ip_block(entry->cidr);
      if (!block) continue;
      std::string line = block->prefix == 0 ? fmt::format("meta nfproto {}", block->ipv6 ? "ipv6" : "ipv4")
                                            : fmt::format("{} {} {}", block->ipv6 ? "ip6" : "ip",
                                                          egress ? "daddr" : "saddr", block->text());
      const Traffic& traffic = entry->traffic;
      if (traffic.protocol != -1) line += fmt::format(" meta l4proto {}", traffic.protocol);
      const Match match = match_of(traffic);
      if (match.kind == Kind::ports) line += " th dport " + text_of(match.ranges.front());
      if (match.kind == Kind::icmp) {
        const std::string icmp = traffic.protocol == kIcmp ? "icmp" : "icmpv6";
        line += fmt::format(" {} type {}", icmp, traffic.from);
        if (traffic.to >= 0) line += fmt::format(" {} code {}", icmp, traffic.to);
      }
      chain.rules.push_back(line + (entry->allow ? " accept" : " drop"));
    }
    chain.rules.emplace_back("drop");
  }

  // A subnet's own packets do not meet its ACL.
  void subnet_chains(const std::string& subnet, const std::string& acl) {
    for (const bool egress : {true, false}) {
      std::vector<std::string>& lines = chains_[subnet + (egress ? "_out" : "_in")].rules;
      if (allows_all_ipv4(policy_.acls.at(acl), egress)) lines.emplace_back("meta nfproto ipv4 accept");
      lines.push_back((egress ? "oifname @" : "iifname @") + links_name(subnet) + " accept");
      lines.push_back((egress ? "ip daddr @" : "ip saddr @") + nodes_name(subnet) + " accept");
      lines.push_back("jump " + acl_chain_name(acl, egress));
    }
  }

  // As the default ACL does, by an entry that comes before any that denies. Then who is in the subnet need not be
  // asked.
  static bool allows_all_ipv4(const NetworkAcl& acl, bool egress) {
    constexpr int kNever = std::numeric_limits<int>::max();
    int all = kNever, denies = kNever;
    for (const AclEntry& entry : acl.entries) {
      const auto block = parse_ip_block(entry.cidr);
      if (entry.egress != egress || !block || block->ipv6) continue;
      if (!entry.allow) denies = std::min(denies, entry.number);
      if (entry.allow && entry.traffic.protocol == -1 && block->prefix == 0) all = std::min(all, entry.number);
    }
    return all < denies;
  }

  // Do the groups let everything of the protocol and family go that way?
  [[nodiscard]] bool open(const std::vector<std::string>& groups, bool egress, int protocol, bool ipv6) const {
    for (const std::string& id : groups) {
      const SecurityGroup* group = policy_.groups.get(id);
      if (!group) continue;
      for (const GroupRule& rule : group->rules) {
        const auto block = parse_ip_block(rule.cidr);
        if (rule.egress != egress || !block || block->prefix != 0 || block->ipv6 != ipv6) continue;
        const Traffic& t = rule.traffic;
        if (t.protocol == -1 || (t.protocol == protocol && t.from <= 0 && (t.to < 0 || t.to == 65535))) return true;
      }
    }
    return false;
  }

  // The chains of a combination of groups; made when they are first asked for.
  struct Combination {
    std::string out, in;
  };
  const Combination& combination(const std::vector<std::string>& group_ids) {
    auto& made = combinations_[group_ids];
    if (!made.out.empty()) return made;
    const std::vector<std::string> groups = combination_of(policy_, group_ids);
    made = {combination_chain_name(groups, true), combination_chain_name(groups, false)};
    const bool same = std::ranges::all_of(groups, [&](const std::string& id) { return unchanged_.contains(id); });
    for (const bool egress : {true, false}) {
      const std::string& chain = egress ? made.out : made.in;
      if (!chains_.contains(chain) && !(same && before_ && share_chain(chain)))
        combination_chain(chain, groups, egress);
    }
    return made;
  }

  void combination_chain(const std::string& name, const std::vector<std::string>& groups, bool egress) {
    std::vector<std::string> lines;
    // Which new flows are not tracked for this side.
    for (const int protocol : {kTcp, kUdp}) {
      for (const bool ipv6 : {false, true}) {
        if (!open(groups, !egress, protocol, ipv6)) continue;
        Ranges ports;
        for (const std::string& id : groups)
          for (const GroupRule& rule : policy_.groups.at(id).rules) {
            const auto block = parse_ip_block(rule.cidr);
            if (rule.egress != egress || !block || block->prefix != 0 || block->ipv6 != ipv6) continue;
            if (rule.traffic.protocol == -1) ports.emplace_back(0, 65535);
            if (rule.traffic.protocol == protocol) ports.push_back(match_of(rule.traffic).ranges.front());
          }
        std::vector<std::string> texts;
        for (const Range& range : merged(ports)) texts.push_back(text_of(range));
        if (!texts.empty())
          lines.push_back(
              fmt::format("ct state new meta nfproto {} meta l4proto {} th dport {{ {} }} ct mark set ct mark or {}",
                          ipv6 ? "ipv6" : "ipv4", protocol, fmt::join(texts, ", "), egress ? 1 : 2));
      }
    }
    for (const std::string& id : groups) lines.push_back("jump " + group_chain_name(id, egress));
    chains_[name].rules = std::move(lines);
  }

  static std::string links_name(const std::string& subnet) { return subnet + "_links"; }
  static std::string nodes_name(const std::string& subnet) { return subnet + "_nodes"; }

  // Which chains are whose, and what is in which subnet.
  void make_places() {
    for (const auto& [subnet, acl] : policy_.subnet_acls) {
      if (!policy_.acls.contains(acl)) continue;
      if (same_places_ && share_set(links_name(subnet)) && share_set(nodes_name(subnet))) continue;
      add("set", links_name(subnet), "type ifname;");
      add("set", nodes_name(subnet), "type ipv4_addr;");
    }
    for (const std::string name : kPlaces)
      if (!same_places_ || !share_set(name))
        add("map", name, name.ends_with("_if") ? "type ifname : verdict;" : "type ipv4_addr : verdict;");
    for (const auto& [id, interface] : policy_.interfaces) {
      const Combination& chains = combination(interface.group_ids);
      if (!same_places_) place(interface, chains);
    }
  }

  // NAT gateways by what tells their packets. There also without any, so that none goes before what it leads to.
  void nat_places() {
    for (const char* name : {"nat_in", "nat_out", "nat_reply_in", "nat_reply_out"})
      add("map", name, "type ipv4_addr : verdict;");
    for (const NatGateway& gateway : policy_.nat_gateways) {
      const auto acl = policy_.subnet_acls.find(gateway.subnet_id);
      if (acl == policy_.subnet_acls.end() || !policy_.acls.contains(acl->second)) continue;
      const auto put = [&](const char* map, const std::string& address, bool egress) {
        sets_[map].elements.insert(fmt::format("{} : jump {}", address, acl_chain_name(acl->second, egress)));
      };
      put("nat_in", gateway.private_address, false);
      put("nat_out", gateway.private_address, true);
      // Under which its flows go on: to the internet, or to a peer.
      for (const std::string& address : {gateway.public_address, gateway.private_address}) {
        if (address.empty()) continue;
        put("nat_reply_in", address, false);
        put("nat_reply_out", address, true);
      }
    }
  }

  void place(const PolicyInterface& interface, const Combination& chains) {
    const std::string& subnet = interface.subnet_id;
    const auto acl = policy_.subnet_acls.find(subnet);
    const bool has_acl = acl != policy_.subnet_acls.end() && policy_.acls.contains(acl->second);
    const auto put = [&](const std::string& where, const std::string& key) {
      sets_["egress_" + where].elements.insert(fmt::format("{} : jump {}", key, chains.out));
      sets_["ingress_" + where].elements.insert(fmt::format("{} : jump {}", key, chains.in));
      if (!has_acl) return;
      sets_["acl_out_" + where].elements.insert(fmt::format("{} : jump {}_out", key, subnet));
      sets_["acl_in_" + where].elements.insert(fmt::format("{} : jump {}_in", key, subnet));
      sets_[interface.node ? nodes_name(subnet) : links_name(subnet)].elements.insert(key);
    };
    if (!interface.node) return put("if", link_name(interface.id));
    for (const std::string& address : interface.addresses)
      if (!is_ipv6(address)) put("node", address);
  }

  const Policy& policy_;
  const Compiled* before_;
  bool same_interfaces_ = false, same_members_ = false, same_places_ = false;
  std::set<std::string_view> unchanged_;  // groups
  Ruleset rules_;                         // what is shared; in the end, all
  std::map<std::string, Set> sets_;
  std::map<std::string, Ruleset::Chain> chains_;
  std::map<std::vector<std::string>, Combination> combinations_;
  std::optional<std::map<std::pair<std::string_view, bool>, std::set<std::string>>> members_;  // by group and IPv6
};

}  // namespace

Ruleset compile(const Policy& policy, const std::set<std::string>& services, const Compiled* before) {
  return Compiler(policy, before).run(services);
}

}  // namespace brume::net
