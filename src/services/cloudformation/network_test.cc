// The EC2 types of a network: what they ask of EC2, their updates, and that nothing of them is left.
#include "services/cloudformation/world_test.h"

namespace brume::cloudformation {
namespace {

constexpr const char* kNetwork = R"(
Parameters:
  MaxEntries: {Type: Number, Default: 2}
  Range: {Type: String, Default: 198.51.100.0/24}
  Way: {Type: String, Default: first}
  Addresses: {Type: Number, Default: 1}
  Index: {Type: Number, Default: 1}
Conditions: {First: !Equals [!Ref Way, first]}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Peer: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  Blocks: {Type: AWS::EC2::VPCCidrBlock, Properties: {VpcId: !Ref Vpc, AmazonProvidedIpv6CidrBlock: true}}
  Public:
    Type: AWS::EC2::Subnet
    DependsOn: Blocks
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: 10.0.0.0/24
      Ipv6CidrBlock: !Select [1, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 4, 64]]
      AssignIpv6AddressOnCreation: true
  Private: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  PrivateBlock:
    Type: AWS::EC2::SubnetCidrBlock
    DependsOn: Blocks
    Properties:
      SubnetId: !Ref Private
      Ipv6CidrBlock: !Select [2, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 4, 64]]
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  EgressOnly: {Type: AWS::EC2::EgressOnlyInternetGateway, Properties: {VpcId: !Ref Vpc}}
  NatAddress: {Type: AWS::EC2::EIP, DependsOn: Attachment, Properties: {Domain: vpc}}
  Nat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Public, AllocationId: !GetAtt NatAddress.AllocationId}}
  Peering: {Type: AWS::EC2::VPCPeeringConnection, Properties: {VpcId: !Ref Vpc, PeerVpcId: !Ref Peer}}
  List:
    Type: AWS::EC2::PrefixList
    Properties:
      PrefixListName: partners
      AddressFamily: IPv4
      MaxEntries: !Ref MaxEntries
      Entries: [{Cidr: 192.0.2.0/24, Description: one}, {Cidr: !Ref Range}]
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  ToNat: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat}}
  Out6: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationIpv6CidrBlock: '::/0', EgressOnlyInternetGatewayId: !Ref EgressOnly}}
  ToPeer: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 10.1.0.0/16, VpcPeeringConnectionId: !Ref Peering}}
  ToPartners: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationPrefixListId: !Ref List, NatGatewayId: !Ref Nat}}
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: all, VpcId: !Ref Vpc}}
  In: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: 80, ToPort: 80, SourcePrefixListId: !Ref List}}
  Out: {Type: AWS::EC2::SecurityGroupEgress, Properties: {GroupId: !Ref Group, IpProtocol: '-1', CidrIpv6: '::/0'}}
  Key: {Type: AWS::EC2::KeyPair, Properties: {KeyName: admin}}
  One:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: ami-1
      InstanceType: t2.micro
      KeyName: !Ref Key
      NetworkInterfaces: [{DeviceIndex: '0', SubnetId: !Ref Private, GroupSet: [!Ref Group]}]
  Two: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-1, InstanceType: t2.micro, SubnetId: !Ref Private}}
  Interface: {Type: AWS::EC2::NetworkInterface, Properties: {SubnetId: !Ref Private, GroupSet: [!Ref Group], Ipv6AddressCount: !Ref Addresses}}
  Attached:
    Type: AWS::EC2::NetworkInterfaceAttachment
    Properties: {InstanceId: !If [First, !Ref One, !Ref Two], NetworkInterfaceId: !Ref Interface, DeviceIndex: !Ref Index, DeleteOnTermination: false}
  Address: {Type: AWS::EC2::EIP, DependsOn: Attachment}
  Association:
    Type: AWS::EC2::EIPAssociation
    Properties: {AllocationId: !GetAtt Address.AllocationId, InstanceId: !If [First, !Ref One, !Ref Two]}
  OfTwo: {Type: AWS::EC2::EIP, DependsOn: Attachment, Properties: {InstanceId: !If [First, !Ref Two, !Ref One]}}
  Log:
    Type: AWS::EC2::FlowLog
    Properties: {ResourceId: !Ref Vpc, ResourceType: VPC, TrafficType: ALL, LogGroupName: flows, DeliverLogsPermissionArn: 'arn:aws:iam::0:role/r'}
  Path: {Type: AWS::EC2::NetworkInsightsPath, Properties: {Source: !Ref One, Destination: !Ref Two, Protocol: tcp, DestinationPort: 80}}
  Analysis: {Type: AWS::EC2::NetworkInsightsAnalysis, Properties: {NetworkInsightsPathId: !Ref Path}}
Outputs:
  Blocks: {Value: !Join [',', !GetAtt Vpc.Ipv6CidrBlocks]}
  Subnet: {Value: !Select [0, !GetAtt Private.Ipv6CidrBlocks]}
  Address: {Value: !Ref Address}
  Association: {Value: !Ref Association}
  Attached: {Value: !GetAtt Attached.AttachmentId}
  Nat: {Value: !Ref Nat}
  Found: {Value: !GetAtt Analysis.NetworkPathFound}
)";

TEST(Network, FromCreationToDeletion) {
  World world;
  auto created = world.create(kNetwork);
  ASSERT_TRUE(created) << created.error().message;
  world.run();
  ASSERT_EQ(world.status(), "CREATE_COMPLETE") << world.events().back();
  // Blocks that another resource added are seen by what asks for them.
  EXPECT_EQ(world.output("Blocks"), "fd00:1:2:300::/56");
  EXPECT_EQ(world.output("Subnet"), "fd00:1:2:302::/64");
  EXPECT_TRUE(world.cloud->things.find(world.cloud->ids("subnet")[0])->text.contains("fd00:1:2:301::/64") ||
              world.cloud->things.find(world.cloud->ids("subnet")[1])->text.contains("fd00:1:2:301::/64"));
  EXPECT_TRUE(world.output("Address").starts_with("127.8.0."));
  EXPECT_EQ(world.output("Found"), "true");
  EXPECT_EQ(world.cloud->things.find(world.cloud->ids("pcx")[0])->name, "active");
  EXPECT_EQ(world.cloud->count("AcceptVpcPeeringConnection"), 1);
  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_EQ(world.status(*created->StackId), "DELETE_COMPLETE");
  EXPECT_EQ(world.things(), 0U);
}

TEST(Network, UpdatesMoveWhatCannotBeTwice) {
  World world;
  ASSERT_TRUE(world.create(kNetwork));
  world.run();
  const std::string nat = world.output("Nat"), association = world.output("Association"),
                    attached = world.output("Attached");
  const std::size_t things = world.things();
  ASSERT_TRUE(world.update(kNetwork, {{"Way", "second"}, {"Addresses", "0"}}));
  world.run();
  ASSERT_EQ(world.status(), "UPDATE_COMPLETE") << world.events().back();
  EXPECT_EQ(world.output("Nat"), nat);
  EXPECT_NE(world.output("Association"), association);
  EXPECT_NE(world.output("Attached"), attached);
  EXPECT_EQ(world.things(), things);
  EXPECT_EQ(world.cloud->assigned, std::vector<std::string>{"-fd00::6"});
  EXPECT_TRUE(
      world.has_event("Association UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical "
                      "resource; hence creating one."));
  // What is deleted first is made again when the update fails.
  world.cloud->fail_with["ModifyManagedPrefixList"] = "no";
  ASSERT_TRUE(world.update(kNetwork, {{"Way", "first"}, {"Range", "203.0.113.0/24"}, {"Addresses", "0"}}));
  world.run();
  ASSERT_EQ(world.status(), "UPDATE_ROLLBACK_COMPLETE") << world.events().back();
  EXPECT_EQ(world.things(), things);
  ASSERT_TRUE(world.remove());
  world.run();
  EXPECT_EQ(world.things(), 0U);
}

TEST(Network, PrefixListsGrowFirstAndShrinkLast) {
  World world;
  ASSERT_TRUE(world.create(kNetwork));
  world.run();
  ASSERT_TRUE(world.update(kNetwork, {{"MaxEntries", "5"}, {"Range", "203.0.113.0/24"}}));
  world.run();
  ASSERT_EQ(world.status(), "UPDATE_COMPLETE");
  ASSERT_TRUE(world.update(kNetwork, {{"MaxEntries", "2"}, {"Range", "198.51.100.0/24"}}));
  world.run();
  ASSERT_EQ(world.status(), "UPDATE_COMPLETE");
  EXPECT_EQ(
      world.cloud->list_changes,
      (std::vector<std::string>{
          R"({"MaxEntries":5})",
          R"({"CurrentVersion":2,"AddEntries":[{"Cidr":"203.0.113.0/24"}],"RemoveEntries":[{"Cidr":"198.51.100.0/24"}]})",
          R"({"CurrentVersion":1,"AddEntries":[{"Cidr":"198.51.100.0/24"}],"RemoveEntries":[{"Cidr":"203.0.113.0/24"}]})",
          R"({"MaxEntries":2})"}));
}

TEST(Network, ANatGatewayThatFailsSaysWhy) {
  World world;
  world.cloud->nat_gateways_fail = true;
  ASSERT_TRUE(world.create(kNetwork));
  world.run();
  EXPECT_EQ(world.status(), "ROLLBACK_COMPLETE");
  EXPECT_EQ(world.things(), 0U);
  const auto events = world.events();
  EXPECT_TRUE(std::ranges::any_of(events, [](const std::string& event) {
    return event.starts_with("Nat CREATE_FAILED: NatGateway nat-") &&
           event.ends_with("Detailed failure message: Network vpc-1 has no Internet gateway attached");
  }));
}

TEST(Network, APeeringWithAnotherRegionIsRefused) {
  World world;
  ASSERT_TRUE(world.create(
      "Resources: {P: {Type: AWS::EC2::VPCPeeringConnection, Properties: {VpcId: vpc-1, PeerVpcId: vpc-2, PeerRegion: "
      "eu-west-1}}}"));
  world.run();
  EXPECT_EQ(world.status(), "ROLLBACK_COMPLETE");
  EXPECT_TRUE(world.has_event(
      "P CREATE_FAILED: A stack of ap-southeast-1 cannot accept a VPC peering connection in eu-west-1. Make it with "
      "CreateVpcPeeringConnection and accept it there."));
}

TEST(Network, EveryCallMayFail) {
  every_call_may_fail(kNetwork);
}

// An association that moves, at a crash after any commit.
TEST(Network, CrashAtEveryCommitOfAMove) {
  constexpr const char* kMoving = R"(
Parameters: {Way: {Type: String, Default: first}}
Conditions: {First: !Equals [!Ref Way, first]}
Resources:
  One: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-1}}
  Two: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-1}}
  Address: {Type: AWS::EC2::EIP}
  Association:
    Type: AWS::EC2::EIPAssociation
    Properties: {AllocationId: !GetAtt Address.AllocationId, InstanceId: !If [First, !Ref One, !Ref Two]}
Outputs: {Two: {Value: !Ref Two}}
)";
  std::uint64_t total = 0;
  const auto prepare = [&](World& world) {
    ASSERT_TRUE(world.create(kMoving));
    world.run();
    ASSERT_TRUE(world.update(kMoving, {{"Way", "second"}}));
  };
  {
    World world;
    prepare(world);
    const std::uint64_t before = world.disk.commits;
    world.run();
    ASSERT_EQ(world.status(), "UPDATE_COMPLETE");
    total = world.disk.commits - before;
  }
  for (std::uint64_t at = 0; at < total; ++at) {
    World world;
    prepare(world);
    world.disk.left = at;
    world.run();
    world.disk.left = ~0ULL;
    world.boot();
    world.run();
    ASSERT_EQ(world.status(), "UPDATE_COMPLETE") << at;
    ASSERT_EQ(world.things(), 4U) << at;
    const Thing& association = *world.cloud->things.find(world.cloud->ids("eipassoc")[0]);
    ASSERT_TRUE(association.text.contains(world.output("Two"))) << at;
  }
}

}  // namespace
}  // namespace brume::cloudformation
