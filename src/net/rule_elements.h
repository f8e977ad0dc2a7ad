// What a rule matches besides the other side, as intervals and as nft(8)'s texts for them.
//
// Pure. Leaves to others: which set or line they belong to (policy_compiler.h).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "net/policy.h"
#include "net/verdict.h"

namespace brume::net {

inline constexpr int kIcmp = 1, kTcp = 6, kUdp = 17, kIcmp6 = 58;

// Closed intervals, disjoint and in order.
using Range = std::pair<int, int>;
using Ranges = std::vector<Range>;
Ranges merged(Ranges ranges);
Ranges minus(const Ranges& from, const Ranges& what);

// A kind and an interval: `whole` protocols by number, a protocol's ports, or ICMP's type * 256 + code.
enum class Kind : std::uint8_t { whole, ports, icmp };
struct Match {
  Kind kind = Kind::whole;
  int protocol = 0;  // of ports and ICMP
  Ranges ranges;
};
Match match_of(const Traffic& traffic);
// Each family has an ICMP of its own.
bool fits(Kind kind, int protocol, bool ipv6);

std::string text_of(const Range& range);
// As part of a concatenation.
std::string text_of(const IpBlock& block);
// The parts of a set's elements after the address: "6 . 80-90", "8 . 0-255", "0-255".
std::vector<std::string> elements_of(Kind kind, int protocol, const Range& range);
// Their types, and what of a packet they are compared with: "inet_proto . inet_service", "meta l4proto . th dport".
struct Columns {
  std::string types, fields;
};
Columns columns_of(Kind kind, bool ipv6);

}  // namespace brume::net
