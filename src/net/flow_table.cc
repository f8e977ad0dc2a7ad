#include "net/flow_table.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <tuple>

#include "net/link_name.h"

namespace brume::net {
namespace {

constexpr const char* kTable = "inet brume_flow";
constexpr const char* kPorts = "{ 6, 17, 33, 132, 136 }";  // TCP, UDP, DCCP, SCTP, UDP-Lite
constexpr int kTcp = 6;
constexpr int kMostSkipped = 1024;  // interfaces

const char* family_of(bool ipv6) {
  return ipv6 ? "ip6" : "ip";
}
char digit_of(bool ipv6) {
  return ipv6 ? '6' : '4';
}

std::string flow_set(bool egress, bool seen, bool ports, bool ipv6, std::int64_t period) {
  return fmt::format("{}_{}_{}{}_{}", egress ? "out" : "in", seen ? "seen" : "passed", ports ? "ports" : "plain",
                     digit_of(ipv6), period);
}
std::string flag_set(bool ipv6, std::int64_t period) {
  return fmt::format("flags{}_{}", digit_of(ipv6), period);
}
std::string skipped_links(std::int64_t period) {
  return fmt::format("skipped_{}", period);
}
std::string skipped_nodes(std::int64_t period) {
  return fmt::format("skipped_nodes_{}", period);
}

// One of the eight chains of a period. `local`: the namespace itself is the interface's side, so that the other side's
// link stands in the element.
struct CountingChain {
  bool egress, seen, local;
  [[nodiscard]] std::string name(std::int64_t period) const {
    return fmt::format("{}_{}{}_{}", seen ? "seen" : "passed", egress ? "out" : "in", local ? "_local" : "", period);
  }
  [[nodiscard]] const char* link() const { return egress != local ? "iifname" : "oifname"; }
};

std::vector<CountingChain> counting_chains() {
  std::vector<CountingChain> chains;
  for (const bool egress : {true, false})
    for (const bool seen : {true, false})
      for (const bool local : {false, true}) chains.push_back({egress, seen, local});
  return chains;
}

std::string add_rule(const std::string& chain, const std::string& rule) {
  return fmt::format("add rule {} {} {}\n", kTable, chain, rule);
}

std::string rules_of(const CountingChain& chain, std::int64_t period) {
  const std::string name = chain.name(period);
  std::string out;
  for (const bool ipv6 : {false, true}) {
    const std::string family = family_of(ipv6);
    const std::string ends = fmt::format("{0} saddr . {0} daddr", family);
    if (chain.seen)
      out += add_rule(name, fmt::format("tcp flags & (fin | syn | rst) != 0 add @{} {{ {} . tcp sport . tcp dport . "
                                        "tcp flags }}",
                                        flag_set(ipv6, period), ends));
    for (const bool ports : {true, false}) {
      const std::string key = fmt::format("{{ {} . {} . meta l4proto{} counter }}", chain.link(), ends,
                                          ports ? " . th sport . th dport" : "");
      const auto add = [&](bool seen) {
        return fmt::format(" add @{} {}", flow_set(chain.egress, seen, ports, ipv6, period), key);
      };
      // Each element is made at the first look, where a failure, which ends the rule, only means that the packet is not
      // marked. At a later one it would be taken for a rejection. (The kernel has few counters at hand at a time.)
      std::string rule = fmt::format("meta l4proto {}{}{}", ports ? "" : "!= ", kPorts, add(false));
      if (chain.seen) rule += add(true) + fmt::format(" meta mark set {}", period);
      out += add_rule(name, rule + " return");
    }
  }
  if (!chain.seen) return out;
  if (chain.local)
    return out +
           add_rule(name, fmt::format("add @{} {{ ip {} }}", skipped_nodes(period), chain.egress ? "saddr" : "daddr"));
  return out + add_rule(name, fmt::format("add @{} {{ {} }}", skipped_links(period), chain.link()));
}

std::string declare(const std::string& set, const std::string& type, int size) {
  return fmt::format("add set {} {} {{ type {}; flags dynamic; size {}; }}\n", kTable, set, type, size);
}

std::string declare_period(std::int64_t period) {
  std::string out;
  for (const bool ipv6 : {false, true}) {
    const std::string ends = ipv6 ? "ipv6_addr . ipv6_addr" : "ipv4_addr . ipv4_addr";
    for (const bool egress : {true, false})
      for (const bool seen : {true, false})
        for (const bool ports : {true, false})
          out += declare(flow_set(egress, seen, ports, ipv6, period),
                         "ifname . " + ends + " . inet_proto" + (ports ? " . inet_service . inet_service" : ""),
                         ports ? kMostFlows : kMostPortlessFlows);
    out += declare(flag_set(ipv6, period), ends + " . inet_service . inet_service . tcp_flag", kMostFlows);
  }
  out += declare(skipped_links(period), "ifname", kMostSkipped);
  out += declare(skipped_nodes(period), "ipv4_addr", kMostSkipped);
  for (const CountingChain& chain : counting_chains())
    out += fmt::format("add chain {} {}\n", kTable, chain.name(period)) + rules_of(chain, period);
  return out;
}

struct BaseChain {
  const char* hook;
  const char* place;
  int priority;  // around those of policy_compiler.cc
  [[nodiscard]] std::string name() const { return fmt::format("{}_{}", hook, place); }
};
constexpr BaseChain kBaseChains[] = {
    {"forward", "first", -45}, {"forward", "middle", -25}, {"forward", "last", -5},
    {"output", "first", -45},  {"output", "middle", -25},  {"output", "last", -5},
    {"input", "first", -45},   {"input", "middle", -25},   {"input", "last", -5},
};

// New flows are counted in the last period; packets that are between two looks carry the period that they began in.
std::vector<std::string> rules_of(const BaseChain& base, const std::vector<std::int64_t>& periods) {
  const std::string_view hook = base.hook, place = base.place;
  const bool from_inside = hook == "output", to_inside = hook == "input";
  const std::int64_t current = periods.back();
  const std::string sender = CountingChain{true, true, from_inside}.name(current);
  const std::string receiver = CountingChain{false, true, to_inside}.name(current);
  std::vector<std::string> rules;
  if (place != "first") {
    const CountingChain passed{place == "middle", false, place == "middle" ? from_inside : to_inside};
    for (const std::int64_t period : periods)
      rules.push_back(fmt::format("meta mark {} jump {}", period, passed.name(period)));
    rules.emplace_back("meta mark set 0");
  }
  if (place == "first") {
    if (from_inside) rules.push_back("ip saddr @nodes goto " + sender);
    if (to_inside) rules.push_back("iifname @links ip daddr != @services goto " + sender);
    if (hook == "forward") rules.push_back("iifname @links goto " + sender);
  } else if (place == "middle") {
    if (from_inside) rules.push_back("oifname @links ip saddr != @services goto " + receiver);
    if (to_inside) rules.push_back("ip daddr @nodes goto " + receiver);
    if (hook == "forward") rules.push_back("oifname @links goto " + receiver);
  }
  return rules;
}

std::string fill_base_chains(const std::vector<std::int64_t>& periods) {
  std::string out;
  for (const BaseChain& base : kBaseChains) {
    out += fmt::format("flush chain {} {}\n", kTable, base.name());
    for (const std::string& rule : rules_of(base, periods)) out += add_rule(base.name(), rule);
  }
  return out;
}

std::string fill(const std::string& set, const std::set<std::string>& elements) {
  std::string out = fmt::format("flush set {} {}\n", kTable, set);
  if (!elements.empty()) out += fmt::format("add element {} {} {{ {} }}\n", kTable, set, fmt::join(elements, ", "));
  return out;
}

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

// Takes an element's key apart, whose parts are padded to four bytes each.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key) {}
  std::string_view take(std::size_t size) {
    const std::string_view part = rest_.substr(0, size);
    whole_ = whole_ && part.size() == size;
    rest_.remove_prefix(std::min(rest_.size(), (size + 3) / 4 * 4));
    return part;
  }
  std::string link() {
    const std::string_view name = take(16);
    return std::string(name.substr(0, name.find('\0')));
  }
  std::string address(bool ipv6) {
    const std::string_view bytes = take(ipv6 ? 16 : 4);
    char text[INET6_ADDRSTRLEN] = "";
    if (whole_) ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
    return text;
  }
  int byte() {
    const std::string_view bytes = take(1);
    return whole_ ? std::uint8_t(bytes[0]) : 0;
  }
  int port() {
    const std::string_view bytes = take(2);
    return whole_ ? std::uint8_t(bytes[0]) << 8 | std::uint8_t(bytes[1]) : 0;
  }
  [[nodiscard]] bool whole() const { return whole_; }

 private:
  std::string_view rest_;
  bool whole_ = true;
};

// ACK is told of a SYN-ACK only (VPC user guide, "Flow log records").
int flags_of(int flags) {
  constexpr int kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
  return (flags & (kFin | kSyn | kRst)) | ((flags & kSyn) != 0 ? flags & kAck : 0);
}

class PeriodReader {
 public:
  using Elements = std::map<std::string, std::vector<CountedElement>>;

  PeriodReader(const FlowWatch& watch, std::int64_t period, const Elements& elements)
      : period_(period), elements_(elements) {
    for (const FlowInterface& interface : watch.interfaces) {
      if (!interface.node) {
        links_[link_name(interface.id)] = interface.id;
        continue;
      }
      for (const std::string& address : interface.addresses) nodes_[address] = interface.id;
    }
  }

  FlowPeriod read() {
    FlowPeriod read{.begin = period_};
    for (const bool ipv6 : {false, true}) read_flags(ipv6);
    for (const bool egress : {true, false})
      for (const bool ipv6 : {false, true})
        for (const bool ports : {true, false})
          for (const bool seen : {true, false}) read_flows(egress, seen, ports, ipv6);
    for (auto& [key, counted] : flows_) {
      const auto& [seen, looked_at] = counted.second;
      if (seen.packets == 0) continue;  // no room for more than its first look
      Flow& flow = counted.first;
      flow.accepted = minus(looked_at, seen, seen);
      flow.rejected = minus(seen, flow.accepted, seen);
      read.flows.push_back(std::move(flow));
    }
    for (const CountedElement& element : of(skipped_links(period_)))
      if (const auto found = links_.find(KeyReader(element.key).link()); found != links_.end())
        read.skipped.insert(found->second);
    for (const CountedElement& element : of(skipped_nodes(period_)))
      if (const auto found = nodes_.find(KeyReader(element.key).address(false)); found != nodes_.end())
        read.skipped.insert(found->second);
    return read;
  }

 private:
  using Ends = std::tuple<std::string, std::string, int, int>;
  struct Looks {
    PacketCount seen;       // at the first look
    PacketCount looked_at;  // at the first look and at the last
  };

  static PacketCount minus(const PacketCount& from, const PacketCount& what, const PacketCount& most) {
    const auto difference = [](std::uint64_t a, std::uint64_t b, std::uint64_t limit) {
      return std::min(a - std::min(a, b), limit);
    };
    return {difference(from.packets, what.packets, most.packets), difference(from.bytes, what.bytes, most.bytes)};
  }

  [[nodiscard]] const std::vector<CountedElement>& of(const std::string& set) const {
    static const std::vector<CountedElement> none;
    const auto found = elements_.find(set);
    return found == elements_.end() ? none : found->second;
  }

  void read_flags(bool ipv6) {
    for (const CountedElement& element : of(flag_set(ipv6, period_))) {
      KeyReader key(element.key);
      std::string source = key.address(ipv6), destination = key.address(ipv6);
      const int source_port = key.port(), destination_port = key.port(), flags = key.byte();
      if (key.whole())
        flags_[{std::move(source), std::move(destination), source_port, destination_port}] |= flags_of(flags);
    }
  }

  void read_flows(bool egress, bool seen, bool ports, bool ipv6) {
    for (const CountedElement& element : of(flow_set(egress, seen, ports, ipv6, period_))) {
      KeyReader key(element.key);
      const std::string link = key.link();
      Flow flow{.egress = egress, .ipv6 = ipv6};
      flow.source = key.address(ipv6);
      flow.destination = key.address(ipv6);
      flow.protocol = key.byte();
      if (ports) {
        flow.source_port = key.port();
        flow.destination_port = key.port();
      }
      if (!key.whole()) continue;
      if (const auto node = nodes_.find(egress ? flow.source : flow.destination); node != nodes_.end())
        flow.interface_id = node->second;
      else if (const auto found = links_.find(link); found != links_.end())
        flow.interface_id = found->second;
      else
        continue;
      if (flow.protocol == kTcp)
        if (const auto flags = flags_.find({flow.source, flow.destination, flow.source_port, flow.destination_port});
            flags != flags_.end())
          flow.tcp_flags = flags->second;
      add(std::move(flow), seen, element.count);
    }
  }

  // A node's flow may be in two elements, if its packets changed from one link to another.
  void add(Flow flow, bool seen, const PacketCount& count) {
    const auto found = flows_
                           .try_emplace({flow.interface_id, !flow.egress, flow.source, flow.destination, flow.protocol,
                                         flow.source_port, flow.destination_port},
                                        flow, Looks())
                           .first;
    PacketCount& into = seen ? found->second.second.seen : found->second.second.looked_at;
    into.packets += count.packets;
    into.bytes += count.bytes;
  }

  std::int64_t period_;
  const Elements& elements_;
  std::map<std::string, std::string> links_, nodes_;  // → interface id
  std::map<Ends, int> flags_;
  std::map<std::tuple<std::string, bool, std::string, std::string, int, int, int>, std::pair<Flow, Looks>> flows_;
};

}  // namespace

std::string make_flow_table(const FlowWatch& watch, const std::set<std::string>& services, std::int64_t begin) {
  std::string out = fmt::format("add table {0}\ndelete table {0}\nadd table {0}\n", kTable);
  out += fmt::format("add set {0} links {{ type ifname; }}\nadd set {0} nodes {{ type ipv4_addr; }}\n", kTable);
  out += fmt::format("add set {} services {{ type ipv4_addr; }}\n", kTable);
  for (const BaseChain& base : kBaseChains)
    out += fmt::format("add chain {} {} {{ type filter hook {} priority {}; }}\n", kTable, base.name(), base.hook,
                       base.priority);
  return out + change_watch(watch, services) + begin_period({}, begin);
}

std::string remove_flow_table() {
  return fmt::format("add table {0}\ndelete table {0}\n", kTable);
}

std::string change_watch(const FlowWatch& watch, const std::set<std::string>& services) {
  std::set<std::string> links, nodes;
  for (const FlowInterface& interface : watch.interfaces) {
    if (!interface.node) links.insert(link_name(interface.id));
    if (interface.node)
      for (const std::string& address : interface.addresses)
        if (!is_ipv6(address)) nodes.insert(address);
  }
  return fill("links", links) + fill("nodes", nodes) + fill("services", services);
}

std::string begin_period(const std::vector<std::int64_t>& periods, std::int64_t next) {
  std::vector<std::int64_t> all = periods;
  all.push_back(next);
  return declare_period(next) + fill_base_chains(all);
}

std::string drop_periods(const std::vector<std::int64_t>& periods, std::int64_t delivered) {
  std::vector<std::int64_t> kept;
  std::string gone;
  for (const std::int64_t period : periods) {
    if (period > delivered || period == periods.back()) {
      kept.push_back(period);
      continue;
    }
    for (const CountingChain& chain : counting_chains())
      gone += fmt::format("flush chain {0} {1}\ndelete chain {0} {1}\n", kTable, chain.name(period));
    for (const std::string& set : sets_of(period)) gone += fmt::format("delete set {} {}\n", kTable, set);
  }
  return gone.empty() ? "" : fill_base_chains(kept) + gone;
}

std::vector<std::int64_t> periods_of(const std::vector<std::string>& sets) {
  constexpr std::string_view kPrefix = "skipped_nodes_";
  std::vector<std::int64_t> periods;
  for (const std::string& set : sets) {
    if (!set.starts_with(kPrefix)) continue;
    const char *begin = set.data() + kPrefix.size(), *end = set.data() + set.size();
    std::int64_t period = 0;
    if (const auto [stop, error] = std::from_chars(begin, end, period); error == std::errc() && stop == end)
      periods.push_back(period);
  }
  std::ranges::sort(periods);
  return periods;
}

std::vector<std::string> sets_of(std::int64_t period) {
  std::vector<std::string> sets;
  for (const bool ipv6 : {false, true}) {
    for (const bool egress : {true, false})
      for (const bool seen : {true, false})
        for (const bool ports : {true, false}) sets.push_back(flow_set(egress, seen, ports, ipv6, period));
    sets.push_back(flag_set(ipv6, period));
  }
  sets.push_back(skipped_links(period));
  sets.push_back(skipped_nodes(period));
  return sets;
}

FlowPeriod read_period(const FlowWatch& watch, std::int64_t begin, std::int64_t end,
                       const std::map<std::string, std::vector<CountedElement>>& elements) {
  FlowPeriod period = PeriodReader(watch, begin, elements).read();
  period.end = end;
  return period;
}

}  // namespace brume::net
