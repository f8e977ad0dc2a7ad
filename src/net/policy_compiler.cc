#include "net/policy_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "net/link_name.h"
#include "net/verdict.h"

namespace brume::net {
namespace {

constexpr int kIcmp = 1, kTcp = 6, kUdp = 17, kIcmp6 = 58;

bool has_ports(int protocol) {
  return protocol == kTcp || protocol == kUdp;
}

// Closed intervals, disjoint and in order.
using Range = std::pair<int, int>;
using Ranges = std::vector<Range>;

Ranges merged(Ranges ranges) {
  std::ranges::sort(ranges);
  Ranges out;
  for (const Range& range : ranges) {
    if (!out.empty() && range.first <= out.back().second + 1)
      out.back().second = std::max(out.back().second, range.second);
    else
      out.push_back(range);
  }
  return out;
}

Ranges minus(const Ranges& from, const Ranges& what) {
  Ranges out;
  for (auto [low, high] : from) {
    for (const auto& [a, b] : what) {
      if (b < low || a > high) continue;
      if (a > low) out.emplace_back(low, a - 1);
      low = b + 1;
    }
    if (low <= high) out.emplace_back(low, high);
  }
  return out;
}

std::string text_of(const Range& range) {
  return range.first == range.second ? std::to_string(range.first) : fmt::format("{}-{}", range.first, range.second);
}

// nft does not take a prefix of zero as part of a concatenation.
std::string text_of(const IpBlock& block) {
  if (block.prefix != 0) return block.text();
  return block.ipv6 ? "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "0.0.0.0-255.255.255.255";
}

// What a rule matches besides the other side, as a kind and an interval: `whole` protocols by number, a protocol's
// ports, or ICMP's type * 256 + code.
enum class Kind : std::uint8_t { whole, ports, icmp };
struct Match {
  Kind kind = Kind::whole;
  int protocol = 0;  // of ports and ICMP
  Ranges ranges;
};

Match match_of(const Traffic& traffic) {
  if (traffic.protocol == -1) return {Kind::whole, 0, {{0, 255}}};
  if (has_ports(traffic.protocol))
    return {Kind::ports, traffic.protocol, {{std::max(traffic.from, 0), traffic.to < 0 ? 65535 : traffic.to}}};
  if ((traffic.protocol == kIcmp || traffic.protocol == kIcmp6) && traffic.from >= 0) {
    const int low = traffic.from * 256;
    return {Kind::icmp, traffic.protocol, {{low + std::max(traffic.to, 0), low + (traffic.to < 0 ? 255 : traffic.to)}}};
  }
  return {Kind::whole, 0, {{traffic.protocol, traffic.protocol}}};
}

// Each family has an ICMP of its own.
bool fits(const Match& match, bool ipv6) {
  return match.kind != Kind::icmp || (match.protocol == kIcmp6) == ipv6;
}

// An interval of type * 256 + code, as boxes "types . codes".
std::vector<std::string> boxes(const Range& range) {
  std::vector<std::string> out;
  for (int type = range.first / 256; type <= range.second / 256; ++type)
    out.push_back(
        fmt::format("{} . {}", type,
                    text_of(Range{std::max(range.first - type * 256, 0), std::min(range.second - type * 256, 255)})));
  return out;
}

std::vector<std::string> elements_of(const Match& match, const Range& range) {
  if (match.kind == Kind::icmp) return boxes(range);
  if (match.kind == Kind::ports) return {fmt::format("{} . {}", match.protocol, text_of(range))};
  return {text_of(range)};
}

class Compiler {
 public:
  Compiler(const Policy& policy, const std::set<std::string>& services) : policy_(policy) {
    add("set", "services", "type ipv4_addr;").elements = services;
    for (const char* name : {"egress_if", "acl_out_if", "acl_in_if", "ingress_if"})
      add("map", name, "type ifname : verdict;");
    for (const char* name : {"egress_node", "acl_out_node", "acl_in_node", "ingress_node"})
      add("map", name, "type ipv4_addr : verdict;");
  }

  Ruleset run() {
    base_chains();
    for (const auto& [id, group] : policy_.groups) {
      group_chain(group, false);
      group_chain(group, true);
    }
    for (const auto& [id, acl] : policy_.acls) {
      acl_chain(acl, false);
      acl_chain(acl, true);
    }
    for (const auto& [subnet, acl] : policy_.subnet_acls)
      if (policy_.acls.contains(acl)) subnet_chains(subnet, acl);
    for (const auto& [id, interface] : policy_.interfaces) place(interface);
    return std::move(rules_);
  }

 private:
  Ruleset::Set& add(const std::string& kind, const std::string& name, std::string declaration) {
    Ruleset::Set& set = rules_.sets[name];
    set.kind = kind;
    set.declaration = std::move(declaration);
    return set;
  }

  void base(const std::string& name, std::string_view hook, int priority, std::vector<std::string> lines) {
    rules_.chains[name] = {fmt::format("type filter hook {} priority {}; policy drop;", hook, priority),
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
    const auto lines = [](std::vector<std::string> before, const std::vector<std::string>& tracked, std::string last) {
      before.insert(before.end(), tracked.begin(), tracked.end());
      before.push_back(std::move(last));
      return before;
    };
    // The VPC's ways to the outside and to other VPCs (route_plan.h) have no groups or ACLs of their own.
    const std::string from_beyond = R"(iifname { "uplink", "p*" } accept)",
                      to_beyond = R"(oifname { "uplink", "p*" } accept)";
    base("forward_egress", "forward", -40, lines({from_beyond}, sender, "iifname vmap @egress_if"));
    base("forward_acl_out", "forward", -30, {from_beyond, "iifname vmap @acl_out_if"});
    base("forward_acl_in", "forward", -20, {to_beyond, "oifname vmap @acl_in_if"});
    base("forward_ingress", "forward", -10, lines({to_beyond}, receiver, "oifname vmap @ingress_if"));
    // From one node to another the output hook asks for the sender, the input hook for the receiver.
    const std::string too_big = "icmpv6 type packet-too-big accept";  // the router's own, which no flow may know yet
    const std::string served = "ip saddr @services accept", asked = "ip daddr @services accept";
    const std::string inside_out = R"(oifname "lo" accept)", inside_in = R"(iifname "lo" accept)";
    base("output_egress", "output", -40, lines({served, too_big}, sender, "ip saddr vmap @egress_node"));
    base("output_acl_out", "output", -30, {served, too_big, "ip saddr vmap @acl_out_node"});
    base("output_acl_in", "output", -20, {served, too_big, inside_out, to_beyond, "oifname vmap @acl_in_if"});
    base("output_ingress", "output", -10,
         lines({served, too_big, inside_out, to_beyond}, receiver, "oifname vmap @ingress_if"));
    base("input_egress", "input", -40, lines({asked, inside_in, from_beyond}, sender, "iifname vmap @egress_if"));
    base("input_acl_out", "input", -30, {asked, inside_in, from_beyond, "iifname vmap @acl_out_if"});
    base("input_acl_in", "input", -20, {asked, "ip daddr vmap @acl_in_node"});
    base("input_ingress", "input", -10, lines({asked}, receiver, "ip daddr vmap @ingress_node"));
  }

  static std::string group_chain_name(const std::string& group, bool egress) {
    return group + (egress ? "_out" : "_in");
  }

  // One set of a group's and its line.
  void put(Ruleset::Chain& chain, const std::string& set, const std::string& type, const std::string& line,
           const std::vector<std::string>& elements) {
    if (!rules_.sets.contains(set)) {
      add("set", set, "type " + type + "; flags interval;");
      chain.rules.push_back(line + " @" + set + " accept");
    }
    rules_.sets[set].elements.insert(elements.begin(), elements.end());
  }

  void group_chain(const SecurityGroup& group, bool egress) {
    const std::string name = group_chain_name(group.id, egress);
    Ruleset::Chain& chain = rules_.chains[name];
    // By kind, protocol and block.
    std::map<std::tuple<bool, Kind, int>, std::map<IpBlock, Ranges>> blocks;
    std::map<std::tuple<std::string, Kind, int>, Ranges> peers;
    for (const GroupRule& rule : group.rules) {
      if (rule.egress != egress) continue;
      const Match match = match_of(rule.traffic);
      Ranges* into = nullptr;
      if (!rule.group_id.empty()) {
        into = &peers[{rule.group_id, match.kind, match.protocol}];
      } else if (const auto block = parse_ip_block(rule.cidr); block && fits(match, block->ipv6)) {
        into = &blocks[{block->ipv6, match.kind, match.protocol}][*block];
      }
      if (into) into->insert(into->end(), match.ranges.begin(), match.ranges.end());
    }
    const char* const end = egress ? "daddr" : "saddr";
    for (const auto& [key, of_block] : blocks) {
      const auto& [ipv6, kind, protocol] = key;
      const std::string family = ipv6 ? "ip6" : "ip", digit = ipv6 ? "6" : "4",
                        address = ipv6 ? "ipv6_addr" : "ipv4_addr";
      const std::string icmp = ipv6 ? "icmpv6" : "icmp";
      for (const auto& [block, ranges] : of_block) {
        Ranges left = merged(ranges);
        for (const auto& [wider, theirs] : of_block)
          if (wider != block && wider.contains(block)) left = minus(left, merged(theirs));
        for (const Range& range : left)
          for (const std::string& element : elements_of({kind, protocol, {}}, range)) {
            const std::string full = text_of(block) + " . " + element;
            if (kind == Kind::whole)
              put(chain, name + "_all" + digit, address + " . inet_proto",
                  fmt::format("{} {} . meta l4proto", family, end), {full});
            else if (kind == Kind::ports)
              put(chain, name + "_ports" + digit, address + " . inet_proto . inet_service",
                  fmt::format("{} {} . meta l4proto . th dport", family, end), {full});
            else
              put(chain, name + "_icmp" + digit, fmt::format("{} . {}_type . {}_code", address, icmp, icmp),
                  fmt::format("{} {} . {} type . {} code", family, end, icmp, icmp), {full});
          }
      }
    }
    for (const auto& [key, ranges] : peers) {
      const auto& [peer, kind, protocol] = key;
      for (const bool ipv6 : {false, true}) {
        if (!fits({kind, protocol, {}}, ipv6) || !members(peer, ipv6)) continue;
        const std::string digit = ipv6 ? "6" : "4", set = name + "_of_" + peer, icmp = ipv6 ? "icmpv6" : "icmp";
        const std::string from = fmt::format("{} {} @members{}_{}", ipv6 ? "ip6" : "ip", end, digit, peer);
        for (const Range& range : merged(ranges)) {
          const auto elements = elements_of({kind, protocol, {}}, range);
          if (kind == Kind::whole)
            put(chain, set + "_all" + digit, "inet_proto", from + " meta l4proto", elements);
          else if (kind == Kind::ports)
            put(chain, set + "_ports" + digit, "inet_proto . inet_service", from + " meta l4proto . th dport",
                elements);
          else
            put(chain, set + "_icmp" + digit, fmt::format("{}_type . {}_code", icmp, icmp),
                fmt::format("{} {} type . {} code", from, icmp, icmp), elements);
        }
      }
    }
  }

  // Makes the set of a group's private addresses; false if it has none.
  bool members(const std::string& group, bool ipv6) {
    const std::string name = fmt::format("members{}_{}", ipv6 ? 6 : 4, group);
    if (rules_.sets.contains(name)) return true;
    std::set<std::string> elements;
    for (const auto& [id, interface] : policy_.interfaces)
      if (std::ranges::find(interface.group_ids, group) != interface.group_ids.end())
        for (const std::string& address : interface.addresses)
          if ((address.find(':') != std::string::npos) == ipv6) elements.insert(address);
    if (elements.empty()) return false;
    add("set", name, ipv6 ? "type ipv6_addr;" : "type ipv4_addr;").elements = std::move(elements);
    return true;
  }

  static std::string acl_chain_name(const std::string& acl, bool egress) { return acl + (egress ? "_out" : "_in"); }

  void acl_chain(const NetworkAcl& acl, bool egress) {
    std::vector<const AclEntry*> entries;
    for (const AclEntry& entry : acl.entries)
      if (entry.egress == egress) entries.push_back(&entry);
    std::ranges::sort(entries, {}, &AclEntry::number);
    Ruleset::Chain& chain = rules_.chains[acl_chain_name(acl.id, egress)];
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
    std::set<std::string> links, nodes;
    for (const auto& [id, interface] : policy_.interfaces) {
      if (interface.subnet_id != subnet) continue;
      if (interface.node)
        nodes.insert(interface.addresses.begin(), interface.addresses.end());
      else
        links.insert(link_name(id));
    }
    add("set", subnet + "_links", "type ifname;").elements = std::move(links);
    add("set", subnet + "_nodes", "type ipv4_addr;").elements = std::move(nodes);
    rules_.chains[subnet + "_out"].rules = {"oifname @" + subnet + "_links accept",
                                            "ip daddr @" + subnet + "_nodes accept",
                                            "jump " + acl_chain_name(acl, true)};
    rules_.chains[subnet + "_in"].rules = {"iifname @" + subnet + "_links accept",
                                           "ip saddr @" + subnet + "_nodes accept",
                                           "jump " + acl_chain_name(acl, false)};
  }

  // Do the groups let everything of the protocol and family go that way?
  [[nodiscard]] bool open(const std::vector<std::string>& groups, bool egress, int protocol, bool ipv6) const {
    for (const std::string& id : groups) {
      const auto group = policy_.groups.find(id);
      if (group == policy_.groups.end()) continue;
      for (const GroupRule& rule : group->second.rules) {
        const auto block = parse_ip_block(rule.cidr);
        if (rule.egress != egress || !block || block->prefix != 0 || block->ipv6 != ipv6) continue;
        const Traffic& t = rule.traffic;
        if (t.protocol == -1 || (t.protocol == protocol && t.from <= 0 && (t.to < 0 || t.to == 65535))) return true;
      }
    }
    return false;
  }

  // The chain of a combination of groups; made when it is first asked for.
  std::string combination(std::vector<std::string> groups, bool egress) {
    std::ranges::sort(groups);
    std::erase_if(groups, [&](const std::string& id) { return !policy_.groups.contains(id); });
    const std::string name =
        fmt::format("groups{:016x}_{}", fnv1a(fmt::format("{}", fmt::join(groups, " "))), egress ? "out" : "in");
    if (rules_.chains.contains(name)) return name;
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
    rules_.chains[name].rules = std::move(lines);
    return name;
  }

  void place(const PolicyInterface& interface) {
    const auto acl = policy_.subnet_acls.find(interface.subnet_id);
    const bool has_acl = acl != policy_.subnet_acls.end() && policy_.acls.contains(acl->second);
    const std::string out = combination(interface.group_ids, true), in = combination(interface.group_ids, false);
    const auto put = [&](const std::string& where, const std::string& key) {
      rules_.sets["egress_" + where].elements.insert(fmt::format("{} : jump {}", key, out));
      rules_.sets["ingress_" + where].elements.insert(fmt::format("{} : jump {}", key, in));
      if (!has_acl) return;
      rules_.sets["acl_out_" + where].elements.insert(fmt::format("{} : jump {}_out", key, interface.subnet_id));
      rules_.sets["acl_in_" + where].elements.insert(fmt::format("{} : jump {}_in", key, interface.subnet_id));
    };
    if (!interface.node) return put("if", link_name(interface.id));
    for (const std::string& address : interface.addresses)
      if (address.find(':') == std::string::npos) put("node", address);
  }

  const Policy& policy_;
  Ruleset rules_;
};

}  // namespace

Ruleset compile(const Policy& policy, const std::set<std::string>& services) {
  return Compiler(policy, services).run();
}

}  // namespace brume::net
