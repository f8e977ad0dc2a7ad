#include "services/ec2/network_interface.h"

#include <set>

#include "services/ec2/network_fixture.h"

namespace brume::ec2 {
namespace {

TEST_F(NetworkTest, AddressesOfASubnetRunOut) {
  const std::string subnet_id = make_subnet_id(make_vpc_id(), "10.0.1.0/28");
  const auto left = [&] {
    return *must(&Ops::DescribeSubnets, {.SubnetIds = {subnet_id}}).Subnets[0].AvailableIpAddressCount;
  };
  EXPECT_EQ(left(), 11);
  std::set<std::string> addresses;
  std::string last;
  for (int i = 0; i < 11; ++i) {
    const auto made = *must(&Ops::CreateNetworkInterface, {.SubnetId = subnet_id}).NetworkInterface;
    addresses.insert(*made.PrivateIpAddress);
    last = *made.NetworkInterfaceId;
  }
  EXPECT_EQ(addresses.size(), 11U);
  for (const char* reserved : {"10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.15"})
    EXPECT_FALSE(addresses.contains(reserved));
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(code(&Ops::CreateNetworkInterface, {.SubnetId = subnet_id}), "InsufficientFreeAddressesInSubnet");
  must(&Ops::DeleteNetworkInterface, {.NetworkInterfaceId = last});
  EXPECT_EQ(left(), 1);
  make_interface_id(subnet_id);
}

TEST_F(NetworkTest, ChosenAddresses) {
  const std::string subnet_id = make_subnet_id(make_vpc_id(), "10.0.1.0/24");
  const struct {
    const char *address, *code;
  } cases[] = {
      {"10.0.1.7", "ok"},
      {"10.0.1.7", "InvalidIPAddress.InUse"},
      {"10.0.1.3", "InvalidParameterValue"},
      {"10.0.1.255", "InvalidParameterValue"},
      {"10.0.2.7", "InvalidParameterValue"},
      {"10.0.1", "InvalidParameterValue"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(code(&Ops::CreateNetworkInterface, {.SubnetId = subnet_id, .PrivateIpAddress = c.address}), c.code)
        << c.address;
}

TEST_F(NetworkTest, InterfaceShapeAndGroups) {
  const std::string vpc_id = make_vpc_id(), subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24"),
                    group_id = make_group_id(vpc_id);
  const auto plain =
      *must(&Ops::CreateNetworkInterface, {.SubnetId = subnet_id, .PrivateIpAddress = "10.0.1.7"}).NetworkInterface;
  EXPECT_EQ(plain.Groups[0].GroupName, "default");
  EXPECT_EQ(plain.Status, "available");
  EXPECT_EQ(plain.MacAddress->substr(0, 3), "02:");
  EXPECT_EQ(plain.MacAddress->size(), 17U);
  EXPECT_FALSE(plain.PrivateDnsName);
  must(&Ops::ModifyVpcAttribute, {.EnableDnsHostnames = AttributeBooleanValue{true}, .VpcId = vpc_id});
  const std::string id = *plain.NetworkInterfaceId;
  EXPECT_EQ(must(&Ops::DescribeNetworkInterfaces, {.NetworkInterfaceIds = {id}}).NetworkInterfaces[0].PrivateDnsName,
            "ip-10-0-1-7.ap-southeast-1.compute.internal");

  must(&Ops::ModifyNetworkInterfaceAttribute, {.NetworkInterfaceId = id, .Groups = {group_id}});
  EXPECT_EQ(code(&Ops::DeleteSecurityGroup, {.GroupId = group_id}), "DependencyViolation");
  EXPECT_EQ(must(&Ops::DescribeNetworkInterfaces, {.Filters = filter("group-id", group_id)}).NetworkInterfaces.size(),
            1U);
  EXPECT_EQ(must(&Ops::DescribeNetworkInterfaces, {.Filters = filter("group-name", "web")}).NetworkInterfaces.size(),
            1U);
  const std::string elsewhere = make_group_id(make_vpc_id("10.1.0.0/16"));
  EXPECT_EQ(code(&Ops::ModifyNetworkInterfaceAttribute, {.NetworkInterfaceId = id, .Groups = {elsewhere}}),
            "InvalidParameter");
  must(&Ops::ModifyNetworkInterfaceAttribute,
       {.NetworkInterfaceId = id, .SourceDestCheck = AttributeBooleanValue{false}});
  EXPECT_EQ(must(&Ops::DescribeNetworkInterfaceAttribute, {.NetworkInterfaceId = id, .Attribute = "sourceDestCheck"})
                .SourceDestCheck->Value,
            false);
  must(&Ops::DeleteNetworkInterface, {.NetworkInterfaceId = id});
  must(&Ops::DeleteSecurityGroup, {.GroupId = group_id});
}

TEST_F(NetworkTest, AttachDetachRelease) {
  const std::string subnet_id = make_subnet_id(make_vpc_id(), "10.0.1.0/24");
  const std::string first = make_interface_id(subnet_id), second = make_interface_id(subnet_id);
  const auto in_transaction = [&](auto f) { return store.transact(f); };
  const std::string instance = "i-0123456789abcdef0";
  ASSERT_TRUE(in_transaction([&] { return attach(state, second, instance, 1); }));
  ASSERT_TRUE(in_transaction([&] { return attach(state, first, instance, 0, true); }));
  EXPECT_EQ(in_transaction([&] { return attach(state, first, instance, 2); }).error().code,
            "InvalidNetworkInterface.InUse");
  const std::string third = make_interface_id(subnet_id);
  EXPECT_EQ(in_transaction([&] { return attach(state, third, instance, 0); }).error().code, "InvalidParameterValue");
  const auto attached = interfaces_of(state, instance);
  ASSERT_EQ(attached.size(), 2U);
  EXPECT_EQ(attached[0]->NetworkInterfaceId, first);
  EXPECT_EQ(attached[0]->Status, "in-use");
  EXPECT_EQ(code(&Ops::DeleteNetworkInterface, {.NetworkInterfaceId = first}), "InvalidParameterValue");
  EXPECT_EQ(must(&Ops::DescribeNetworkInterfaces, {.Filters = filter("attachment.instance-id", instance)})
                .NetworkInterfaces.size(),
            2U);
  ASSERT_TRUE(in_transaction([&]() -> Result<void> {
    release_interfaces(state, instance);
    return {};
  }));
  EXPECT_TRUE(interfaces_of(state, instance).empty());
  EXPECT_FALSE(state.network_interfaces.contains(first));
  EXPECT_EQ(state.network_interfaces.find(second)->Status, "available");
}

TEST_F(NetworkTest, LoadBalancerNodesBelongToTheService) {
  const std::string subnet_id = make_subnet_id(make_vpc_id(), "10.0.1.0/24");
  const std::string id = make_interface_id(subnet_id, "ELB app/web/0123456789abcdef");
  const auto node =
      must(&Ops::DescribeNetworkInterfaces, {.Filters = filter("description", "ELB app/web/*")}).NetworkInterfaces[0];
  EXPECT_EQ(node.Status, "in-use");
  EXPECT_EQ(node.RequesterManaged, true);
  EXPECT_EQ(node.Attachment->InstanceOwnerId, "amazon-elb");
  EXPECT_EQ(code(&Ops::DeleteNetworkInterface, {.NetworkInterfaceId = id}), "InvalidParameterValue");
  EXPECT_TRUE(run_as(service_call, &Ops::DeleteNetworkInterface, {.NetworkInterfaceId = id}));
  EXPECT_TRUE(state.removed_nodes.contains(id));
}

TEST_F(NetworkTest, AFailedCallChangesNothing) {
  const std::string vpc_id = make_vpc_id(), subnet_id = make_subnet_id(vpc_id, "10.0.1.0/24");
  own_disk.full = true;
  EXPECT_EQ(code(&Ops::CreateNetworkInterface, {.SubnetId = subnet_id}), "InsufficientStorage");
  own_disk.full = false;
  EXPECT_EQ(state.network_interfaces.size(), 0U);
  EXPECT_EQ(state.addresses.size(), 0U);
  EXPECT_EQ(state.links.size(), 0U);
}

}  // namespace
}  // namespace brume::ec2
