#include "net/translation.h"

#include <algorithm>
#include <string>

#include "net/spec_check.h"

namespace brume::net {
namespace {

Result<SetElement> element(std::string_view declaration, const std::string& text) {
  auto encoded = encode_element(declaration, text);
  if (!encoded) return fail("InvalidParameterValue", "{} is not of IPv4 addresses", text);
  return *std::move(encoded);
}

// The elements of these addresses, in the four sets that have some.
Result<void> add_elements(const std::vector<const PublicAddress*>& addresses, bool add,
                          std::vector<ElementChange>& changes) {
  if (addresses.empty()) return {};
  ElementChange outward{"public_of", add, {}}, inward{"private_of", add, {}}, pairs{"pairs", add, {}},
      senders{"with_public", add, {}};
  for (const PublicAddress* each : addresses) {
    const std::string &outside = each->address, &inside = each->private_address;
    BRUME_TRY(out, element("type ipv4_addr : ipv4_addr;", inside + " : " + outside));
    BRUME_TRY(in, element("type ipv4_addr : ipv4_addr;", outside + " : " + inside));
    BRUME_TRY(pair, element("type ipv4_addr . ipv4_addr;", outside + " . " + inside));
    BRUME_TRY(sender, element("type ipv4_addr;", inside));
    outward.elements.push_back(std::move(out));
    inward.elements.push_back(std::move(in));
    pairs.elements.push_back(std::move(pair));
    senders.elements.push_back(std::move(sender));
  }
  for (ElementChange* change : {&outward, &inward, &pairs, &senders}) changes.push_back(std::move(*change));
  return {};
}

}  // namespace

Result<Retranslation> retranslation(const Routing& before, const Routing& after) {
  std::vector<const PublicAddress*> gone, come;
  SharedSet<PublicAddress>::differences(
      before.public_addresses, after.public_addresses,
      [&](const PublicAddress& address, bool added) { (added ? come : gone).push_back(&address); });
  if ((gone.size() + come.size()) * 4 > kMostElements)
    return fail("InvalidParameterValue", "More than {} elements differ", kMostElements);
  Retranslation made;
  BRUME_CHECK(add_elements(gone, false, made.elements));
  BRUME_CHECK(add_elements(come, true, made.elements));
  for (const auto& [addresses, blocks] : {std::pair(&gone, &made.gone), std::pair(&come, &made.come)})
    for (const PublicAddress* each : *addresses) {
      BRUME_TRY(outside, parse_ipv4(each->address));
      blocks->insert(IpBlock(IpAddress(outside), 32));
      if (std::ranges::find(after.nat_gateways, each->address, &NatGateway::public_address) != after.nat_gateways.end())
        return fail("InvalidParameterValue", "{} is translated twice", each->address);
    }
  return made;
}

}  // namespace brume::net
