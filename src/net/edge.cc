#include "net/edge.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "env/namespaces.h"
#include "env/posix_error.h"
#include "env/posix_files.h"
#include "net/edge_rules.h"
#include "net/ipv6_link.h"
#include "net/link_name.h"
#include "net/nftables.h"
#include "net/route_plan.h"

namespace brume::net {
namespace {

constexpr const char* host_side = "host";  // the link to the host, in `internet`
constexpr Ipv4 host_hop{0xa9feab02};       // 169.254.171.2, the host as `internet` sees it
constexpr Ipv4 vpc_hop{0xa9feab03};        // 169.254.171.3, a VPC as `internet` sees it
constexpr std::uint8_t internet_number = 1, host_number = 2, vpc_number = 3;  // of ipv6_hop()
const std::string alias_word = "brume for ";

std::string edge_link(std::string_view vpc_id) {
  return fmt::format("u{:014x}", fnv1a(vpc_id) >> 8);
}

bool is_loopback(Ipv4 address) {
  return address.value >> 24 == 127;
}

Result<bool> is_set(const std::string& sysctl) {
  BRUME_TRY(text, env::PosixFiles().read("/proc/sys/net/" + sysctl));
  return text.starts_with("1");
}

std::string forwarding_of(const std::string& link) {
  return fmt::format("ipv4/conf/{}/forwarding", link);
}

// Links that forward only because Brume asked them to: as the host's table remembers. The thread is on the host.
Result<std::vector<std::string>> recorded(const std::vector<Link>& links, const std::string& table) {
  std::vector<std::string> found;
  for (const Link& link : links) {
    if (link.name == table || link.name == "lo") continue;
    BRUME_TRY(on, is_set(forwarding_of(link.name)));
    if (on && run_nftables(fmt::format("get element ip {} forwarding {{ \"{}\" }}\n", table, link.name)))
      found.push_back(link.name);
  }
  return found;
}

Result<env::Fd> open_namespace(const std::string& path) {
  if (!path.empty()) return env::open_network_namespace(path);
  env::Fd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd) return env::posix_error("Cannot open the namespace", "of the host");
  return fd;
}

Result<void> set_up_edge_namespace() {
  BRUME_CHECK(env::write_sysctl("ipv4/ip_forward", "1"));
  BRUME_CHECK(disable_ipv6("all"));  // and for links to come
  BRUME_CHECK(env::write_sysctl("ipv4/conf/all/rp_filter", "1"));
  BRUME_CHECK(env::write_sysctl("ipv4/conf/all/route_localnet", "1"));
  for (const char* scope : {"all", "default"})
    for (const char* setting : {"send_redirects", "accept_redirects", "accept_source_route"})
      BRUME_CHECK(env::write_sysctl(fmt::format("ipv4/conf/{}/{}", scope, setting), "0"));
  return run_nftables(internet_table());
}

// The namespace's IPv6, for when a VPC has any. The thread is in it.
Result<void> set_up_edge_ipv6(Rtnetlink& edge) {
  BRUME_CHECK(run_nftables(internet_ipv6_table()));  // before anything is forwarded
  BRUME_CHECK(env::write_sysctl("ipv6/conf/all/forwarding", "1"));
  BRUME_CHECK(enable_ipv6(host_side));
  BRUME_TRY(link, edge.find_link(host_side));
  BRUME_CHECK(edge.add_address(link.index, ipv6_hop(internet_number), 128, ""));
  BRUME_CHECK(edge.add_neighbour(link.index, ipv6_hop(host_number), trunk_mac));
  return edge.add_route(
      {.table = main_table, .destination = all_of_ipv6(), .link = link.index, .via = ipv6_hop(host_number)}, true);
}

bool is_default(const KernelRoute& route) {
  return route.destination.prefix == 0;
}

// From `internet` to a VPC, and from the host to `internet`, by these links.
KernelRoute route_to_vpc(const IpBlock& destination, int link) {
  return {.table = main_table,
          .destination = destination,
          .link = link,
          .via = destination.ipv6 ? ipv6_hop(vpc_number) : IpAddress(vpc_hop)};
}
KernelRoute route_to_edge(const IpBlock& destination, int link) {
  KernelRoute made{.table = RT_TABLE_LOCAL, .destination = destination, .link = link, .via = internet_hop};
  if (destination.ipv6) {
    made.table = main_table;
    made.via = ipv6_hop(internet_number);
  } else if (is_loopback(destination.base().ipv4())) {
    made.source = Ipv4{0x7f000001};
  }
  return made;
}

}  // namespace

Result<void> inside(const std::string& path, const std::function<Result<void>()>& work) {
  return env::apart([&]() -> Result<void> {
    if (!path.empty()) BRUME_CHECK(env::enter_network_namespace(path));
    return work();
  });
}

Result<Rtnetlink> open_in(const std::string& path) {
  Result<Rtnetlink> opened = fail_internal("The namespace {} was not entered", path);
  BRUME_CHECK(inside(path, [&]() -> Result<void> {
    opened = Rtnetlink::open();
    return {};
  }));
  return opened;
}

Result<void> set_up_trunk(const std::string& path, const std::string& name, bool ipv6) {
  return inside(path, [&]() -> Result<void> {
    BRUME_TRY(kernel, Rtnetlink::open());
    BRUME_TRY(link, kernel.find_link(name));
    if (link.index == 0) return fail_internal("The link {} is not in {}", name, path);
    BRUME_CHECK(env::write_sysctl(fmt::format("ipv4/conf/{}/rp_filter", name), "0"));
    BRUME_CHECK(env::write_sysctl(fmt::format("ipv4/conf/{}/proxy_arp", name), "0"));
    BRUME_CHECK(ipv6 ? enable_ipv6(name) : disable_ipv6(name));
    return kernel.set_up(link.index);
  });
}

Result<std::string> Edge::host_alias(Rtnetlink& host) const {
  BRUME_TRY(link, host.find_link(options_.host_name));
  if (link.index == 0) return std::string();
  if (link.alias != alias_word + folder_)
    return fail_internal("The link {} on the host is not this daemon's: '{}'", options_.host_name, link.alias);
  return link.alias;
}

Result<void> Edge::ensure_edge(bool ipv6) {
  BRUME_CHECK(env::PosixFiles().make_folders(folder_, 0700));
  BRUME_TRY(made, env::make_network_namespace(path(), set_up_edge_namespace));
  if (!made) BRUME_CHECK(inside(path(), [] { return run_nftables(internet_table()); }));
  BRUME_TRY(edge, open_in(path()));
  BRUME_CHECK(ensure_host_link(edge));
  BRUME_CHECK(inside(path(), [&]() -> Result<void> {
    BRUME_TRY(on, ipv6_enabled(host_side));
    ipv6 = ipv6 || on;  // another VPC's
    return {};
  }));
  BRUME_CHECK(set_up_trunk(path(), host_side, ipv6));
  BRUME_TRY(link, edge.find_link(host_side));
  BRUME_CHECK(set_up_host());
  BRUME_CHECK(edge.await_operational(host_side));
  BRUME_CHECK(edge.add_address(link.index, internet_hop, 32, host_side));
  BRUME_CHECK(edge.add_neighbour(link.index, host_hop, trunk_mac));
  BRUME_CHECK(edge.add_route({.table = main_table, .destination = {}, .link = link.index, .via = host_hop}, true));
  return ipv6 ? inside(path(), [&] { return set_up_edge_ipv6(edge); }) : Result<void>();
}

Result<void> Edge::ensure_host_link(Rtnetlink& edge) {
  BRUME_TRY(host, open_in(options_.host_namespace));
  BRUME_TRY(near, edge.find_link(host_side));
  BRUME_TRY(far, host.find_link(options_.host_name));
  if (near.index != 0 && far.index != 0 && host_alias(host)) return {};
  // What a call that was cut off left goes with its near end; what is still there then and not ours is another's.
  if (near.index != 0) BRUME_CHECK(edge.delete_link(host_side));
  BRUME_CHECK(host_alias(host));
  BRUME_CHECK(host.delete_link(options_.host_name));
  BRUME_TRY(host_fd, open_namespace(options_.host_namespace));
  BRUME_CHECK(edge.add_veth({.name = host_side,
                             .peer_name = options_.host_name,
                             .peer_namespace = host_fd.get(),
                             .mac = trunk_mac,
                             .peer_mac = trunk_mac,
                             .mtu = trunk_mtu}));
  BRUME_TRY(link, host.find_link(options_.host_name));
  return host.set_alias(link.index, alias_word + folder_);
}

Result<void> Edge::set_up_host() {
  return inside(options_.host_namespace, [&]() -> Result<void> {
    BRUME_TRY(host, Rtnetlink::open());
    BRUME_CHECK(host_alias(host));
    BRUME_TRY(link, host.find_link(options_.host_name));
    const std::string& name = options_.host_name;
    // Who wants the host to forward has said so for all links; then there is nothing to add.
    std::vector<std::string> forwarding;
    BRUME_TRY(forwards, is_set("ipv4/ip_forward"));
    if (!forwards) {
      BRUME_TRY(links, host.links());
      BRUME_TRY(out, host.default_route_links());
      BRUME_TRY(ours, recorded(links, name));
      forwarding = ours;
      for (const Link& candidate : links) {
        if (candidate.name == name || std::ranges::find(out, candidate.index) == out.end()) continue;
        BRUME_TRY(already, is_set(forwarding_of(candidate.name)));
        if (!already) forwarding.push_back(candidate.name);
      }
    }
    BRUME_CHECK(run_nftables(host_table(name, forwarding)));
    for (const std::string& other : forwarding) BRUME_CHECK(env::write_sysctl(forwarding_of(other), "1"));
    // As made; sync_host() switches it on.
    BRUME_TRY(routes, host.routes());
    const bool ipv6 = std::ranges::any_of(
        routes, [&](const KernelRoute& route) { return route.link == link.index && route.destination.ipv6; });
    if (!ipv6) BRUME_CHECK(disable_ipv6(name));
    const std::string ipv4 = fmt::format("ipv4/conf/{}/", name);
    BRUME_CHECK(env::write_sysctl(ipv4 + "forwarding", "1"));
    BRUME_CHECK(env::write_sysctl(ipv4 + "route_localnet", "1"));
    BRUME_CHECK(env::write_sysctl(ipv4 + "rp_filter", "1"));
    for (const char* setting : {"send_redirects", "accept_redirects", "accept_source_route", "proxy_arp"})
      BRUME_CHECK(env::write_sysctl(ipv4 + setting, "0"));
    BRUME_CHECK(host.set_up(link.index));
    BRUME_CHECK(host.await_operational(name));
    BRUME_CHECK(host.add_neighbour(link.index, internet_hop, trunk_mac));
    return host.add_route({.table = RT_TABLE_LOCAL, .destination = {internet_hop, 32}, .link = link.index}, true);
  });
}

Result<void> Edge::connect(const std::string& vpc_id, const std::string& vpc_path, bool ipv6) {
  const auto finish = [&]() -> Result<void> {
    BRUME_CHECK(ensure_edge(ipv6));
    const std::string name = edge_link(vpc_id);
    BRUME_TRY(edge, open_in(path()));
    BRUME_TRY(vpc, open_in(vpc_path));
    BRUME_TRY(near, vpc.find_link(uplink_name));
    BRUME_TRY(far, edge.find_link(name));
    if (near.index == 0 || far.index == 0) {
      BRUME_CHECK(vpc.delete_link(uplink_name));
      BRUME_CHECK(edge.delete_link(name));
      BRUME_TRY(edge_fd, env::open_network_namespace(path()));
      BRUME_CHECK(vpc.add_veth({.name = uplink_name,
                                .peer_name = name,
                                .peer_namespace = edge_fd.get(),
                                .mac = trunk_mac,
                                .peer_mac = trunk_mac,
                                .mtu = trunk_mtu}));
    }
    BRUME_CHECK(set_up_trunk(vpc_path, uplink_name, ipv6));
    BRUME_CHECK(set_up_trunk(path(), name, ipv6));
    BRUME_TRY(link, edge.find_link(name));
    BRUME_CHECK(edge.add_neighbour(link.index, vpc_hop, trunk_mac));
    if (ipv6) BRUME_CHECK(edge.add_neighbour(link.index, ipv6_hop(vpc_number), trunk_mac));
    BRUME_CHECK(edge.await_operational(name));
    return vpc.await_operational(uplink_name);
  };
  BRUME_TRY(was_connected, connected(vpc_path));
  auto finished = finish();
  if (!finished && !was_connected) (void)disconnect(vpc_path);  // the first failure is what the caller is to hear of
  return finished;
}

Result<bool> Edge::connected(const std::string& vpc_path) const {
  BRUME_TRY(vpc, open_in(vpc_path));
  BRUME_TRY(link, vpc.find_link(uplink_name));
  return link.index != 0;
}

Result<std::set<IpBlock>> Edge::destinations(const std::string& vpc_id) {
  BRUME_TRY(edge, open_in(path()));
  BRUME_TRY(link, edge.find_link(edge_link(vpc_id)));
  BRUME_TRY(routes, edge.routes());
  std::set<IpBlock> found;
  for (const KernelRoute& route : routes)
    if (route.link == link.index && !is_default(route)) found.insert(route.destination);
  return found;
}

Result<void> Edge::set_destinations(const std::string& vpc_id, const std::set<IpBlock>& wanted) {
  BRUME_TRY(edge, open_in(path()));
  BRUME_TRY(link, edge.find_link(edge_link(vpc_id)));
  BRUME_TRY(before, edge.routes());
  BRUME_TRY(present, destinations(vpc_id));
  const auto route_to = [&](const IpBlock& destination) { return route_to_vpc(destination, link.index); };
  const auto finish = [&]() -> Result<void> {
    for (const IpBlock& destination : present)
      if (!wanted.contains(destination)) BRUME_CHECK(edge.delete_route(route_to(destination)));
    for (const IpBlock& destination : wanted)
      if (!present.contains(destination)) BRUME_CHECK(edge.add_route(route_to(destination), true));
    return sync_host();
  };
  auto finished = finish();
  if (finished) return finished;
  for (const IpBlock& destination : wanted)
    if (!present.contains(destination)) (void)edge.delete_route(route_to(destination));
  for (const KernelRoute& route : before) (void)edge.add_route(route, true);
  (void)sync_host();
  return finished;
}

Result<void> Edge::change_destinations(const std::string& vpc_id, const std::set<IpBlock>& gone,
                                       const std::set<IpBlock>& come) {
  BRUME_TRY(edge, open_in(path()));
  BRUME_TRY(host, open_in(options_.host_namespace));
  BRUME_CHECK(host_alias(host));
  BRUME_TRY(near, edge.find_link(edge_link(vpc_id)));
  BRUME_TRY(far, host.find_link(options_.host_name));
  if (near.index == 0 || far.index == 0) return fail_internal("The VPC {} has no way out", vpc_id);
  std::vector<std::pair<Rtnetlink*, KernelRoute>> taken, added;
  const auto finish = [&]() -> Result<void> {
    for (const IpBlock& destination : gone) {
      taken.emplace_back(&host, route_to_edge(destination, far.index));
      taken.emplace_back(&edge, route_to_vpc(destination, near.index));
    }
    for (const auto& [kernel, route] : taken) BRUME_CHECK(kernel->delete_route(route));
    for (const IpBlock& destination : come)
      for (auto [kernel, route] : {std::pair(&edge, route_to_vpc(destination, near.index)),
                                   std::pair(&host, route_to_edge(destination, far.index))}) {
        BRUME_CHECK(kernel->add_route(route, false));
        added.emplace_back(kernel, route);
      }
    return {};
  };
  auto finished = finish();
  if (finished) return finished;
  for (const auto& [kernel, route] : added) (void)kernel->delete_route(route);
  for (const auto& [kernel, route] : taken) (void)kernel->add_route(route, false);
  return finished;
}

Result<void> Edge::sync_host() {
  BRUME_TRY(edge, open_in(path()));
  BRUME_TRY(host, open_in(options_.host_namespace));
  BRUME_CHECK(host_alias(host));
  BRUME_TRY(link, host.find_link(options_.host_name));
  if (link.index == 0) return {};
  BRUME_TRY(inner, edge.routes());
  std::set<KernelRoute> wanted;
  std::set<IpBlock> ranges;
  for (const KernelRoute& route : inner) {
    if (is_default(route)) continue;
    if (route.destination.ipv6) ranges.insert(route.destination);
    wanted.insert(route_to_edge(route.destination, link.index));
  }
  BRUME_TRY(outer, host.routes());
  std::set<KernelRoute> present;
  for (const KernelRoute& route : outer)
    if (route.link == link.index && route.via != IpAddress{}) present.insert(route);
  for (const KernelRoute& route : present)
    if (!wanted.contains(route)) BRUME_CHECK(host.delete_route(route));
  BRUME_CHECK(set_up_host_ipv6(host, link.index, ranges));
  // Not in place of another's: an address that is the host's own stays its own.
  for (const KernelRoute& route : wanted)
    if (!present.contains(route)) BRUME_CHECK(host.add_route(route, false));
  return {};
}

Result<void> Edge::set_up_host_ipv6(Rtnetlink& host, int link, const std::set<IpBlock>& ranges) {
  return inside(options_.host_namespace, [&]() -> Result<void> {
    const std::string& name = options_.host_name;
    if (ranges.empty()) return remove_host_ipv6();
    BRUME_CHECK(run_nftables(host_ipv6_table(name, ranges)));
    BRUME_CHECK(enable_ipv6(name));
    BRUME_CHECK(host.add_address(link, ipv6_hop(host_number), 128, ""));
    return host.add_neighbour(link, ipv6_hop(internet_number), trunk_mac);
  });
}

Result<void> Edge::remove_host_ipv6() {
  const std::string& name = options_.host_name;
  BRUME_TRY(on, ipv6_enabled(name));
  if (!on) return {};
  BRUME_CHECK(disable_ipv6(name));
  return run_nftables(fmt::format("table ip6 {0}\ndelete table ip6 {0}\n", name));
}

Result<void> Edge::disconnect(const std::string& vpc_path) {
  BRUME_TRY(vpc, open_in(vpc_path));
  BRUME_CHECK(vpc.delete_link(uplink_name));
  return release();
}

Result<void> Edge::release() {
  if (!env::network_namespace_exists(path())) return {};
  BRUME_TRY(edge, open_in(path()));
  BRUME_TRY(links, edge.links());
  const bool used = std::ranges::any_of(links, [](const Link& link) { return link.name.starts_with("u"); });
  return used ? sync_host() : remove();
}

Result<void> Edge::remove() {
  const bool there = env::network_namespace_exists(path());
  BRUME_CHECK(inside(options_.host_namespace, [&]() -> Result<void> {
    BRUME_TRY(host, Rtnetlink::open());
    const auto alias = host_alias(host);
    if (!there && (!alias || alias->empty())) return {};
    // Without an alias the link may be the rest of a call that was cut off, which had no table yet, or another's.
    if (!alias) return {};
    BRUME_TRY(forwards, is_set("ipv4/ip_forward"));
    if (!forwards) {
      BRUME_TRY(links, host.links());
      BRUME_TRY(ours, recorded(links, options_.host_name));
      for (const std::string& link : ours) BRUME_CHECK(env::write_sysctl(forwarding_of(link), "0"));
    }
    BRUME_CHECK(remove_host_ipv6());
    BRUME_CHECK(run_nftables(fmt::format("table ip {0}\ndelete table ip {0}\n", options_.host_name)));
    return host.delete_link(options_.host_name);
  }));
  if (there) {
    BRUME_TRY(edge, open_in(path()));
    BRUME_TRY(links, edge.links());
    for (const Link& link : links)
      if (link.kind == "veth") BRUME_CHECK(edge.delete_link(link.name));
  }
  return env::remove_network_namespace(path());
}

}  // namespace brume::net
