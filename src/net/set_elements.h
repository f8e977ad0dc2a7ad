// Elements put into and taken out of the kernel's sets and maps, without the library.
//
// nftables.h's library reads the whole table before it changes anything, which in a VPC of hundreds of interfaces costs
// more than the change. This knows what the most frequent changes need: a group's rules, which are concatenated
// intervals (rule_elements.h), who is in which group and subnet, and public addresses. Leaves all else to nftables.h.
// All pure but change_elements().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/ruleset.h"

namespace brume::net {

// As the kernel has it: fields one after the other, each padded to four bytes.
struct SetElement {
  std::string key;
  std::string greatest = {};  // the key's upper end, of sets of intervals
  std::string value = {};     // of maps to addresses
  std::string jump = {};      // of maps to verdicts: the chain
  bool operator==(const SetElement&) const = default;
};
// An element of a Ruleset::Set of this declaration: "10.0.0.0/8 . 6 . 80-90" of "type ipv4_addr . inet_proto .
// inet_service; flags interval;", "v01 : jump sg-1_in" of "type ifname : verdict;". Nothing for single intervals, other
// types and what does not fit.
std::optional<SetElement> encode_element(std::string_view declaration, std::string_view element);

// In one transaction: well within a message's and the socket's limits.
inline constexpr std::size_t kMostElements = 500;

struct ElementChange {
  std::string set;
  bool add = false;
  std::vector<SetElement> elements;
};
// What leads from one table to the other, in this order; nothing if it takes more than a few such elements.
std::optional<std::vector<ElementChange>> element_changes(const Ruleset& present, const Ruleset& wanted);

// Of which table.
struct TableName {
  bool inet = true;  // else ip
  std::string name = "brume";
};
// In the network namespace of the calling thread, as one transaction.
Result<void> change_elements(const std::vector<ElementChange>& changes, const TableName& table = {});

}  // namespace brume::net
