// The functions of the language that are of their arguments only ("Boolean, comparison, numeric, datetime, and other
// functions" of the guide): numeric, string, address, JSON and general ones.
//
// Names are compared without case. A function of a missing value is missing, save where the guide says otherwise
// (ispresent, isempty, isblank, coalesce, concat, strcontains, the address tests: false). Leaves to evaluation: bin,
// datefloor, dateceil and now, which need a period, the record or the query's time; and aggregation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "services/logs/insights/value.h"

namespace brume::logs::insights {

struct Function {
  std::string_view name;
  std::uint8_t fewest, most;  // arguments
  Value (*call)(std::span<const Value> arguments, Scratch& scratch);
};
constexpr std::uint8_t kMostArguments = 32;
// Bytes of a text that a function makes longer than what it was given; a longer one is missing. As a log event's.
constexpr std::size_t kLongestText = std::size_t(1) << 20;

// Null if there is none of this name.
const Function* find_function(std::string_view name);

// Is it an address block, as isIpInSubnet and its like take it: 192.0.2.0/24, 2001:db8::/32?
bool is_address_block(std::string_view text);

// Do the texts differ in the case of ASCII letters at most?
bool same_word(std::string_view a, std::string_view b);

}  // namespace brume::logs::insights
