#include "net/kernel_secondary.h"

#include <algorithm>

#include "env/namespaces.h"
#include "net/kernel_ipv6.h"
#include "net/link_name.h"

namespace brume::net {
namespace {

bool has(const std::vector<Ipv4>& all, Ipv4 one) {
  return std::ranges::find(all, one) != all.end();
}

// The thread is in the instance's namespace.
Result<void> set_instance_side(const InterfaceSpec& spec, const CheckedInterface& checked) {
  BRUME_TRY(kernel, Rtnetlink::open());
  const std::string name = fmt::format("eth{}", spec.device_index);
  BRUME_TRY(link, kernel.find_link(name));
  if (link.index == 0) return fail_internal("The interface {} is not in {}", spec.id, spec.instance_id);
  const auto index = std::uint32_t(spec.device_index);
  BRUME_TRY(all, kernel.addresses(link.index));
  for (const auto& [address, label] : all) {
    if (address.ipv6 || address.ipv4() == checked.address || has(checked.secondary_addresses, address.ipv4())) continue;
    BRUME_CHECK(kernel.delete_address(link.index, address, checked.prefix));
    if (index != 0) BRUME_CHECK(kernel.delete_source_rule(address, first_table + index));
  }
  for (const Ipv4 address : checked.secondary_addresses) {
    BRUME_CHECK(kernel.add_address(link.index, address, checked.prefix, name));
    if (index != 0) BRUME_CHECK(kernel.add_source_rule(address, first_table + index));
  }
  return {};
}

}  // namespace

Result<void> set_secondary_addresses(Rtnetlink& vpc, const InterfaceSpec& spec, const CheckedInterface& checked,
                                     const std::string& instance_path) {
  BRUME_TRY(link, vpc.find_link(link_name(spec.id)));
  BRUME_TRY(routes, vpc.host_routes(false));
  for (const auto& [index, address] : routes)
    if (index == link.index && address.ipv4() != checked.address && !has(checked.secondary_addresses, address.ipv4()))
      BRUME_CHECK(vpc.delete_host_route(link.index, address));
  for (const Ipv4 address : checked.secondary_addresses) {
    BRUME_CHECK(vpc.add_neighbour(link.index, address, checked.mac));
    BRUME_CHECK(vpc.add_host_route(link.index, address, true));
  }
  return env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(instance_path));
    return set_instance_side(spec, checked);
  });
}

}  // namespace brume::net
