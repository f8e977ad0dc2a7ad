#include "services/ec2/vpc_policy.h"

#include <algorithm>

#include "services/ec2/network_fixture.h"
#include "services/ec2/network_interface.h"

namespace brume::ec2 {
namespace {

IpPermission permission(const char* protocol, std::optional<int> from, std::optional<int> to) {
  return {.IpProtocol = protocol, .FromPort = from, .ToPort = to};
}

class PolicyTest : public NetworkTest {
 protected:
  std::string vpc_id = make_vpc_id();
  std::string subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24");

  [[nodiscard]] net::Policy policy() const { return policy_of(state, vpc_id); }
  std::string make_attached(const std::string& instance_id, const List<std::string>& groups) {
    const std::string id = *must(&Ops::CreateNetworkInterface, {.SubnetId = subnet_id, .Groups = groups})
                                .NetworkInterface->NetworkInterfaceId;
    store.transact([&] { return attach(state, id, instance_id, 0); }).value();
    return id;
  }
};

TEST_F(PolicyTest, OfNoVpcIsEmpty) {
  const net::Policy none = policy_of(state, "vpc-0123456789abcdef0");
  EXPECT_EQ(none.vpc_id, "vpc-0123456789abcdef0");
  EXPECT_TRUE(none.groups.empty() && none.acls.empty() && none.subnet_acls.empty() && none.interfaces.empty());
}

TEST_F(PolicyTest, EachKindOfRule) {
  const std::string group = make_group_id(vpc_id), other = make_group_id(vpc_id, "other");
  IpPermission ipv4 = permission("tcp", 80, 81), ipv6 = permission("udp", 53, 53), icmp = permission("icmp", 8, -1),
               from_group = permission("-1", {}, {}), other_protocol = permission("50", {}, {});
  ipv4.IpRanges = {{.CidrIp = "203.0.113.7/24"}};
  ipv6.Ipv6Ranges = {{.CidrIpv6 = "2001:DB8::/32"}};
  icmp.IpRanges = {{.CidrIp = "0.0.0.0/0"}};
  from_group.UserIdGroupPairs = {{.GroupId = other}};
  other_protocol.IpRanges = {{.CidrIp = "10.0.0.0/8"}};
  must(&Ops::AuthorizeSecurityGroupIngress,
       {.GroupId = group, .IpPermissions = {ipv4, ipv6, icmp, from_group, other_protocol}});
  const net::Policy now = policy();
  ASSERT_TRUE(now.groups.contains(group) && now.groups.contains(other));
  const struct {
    bool egress;
    int protocol, from, to;
    const char* cidr;
    std::string group_id;
  } expected[] = {
      {false, 6, 80, 81, "203.0.113.0/24", ""}, {false, 17, 53, 53, "2001:db8::/32", ""},
      {false, 1, 8, -1, "0.0.0.0/0", ""},       {false, -1, -1, -1, "", other},
      {false, 50, -1, -1, "10.0.0.0/8", ""},    {true, -1, -1, -1, "0.0.0.0/0", ""},
  };
  const auto& rules = now.groups.at(group).rules;
  EXPECT_EQ(rules.size(), std::size(expected));
  for (const auto& e : expected)
    EXPECT_TRUE(std::ranges::any_of(rules,
                                    [&](const net::GroupRule& r) {
                                      return r.egress == e.egress && r.traffic.protocol == e.protocol &&
                                             r.traffic.from == e.from && r.traffic.to == e.to && r.cidr == e.cidr &&
                                             r.group_id == e.group_id && r.id.starts_with("sgr-");
                                    }))
        << e.protocol << " " << e.cidr << e.group_id;
}

TEST_F(PolicyTest, AclsWithoutTheirLastEntry) {
  net::Policy now = policy();
  ASSERT_EQ(now.acls.size(), 1U);
  const std::string acl_id = now.acls.begin()->first;
  EXPECT_EQ(now.subnet_acls, (std::map<std::string, std::string>{{subnet_id, acl_id}}));
  must(&Ops::CreateNetworkAclEntry, {.NetworkAclId = acl_id,
                                     .RuleNumber = 50,
                                     .Protocol = "tcp",
                                     .RuleAction = "deny",
                                     .Egress = false,
                                     .CidrBlock = "10.0.2.0/24",
                                     .PortRange = PortRange{.From = 22, .To = 23}});
  must(&Ops::CreateNetworkAclEntry, {.NetworkAclId = acl_id,
                                     .RuleNumber = 60,
                                     .Protocol = "1",
                                     .RuleAction = "allow",
                                     .Egress = true,
                                     .CidrBlock = "0.0.0.0/0",
                                     .IcmpTypeCode = IcmpTypeCode{.Code = -1, .Type = 8}});
  now = policy();
  const struct {
    int number;
    bool egress;
    int protocol, from, to;
    const char* cidr;
    bool allow;
  } expected[] = {{100, true, -1, -1, -1, "0.0.0.0/0", true},
                  {100, false, -1, -1, -1, "0.0.0.0/0", true},
                  {50, false, 6, 22, 23, "10.0.2.0/24", false},
                  {60, true, 1, 8, -1, "0.0.0.0/0", true}};
  const auto& entries = now.acls.at(acl_id).entries;
  ASSERT_EQ(entries.size(), std::size(expected));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].number, expected[i].number);
    EXPECT_EQ(entries[i].egress, expected[i].egress);
    EXPECT_EQ(entries[i].traffic.protocol, expected[i].protocol);
    EXPECT_EQ(entries[i].traffic.from, expected[i].from);
    EXPECT_EQ(entries[i].traffic.to, expected[i].to);
    EXPECT_EQ(entries[i].cidr, expected[i].cidr);
    EXPECT_EQ(entries[i].allow, expected[i].allow);
  }
}

TEST_F(PolicyTest, InterfacesThatCarryPackets) {
  const std::string group = make_group_id(vpc_id);
  make_interface_id(subnet_id);  // in use by nobody
  const std::string own = make_attached("i-1", {group});
  const std::string node = *run_as(service_call, &Ops::CreateNetworkInterface,
                                   {.SubnetId = subnet_id, .Description = "ELB app/web/1", .Groups = {group}})
                                ->NetworkInterface->NetworkInterfaceId;
  const net::Policy now = policy();
  ASSERT_EQ(now.interfaces.size(), 2U);
  for (const std::string& id : {own, node}) {
    const net::PolicyInterface& interface = now.interfaces.at(id);
    EXPECT_EQ(interface.group_ids, std::vector<std::string>{group});
    EXPECT_EQ(interface.addresses, std::vector<std::string>{*state.network_interfaces.find(id)->PrivateIpAddress});
    EXPECT_EQ(interface.subnet_id, subnet_id);
    EXPECT_EQ(interface.node, id == node);
  }
}

TEST_F(PolicyTest, NatGatewaysByTheirSubnets) {
  const auto gateway =
      must(&Ops::CreateNatGateway, {.SubnetId = subnet_id, .ConnectivityType = "private"}).NatGateway.value();
  const std::string address = *gateway.NatGatewayAddresses[0].PrivateIp;
  const net::Policy now = policy();
  EXPECT_EQ(now.nat_gateways, (std::vector<net::NatGateway>{{*gateway.NatGatewayId, subnet_id, "", address}}));
  EXPECT_TRUE(now.interfaces.empty());
  must(&Ops::DeleteNatGateway, {.NatGatewayId = gateway.NatGatewayId});
  EXPECT_TRUE(policy().nat_gateways.empty());
}

TEST_F(PolicyTest, GroupsOfPeersWhileTheyArePeers) {
  const std::string peer = make_vpc_id("10.1.0.0/16"), peer_subnet = make_subnet_id(peer, "10.1.1.0/24");
  const std::string far = make_group_id(peer, "far"), near = make_group_id(vpc_id);
  IpPermission from_far = permission("tcp", 80, 80);
  from_far.UserIdGroupPairs = {{.GroupId = far}};
  const std::string peering = *must(&Ops::CreateVpcPeeringConnection, {.VpcId = vpc_id, .PeerVpcId = peer})
                                   .VpcPeeringConnection->VpcPeeringConnectionId;
  must(&Ops::AcceptVpcPeeringConnection, {.VpcPeeringConnectionId = peering});
  must(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = near, .IpPermissions = {from_far}});
  const auto rules = [&] { return policy().groups.at(near).rules.size(); };
  EXPECT_EQ(rules(), 2U);
  EXPECT_EQ(policy().peer_groups, (std::map<std::string, net::PeerGroup>{{far, {peering, {}}}}));

  // Whoever comes and goes there is told of here.
  int told = 0;
  state.on_change = [&](const std::string& id) { told += id == vpc_id; };
  const auto created = must(&Ops::CreateNetworkInterface, {.SubnetId = peer_subnet, .Groups = {far}}).NetworkInterface;
  EXPECT_TRUE(policy().peer_groups.at(far).addresses.empty()) << "it carries no packets yet";
  store.transact([&] { return attach(state, *created->NetworkInterfaceId, "i-2", 0); }).value();
  EXPECT_EQ(policy().peer_groups.at(far).addresses, std::set<std::string>{*created->PrivateIpAddress});
  EXPECT_GT(told, 0);
  EXPECT_TRUE(policy_of(state, peer).peer_groups.empty()) << "nothing there names a group here";
  told = 0;
  must(&Ops::ModifyNetworkInterfaceAttribute,
       {.NetworkInterfaceId = created->NetworkInterfaceId, .Groups = {*state.group_by_name(peer, "default")->GroupId}});
  EXPECT_TRUE(policy().peer_groups.at(far).addresses.empty());
  EXPECT_GT(told, 0);

  must(&Ops::DeleteVpcPeeringConnection, {.VpcPeeringConnectionId = peering});
  EXPECT_EQ(rules(), 1U) << "the rule is there and matches nothing";
  EXPECT_TRUE(policy().peer_groups.empty());
}

TEST_F(PolicyTest, EveryChangeIsTold) {
  const std::string group = make_group_id(vpc_id);
  const std::string acl = policy().acls.begin()->first;
  std::string other_acl, rule, interface;
  IpPermission web = permission("tcp", 80, 80);
  web.IpRanges = {{.CidrIp = "0.0.0.0/0"}};
  int told = 0;
  state.on_change = [&](const std::string& id) { told += id == vpc_id; };
  const std::pair<const char*, std::function<void()>> changes[] = {
      {"rule", [&] { must(&Ops::AuthorizeSecurityGroupIngress, {.GroupId = group, .IpPermissions = {web}}); }},
      {"no rule", [&] { must(&Ops::RevokeSecurityGroupIngress, {.GroupId = group, .IpPermissions = {web}}); }},
      {"interface", [&] { interface = make_attached("i-1", {group}); }},
      {"membership",
       [&] {
         must(&Ops::ModifyNetworkInterfaceAttribute,
              {.NetworkInterfaceId = interface, .Groups = {*state.group_by_name(vpc_id, "default")->GroupId}});
       }},
      {"detached",
       [&] {
         store
             .transact([&]() -> Result<void> {
               detach(state, interface);
               return {};
             })
             .value();
       }},
      {"group gone", [&] { must(&Ops::DeleteSecurityGroup, {.GroupId = group}); }},
      {"entry",
       [&] {
         must(&Ops::CreateNetworkAclEntry, {.NetworkAclId = acl,
                                            .RuleNumber = 1,
                                            .Protocol = "-1",
                                            .RuleAction = "deny",
                                            .Egress = true,
                                            .CidrBlock = "10.9.0.0/16"});
       }},
      {"acl", [&] { other_acl = *must(&Ops::CreateNetworkAcl, {.VpcId = vpc_id}).NetworkAcl->NetworkAclId; }},
      {"association",
       [&] {
         must(&Ops::ReplaceNetworkAclAssociation,
              {.AssociationId = state.network_acl_of(subnet_id)->Associations[0].NetworkAclAssociationId,
               .NetworkAclId = other_acl});
       }},
      {"subnet", [&] { make_subnet_id(vpc_id, "10.0.2.0/24"); }},
  };
  for (const auto& [name, change] : changes) {
    told = 0;
    change();
    EXPECT_GT(told, 0) << name;
  }
}

}  // namespace
}  // namespace brume::ec2
