#include "services/ec2/network_state.h"

#include <algorithm>

#include "services/ec2/group_reference.h"
#include "services/ec2/vpc_parts.h"

namespace brume::ec2 {
namespace {

// Visits the rows whose key begins with `prefix`.
template <typename T, typename F>
void each_below(const store::Table<T>& table, const std::string& prefix, F visit) {
  for (auto row = table.rows().lower_bound(prefix); row != table.rows().end() && row->first.starts_with(prefix); ++row)
    visit(row->second);
}

template <typename T>
void add_kind(Tags& tags, const ResourceKind& kind, const store::Table<T>& table) {
  tags.add_kind(kind, [&table](std::string_view id) { return table.contains(id); });
}

}  // namespace

NetworkState::NetworkState(services::Context service_context)
    : context(service_context),
      tags(context.store, context.region),
      vpcs(context.store, "ec2.vpcs", context.region),
      subnets(context.store, "ec2.subnets", context.region),
      internet_gateways(context.store, "ec2.internet-gateways", context.region),
      egress_only_gateways(context.store, "ec2.egress-only-internet-gateways", context.region),
      route_tables(context.store, "ec2.route-tables", context.region),
      network_acls(context.store, "ec2.network-acls", context.region),
      security_groups(context.store, "ec2.security-groups", context.region),
      security_group_rules(context.store, "ec2.security-group-rules", context.region),
      network_interfaces(context.store, "ec2.network-interfaces", context.region),
      dhcp_options(context.store, "ec2.dhcp-options", context.region),
      links(context.store, "ec2.network-interface-links", context.region),
      addresses(context.store, "ec2.private-addresses", context.region),
      public_addresses(context.store, "ec2.public-addresses", context.region),
      nat_gateways(context.store, "ec2.nat-gateways", context.region),
      peerings(context.store, "ec2.vpc-peering-connections", context.region),
      prefix_lists(context.store, "ec2.prefix-lists", context.region),
      flow_logs(context.store, "ec2.flow-logs", context.region),
      flow_cursors(context.store, "ec2.flow-cursors", context.region),
      removed_nodes(context.store, "ec2.removed-nodes", context.region),
      milestones(context.store, "ec2.milestones", context.region) {
  add_kind(tags, kVpc, vpcs);
  add_kind(tags, kSubnet, subnets);
  add_kind(tags, kInternetGateway, internet_gateways);
  add_kind(tags, kEgressOnlyGateway, egress_only_gateways);
  add_kind(tags, kRouteTable, route_tables);
  add_kind(tags, kNetworkAcl, network_acls);
  add_kind(tags, kSecurityGroup, security_groups);
  add_kind(tags, kNetworkInterface, network_interfaces);
  add_kind(tags, kDhcpOptions, dhcp_options);
  add_kind(tags, kNatGateway, nat_gateways);
  add_kind(tags, kVpcPeering, peerings);
  add_kind(tags, kPrefixList, prefix_lists);
  add_kind(tags, kFlowLog, flow_logs);
  tags.add_kind(kElasticIp, [this](std::string_view id) { return elastic_ip(id) != nullptr; });
  tags.add_kind(kSecurityGroupRule, [this](std::string_view id) {
    return std::ranges::any_of(security_group_rules.rows(),
                               [&](const auto& row) { return row.second.SecurityGroupRuleId == id; });
  });
}

Result<void> NetworkState::load() {
  BRUME_CHECK(tags.load());
  BRUME_CHECK(vpcs.load());
  BRUME_CHECK(subnets.load());
  BRUME_CHECK(internet_gateways.load());
  BRUME_CHECK(egress_only_gateways.load());
  BRUME_CHECK(route_tables.load());
  BRUME_CHECK(network_acls.load());
  BRUME_CHECK(security_groups.load());
  BRUME_CHECK(security_group_rules.load());
  BRUME_CHECK(network_interfaces.load());
  BRUME_CHECK(dhcp_options.load());
  BRUME_CHECK(links.load());
  BRUME_CHECK(addresses.load());
  BRUME_CHECK(public_addresses.load());
  BRUME_CHECK(nat_gateways.load());
  BRUME_CHECK(peerings.load());
  BRUME_CHECK(prefix_lists.load());
  BRUME_CHECK(flow_logs.load());
  BRUME_CHECK(flow_cursors.load());
  BRUME_CHECK(removed_nodes.load());
  BRUME_CHECK(milestones.load());
  if (milestones.contains("default-vpc")) return {};
  return context.store.transact([&]() -> Result<void> {
    make_default_vpc(*this);
    milestones.put("default-vpc", {.done = true});
    return {};
  });
}

std::vector<std::string> NetworkState::children(std::string_view parent) const {
  std::vector<std::string> found;
  each_below(links, std::string(parent) + "/", [&](const Link& link) { found.push_back(link.child); });
  return found;
}

void NetworkState::link(const std::string& parent, const std::string& child) {
  links.put(parent + "/" + child, {parent, child});
}

void NetworkState::unlink(const std::string& parent, const std::string& child) {
  links.erase(parent + "/" + child);
}

std::vector<const SecurityGroupRule*> NetworkState::rules_of(std::string_view group_id) const {
  std::vector<const SecurityGroupRule*> found;
  each_below(security_group_rules, std::string(group_id) + "/",
             [&](const SecurityGroupRule& rule) { found.push_back(&rule); });
  return found;
}

const VpcRecord* NetworkState::default_vpc() const {
  for (const auto& [id, record] : vpcs.rows())
    if (record.vpc.IsDefault.value_or(false)) return &record;
  return nullptr;
}

const SecurityGroup* NetworkState::group_by_name(std::string_view vpc_id, std::string_view name) const {
  for (const auto& [id, group] : security_groups.rows())
    if (group.VpcId == vpc_id && group.GroupName == name) return &group;
  return nullptr;
}

std::vector<const Subnet*> NetworkState::subnets_of(std::string_view vpc_id) const {
  std::vector<const Subnet*> found;
  for (const auto& [id, subnet] : subnets.rows())
    if (subnet.VpcId == vpc_id) found.push_back(&subnet);
  return found;
}

const RouteTable* NetworkState::route_table_of(const Subnet& subnet) const {
  for (const auto& [id, table] : route_tables.rows())
    for (const RouteTableAssociation& association : table.Associations)
      if (association.SubnetId && association.SubnetId == subnet.SubnetId) return &table;
  return main_route_table(subnet.VpcId.value_or(""));
}

const RouteTable* NetworkState::main_route_table(std::string_view vpc_id) const {
  for (const auto& [id, table] : route_tables.rows())
    if (table.VpcId == vpc_id)
      for (const RouteTableAssociation& association : table.Associations)
        if (association.Main.value_or(false)) return &table;
  return nullptr;
}

const NetworkAcl* NetworkState::network_acl_of(std::string_view subnet_id) const {
  for (const auto& [id, acl] : network_acls.rows())
    for (const NetworkAclAssociation& association : acl.Associations)
      if (association.SubnetId == subnet_id) return &acl;
  return nullptr;
}

const NetworkAcl* NetworkState::default_network_acl(std::string_view vpc_id) const {
  for (const auto& [id, acl] : network_acls.rows())
    if (acl.VpcId == vpc_id && acl.IsDefault.value_or(false)) return &acl;
  return nullptr;
}

const InternetGateway* NetworkState::internet_gateway_of(std::string_view vpc_id) const {
  for (const auto& [id, gateway] : internet_gateways.rows())
    for (const InternetGatewayAttachment& attachment : gateway.Attachments)
      if (attachment.VpcId == vpc_id) return &gateway;
  return nullptr;
}

const PublicAddressRecord* NetworkState::elastic_ip(std::string_view allocation_id) const {
  for (const auto& [ip, record] : public_addresses.rows())
    if (record.address.AllocationId && *record.address.AllocationId == allocation_id) return &record;
  return nullptr;
}

void NetworkState::changed(const std::string& vpc_id) {
  context.store.after_commit([this, vpc_id] {
    if (on_change) {
      on_change(vpc_id);
      // Its interfaces are in their rules.
      for (const std::string& peer : vpcs_that_name_groups_of(*this, vpc_id)) on_change(peer);
    }
    if (on_flow_change) on_flow_change(vpc_id);
    context.hints.publish(vpc_id);
  });
}

bool is_node(const NetworkInterface& interface) {
  return interface.RequesterId == kLoadBalancerRequester;
}

bool is_used(const NetworkState& state, std::string_view vpc_id) {
  return std::ranges::any_of(state.network_interfaces.rows(), [&](const auto& row) {
    return row.second.VpcId == vpc_id && row.second.Attachment && row.second.InterfaceType != kNatGatewayInterface;
  });
}

}  // namespace brume::ec2
