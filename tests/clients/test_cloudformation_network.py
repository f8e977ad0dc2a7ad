"""CloudFormation: stacks of all that a network is made of, by what EC2 shows; updates in place and by replacement; nothing left."""

from pathlib import Path

from api import filters, refused
from conftest import SOURCE
from test_cloudformation import at_rest, deleted, outputs, parameters, reasons

HAS_IPV6 = Path("/proc/net/if_inet6").exists()

NETWORK = """
Parameters:
  Image: {Type: String}
  Ipv6: {Type: String, Default: "no"}
  Step: {Type: Number, Default: 1}
Conditions:
  Ipv6: !Equals [!Ref Ipv6, "yes"]
  First: !Equals [!Ref Step, 1]
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.80.0.0/16}}
  Peer: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.81.0.0/16}}
  Public: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.80.0.0/24, MapPublicIpOnLaunch: false}}
  Private: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.80.1.0/24}}

  Blocks: {Type: AWS::EC2::VPCCidrBlock, Condition: Ipv6, Properties: {VpcId: !Ref Vpc, AmazonProvidedIpv6CidrBlock: true}}
  PublicBlock:
    Type: AWS::EC2::SubnetCidrBlock
    Condition: Ipv6
    DependsOn: Blocks
    Properties: {SubnetId: !Ref Public, Ipv6CidrBlock: !Select [1, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 4, 64]]}
  Dual:
    Type: AWS::EC2::Subnet
    Condition: Ipv6
    DependsOn: Blocks
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: 10.80.2.0/24
      Ipv6CidrBlock: !Select [2, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 4, 64]]
      AssignIpv6AddressOnCreation: true
  OfDual: {Type: AWS::EC2::NetworkInterface, Condition: Ipv6, Properties: {SubnetId: !Ref Dual, Ipv6AddressCount: !If [First, 2, 1]}}
  EgressOnly: {Type: AWS::EC2::EgressOnlyInternetGateway, Condition: Ipv6, Properties: {VpcId: !Ref Vpc}}
  Out6:
    Type: AWS::EC2::Route
    Condition: Ipv6
    DependsOn: Blocks
    Properties: {RouteTableId: !Ref Table, DestinationIpv6CidrBlock: "::/0", EgressOnlyInternetGatewayId: !Ref EgressOnly}

  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  NatAddress: {Type: AWS::EC2::EIP, DependsOn: Attachment, Properties: {Domain: vpc, Tags: [{Key: Step, Value: !Ref Step}]}}
  Nat:
    Type: AWS::EC2::NatGateway
    Properties: {SubnetId: !Ref Public, AllocationId: !GetAtt NatAddress.AllocationId, Tags: [{Key: Step, Value: !Ref Step}]}
  Peering: {Type: AWS::EC2::VPCPeeringConnection, Properties: {VpcId: !Ref Vpc, PeerVpcId: !Ref Peer}}
  List:
    Type: AWS::EC2::PrefixList
    Properties:
      PrefixListName: !Sub "inside-${Step}"
      AddressFamily: IPv4
      MaxEntries: !If [First, 2, 3]
      Entries:
        - {Cidr: 10.80.0.0/16, Description: !Sub "step ${Step}"}
        - {Cidr: !If [First, 192.0.2.0/24, 203.0.113.0/24]}
        - !If [First, !Ref AWS::NoValue, {Cidr: 198.51.100.0/24}]
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  OfPrivate: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Private, RouteTableId: !Ref Table}}
  ToNat: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat}}
  ToPeer: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 10.81.0.0/16, VpcPeeringConnectionId: !Ref Peering}}

  Acl: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref Vpc}}
  OtherAcl: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref Vpc}}
  Entry:
    Type: AWS::EC2::NetworkAclEntry
    Properties: {NetworkAclId: !Ref Acl, RuleNumber: 100, Protocol: "-1", RuleAction: !If [First, allow, deny], CidrBlock: 10.0.0.0/8}
  OfPublic: {Type: AWS::EC2::SubnetNetworkAclAssociation, Properties: {SubnetId: !Ref Public, NetworkAclId: !If [First, !Ref Acl, !Ref OtherAcl]}}

  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: HTTP from the list, VpcId: !Ref Vpc}}
  In: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: 80, ToPort: 80, SourcePrefixListId: !Ref List}}
  Out: {Type: AWS::EC2::SecurityGroupEgress, Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIpv6: "2001:db8::/32"}}
  Tight:
    Type: AWS::EC2::SecurityGroup
    Condition: Ipv6
    DependsOn: Blocks
    Properties:
      GroupDescription: To where it says and nowhere else
      VpcId: !Ref Vpc
      SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 10.0.0.0/8}]
  Key: {Type: AWS::EC2::KeyPair, Properties: {KeyName: stack-key, PublicKeyMaterial: PUBLIC}}

  One:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: !Ref Image
      InstanceType: t2.micro
      KeyName: !Ref Key
      NetworkInterfaces: [{DeviceIndex: "0", SubnetId: !Ref Private, GroupSet: [!Ref Group], Description: of one}]
  Two: {Type: AWS::EC2::Instance, Properties: {ImageId: !Ref Image, InstanceType: t2.micro, SubnetId: !Ref Private, SecurityGroupIds: [!Ref Group]}}
  OfTwo: {Type: AWS::EC2::EIP, DependsOn: Attachment, Properties: {InstanceId: !Ref Two}}
  Extra: {Type: AWS::EC2::NetworkInterface, Properties: {SubnetId: !Ref Private, GroupSet: [!Ref Group]}}
  Spare: {Type: AWS::EC2::NetworkInterface, Properties: {SubnetId: !Ref Private, GroupSet: [!Ref Group], Description: !Sub "step ${Step}"}}
  Attached:
    Type: AWS::EC2::NetworkInterfaceAttachment
    Properties: {InstanceId: !Ref One, NetworkInterfaceId: !Ref Extra, DeviceIndex: !Ref Step, DeleteOnTermination: false}
  Address: {Type: AWS::EC2::EIP, DependsOn: Attachment}
  Association:
    Type: AWS::EC2::EIPAssociation
    Properties: {AllocationId: !GetAtt Address.AllocationId, NetworkInterfaceId: !If [First, !Ref Extra, !Ref Spare]}

  Log:
    Type: AWS::EC2::FlowLog
    Properties:
      ResourceId: !Ref Vpc
      ResourceType: VPC
      TrafficType: !If [First, ALL, REJECT]
      LogGroupName: of-a-stack
      DeliverLogsPermissionArn: !Sub "arn:aws:iam::${AWS::AccountId}:role/flow-logs"
  Path: {Type: AWS::EC2::NetworkInsightsPath, Properties: {Source: !Ref One, Destination: !Ref Two, Protocol: tcp, DestinationPort: 80}}
  Analysis: {Type: AWS::EC2::NetworkInsightsAnalysis, DependsOn: In, Properties: {NetworkInsightsPathId: !Ref Path}}
Outputs:
  Vpc: {Value: !Ref Vpc}
  Peer: {Value: !Ref Peer}
  Public: {Value: !Ref Public}
  Private: {Value: !Ref Private}
  Dual: {Condition: Ipv6, Value: !Ref Dual}
  OfDual: {Condition: Ipv6, Value: !Ref OfDual}
  Block: {Condition: Ipv6, Value: !Select [0, !GetAtt Vpc.Ipv6CidrBlocks]}
  EgressOnly: {Condition: Ipv6, Value: !Ref EgressOnly}
  NatAddress: {Value: !Ref NatAddress}
  NatAllocation: {Value: !GetAtt NatAddress.AllocationId}
  Nat: {Value: !Ref Nat}
  NatInterface: {Value: !GetAtt Nat.EniId}
  Peering: {Value: !Ref Peering}
  List: {Value: !Ref List}
  ListVersion: {Value: !GetAtt List.Version}
  Table: {Value: !Ref Table}
  Acl: {Value: !Ref Acl}
  OtherAcl: {Value: !Ref OtherAcl}
  Group: {Value: !Ref Group}
  Tight: {Condition: Ipv6, Value: !Ref Tight}
  Key: {Value: !GetAtt Key.KeyPairId}
  One: {Value: !Ref One}
  Two: {Value: !Ref Two}
  OfTwo: {Value: !Ref OfTwo}
  Extra: {Value: !Ref Extra}
  Spare: {Value: !Ref Spare}
  Attached: {Value: !Ref Attached}
  Address: {Value: !Ref Address}
  Association: {Value: !Ref Association}
  Log: {Value: !Ref Log}
  Path: {Value: !Ref Path}
  Analysis: {Value: !Ref Analysis}
  Found: {Value: !GetAtt Analysis.NetworkPathFound}
""".replace("PUBLIC", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILsEEfds6kZQ1cJjnN+vohjah+QIgi5rXspNI1Q+8Wwh stack")


def shown(ec2, out):
    """What the two steps differ in, as EC2 tells it."""
    (address,) = ec2.describe_addresses(PublicIps=[out["Address"]])["Addresses"]
    (nat,) = ec2.describe_nat_gateways(NatGatewayIds=[out["Nat"]])["NatGateways"]
    (prefix_list,) = ec2.describe_managed_prefix_lists(PrefixListIds=[out["List"]])["PrefixLists"]
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=out["List"])["Entries"]
    (acl,) = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [out["Public"]]}])["NetworkAcls"]
    (of_acl,) = ec2.describe_network_acls(NetworkAclIds=[out["Acl"]])["NetworkAcls"]
    (extra,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[out["Extra"]])["NetworkInterfaces"]
    (spare,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[out["Spare"]])["NetworkInterfaces"]
    (log,) = ec2.describe_flow_logs(FlowLogIds=[out["Log"]])["FlowLogs"]
    return {
        "association": (address["AssociationId"], address["NetworkInterfaceId"]),
        "nat": (nat["State"], {t["Key"]: t["Value"] for t in nat["Tags"]}["Step"]),
        "list": (prefix_list["PrefixListName"], prefix_list["MaxEntries"], sorted((e["Cidr"], e.get("Description")) for e in entries)),
        "acl": acl["NetworkAclId"],
        "entry": [e["RuleAction"] for e in of_acl["Entries"] if e["RuleNumber"] == 100],
        "attached": (extra["Attachment"]["InstanceId"], extra["Attachment"]["DeviceIndex"], extra["Attachment"]["DeleteOnTermination"]),
        "spare": spare["Description"],
        "log": log["TrafficType"],
    }


def test_a_network_with_everything(aws, image):
    cfn, ec2 = aws.cloudformation, aws.ec2
    given = {"Image": image, "Ipv6": "yes" if HAS_IPV6 else "no"}
    stack = cfn.create_stack(StackName="everything", TemplateBody=NETWORK, Parameters=parameters(**given))["StackId"]
    at_rest(aws, "everything", "CREATE_COMPLETE")
    out = outputs(aws, "everything")
    assert shown(ec2, out) == {
        "association": (out["Association"], out["Extra"]), "nat": ("available", "1"),
        "list": ("inside-1", 2, [("10.80.0.0/16", "step 1"), ("192.0.2.0/24", None)]), "acl": out["Acl"], "entry": ["allow"],
        "attached": (out["One"], 1, False), "spare": "step 1", "log": "ALL"}

    (nat,) = ec2.describe_nat_gateways(NatGatewayIds=[out["Nat"]])["NatGateways"]
    (place,) = nat["NatGatewayAddresses"]
    assert (place["PublicIp"], place["AllocationId"], place["NetworkInterfaceId"]) == (out["NatAddress"], out["NatAllocation"], out["NatInterface"])
    assert {t["Key"]: t["Value"] for t in nat["Tags"]}["aws:cloudformation:logical-id"] == "Nat"
    (address,) = ec2.describe_addresses(PublicIps=[out["OfTwo"]])["Addresses"]
    assert address["InstanceId"] == out["Two"]
    (peering,) = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[out["Peering"]])["VpcPeeringConnections"]
    assert peering["Status"]["Code"] == "active"
    (table,) = ec2.describe_route_tables(RouteTableIds=[out["Table"]])["RouteTables"]
    routes = {r.get("DestinationCidrBlock") or r["DestinationIpv6CidrBlock"]: r for r in table["Routes"]}
    assert (routes["0.0.0.0/0"]["NatGatewayId"], routes["10.81.0.0/16"]["VpcPeeringConnectionId"]) == (out["Nat"], out["Peering"])
    (one,) = ec2.describe_instances(InstanceIds=[out["One"]])["Reservations"][0]["Instances"]
    assert one["KeyName"] == "stack-key" and {i["Description"] for i in one["NetworkInterfaces"]} == {"of one", ""}
    assert ec2.describe_key_pairs(KeyNames=["stack-key"])["KeyPairs"][0]["KeyPairId"] == out["Key"]
    assert out["Found"] == "true"
    (analysis,) = ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=[out["Analysis"]])["NetworkInsightsAnalyses"]
    assert (analysis["NetworkInsightsPathId"], analysis["NetworkPathFound"]) == (out["Path"], True)
    if HAS_IPV6:
        assert routes["::/0"]["EgressOnlyInternetGatewayId"] == out["EgressOnly"]
        (dual,) = ec2.describe_subnets(SubnetIds=[out["Dual"]])["Subnets"]
        assert dual["AssignIpv6AddressOnCreation"] is True
        assert dual["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"] == out["Block"].replace("00::/56", "02::/64")
        (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[out["OfDual"]])["NetworkInterfaces"]
        assert len(interface["Ipv6Addresses"]) == 2
        (tight,) = ec2.describe_security_groups(GroupIds=[out["Tight"]])["SecurityGroups"]
        assert [(r["IpProtocol"], [i["CidrIp"] for i in r["IpRanges"]], r["Ipv6Ranges"]) for r in tight["IpPermissionsEgress"]] == [
            ("tcp", ["10.0.0.0/8"], [])]

    cfn.create_change_set(StackName="everything", ChangeSetName="second", UsePreviousTemplate=True, Parameters=parameters(Step="2", **given))
    changes = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"]["Replacement"]
               for c in cfn.describe_change_set(ChangeSetName="second", StackName="everything")["Changes"]}
    replaced = {"Association", "Attached", "Log", "OfPublic"}
    in_place = {"NatAddress", "List", "Entry", "Spare"} | ({"OfDual"} if HAS_IPV6 else set())
    assert {k for k, v in changes.items() if v == "True"} == replaced, changes
    assert in_place <= {k for k, v in changes.items() if v == "False"}, changes
    assert changes["Nat"] == "Conditional", "its address is changed, perhaps by a new one"
    cfn.execute_change_set(ChangeSetName="second", StackName="everything")
    at_rest(aws, "everything", "UPDATE_COMPLETE")
    after = outputs(aws, "everything")
    changed = {"Association", "Attached", "Log", "ListVersion"}
    assert {k for k in out if out[k] != after[k]} == changed, reasons(aws, "everything")
    assert shown(ec2, after) == {
        "association": (after["Association"], out["Spare"]), "nat": ("available", "2"),
        "list": ("inside-2", 3, [("10.80.0.0/16", "step 2"), ("198.51.100.0/24", None), ("203.0.113.0/24", None)]),
        "acl": out["OtherAcl"], "entry": ["deny"], "attached": (out["One"], 2, False), "spare": "step 2", "log": "REJECT"}
    assert ec2.describe_flow_logs(FlowLogIds=[out["Log"]])["FlowLogs"] == []
    if HAS_IPV6:
        (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[out["OfDual"]])["NetworkInterfaces"]
        assert len(interface["Ipv6Addresses"]) == 1

    cfn.delete_stack(StackName=stack)
    deleted(aws, stack)
    for code, attempt in (
            ("InvalidVpcID.NotFound", lambda: ec2.describe_vpcs(VpcIds=[out["Vpc"]])),
            ("InvalidVpcID.NotFound", lambda: ec2.describe_vpcs(VpcIds=[out["Peer"]])),
            ("InvalidAddress.NotFound", lambda: ec2.describe_addresses(PublicIps=[out["Address"]])),
            ("InvalidAddress.NotFound", lambda: ec2.describe_addresses(PublicIps=[out["NatAddress"]])),
            ("InvalidAddress.NotFound", lambda: ec2.describe_addresses(PublicIps=[out["OfTwo"]])),
            ("InvalidPrefixListID.NotFound", lambda: ec2.describe_managed_prefix_lists(PrefixListIds=[out["List"]])),
            ("InvalidNetworkInterfaceID.NotFound", lambda: ec2.describe_network_interfaces(NetworkInterfaceIds=[out["Extra"]])),
            ("InvalidNetworkInsightsPathId.NotFound", lambda: ec2.describe_network_insights_paths(NetworkInsightsPathIds=[out["Path"]])),
            ("InvalidKeyPair.NotFound", lambda: ec2.describe_key_pairs(KeyNames=["stack-key"]))):
        with refused(code):
            attempt()
    assert ec2.describe_nat_gateways(NatGatewayIds=[out["Nat"]])["NatGateways"][0]["State"] == "deleted"
    assert ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[out["Peering"]])["VpcPeeringConnections"][0]["Status"]["Code"] == "deleted"
    assert ec2.describe_flow_logs(FlowLogIds=[after["Log"]])["FlowLogs"] == []


def test_a_nat_gateway_without_a_way_out(aws):
    """Its failure is told in EC2's words, and all goes again."""
    template = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.82.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.82.0.0/24}}
  Address: {Type: AWS::EC2::EIP}
  Nat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Subnet, AllocationId: !GetAtt Address.AllocationId}}
"""
    stack = aws.cloudformation.create_stack(StackName="no-way", TemplateBody=template)["StackId"]
    at_rest(aws, "no-way", "ROLLBACK_COMPLETE")
    assert any(r.startswith("Nat CREATE_FAILED") and "has no Internet gateway attached" in r for r in reasons(aws, "no-way")), reasons(aws, "no-way")
    aws.cloudformation.delete_stack(StackName=stack)
    deleted(aws, stack)


def test_the_network_example(aws, image):
    """examples/network as it is: an instance in a private subnet, which gets out through the NAT gateway."""
    aws.ssm.put_parameter(Name="/network/image", Value=image, Type="String")
    body = (SOURCE / "examples/network/stack.yaml").read_text()
    stack = aws.cloudformation.create_stack(StackName="network", TemplateBody=body, Parameters=parameters(ImageId="/network/image"))["StackId"]
    at_rest(aws, "network", "CREATE_COMPLETE")
    out = outputs(aws, "network")
    (instance,) = aws.ec2.describe_instances(InstanceIds=[out["InstanceId"]])["Reservations"][0]["Instances"]
    assert instance["SubnetId"] == out["PrivateSubnetIds"].split(",")[0]
    assert instance["PrivateIpAddress"] == out["InstanceAddress"] and "PublicIpAddress" not in instance
    subnets = aws.ec2.describe_subnets(Filters=filters(vpc_id=out["VpcId"]))["Subnets"]
    assert sorted((s["CidrBlock"], s["AvailabilityZone"][-1], s["MapPublicIpOnLaunch"]) for s in subnets) == [
        ("10.1.0.0/24", "a", True), ("10.1.1.0/24", "b", True), ("10.1.2.0/24", "a", False), ("10.1.3.0/24", "b", False)]
    (nat,) = aws.ec2.describe_nat_gateways(Filters=filters(vpc_id=out["VpcId"]))["NatGateways"]
    assert (nat["State"], nat["NatGatewayAddresses"][0]["PublicIp"]) == ("available", out["NatAddress"])
    aws.cloudformation.delete_stack(StackName=stack)
    deleted(aws, stack)
    aws.ssm.delete_parameter(Name="/network/image")
