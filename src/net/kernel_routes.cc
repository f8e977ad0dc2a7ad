#include "net/kernel_routes.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <sstream>

#include "env/namespaces.h"
#include "net/ipv6_link.h"
#include "net/kernel_fabric.h"
#include "net/link_name.h"
#include "net/nftables.h"
#include "net/route_plan.h"
#include "net/spec_check.h"
#include "net/translation.h"

namespace brume::net {
namespace {

// What to undo if a later step fails, last first.
class Undo {
 public:
  Undo() = default;
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (void)(*step)();
  }
  void add(std::function<Result<void>()> step) { steps_.push_back(std::move(step)); }
  void forget() { steps_.clear(); }

 private:
  std::vector<std::function<Result<void>()>> steps_;
};

// Interfaces by the aliases of their links: id, instance, device index, address, …
Present present_in(const std::vector<Link>& links, const std::vector<KernelRule>& rules,
                   const std::vector<std::pair<int, IpAddress>>& ipv6) {
  Present present;
  for (const Link& link : links) {
    if (!link.alias.starts_with("eni-")) continue;
    std::istringstream words(link.alias);
    std::string id, instance, index, address;
    words >> id >> instance >> index >> address;
    const auto parsed = parse_ipv4(address);
    if (!parsed) continue;
    const bool unchecked = std::ranges::any_of(rules, [&](const KernelRule& rule) { return rule.link == link.name; });
    const auto own = std::ranges::find(ipv6, link.index, &std::pair<int, IpAddress>::first);
    present.interfaces[id] = {link.name, *parsed, !unchecked, own == ipv6.end() ? IpAddress{} : own->second};
  }
  return present;
}

// Whole for the peer too: a link that is in one VPC only is made anew.
Result<void> ensure_peering(const std::string& name, const std::string& path, const std::string& peer_path, bool ipv6,
                            Undo& undo) {
  BRUME_TRY(near, open_in(path));
  BRUME_TRY(far, open_in(peer_path));
  BRUME_TRY(near_link, near.find_link(name));
  BRUME_TRY(far_link, far.find_link(name));
  if (near_link.index == 0 || far_link.index == 0) {
    BRUME_CHECK(near.delete_link(name));
    BRUME_CHECK(far.delete_link(name));
    BRUME_TRY(peer, env::open_network_namespace(peer_path));
    BRUME_CHECK(near.add_veth({.name = name,
                               .peer_name = name,
                               .peer_namespace = peer.get(),
                               .mac = trunk_mac,
                               .peer_mac = trunk_mac,
                               .mtu = trunk_mtu}));
    undo.add([name, path]() -> Result<void> {
      BRUME_TRY(kernel, open_in(path));
      return kernel.delete_link(name);
    });
  }
  BRUME_CHECK(set_up_trunk(path, name, ipv6));
  BRUME_CHECK(set_up_trunk(peer_path, name, ipv6));
  BRUME_CHECK(near.await_operational(name));
  return far.await_operational(name);
}

// Additions first: between two routes of a destination there is never none. Same key, other content: replaced.
Result<void> apply_routes(Rtnetlink& kernel, const std::set<KernelRoute>& wanted, Undo& undo) {
  BRUME_TRY(all, kernel.routes());
  const std::set<KernelRoute> present(all.begin(), all.end());
  const auto same_place = [](const KernelRoute& a, const KernelRoute& b) {
    return a.table == b.table && a.destination == b.destination && a.metric == b.metric;
  };
  for (const KernelRoute& route : wanted) {
    if (present.contains(route)) continue;
    BRUME_CHECK(kernel.add_route(route, true));
    const auto old = std::ranges::find_if(all, [&](const KernelRoute& other) { return same_place(route, other); });
    undo.add([&kernel, route, before = old == all.end() ? std::optional<KernelRoute>() : std::optional(*old)] {
      return before ? kernel.add_route(*before, true) : kernel.delete_route(route);
    });
  }
  for (const KernelRoute& route : present) {
    const bool replaced =
        std::ranges::any_of(wanted, [&](const KernelRoute& other) { return same_place(route, other); });
    if (replaced) continue;
    BRUME_CHECK(kernel.delete_route(route));
    undo.add([&kernel, route] { return kernel.add_route(route, true); });
  }
  return {};
}

// Rules by link are set_source_check's, as long as their link is there.
Result<void> apply_rules(Rtnetlink& kernel, const std::vector<KernelRule>& all, const std::set<KernelRule>& wanted,
                         const std::vector<Link>& links, Undo& undo) {
  const std::set<KernelRule> present(all.begin(), all.end());
  for (const KernelRule& rule : wanted) {
    if (present.contains(rule)) continue;
    BRUME_CHECK(kernel.add_rule(rule));
    undo.add([&kernel, rule] { return kernel.delete_rule(rule); });
  }
  for (const KernelRule& rule : present) {
    if (wanted.contains(rule) || std::ranges::find(links, rule.link, &Link::name) != links.end()) continue;
    BRUME_CHECK(kernel.delete_rule(rule));
    undo.add([&kernel, rule] { return kernel.add_rule(rule); });
  }
  return {};
}

Result<std::map<std::string, int>> indexes(Rtnetlink& kernel) {
  BRUME_TRY(links, kernel.links());
  std::map<std::string, int> found{{"", 0}};
  for (const Link& link : links) found[link.name] = link.index;
  return found;
}

// A link that went in the meantime has no index; the interface's black hole takes its place.
std::set<KernelRoute> with_indexes(const std::set<PlannedRoute>& routes, const std::map<std::string, int>& index) {
  std::set<KernelRoute> out;
  for (const PlannedRoute& route : routes)
    if (const auto found = index.find(route.link); found != index.end())
      out.insert({.table = route.table,
                  .destination = route.destination,
                  .kind = route.kind,
                  .link = found->second,
                  .via = route.via,
                  .metric = route.metric});
  return out;
}

}  // namespace

Result<void> set_source_check(Rtnetlink& vpc, const InterfaceSpec& spec) {
  const std::string name = link_name(spec.id);
  BRUME_TRY(subnet, parse_ipv4_block(spec.subnet_cidr));
  BRUME_TRY(rules, vpc.rules());
  std::set<KernelRule> wanted;
  if (!spec.source_dest_check) {
    wanted.insert({.priority = link_priority, .link = name, .table = table_of(subnet)});
    if (!spec.ipv6_addresses.empty()) {
      BRUME_TRY(ipv6_subnet, parse_block(spec.ipv6_cidr));
      wanted.insert({.priority = link_priority, .source = all_of_ipv6(), .link = name, .table = table_of(ipv6_subnet)});
    }
  }
  for (const KernelRule& rule : rules)
    if (rule.link == name && !wanted.contains(rule)) BRUME_CHECK(vpc.delete_rule(rule));
  BRUME_CHECK(env::write_sysctl(fmt::format("ipv4/conf/{}/rp_filter", name), spec.source_dest_check ? "1" : "0"));
  if (!spec.ipv6_addresses.empty()) BRUME_CHECK(check_ipv6_source(name, spec.source_dest_check));
  for (const KernelRule& rule : wanted) BRUME_CHECK(vpc.add_rule(rule));  // one that is there is fine
  return {};
}

Result<std::vector<std::string>> KernelFabric::route(const Routing& routing) {
  BRUME_CHECK(check_id(routing.vpc_id, "vpc-"));
  const std::shared_lock lock(vpcs_);
  const std::lock_guard own(routes_);
  const std::string path = vpc_namespace(routing.vpc_id);
  if (!env::network_namespace_exists(path)) return fail_internal("The VPC {} has no namespace", routing.vpc_id);
  // Told before with other addresses, which are all that is different.
  const std::shared_ptr<const Routing> before = take_routed(routing.vpc_id);
  if (before && before->public_addresses != routing.public_addresses && alike_but_for_addresses(*before, routing) &&
      retranslate(*before, routing)) {
    remember_routed(routing);
    return std::vector<std::string>();
  }
  BRUME_TRY(kernel, open_in(path));
  BRUME_TRY(links, kernel.links());
  BRUME_TRY(rules, kernel.rules());
  BRUME_TRY(ipv6_routes, kernel.host_routes(true));
  Present present = present_in(links, rules, ipv6_routes);
  for (const Peering& peering : routing.peerings)
    if (check_id(peering.peer_vpc_id, "vpc-") && env::network_namespace_exists(vpc_namespace(peering.peer_vpc_id)))
      present.vpcs.insert(peering.peer_vpc_id);
  BRUME_TRY(connected, edge_.connected(path));
  present.uplink = connected;
  BRUME_TRY(plan, plan_routes(routing, present));
  if (plan.ipv6) BRUME_CHECK(need_ipv6());

  Undo undo;
  for (const auto& [link, peer] : plan.peerings)
    BRUME_CHECK(ensure_peering(link, path, vpc_namespace(peer), plan.ipv6, undo));
  if (plan.uplink) {
    BRUME_CHECK(edge_.connect(routing.vpc_id, path, plan.ipv6));
    if (!connected) undo.add([this, path] { return edge_.disconnect(path); });
  }
  BRUME_TRY(index, indexes(kernel));
  for (const auto& [link, hop] : plan.hops) BRUME_CHECK(kernel.add_neighbour(index.at(link), hop, trunk_mac));
  // Before the routes, so that no packet takes a way that is not watched.
  BRUME_CHECK(inside(path, [&] { return run_nftables(plan.nat); }));
  BRUME_CHECK(apply_routes(kernel, with_indexes(plan.routes, index), undo));
  BRUME_CHECK(apply_rules(kernel, rules, plan.rules, links, undo));
  if (plan.uplink) BRUME_CHECK(edge_.set_destinations(routing.vpc_id, plan.destinations));
  undo.forget();

  if (connected && !plan.uplink) BRUME_CHECK(edge_.disconnect(path));
  for (const Link& link : links)
    if (link.kind == "veth" && link.name.starts_with("p") && !plan.peerings.contains(link.name))
      BRUME_CHECK(kernel.delete_link(link.name));
  if (plan.uplink && plan.missing_peers.empty()) remember_routed(routing);
  return std::move(plan.missing_peers);
}

Result<void> KernelFabric::retranslate(const Routing& before, const Routing& after) {
  BRUME_TRY(changes, retranslation(before, after));
  BRUME_CHECK(inside(vpc_namespace(after.vpc_id),
                     [&] { return change_elements(changes.elements, {.inet = false, .name = "brume_nat"}); }));
  return edge_.change_destinations(after.vpc_id, changes.gone, changes.come);
}

std::shared_ptr<const Routing> KernelFabric::take_routed(const std::string& vpc_id) {
  const std::lock_guard lock(applied_mutex_);
  const auto found = routed_.find(vpc_id);
  if (found == routed_.end()) return {};
  const auto taken = std::move(found->second);
  routed_.erase(found);
  return taken;
}

void KernelFabric::remember_routed(const Routing& routing) {
  const std::lock_guard lock(applied_mutex_);
  routed_[routing.vpc_id] = std::make_shared<const Routing>(routing);
}

void KernelFabric::forget_routes_to(const std::string& interface_id, const std::string& vpc_id) {
  const std::lock_guard lock(applied_mutex_);
  const auto found = routed_.find(vpc_id);
  if (found == routed_.end()) return;
  for (const auto& [id, routes] : found->second->route_tables)
    if (std::ranges::find(routes, interface_id, &Route::target_id) != routes.end()) {
      routed_.erase(found);
      return;
    }
}

}  // namespace brume::net
