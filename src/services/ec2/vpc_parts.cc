#include "services/ec2/vpc_parts.h"

#include <algorithm>

#include "aws/call.h"
#include "services/common/ids.h"

namespace brume::ec2 {
namespace {

NetworkAclEntry entry_for_all(bool egress, int number, const char* action) {
  return {.CidrBlock = "0.0.0.0/0", .Egress = egress, .Protocol = "-1", .RuleAction = action, .RuleNumber = number};
}

NetworkAclEntry ipv6_entry_for_all(bool egress, int number, const char* action) {
  return {.Egress = egress, .Ipv6CidrBlock = "::/0", .Protocol = "-1", .RuleAction = action, .RuleNumber = number};
}

DhcpConfiguration configuration(const char* key, std::string value) {
  DhcpConfiguration made{.Key = key, .Values = {}};
  made.Values.push_back({.Value = std::move(value)});
  return made;
}

}  // namespace

std::string default_dhcp_options(NetworkState& state) {
  if (state.dhcp_options.size() > 0) return state.dhcp_options.rows().begin()->first;
  const std::string& region = state.context.region;
  DhcpOptions options{.OwnerId = aws::kAccount, .DhcpOptionsId = services::new_id(state.context.env.random, "dopt")};
  options.DhcpConfigurations.push_back(
      configuration("domain-name", region == "us-east-1" ? "ec2.internal" : region + ".compute.internal"));
  options.DhcpConfigurations.push_back(configuration("domain-name-servers", "AmazonProvidedDNS"));
  state.dhcp_options.put(*options.DhcpOptionsId, options);
  return *options.DhcpOptionsId;
}

void add_final_entries(NetworkAcl& acl) {
  for (const bool egress : {true, false}) acl.Entries.push_back(entry_for_all(egress, 32767, "deny"));
}

void add_final_ipv6_entries(NetworkAcl& acl) {
  constexpr int kLast = 32768;
  if (std::ranges::find(acl.Entries, kLast, &NetworkAclEntry::RuleNumber) != acl.Entries.end()) return;
  for (const bool egress : {true, false}) acl.Entries.push_back(ipv6_entry_for_all(egress, kLast, "deny"));
}

void allow_ipv6(NetworkAcl& acl) {
  for (const bool egress : {true, false}) {
    const auto same_side = [&](const NetworkAclEntry& entry) { return entry.Egress.value_or(false) == egress; };
    if (std::ranges::any_of(acl.Entries,
                            [&](const auto& entry) { return same_side(entry) && entry.Ipv6CidrBlock == "::/0"; }))
      continue;
    int number = 101;
    while (std::ranges::any_of(acl.Entries,
                               [&](const auto& entry) { return same_side(entry) && entry.RuleNumber == number; }))
      ++number;
    acl.Entries.push_back(ipv6_entry_for_all(egress, number, "allow"));
  }
}

SecurityGroupRule rule_for_all(NetworkState& state, const SecurityGroup& group, bool egress) {
  SecurityGroupRule rule{.SecurityGroupRuleId = services::new_id(state.context.env.random, "sgr"),
                         .GroupId = group.GroupId,
                         .GroupOwnerId = aws::kAccount,
                         .IsEgress = egress,
                         .IpProtocol = "-1",
                         .FromPort = -1,
                         .ToPort = -1};
  rule.SecurityGroupRuleArn =
      services::arn("ec2", state.context.region, "security-group-rule/" + *rule.SecurityGroupRuleId);
  return rule;
}

void put_rule(NetworkState& state, const SecurityGroupRule& rule) {
  state.security_group_rules.put(*rule.GroupId + "/" + *rule.SecurityGroupRuleId, rule);
}

std::string make_vpc(NetworkState& state, const Cidr& cidr, bool is_default, const std::string& tenancy) {
  env::Random& random = state.context.env.random;
  const std::string id = services::new_id(random, "vpc");
  const std::string block = format_cidr(cidr);

  VpcRecord record{.vpc = {.OwnerId = aws::kAccount,
                           .InstanceTenancy = tenancy,
                           .IsDefault = is_default,
                           .VpcId = id,
                           .State = "available",
                           .CidrBlock = block,
                           .DhcpOptionsId = default_dhcp_options(state)},
                   .dns_hostnames = is_default};
  record.vpc.CidrBlockAssociationSet.push_back({.AssociationId = services::new_id(random, "vpc-cidr-assoc"),
                                                .CidrBlock = block,
                                                .CidrBlockState = VpcCidrBlockState{.State = "associated"}});
  state.vpcs.put(id, record);

  RouteTable table{.RouteTableId = services::new_id(random, "rtb"), .VpcId = id, .OwnerId = aws::kAccount};
  table.Associations.push_back({.Main = true,
                                .RouteTableAssociationId = services::new_id(random, "rtbassoc"),
                                .RouteTableId = table.RouteTableId,
                                .AssociationState = RouteTableAssociationState{.State = "associated"}});
  table.Routes.push_back(
      {.DestinationCidrBlock = block, .GatewayId = "local", .Origin = "CreateRouteTable", .State = "active"});
  state.route_tables.put(*table.RouteTableId, table);

  NetworkAcl acl{
      .IsDefault = true, .NetworkAclId = services::new_id(random, "acl"), .VpcId = id, .OwnerId = aws::kAccount};
  for (const bool egress : {true, false}) acl.Entries.push_back(entry_for_all(egress, 100, "allow"));
  add_final_entries(acl);
  state.network_acls.put(*acl.NetworkAclId, acl);

  SecurityGroup group{.GroupId = services::new_id(random, "sg"),
                      .VpcId = id,
                      .OwnerId = aws::kAccount,
                      .GroupName = "default",
                      .Description = "default VPC security group"};
  group.SecurityGroupArn = services::arn("ec2", state.context.region, "security-group/" + *group.GroupId);
  state.security_groups.put(*group.GroupId, group);
  SecurityGroupRule from_itself = rule_for_all(state, group, false), to_all = rule_for_all(state, group, true);
  from_itself.ReferencedGroupInfo =
      ReferencedSecurityGroup{.GroupId = group.GroupId, .UserId = aws::kAccount, .VpcId = id};
  to_all.CidrIpv4 = "0.0.0.0/0";
  put_rule(state, from_itself);
  put_rule(state, to_all);
  return id;
}

std::string make_subnet(NetworkState& state, const std::string& vpc_id, const Cidr& cidr, const Zone& zone,
                        bool is_default) {
  env::Random& random = state.context.env.random;
  const std::string id = services::new_id(random, "subnet");
  Subnet subnet{
      .AvailabilityZoneId = zone.id,
      .MapCustomerOwnedIpOnLaunch = false,
      .OwnerId = aws::kAccount,
      .AssignIpv6AddressOnCreation = false,
      .EnableDns64 = false,
      .Ipv6Native = false,
      .PrivateDnsNameOptionsOnLaunch = PrivateDnsNameOptionsOnLaunch{.HostnameType = "ip-name",
                                                                     .EnableResourceNameDnsARecord = false,
                                                                     .EnableResourceNameDnsAAAARecord = false},
      .SubnetId = id,
      .State = "available",
      .VpcId = vpc_id,
      .CidrBlock = format_cidr(cidr),
      .AvailabilityZone = zone.name,
      .DefaultForAz = is_default,
      .MapPublicIpOnLaunch = is_default};
  subnet.SubnetArn = services::arn("ec2", state.context.region, "subnet/" + id);
  state.subnets.put(id, subnet);
  state.network_acls.modify(*state.default_network_acl(vpc_id)->NetworkAclId, [&](NetworkAcl& acl) {
    acl.Associations.push_back({.NetworkAclAssociationId = services::new_id(random, "aclassoc"),
                                .NetworkAclId = acl.NetworkAclId,
                                .SubnetId = id});
  });
  return id;
}

std::string make_default_vpc(NetworkState& state) {
  const std::string vpc_id = make_vpc(state, *parse_cidr("172.31.0.0/16"), true);
  std::uint32_t base = parse_cidr("172.31.0.0/16")->base;
  for (const Zone& zone : zones_of(state.context.region)) {
    make_subnet(state, vpc_id, Cidr{base, 20}, zone, true);
    base += 1U << 12;
  }
  InternetGateway gateway{.InternetGatewayId = services::new_id(state.context.env.random, "igw"),
                          .OwnerId = aws::kAccount};
  gateway.Attachments.push_back({.State = "available", .VpcId = vpc_id});
  state.internet_gateways.put(*gateway.InternetGatewayId, gateway);
  state.route_tables.modify(*state.main_route_table(vpc_id)->RouteTableId, [&](RouteTable& table) {
    table.Routes.push_back({.DestinationCidrBlock = "0.0.0.0/0",
                            .GatewayId = gateway.InternetGatewayId,
                            .Origin = "CreateRoute",
                            .State = "active"});
  });
  return vpc_id;
}

}  // namespace brume::ec2
