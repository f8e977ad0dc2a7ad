#include "services/ec2/ipv6_ranges.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "net/address.h"
#include "services/common/ids.h"
#include "services/ec2/vpc_parts.h"

namespace brume::ec2 {
namespace {

constexpr std::size_t kMaxBlocks = 5;      // of a VPC (VPC user guide, "Amazon VPC quotas")
constexpr std::size_t kMaxAddresses = 50;  // of an interface; what the largest instance types have
// The first four addresses of a subnet and its last are AWS's, as in IPv4.
constexpr std::uint64_t kReservedAtStart = 4;
constexpr std::size_t kOwnBytes = 6;  // of the machine's /48

std::string key_of(const std::string& address) {
  return "ipv6/" + address;
}

std::uint64_t random_bits(env::Random& random) {
  const std::string digits = random.hex(16);
  std::uint64_t bits = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
  return bits;
}

std::uint64_t place_in_subnet(const net::IpAddress& address) {
  std::uint64_t place = 0;
  for (std::size_t i = 8; i < 16; ++i) place = place << 8 | address.bytes[i];
  return place;
}

net::IpAddress address_at(const net::IpBlock& subnet, std::uint64_t place) {
  net::IpAddress address = subnet.base();
  for (std::size_t i = 0; i < 8; ++i) address.bytes[15 - i] = std::uint8_t(place >> (8 * i));
  return address;
}

bool is_reserved(const net::IpAddress& address) {
  const std::uint64_t place = place_in_subnet(address);
  return place < kReservedAtStart || place == ~std::uint64_t(0);
}

// Blocks of all the machine's VPCs.
std::set<net::IpBlock> blocks_in_use(NetworkState& state) {
  std::set<net::IpBlock> used;
  for (const NetworkState* region : state.all_regions())
    for (const auto& [id, record] : region->vpcs.rows())
      for (const VpcIpv6CidrBlockAssociation& association : record.vpc.Ipv6CidrBlockAssociationSet)
        if (const auto block = net::parse_ip_block(*association.Ipv6CidrBlock)) used.insert(*block);
  return used;
}

Result<std::string> choose_block(NetworkState& state) {
  env::Random& random = state.context.env.random;
  const std::set<net::IpBlock> used = blocks_in_use(state);
  net::IpAddress base;
  if (used.empty()) {
    const std::uint64_t bits = random_bits(random);
    base.ipv6 = true;
    base.bytes[0] = 0xfd;
    for (std::size_t i = 1; i < kOwnBytes; ++i) base.bytes[i] = std::uint8_t(bits >> (8 * i));
  } else {
    base = used.begin()->base();
  }
  // From a random one on, so that one just given back is rarely given out again.
  const std::uint64_t start = random.below(256);
  for (std::uint64_t i = 0; i < 256; ++i) {
    base.bytes[kOwnBytes] = std::uint8_t(start + i);
    const net::IpBlock block(base, 56);
    if (!used.contains(block)) return block.text();
  }
  return fail("InsufficientCidrBlocks", "There are no free IPv6 CIDR blocks left on this machine.");
}

void add_default_group_rule(NetworkState& state, const std::string& vpc_id) {
  const SecurityGroup* group = state.group_by_name(vpc_id, "default");
  bool open = false;
  for (const SecurityGroupRule* rule : state.rules_of(*group->GroupId)) {
    if (!rule->IsEgress.value_or(false)) continue;
    if (rule->CidrIpv6 == "::/0") return;
    open = open || (rule->CidrIpv4 == "0.0.0.0/0" && rule->IpProtocol == "-1");
  }
  if (!open) return;  // somebody's own choice
  SecurityGroupRule to_all = rule_for_all(state, *group, true);
  to_all.CidrIpv6 = "::/0";
  put_rule(state, to_all);
}

void add_acl_entries(NetworkState& state, const std::string& vpc_id) {
  std::vector<std::string> ids;
  for (const auto& [id, acl] : state.network_acls.rows())
    if (acl.VpcId == vpc_id) ids.push_back(id);
  for (const std::string& id : ids)
    state.network_acls.modify(id, [](NetworkAcl& acl) {
      if (acl.IsDefault.value_or(false)) allow_ipv6(acl);
      add_final_ipv6_entries(acl);
    });
}

void add_local_routes(NetworkState& state, const std::string& vpc_id, const std::string& block) {
  std::vector<std::string> ids;
  for (const auto& [id, table] : state.route_tables.rows())
    if (table.VpcId == vpc_id) ids.push_back(id);
  for (const std::string& id : ids)
    state.route_tables.modify(id, [&](RouteTable& table) {
      std::erase_if(table.Routes, [&](const Route& route) { return route.DestinationIpv6CidrBlock == block; });
      table.Routes.push_back(
          {.DestinationIpv6CidrBlock = block, .GatewayId = "local", .Origin = "CreateRouteTable", .State = "active"});
    });
}

void remove_local_routes(NetworkState& state, const std::string& vpc_id, const std::string& block) {
  std::vector<std::string> ids;
  for (const auto& [id, table] : state.route_tables.rows())
    if (table.VpcId == vpc_id) ids.push_back(id);
  for (const std::string& id : ids)
    state.route_tables.modify(id, [&](RouteTable& table) {
      std::erase_if(table.Routes, [&](const Route& route) {
        return route.DestinationIpv6CidrBlock == block && route.GatewayId == "local";
      });
    });
}

}  // namespace

bool has_ipv6(const VpcRecord& vpc) {
  return !vpc.vpc.Ipv6CidrBlockAssociationSet.empty();
}

const std::string* ipv6_block_of(const Subnet& subnet) {
  return subnet.Ipv6CidrBlockAssociationSet.empty() ? nullptr : &*subnet.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock;
}

Result<VpcIpv6CidrBlockAssociation> add_ipv6_block(NetworkState& state, const std::string& vpc_id) {
  if (!state.ipv6) return fail("UnsupportedOperation", "The kernel of this machine has no IPv6.");
  if (state.vpcs.find(vpc_id)->vpc.Ipv6CidrBlockAssociationSet.size() >= kMaxBlocks)
    return fail("CidrLimitExceeded", "This network '{}' has met its maximum number of allowed CIDRs: {}", vpc_id,
                kMaxBlocks);
  BRUME_TRY(block, choose_block(state));
  const VpcIpv6CidrBlockAssociation association{
      .AssociationId = services::new_id(state.context.env.random, "vpc-cidr-assoc"),
      .Ipv6CidrBlock = block,
      .Ipv6CidrBlockState = VpcCidrBlockState{.State = "associated"},
      .NetworkBorderGroup = state.context.region,
      .Ipv6Pool = "Amazon",
      .Ipv6AddressAttribute = "public",
      .IpSource = "amazon"};
  state.vpcs.modify(vpc_id, [&](VpcRecord& vpc) { vpc.vpc.Ipv6CidrBlockAssociationSet.push_back(association); });
  add_local_routes(state, vpc_id, block);
  add_acl_entries(state, vpc_id);
  add_default_group_rule(state, vpc_id);
  state.changed(vpc_id);
  return association;
}

Result<void> remove_ipv6_block(NetworkState& state, const std::string& vpc_id, const std::string& association_id) {
  std::string block;
  for (const VpcIpv6CidrBlockAssociation& association : state.vpcs.find(vpc_id)->vpc.Ipv6CidrBlockAssociationSet)
    if (association.AssociationId == association_id) block = *association.Ipv6CidrBlock;
  const net::IpBlock range = *net::parse_ip_block(block);
  for (const Subnet* subnet : state.subnets_of(vpc_id))
    if (const std::string* own = ipv6_block_of(*subnet); own && range.contains(*net::parse_ip_block(*own)))
      return fail("InvalidCidrBlock.InUse", "The vpc {} currently has a subnet within CIDR block {}", vpc_id, block);
  state.vpcs.modify(vpc_id, [&](VpcRecord& vpc) {
    std::erase_if(vpc.vpc.Ipv6CidrBlockAssociationSet,
                  [&](const VpcIpv6CidrBlockAssociation& a) { return a.AssociationId == association_id; });
  });
  remove_local_routes(state, vpc_id, block);
  state.changed(vpc_id);
  return {};
}

Result<std::string> check_ipv6_subnet(const NetworkState& state, const VpcRecord& vpc, const std::string& block) {
  const auto canonical = canonical_ipv6_cidr(block);
  if (!canonical)
    return fail("InvalidParameterValue",
                "Value ({}) for parameter ipv6CidrBlock is invalid. This is not a valid CIDR block.", block);
  const net::IpBlock range = *net::parse_ip_block(*canonical);
  const bool inside = std::ranges::any_of(vpc.vpc.Ipv6CidrBlockAssociationSet, [&](const auto& association) {
    return net::parse_ip_block(*association.Ipv6CidrBlock)->contains(range);
  });
  if (!inside || range.prefix != 64) return fail("InvalidSubnet.Range", "The CIDR '{}' is invalid.", block);
  for (const Subnet* other : state.subnets_of(*vpc.vpc.VpcId))
    if (const std::string* own = ipv6_block_of(*other); own && *own == *canonical)
      return fail("InvalidSubnet.Conflict", "The CIDR '{}' conflicts with another subnet", block);
  return *canonical;
}

SubnetIpv6CidrBlockAssociation ipv6_association(NetworkState& state, const std::string& block) {
  return {.AssociationId = services::new_id(state.context.env.random, "subnet-cidr-assoc"),
          .Ipv6CidrBlock = block,
          .Ipv6CidrBlockState = SubnetCidrBlockState{.State = "associated"},
          .Ipv6AddressAttribute = "public",
          .IpSource = "amazon"};
}

bool ipv6_in_use(const NetworkState& state, const std::string& subnet_id) {
  return std::ranges::any_of(state.network_interfaces.rows(), [&](const auto& row) {
    return row.second.SubnetId == subnet_id && !row.second.Ipv6Addresses.empty();
  });
}

Result<std::vector<std::string>> ipv6_addresses_for(NetworkState& state, const Subnet& subnet,
                                                    const std::vector<std::string>& wanted, int count,
                                                    std::size_t present) {
  std::vector<std::string> chosen;
  if (wanted.empty() && count <= 0) return chosen;
  const std::string* block = ipv6_block_of(subnet);
  if (!block)
    return fail("InvalidParameterValue", "The subnet '{}' does not have an IPv6 CIDR block.", *subnet.SubnetId);
  if (present + wanted.size() + std::size_t(std::max(count, 0)) > kMaxAddresses)
    return fail("PrivateIpAddressLimitExceeded", "Number of IPv6 addresses will exceed limit.");
  const net::IpBlock range = *net::parse_ip_block(*block);
  const auto taken = [&](const std::string& address) {
    return state.addresses.contains(key_of(address)) || std::ranges::find(chosen, address) != chosen.end();
  };
  for (const std::string& text : wanted) {
    const auto address = net::parse_ip(text);
    if (!address || !address->ipv6) return fail("InvalidParameterValue", "Invalid IPv6 address: {}", text);
    if (!range.contains({*address, 128}))
      return fail("InvalidParameterValue", "Address {} does not fall within the subnet's address range", text);
    if (is_reserved(*address))
      return fail("InvalidParameterValue", "Address {} is in subnet's reserved address range", text);
    const std::string canonical = net::to_string(*address);
    if (taken(canonical)) return fail("InvalidIPAddress.InUse", "Address {} is in use.", text);
    chosen.push_back(canonical);
  }
  while (count > 0) {
    const net::IpAddress address = address_at(range, random_bits(state.context.env.random));
    std::string text = net::to_string(address);
    if (is_reserved(address) || taken(text)) continue;
    chosen.push_back(std::move(text));
    --count;
  }
  return chosen;
}

void enter_ipv6_address(NetworkState& state, const std::string& address, const std::string& interface_id) {
  state.addresses.put(key_of(address), {interface_id});
}

void erase_ipv6_address(NetworkState& state, const std::string& address) {
  state.addresses.erase(key_of(address));
}

}  // namespace brume::ec2
