// Elements put into and taken out of the kernel's sets, without the library.
//
// nftables.h's library reads the whole table before it changes anything, which in a VPC of hundreds of groups costs
// more than the change. This knows only what the most frequent change needs, the sets that a group's rules are:
// concatenated intervals (rule_elements.h). Leaves all else to nftables.h. All pure but change_elements().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/ruleset.h"

namespace brume::net {

// The least and the greatest key, as the kernel has them: fields one after the other, each padded to four bytes.
struct KeyInterval {
  std::string low, high;
  bool operator==(const KeyInterval&) const = default;
};
// "10.0.0.0/8 . 6 . 80-90" of a set declared as "type ipv4_addr . inet_proto . inet_service; flags interval;". Nothing
// for other sets and for what does not fit.
std::optional<KeyInterval> encode_element(std::string_view declaration, std::string_view element);

struct ElementChange {
  std::string set;
  bool add = false;
  std::vector<KeyInterval> elements;
};
// What leads from one table to the other, in this order; nothing if it takes more than a few such elements.
std::optional<std::vector<ElementChange>> element_changes(const Ruleset& present, const Ruleset& wanted);

// In the network namespace of the calling thread, as one transaction.
Result<void> change_elements(const std::vector<ElementChange>& changes);

}  // namespace brume::net
