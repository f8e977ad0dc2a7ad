#include "net/rule_elements.h"

#include <fmt/format.h>

#include <algorithm>

namespace brume::net {
namespace {

bool has_ports(int protocol) {
  return protocol == kTcp || protocol == kUdp;
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

}  // namespace

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

bool fits(Kind kind, int protocol, bool ipv6) {
  return kind != Kind::icmp || (protocol == kIcmp6) == ipv6;
}

std::string text_of(const Range& range) {
  return range.first == range.second ? std::to_string(range.first) : fmt::format("{}-{}", range.first, range.second);
}

std::string text_of(const IpBlock& block) {
  if (block.prefix != 0) return block.text();
  // nft does not take a prefix of zero there.
  return block.ipv6 ? "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "0.0.0.0-255.255.255.255";
}

std::vector<std::string> elements_of(Kind kind, int protocol, const Range& range) {
  if (kind == Kind::icmp) return boxes(range);
  if (kind == Kind::ports) return {fmt::format("{} . {}", protocol, text_of(range))};
  return {text_of(range)};
}

Columns columns_of(Kind kind, bool ipv6) {
  const std::string icmp = ipv6 ? "icmpv6" : "icmp";
  if (kind == Kind::icmp) return {fmt::format("{0}_type . {0}_code", icmp), fmt::format("{0} type . {0} code", icmp)};
  if (kind == Kind::ports) return {"inet_proto . inet_service", "meta l4proto . th dport"};
  return {"inet_proto", "meta l4proto"};
}

}  // namespace brume::net
