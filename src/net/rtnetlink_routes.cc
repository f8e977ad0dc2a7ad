// Rtnetlink's routes and policy rules.
#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <optional>

#include "net/netlink_attributes.h"
#include "net/rtnetlink.h"

namespace brume::net {
namespace {

std::uint8_t type_of(RouteKind kind) {
  switch (kind) {
    case RouteKind::unicast:
      return RTN_UNICAST;
    case RouteKind::unreachable:
      return RTN_UNREACHABLE;
    case RouteKind::blackhole:
      return RTN_BLACKHOLE;
  }
  return RTN_UNREACHABLE;
}

std::optional<RouteKind> kind_of(std::uint8_t type) {
  if (type == RTN_UNICAST) return RouteKind::unicast;
  if (type == RTN_UNREACHABLE) return RouteKind::unreachable;
  if (type == RTN_BLACKHOLE) return RouteKind::blackhole;
  return std::nullopt;
}

// What the kernel makes of no metric, of a route of IPv6's.
constexpr std::uint32_t ipv6_metric = 1024;

NetlinkMessage route_message(std::uint16_t type, int flags, const KernelRoute& route) {
  rtmsg body{};
  body.rtm_family = route.destination.ipv6 ? AF_INET6 : AF_INET;
  body.rtm_dst_len = std::uint8_t(route.destination.prefix);
  body.rtm_protocol = brume_protocol;
  body.rtm_type = type_of(route.kind);
  body.rtm_scope = route.kind == RouteKind::unicast && route.via == IpAddress{} ? std::uint8_t(RT_SCOPE_LINK)
                                                                                : std::uint8_t(RT_SCOPE_UNIVERSE);
  if (route.via != IpAddress{}) body.rtm_flags = RTNH_F_ONLINK;
  NetlinkMessage message(type, std::uint16_t(NLM_F_ACK | flags));
  message.body(body).attribute(RTA_TABLE, route.table);
  if (route.destination.prefix != 0) message.attribute(RTA_DST, route.destination.base());
  if (route.link != 0) message.attribute(RTA_OIF, std::uint32_t(route.link));
  if (route.via != IpAddress{}) message.attribute(RTA_GATEWAY, route.via);
  if (route.source != IpAddress{}) message.attribute(RTA_PREFSRC, route.source);
  const std::uint32_t metric = route.metric == 0 && route.destination.ipv6 ? ipv6_metric : route.metric;
  if (metric != 0) message.attribute(RTA_PRIORITY, metric);
  return message;
}

NetlinkMessage rule_message(std::uint16_t type, int flags, const KernelRule& rule) {
  fib_rule_hdr body{};
  body.family = rule.source.ipv6 ? AF_INET6 : AF_INET;
  body.action = FR_ACT_TO_TBL;
  body.src_len = std::uint8_t(rule.source.prefix);
  NetlinkMessage message(type, std::uint16_t(NLM_F_ACK | flags));
  message.body(body)
      .attribute(FRA_TABLE, rule.table)
      .attribute(FRA_PRIORITY, rule.priority)
      .attribute(FRA_PROTOCOL, &brume_protocol, sizeof brume_protocol);
  if (rule.source.prefix != 0) message.attribute(FRA_SRC, rule.source.base());
  if (!rule.link.empty()) message.attribute(FRA_IIFNAME, rule.link);
  return message;
}

}  // namespace

Result<void> Rtnetlink::add_route(const KernelRoute& route, bool replace) {
  const int flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  return request("route " + route.destination.text(), route_message(RTM_NEWROUTE, flags, route));
}

Result<void> Rtnetlink::delete_route(const KernelRoute& route) {
  return request("remove the route to " + route.destination.text(), route_message(RTM_DELROUTE, 0, route), ESRCH);
}

Result<void> Rtnetlink::each_route(bool ipv6, const std::function<void(FoundRoute)>& visit) {
  NetlinkMessage message(RTM_GETROUTE, NLM_F_DUMP);
  rtmsg wanted{};
  wanted.rtm_family = ipv6 ? AF_INET6 : AF_INET;
  message.body(wanted);
  return dump("list routes", std::move(message), [&](std::uint16_t type, std::string_view payload) {
    rtmsg body;
    std::string_view attributes;
    // A kernel without the family answers with another's.
    if (type != RTM_NEWROUTE || !split(payload, body, attributes) || body.rtm_family != wanted.rtm_family) return;
    FoundRoute found{.protocol = body.rtm_protocol, .type = body.rtm_type, .route = {}};
    KernelRoute& route = found.route;
    IpAddress base;
    base.ipv6 = ipv6;
    each_attribute(attributes, [&](int attribute, std::string_view value) {
      const std::uint32_t number = number_of(value);
      if (attribute == RTA_TABLE) route.table = number;
      if (attribute == RTA_DST) base = address_of(value);
      if (attribute == RTA_OIF) route.link = int(number);
      if (attribute == RTA_GATEWAY) route.via = address_of(value);
      if (attribute == RTA_PREFSRC) route.source = address_of(value);
      if (attribute == RTA_PRIORITY) route.metric = number;
    });
    route.destination = IpBlock(base, body.rtm_dst_len);
    visit(std::move(found));
  });
}

Result<std::vector<KernelRoute>> Rtnetlink::routes() {
  std::vector<KernelRoute> all;
  for (const bool ipv6 : {false, true})
    BRUME_CHECK(each_route(ipv6, [&](const FoundRoute& found) {
      const auto kind = kind_of(found.type);
      if (!kind || found.protocol != brume_protocol) return;
      KernelRoute& route = all.emplace_back(found.route);
      route.kind = *kind;
      if (ipv6 && route.metric == ipv6_metric) route.metric = 0;
      if (route.kind != RouteKind::unicast) route.link = 0;  // IPv6 shows lo
    }));
  return all;
}

Result<std::vector<int>> Rtnetlink::default_route_links() {
  std::vector<int> links;
  BRUME_CHECK(each_route(false, [&](const FoundRoute& found) {
    const KernelRoute& route = found.route;
    if (route.table == RT_TABLE_MAIN && route.destination.prefix == 0 && found.type == RTN_UNICAST && route.link != 0)
      links.push_back(route.link);
  }));
  return links;
}

Result<std::vector<std::pair<int, IpAddress>>> Rtnetlink::host_routes(bool ipv6) {
  std::vector<std::pair<int, IpAddress>> all;
  BRUME_CHECK(each_route(ipv6, [&](const FoundRoute& found) {
    const KernelRoute& route = found.route;
    if (found.protocol == RTPROT_STATIC && found.type == RTN_UNICAST && route.table == RT_TABLE_MAIN &&
        route.destination.prefix == (ipv6 ? 128 : 32))
      all.emplace_back(route.link, route.destination.base());
  }));
  return all;
}

Result<void> Rtnetlink::add_rule(const KernelRule& rule) {
  return request("add the rule for table " + std::to_string(rule.table),
                 rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule), EEXIST);
}

Result<void> Rtnetlink::delete_rule(const KernelRule& rule) {
  return request("delete the rule for table " + std::to_string(rule.table), rule_message(RTM_DELRULE, 0, rule), ENOENT);
}

Result<void> Rtnetlink::each_rule(const std::function<void(FoundRule)>& visit) {
  for (const std::uint8_t family : both_families) {
    NetlinkMessage message(RTM_GETRULE, NLM_F_DUMP);
    fib_rule_hdr wanted{};
    wanted.family = family;
    message.body(wanted);
    BRUME_CHECK(dump("list rules", std::move(message), [&](std::uint16_t type, std::string_view payload) {
      fib_rule_hdr body;
      std::string_view attributes;
      if (type != RTM_NEWRULE || !split(payload, body, attributes) || body.family != family) return;
      FoundRule found;
      IpAddress base;
      base.ipv6 = family == AF_INET6;
      each_attribute(attributes, [&](int attribute, std::string_view value) {
        if (attribute == FRA_TABLE) found.rule.table = number_of(value);
        if (attribute == FRA_PRIORITY) found.rule.priority = number_of(value);
        if (attribute == FRA_SRC) base = address_of(value);
        if (attribute == FRA_IIFNAME) found.rule.link = text_of(value);
        if (attribute == FRA_PROTOCOL && value.size() == 1) found.protocol = std::uint8_t(value[0]);
      });
      found.rule.source = IpBlock(base, body.src_len);
      visit(std::move(found));
    }));
  }
  return {};
}

Result<std::vector<KernelRule>> Rtnetlink::rules() {
  std::vector<KernelRule> all;
  BRUME_CHECK(each_rule([&](FoundRule found) {
    if (found.protocol == brume_protocol) all.push_back(std::move(found.rule));
  }));
  return all;
}

Result<void> Rtnetlink::delete_rules(std::uint32_t table) {
  std::vector<IpAddress> sources;
  BRUME_CHECK(each_rule([&](const FoundRule& found) {
    if (found.rule.table == table) sources.push_back(found.rule.source.base());
  }));
  for (const IpAddress& source : sources) BRUME_CHECK(delete_source_rule(source, table));
  return {};
}

}  // namespace brume::net
