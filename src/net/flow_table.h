// The counters of flow logs as an nftables table of a VPC's namespace, `inet brume_flow`, beside the rules of
// policy_compiler.h.
//
// Pure. Chains look at a packet before the sender's rules, between the sender's and the receiver's, and after the
// receiver's; what was seen and did not pass was rejected. A period has sets of its own, named by its begin; a packet
// carries the period in its mark from the first look to the last, so that it counts in one period. The sets "seen"
// count the first look, the sets "passed" the first and the last. Sets are bounded: a flow that finds no room is not
// counted, and its interface is noted as skipped. An element is a link's: the sender's, or the receiver's. A node has
// none: its elements have the other side's link, and are told by the node's address.
//
// What goes to or comes from the namespace's own services is not counted, as on AWS.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/flows.h"

namespace brume::net {

inline constexpr const char* kFlowTable = "brume_flow";
// Flows a set: of protocols with ports, and of others. Elements take some 200 bytes of the kernel's memory, and a flow
// is in up to four.
inline constexpr int kMostFlows = 32768, kMostPortlessFlows = 4096;

// As the kernel has them: an element's key in the form of its set, its counter if it has one.
struct CountedElement {
  std::string key;
  PacketCount count;
};

// The commands, each a transaction for run_nftables().
// Puts the table in place, whole, with the period `begin`.
std::string make_flow_table(const FlowWatch& watch, const std::set<std::string>& services, std::int64_t begin);
std::string remove_flow_table();
// Changes whose packets are counted.
std::string change_watch(const FlowWatch& watch, const std::set<std::string>& services);
// Closes the last of `periods` and begins another.
std::string begin_period(const std::vector<std::int64_t>& periods, std::int64_t next);
// Drops those of `periods` that began no later than `delivered`, but never the last; empty if there are none.
std::string drop_periods(const std::vector<std::int64_t>& periods, std::int64_t delivered);

// The periods of a table with these sets, in their order.
std::vector<std::int64_t> periods_of(const std::vector<std::string>& sets);
// The sets of a period.
std::vector<std::string> sets_of(std::int64_t period);
// What was counted in a period, of the interfaces of `watch`; `elements` by the set's name.
FlowPeriod read_period(const FlowWatch& watch, std::int64_t begin, std::int64_t end,
                       const std::map<std::string, std::vector<CountedElement>>& elements);

}  // namespace brume::net
