// Launches with several interfaces and with secondary addresses, and these addresses' own operations.
#include "services/ec2/launch_interfaces.h"

#include <gtest/gtest.h>

#include <set>

#include "services/ec2/instances_testing.h"

namespace brume::ec2::testing {
namespace {

using namespace std::chrono_literals;
using Specification = InstanceNetworkInterfaceSpecification;

class LaunchInterfaces : public Region {
 protected:
  // Of the default VPC.
  std::string subnet_in(const std::string& zone) {
    for (const auto& [id, subnet] : plane->network.subnets.rows())
      if (subnet.AvailabilityZone == zone) return id;
    return "";
  }
  std::string subnet_of(const std::string& cidr, const std::string& zone = "ap-southeast-1a") {
    const auto vpc = call(&Api::CreateVpc, CreateVpcRequest{.CidrBlock = "10.5.0.0/16"});
    return *call(&Api::CreateSubnet,
                 CreateSubnetRequest{.AvailabilityZone = zone, .CidrBlock = cidr, .VpcId = vpc->Vpc->VpcId})
                ->Subnet->SubnetId;
  }
  std::string make_interface(const CreateNetworkInterfaceRequest& request) {
    const auto made = call(&Api::CreateNetworkInterface, request);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made->NetworkInterface->NetworkInterfaceId : "";
  }
  NetworkInterface interface(const std::string& id) {
    return call(&Api::DescribeNetworkInterfaces, DescribeNetworkInterfacesRequest{.NetworkInterfaceIds = {id}})
        ->NetworkInterfaces.at(0);
  }
  std::vector<std::string> addresses(const std::string& id) {
    std::vector<std::string> all;
    for (const auto& address : interface(id).PrivateIpAddresses) {
      EXPECT_EQ(address.Primary, all.empty());
      all.push_back(*address.PrivateIpAddress);
    }
    return all;
  }
  std::string assign(const std::string& id, const List<std::string>& named, std::optional<int> count = {},
                     bool reassign = false) {
    AssignPrivateIpAddressesRequest request{.NetworkInterfaceId = id,
                                            .PrivateIpAddresses = named,
                                            .SecondaryPrivateIpAddressCount = count,
                                            .AllowReassignment = reassign};
    return code(call(&Api::AssignPrivateIpAddresses, request));
  }
  std::string unassign(const std::string& id, const List<std::string>& named) {
    return code(call(&Api::UnassignPrivateIpAddresses,
                     UnassignPrivateIpAddressesRequest{.NetworkInterfaceId = id, .PrivateIpAddresses = named}));
  }

  const std::string here = subnet_in("ap-southeast-1a"), apart = subnet_in("ap-southeast-1b");
};

TEST_F(LaunchInterfaces, SeveralInOneLaunch) {
  const std::string there = make_interface({.SubnetId = here, .Description = "mine"});
  RunInstancesRequest request = launch_of(make_image());
  request.InstanceType = "t3.medium";  // has three
  request.NetworkInterfaces = {
      Specification{.DeviceIndex = 2, .NetworkInterfaceId = there}, Specification{.DeviceIndex = 0, .SubnetId = here},
      Specification{
          .DeleteOnTermination = false, .Description = "stays", .DeviceIndex = 1, .SecondaryPrivateIpAddressCount = 1}};
  const std::string id = launch(request);
  run_for(1s);
  const Instance instance = shown(id);
  ASSERT_EQ(instance.NetworkInterfaces.size(), 3U);
  for (int index = 0; index < 3; ++index)
    EXPECT_EQ(instance.NetworkInterfaces[std::size_t(index)].Attachment->DeviceIndex, index);
  EXPECT_EQ(instance.PrivateIpAddress, instance.NetworkInterfaces[0].PrivateIpAddress);
  EXPECT_EQ(instance.NetworkInterfaces[1].SubnetId, here) << "the default subnet of the primary one's zone";
  EXPECT_EQ(instance.NetworkInterfaces[1].PrivateIpAddresses.size(), 2U);
  EXPECT_EQ(instance.NetworkInterfaces[2].NetworkInterfaceId, there);
  EXPECT_EQ(instance.PublicIpAddress, std::nullopt) << "not with several";
  EXPECT_EQ(fabric.interfaces().size(), 3U);
  EXPECT_EQ(fabric.interfaces().at(*instance.NetworkInterfaces[1].NetworkInterfaceId).secondary_addresses.size(), 1U);
  restart();
  run_for(1s);
  EXPECT_EQ(fabric.interfaces().size(), 3U);
  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {id}}));
  run_for(5s);
  std::set<std::string> left;
  for (const auto& [left_id, row] : plane->network.network_interfaces.rows()) left.insert(*row.Description);
  EXPECT_EQ(left, (std::set<std::string>{"mine", "stays"}));
}

TEST_F(LaunchInterfaces, AllOrNothing) {
  const std::string used = make_interface({.SubnetId = here}), image = make_image();
  RunInstancesRequest request = launch_of(image);
  request.NetworkInterfaces = {Specification{.DeviceIndex = 0, .NetworkInterfaceId = used}};
  launch(request);
  const std::size_t before = plane->network.network_interfaces.size();
  const Specification primary{.DeviceIndex = 0, .SubnetId = here};
  const struct {
    const char* name;
    List<Specification> interfaces;
    const char* code;
  } cases[] = {
      {"in use",
       {primary, Specification{.DeviceIndex = 1, .NetworkInterfaceId = used}},
       "InvalidNetworkInterface.InUse"},
      {"too many",
       {primary, Specification{.DeviceIndex = 1, .SubnetId = here}, Specification{.DeviceIndex = 2, .SubnetId = here}},
       "AttachmentLimitExceeded"},
      {"no index", {primary, Specification{.SubnetId = here}}, "InvalidParameterValue"},
      {"one index twice", {primary, primary}, "InvalidParameterValue"},
      {"no primary one", {Specification{.DeviceIndex = 1, .SubnetId = here}}, "InvalidParameterValue"},
      {"another zone", {primary, Specification{.DeviceIndex = 1, .SubnetId = apart}}, "InvalidParameterCombination"},
      {"another VPC",
       {primary, Specification{.DeviceIndex = 1, .SubnetId = subnet_of("10.5.1.0/24")}},
       "InvalidParameterCombination"},
      {"a public address beside others",
       {Specification{.AssociatePublicIpAddress = true, .DeviceIndex = 0, .SubnetId = here},
        Specification{.DeviceIndex = 1, .SubnetId = here}},
       "InvalidParameterCombination"},
      {"one address twice",
       {Specification{.DeviceIndex = 0, .PrivateIpAddress = "172.31.0.77", .SubnetId = here},
        Specification{.DeviceIndex = 1, .PrivateIpAddress = "172.31.0.77", .SubnetId = here}},
       nullptr},
      {"more addresses than the type has",
       {Specification{.DeviceIndex = 0, .SecondaryPrivateIpAddressCount = 2, .SubnetId = here}},
       "PrivateIpAddressLimitExceeded"},
      {"deleted, though it was there",
       {Specification{.DeleteOnTermination = true, .DeviceIndex = 0, .NetworkInterfaceId = used}},
       "InvalidParameterCombination"},
      {"a subnet of one that was there",
       {Specification{.DeviceIndex = 0, .NetworkInterfaceId = used, .SubnetId = here}},
       "InvalidParameterCombination"},
  };
  for (const auto& c : cases) {
    request.NetworkInterfaces = c.interfaces;
    const std::string answered = code(call(&Api::RunInstances, request));
    if (c.code)
      EXPECT_EQ(answered, c.code) << c.name;
    else
      EXPECT_NE(answered, "") << c.name;
    EXPECT_EQ(plane->network.network_interfaces.size(), before) << c.name;
  }
}

TEST_F(LaunchInterfaces, AreMergedWithTheTemplatesByIndex) {
  CreateLaunchTemplateRequest made;
  made.LaunchTemplateName = "two";
  auto& data = made.LaunchTemplateData.emplace();
  data.ImageId = make_image();
  data.InstanceType = "t3.micro";
  data.NetworkInterfaces.push_back({.Description = "first", .DeviceIndex = 0});
  data.NetworkInterfaces.push_back({.Description = "second", .DeviceIndex = 1, .SecondaryPrivateIpAddressCount = 1});
  ASSERT_TRUE(call(&Api::CreateLaunchTemplate, made));
  RunInstancesRequest request;
  request.MinCount = request.MaxCount = 2;
  request.LaunchTemplate.emplace().LaunchTemplateName = "two";
  request.SubnetId = here;  // as Auto Scaling does
  const auto both = call(&Api::RunInstances, request);
  ASSERT_TRUE(both) << both.error().message;
  for (const Instance& instance : both->Instances) {
    ASSERT_EQ(instance.NetworkInterfaces.size(), 2U);
    EXPECT_EQ(instance.NetworkInterfaces[1].Description, "second");
    EXPECT_EQ(instance.NetworkInterfaces[1].PrivateIpAddresses.size(), 2U);
    for (const auto& interface : instance.NetworkInterfaces) EXPECT_EQ(interface.SubnetId, here);
  }
  request.SubnetId.reset();
  request.MinCount = request.MaxCount = 1;
  request.NetworkInterfaces = {Specification{.Description = "other", .DeviceIndex = 1, .SubnetId = here},
                               Specification{.DeviceIndex = 0, .SubnetId = here}};
  const auto one = call(&Api::RunInstances, request);
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->Instances[0].NetworkInterfaces[1].Description, "other");
}

TEST_F(LaunchInterfaces, AsManyAsThereIsRoomFor) {
  const std::string subnet = subnet_of("10.5.1.0/28");  // eleven addresses
  RunInstancesRequest request = launch_of(make_image(), 5);
  request.MinCount = 1;
  request.NetworkInterfaces = {
      Specification{.DeviceIndex = 0, .SubnetId = subnet},
      Specification{.DeviceIndex = 1, .SecondaryPrivateIpAddressCount = 1, .SubnetId = subnet}};
  const auto made = call(&Api::RunInstances, request);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->Instances.size(), 3U);
}

TEST_F(LaunchInterfaces, AddressesOfANewInterface) {
  const std::string subnet = subnet_of("10.5.1.0/24");
  using Entry = PrivateIpAddressSpecification;
  const struct {
    const char* name;
    CreateNetworkInterfaceRequest request;
    std::vector<std::string> addresses;  // "": any
    const char* code = "";
  } cases[] = {
      {"one", {.PrivateIpAddress = "10.5.1.10"}, {"10.5.1.10"}},
      {"a count", {.SecondaryPrivateIpAddressCount = 2}, {"", "", ""}},
      {"a primary one and a count",
       {.PrivateIpAddress = "10.5.1.11", .SecondaryPrivateIpAddressCount = 1},
       {"10.5.1.11", ""}},
      {"a list, whose primary one is not the first",
       {.PrivateIpAddresses = {Entry{false, "10.5.1.13"}, Entry{true, "10.5.1.12"}}},
       {"10.5.1.12", "10.5.1.13"}},
      {"a list that says nothing",
       {.PrivateIpAddresses = {Entry{{}, "10.5.1.14"}, Entry{{}, "10.5.1.15"}}},
       {"10.5.1.14", "10.5.1.15"}},
      {"secondary ones only", {.PrivateIpAddresses = {Entry{false, "10.5.1.16"}}}, {"", "10.5.1.16"}},
      {"a primary one beside the list",
       {.PrivateIpAddress = "10.5.1.17", .PrivateIpAddresses = {Entry{{}, "10.5.1.18"}}},
       {"10.5.1.17", "10.5.1.18"}},
      {"two primary ones",
       {.PrivateIpAddresses = {Entry{true, "10.5.1.20"}, Entry{true, "10.5.1.21"}}},
       {},
       "InvalidParameterCombination"},
      {"a primary one beside another",
       {.PrivateIpAddress = "10.5.1.20", .PrivateIpAddresses = {Entry{true, "10.5.1.21"}}},
       {},
       "InvalidParameterCombination"},
      {"secondary ones and a count",
       {.PrivateIpAddresses = {Entry{true, "10.5.1.20"}, Entry{false, "10.5.1.21"}},
        .SecondaryPrivateIpAddressCount = 1},
       {},
       "InvalidParameterCombination"},
      {"one of another's",
       {.PrivateIpAddresses = {Entry{true, "10.5.1.20"}, Entry{false, "10.5.1.18"}}},
       {},
       "InvalidIPAddress.InUse"},
      {"one twice",
       {.PrivateIpAddresses = {Entry{true, "10.5.1.20"}, Entry{false, "10.5.1.20"}}},
       {},
       "InvalidIPAddress.InUse"},
      {"too many", {.SecondaryPrivateIpAddressCount = 50}, {}, "PrivateIpAddressLimitExceeded"},
      {"less than none", {.SecondaryPrivateIpAddressCount = -1}, {}, "InvalidParameterValue"},
      {"of a node", {.Description = "ELB app/a/1", .SecondaryPrivateIpAddressCount = 1}, {}, "UnsupportedOperation"},
  };
  for (const auto& c : cases) {
    CreateNetworkInterfaceRequest request = c.request;
    request.SubnetId = subnet;
    const auto made = call(&Api::CreateNetworkInterface, request);
    ASSERT_EQ(code(made), c.code) << c.name;
    if (!made) continue;
    const auto got = addresses(*made->NetworkInterface->NetworkInterfaceId);
    ASSERT_EQ(got.size(), c.addresses.size()) << c.name;
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_TRUE(c.addresses[i].empty() || got[i] == c.addresses[i]) << c.name << ": " << got[i];
  }
}

TEST_F(LaunchInterfaces, SecondaryAddressesAreGivenMovedAndTaken) {
  const std::string subnet = subnet_of("10.5.1.0/24"), image = make_image();
  RunInstancesRequest request = launch_of(image);
  request.NetworkInterfaces = {Specification{.DeviceIndex = 0, .PrivateIpAddress = "10.5.1.10", .SubnetId = subnet}};
  const std::string instance = launch(request);
  run_for(1s);
  const std::string own = *shown(instance).NetworkInterfaces.at(0).NetworkInterfaceId;
  const std::string other = make_interface({.SubnetId = subnet, .PrivateIpAddress = "10.5.1.20"});
  const auto free = [&] {
    return *call(&Api::DescribeSubnets, DescribeSubnetsRequest{.SubnetIds = {subnet}})
                ->Subnets[0]
                .AvailableIpAddressCount;
  };
  const int before = free();

  EXPECT_EQ(assign(own, {"10.5.1.11"}), "");
  EXPECT_EQ(addresses(own), (std::vector<std::string>{"10.5.1.10", "10.5.1.11"}));
  EXPECT_EQ(free(), before - 1);
  run_for(1s);
  EXPECT_EQ(fabric.interfaces().at(own).secondary_addresses, std::vector<std::string>{"10.5.1.11"});
  const std::string vpc = *shown(instance).VpcId;
  EXPECT_EQ(fabric.policies().at(vpc).interfaces.at(own).addresses,
            (std::vector<std::string>{"10.5.1.10", "10.5.1.11"}));
  EXPECT_EQ(plane->api.find_by_address(vpc, "10.5.1.11")->instance.InstanceId, instance);

  EXPECT_EQ(assign(own, {"10.5.1.11"}), "") << "it has it already";
  EXPECT_EQ(assign(own, {"10.5.1.10"}), "InvalidIPAddress.InUse") << "its primary one";
  EXPECT_EQ(assign(own, {}, 1), "PrivateIpAddressLimitExceeded") << "a t3.micro has two";
  EXPECT_EQ(assign(other, {}, 3), "");
  EXPECT_EQ(assign(other, {}, 50), "PrivateIpAddressLimitExceeded");
  EXPECT_EQ(assign(other, {"10.5.2.1"}), "InvalidParameterValue");
  EXPECT_EQ(assign(other, {"10.5.1.255"}), "InvalidParameterValue");
  EXPECT_EQ(assign(other, {"x"}), "InvalidParameterValue");
  EXPECT_EQ(assign(other, {}), "MissingParameter");
  EXPECT_EQ(assign(other, {"10.5.1.30"}, 1), "InvalidParameterCombination");
  EXPECT_EQ(assign("eni-0123456789abcdef0", {}, 1), "InvalidNetworkInterfaceID.NotFound");
  EXPECT_EQ(
      code(call(&Api::AttachNetworkInterface,
                AttachNetworkInterfaceRequest{.NetworkInterfaceId = other, .InstanceId = instance, .DeviceIndex = 1})),
      "PrivateIpAddressLimitExceeded");

  // With its public address, to another interface.
  const auto gateway = call(&Api::CreateInternetGateway, CreateInternetGatewayRequest{});
  const std::string gateway_id = *gateway->InternetGateway->InternetGatewayId;
  ASSERT_TRUE(
      call(&Api::AttachInternetGateway, AttachInternetGatewayRequest{.InternetGatewayId = gateway_id, .VpcId = vpc}));
  const auto elastic = call(&Api::AllocateAddress, AllocateAddressRequest{});
  ASSERT_TRUE(call(&Api::AssociateAddress, AssociateAddressRequest{.AllocationId = elastic->AllocationId,
                                                                   .NetworkInterfaceId = own,
                                                                   .PrivateIpAddress = "10.5.1.11"}));
  const auto shown_address = [&] {
    return call(&Api::DescribeAddresses, DescribeAddressesRequest{.AllocationIds = {*elastic->AllocationId}})
        ->Addresses[0];
  };
  EXPECT_EQ(shown_address().PrivateIpAddress, "10.5.1.11");
  EXPECT_EQ(assign(other, {"10.5.1.11"}), "InvalidIPAddress.InUse");
  EXPECT_EQ(assign(other, {"10.5.1.10"}, {}, true), "InvalidParameterValue") << "a primary one stays";
  EXPECT_EQ(assign(other, {"10.5.1.11"}, {}, true), "");
  EXPECT_EQ(addresses(own).size(), 1U);
  EXPECT_EQ(shown_address().NetworkInterfaceId, other);
  EXPECT_EQ(interface(other).PrivateIpAddresses.back().Association->PublicIp, elastic->PublicIp);
  run_for(1s);
  EXPECT_TRUE(fabric.interfaces().at(own).secondary_addresses.empty());

  EXPECT_EQ(unassign(other, {"10.5.1.20"}), "InvalidParameterValue") << "a primary one stays";
  EXPECT_EQ(unassign(other, {"10.5.1.99"}), "InvalidParameterValue");
  EXPECT_EQ(unassign(other, {}), "MissingParameter");
  EXPECT_EQ(unassign(other, {"10.5.1.11", "10.5.1.11"}), "");
  EXPECT_EQ(shown_address().AssociationId, std::nullopt);
  ASSERT_TRUE(call(&Api::DeleteNetworkInterface, DeleteNetworkInterfaceRequest{.NetworkInterfaceId = other}));
  EXPECT_EQ(free(), before + 1) << "all of the deleted one's are free again";
}

}  // namespace
}  // namespace brume::ec2::testing
