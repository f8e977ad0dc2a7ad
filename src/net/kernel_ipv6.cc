#include "net/kernel_ipv6.h"

#include <algorithm>

#include "env/namespaces.h"
#include "net/ipv6_link.h"
#include "net/link_name.h"

namespace brume::net {
namespace {

constexpr int loopback = 1;

bool has(const std::vector<IpAddress>& all, const IpAddress& one) {
  return std::ranges::find(all, one) != all.end();
}

// Without ::1, which is lo's own.
Result<std::vector<IpAddress>> ipv6_addresses(Rtnetlink& kernel, int link) {
  BRUME_TRY(all, kernel.addresses(link));
  std::vector<IpAddress> found;
  for (const auto& [address, label] : all)
    if (address.ipv6 && to_string(address) != "::1") found.push_back(address);
  return found;
}

// The thread is in the instance's namespace.
Result<void> set_instance_side(const InterfaceSpec& spec, const std::vector<IpAddress>& wanted) {
  BRUME_TRY(kernel, Rtnetlink::open());
  const std::string name = fmt::format("eth{}", spec.device_index);
  BRUME_TRY(link, kernel.find_link(name));
  if (link.index == 0) return fail_internal("The interface {} is not in {}", spec.id, spec.instance_id);
  const auto index = std::uint32_t(spec.device_index);
  BRUME_TRY(present, ipv6_addresses(kernel, link.index));
  for (const IpAddress& address : present) {
    if (has(wanted, address)) continue;
    BRUME_CHECK(kernel.delete_address(link.index, address, 128));
    if (index != 0) BRUME_CHECK(kernel.delete_source_rule(address, first_table + index));
  }
  if (wanted.empty()) return disable_ipv6(name);
  BRUME_CHECK(enable_ipv6(name));
  BRUME_CHECK(kernel.add_neighbour(link.index, ipv6_router(), vpc_side_mac));
  for (const IpAddress& address : wanted)
    if (!has(present, address)) BRUME_CHECK(kernel.add_address(link.index, address, 128, ""));
  BRUME_CHECK(kernel.add_default_route(link.index, ipv6_router(), index, 0));
  if (index != 0) {
    BRUME_CHECK(kernel.add_default_route(link.index, ipv6_router(), 0, first_table + index));
    for (const IpAddress& address : wanted) BRUME_CHECK(kernel.add_source_rule(address, first_table + index));
  }
  for (const IpAddress& address : wanted) BRUME_CHECK(kernel.await_local(address));
  return {};
}

}  // namespace

Result<void> set_up_vpc_ipv6(Rtnetlink& kernel, const VpcSpec& spec) {
  BRUME_TRY(gateways, ipv6_gateways(spec));
  BRUME_TRY(on, ipv6_enabled("lo"));
  if (gateways.empty() && !on) return {};
  if (!gateways.empty()) {
    BRUME_CHECK(need_ipv6());
    BRUME_CHECK(guard_ipv6());  // before anything is forwarded
    BRUME_CHECK(env::write_sysctl("ipv6/conf/all/forwarding", "1"));
    BRUME_CHECK(enable_ipv6("lo"));
  }
  BRUME_TRY(present, ipv6_addresses(kernel, loopback));
  for (const IpAddress& gateway : gateways)
    if (!has(present, gateway)) BRUME_CHECK(kernel.add_address(loopback, gateway, 128, ""));
  for (const IpAddress& gateway : present)
    if (!has(gateways, gateway)) BRUME_CHECK(kernel.delete_address(loopback, gateway, 128));
  return {};
}

Result<void> set_ipv6_addresses(Rtnetlink& vpc, const InterfaceSpec& spec, const CheckedInterface& checked,
                                const std::string& instance_path) {
  const std::string name = link_name(spec.id);
  const std::vector<IpAddress>& wanted = checked.ipv6_addresses;
  BRUME_TRY(on, ipv6_enabled(name));
  if (wanted.empty() && !on) return {};
  BRUME_TRY(link, vpc.find_link(name));
  BRUME_TRY(routes, vpc.host_routes(true));
  std::vector<IpAddress> present;
  for (const auto& [index, address] : routes)
    if (index == link.index) present.push_back(address);
  for (const IpAddress& address : present)
    if (!has(wanted, address)) BRUME_CHECK(vpc.delete_host_route(link.index, address));
  if (!wanted.empty()) BRUME_CHECK(enable_ipv6(name));
  for (const IpAddress& address : wanted) {
    BRUME_CHECK(vpc.add_neighbour(link.index, address, *parse_mac(spec.mac)));
    if (!has(present, address)) BRUME_CHECK(vpc.add_host_route(link.index, address));
  }
  BRUME_CHECK(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(instance_path));
    return set_instance_side(spec, wanted);
  }));
  // Last, so that a call that was cut off is seen to be unfinished.
  return wanted.empty() ? disable_ipv6(name) : Result<void>();
}

}  // namespace brume::net
