"""EC2's network: what is made, found by filters, changed and taken down again; and what AWS refuses."""

import pytest

from api import filters, refused, tags

ABSENT = "0123456789abcdef0"


@pytest.fixture
def vpc(aws):
    made = aws.ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
    yield made
    aws.ec2.delete_vpc(VpcId=made)


@pytest.fixture
def subnet(aws, vpc):
    made = aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.50.1.0/24", AvailabilityZone="ap-southeast-1a")["Subnet"]["SubnetId"]
    yield made
    aws.ec2.delete_subnet(SubnetId=made)


def test_vpc_comes_with_what_aws_gives_it(aws):
    ec2 = aws.ec2
    made = ec2.create_vpc(CidrBlock="10.51.0.0/16", TagSpecifications=tags("vpc", Name="whole", Stage="test"))["Vpc"]
    vpc = made["VpcId"]
    assert (made["State"], made["IsDefault"], made["InstanceTenancy"]) == ("pending", False, "default")
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc], WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    found = ec2.describe_vpcs(Filters=filters(tag__Name="wh*le", cidr="10.51.0.0/16"))["Vpcs"]
    assert [v["VpcId"] for v in found] == [vpc]
    assert found[0]["OwnerId"] == "000000000000"
    assert {t["Key"]: t["Value"] for t in found[0]["Tags"]} == {"Name": "whole", "Stage": "test"}

    (table,) = ec2.describe_route_tables(Filters=[*filters(vpc_id=vpc), {"Name": "association.main", "Values": ["true"]}])["RouteTables"]
    assert [(r["DestinationCidrBlock"], r["GatewayId"], r["State"]) for r in table["Routes"]] == [("10.51.0.0/16", "local", "active")]
    (acl,) = ec2.describe_network_acls(Filters=filters(vpc_id=vpc, default="true"))["NetworkAcls"]
    assert sorted((e["Egress"], e["RuleNumber"], e["RuleAction"]) for e in acl["Entries"]) == [
        (False, 100, "allow"), (False, 32767, "deny"), (True, 100, "allow"), (True, 32767, "deny")]
    (group,) = ec2.describe_security_groups(Filters=filters(vpc_id=vpc, group_name="default"))["SecurityGroups"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    with refused("CannotDelete"):
        ec2.delete_security_group(GroupId=group["GroupId"])

    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"] == {"Value": True}
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"] == {"Value": True}

    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.51.1.0/24")["Subnet"]["SubnetId"]
    with refused("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted."):
        ec2.delete_vpc(VpcId=vpc)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    with refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist"):
        ec2.describe_vpcs(VpcIds=[vpc])


def test_default_vpc(cloud):
    """A region comes with one; deleted, it can be had again."""
    ec2 = cloud.client("ec2", region="eu-north-1")
    with refused("DefaultVpcAlreadyExists"):
        ec2.create_default_vpc()
    (first,) = ec2.describe_vpcs(Filters=filters(is_default="true"))["Vpcs"]
    delete_default_vpc(ec2, first)
    assert ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"][0]["AttributeValues"] == [{"AttributeValue": "none"}]
    made = ec2.create_default_vpc()["Vpc"]
    assert (made["CidrBlock"], made["IsDefault"]) == ("172.31.0.0/16", True)
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [made["VpcId"]]}])["Subnets"]
    assert sorted(s["AvailabilityZone"] for s in subnets) == ["eu-north-1a", "eu-north-1b", "eu-north-1c"]
    assert all(s["DefaultForAz"] and s["MapPublicIpOnLaunch"] for s in subnets)
    (attribute,) = ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    assert attribute["AttributeValues"] == [{"AttributeValue": made["VpcId"]}]
    delete_default_vpc(ec2, made)


def delete_default_vpc(ec2, vpc):
    (gateway,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}])["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])


@pytest.mark.parametrize("cidr, code", [("10.0.0.0/15", "InvalidVpc.Range"), ("10.0.0.0/29", "InvalidVpc.Range"),
                                        ("10.0.0.0", "InvalidParameterValue"), ("10.0.0.300/16", "InvalidParameterValue")])
def test_vpc_range_is_checked(aws, cidr, code):
    with refused(code):
        aws.ec2.create_vpc(CidrBlock=cidr)


def test_subnets(aws, vpc):
    ec2 = aws.ec2
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.50.1.0/24", AvailabilityZone="ap-southeast-1b",
                             TagSpecifications=tags("subnet", Name="one"))["Subnet"]
    subnet = made["SubnetId"]
    assert (made["AvailabilityZone"], made["AvailabilityZoneId"]) == ("ap-southeast-1b", "apse1-az2")
    # AWS keeps five addresses of each subnet.
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 251
    with refused("InvalidSubnet.Conflict", "The CIDR '10.50.1.128/25' conflicts with another subnet"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.50.1.128/25")
    with refused("InvalidSubnet.Range", "The CIDR '10.60.1.0/24' is invalid."):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.60.1.0/24")
    with refused("InvalidParameterValue"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.50.2.0/24", AvailabilityZone="eu-west-1a")
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["MapPublicIpOnLaunch"] is True
    ec2.delete_subnet(SubnetId=subnet)
    with refused("InvalidSubnetID.NotFound", f"The subnet ID '{subnet}' does not exist"):
        ec2.delete_subnet(SubnetId=subnet)


def test_internet_gateway_and_routes(aws, vpc, subnet):
    ec2 = aws.ec2
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with refused("Gateway.NotAttached"):
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("Resource.AlreadyAssociated"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    (found,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"]
    assert found["Attachments"] == [{"State": "available", "VpcId": vpc}]

    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tags("route-table", Name="public"))["RouteTable"]["RouteTableId"]
    other = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    assert ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)["Return"] is True
    with refused("RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists."):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=table)
    moved = ec2.replace_route_table_association(AssociationId=association, RouteTableId=other)["NewAssociationId"]
    assert moved != association
    (found,) = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"]
    assert found["RouteTableId"] == other
    ec2.disassociate_route_table(AssociationId=moved)
    with refused("InvalidAssociationID.NotFound"):
        ec2.disassociate_route_table(AssociationId=moved)
    with refused("DependencyViolation"):
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    with refused("InvalidRoute.NotFound"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    for each in (table, other):
        ec2.delete_route_table(RouteTableId=each)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    with refused("InvalidInternetGatewayID.NotFound"):
        ec2.describe_internet_gateways(InternetGatewayIds=[gateway])


def test_network_acl(aws, vpc, subnet):
    ec2 = aws.ec2
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    entry = {"NetworkAclId": acl, "RuleNumber": 100, "Protocol": "6", "Egress": False, "PortRange": {"From": 80, "To": 80}}
    ec2.create_network_acl_entry(**entry, RuleAction="allow", CidrBlock="0.0.0.0/0")
    with refused("NetworkAclEntryAlreadyExists", "The network acl entry identified by 100 already exists."):
        ec2.create_network_acl_entry(**entry, RuleAction="allow", CidrBlock="0.0.0.0/0")
    ec2.replace_network_acl_entry(**entry, RuleAction="deny", CidrBlock="203.0.113.0/24")
    (shown,) = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    (numbered,) = [e for e in shown["Entries"] if e["RuleNumber"] == 100]
    assert (numbered["RuleAction"], numbered["CidrBlock"], numbered["PortRange"]) == ("deny", "203.0.113.0/24", {"From": 80, "To": 80})

    (default,) = ec2.describe_network_acls(Filters=filters(vpc_id=vpc, default="true"))["NetworkAcls"]
    (association,) = [a["NetworkAclAssociationId"] for a in default["Associations"] if a["SubnetId"] == subnet]
    moved = ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)["NewAssociationId"]
    with refused("DependencyViolation"):
        ec2.delete_network_acl(NetworkAclId=acl)
    ec2.replace_network_acl_association(AssociationId=moved, NetworkAclId=default["NetworkAclId"])
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)
    with refused("InvalidNetworkAclEntry.NotFound"):
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)
    ec2.delete_network_acl(NetworkAclId=acl)
    with refused("InvalidNetworkAclID.NotFound"):
        ec2.describe_network_acls(NetworkAclIds=[acl])


def test_security_groups(aws, vpc):
    ec2 = aws.ec2
    group = ec2.create_security_group(GroupName="app", Description="The application", VpcId=vpc,
                                      TagSpecifications=tags("security-group", Name="app"))["GroupId"]
    other = ec2.create_security_group(GroupName="lb", Description="The load balancer", VpcId=vpc)["GroupId"]
    with refused("InvalidGroup.Duplicate", f"The security group 'app' already exists for VPC '{vpc}'"):
        ec2.create_security_group(GroupName="app", Description="again", VpcId=vpc)

    http = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{**http, "UserIdGroupPairs": [{"GroupId": other, "Description": "from the lb"}]},
                                                                              {**http, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])
    assert made["Return"] is True and len(made["SecurityGroupRules"]) == 2
    with refused("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{**http, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "10.0.0.2/32"}]}])
    (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    (ingress,) = shown["IpPermissions"]
    assert [p["GroupId"] for p in ingress["UserIdGroupPairs"]] == [other]
    assert [r["CidrIp"] for r in ingress["IpRanges"]] == ["10.0.0.0/8"]
    assert {p["IpProtocol"] for p in shown["IpPermissionsEgress"]} == {"-1", "udp"}

    rules = ec2.describe_security_group_rules(Filters=filters(group_id=group))["SecurityGroupRules"]
    assert sorted(r["IsEgress"] for r in rules) == [False, False, True, True]
    (by_range,) = [r for r in rules if r.get("CidrIpv4") == "10.0.0.0/8"]
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[{
        "SecurityGroupRuleId": by_range["SecurityGroupRuleId"],
        "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "CidrIpv4": "10.0.0.0/8"}}])
    (changed,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[by_range["SecurityGroupRuleId"]])["SecurityGroupRules"]
    assert (changed["FromPort"], changed["ToPort"]) == (8080, 8080)
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=[
        {"SecurityGroupRuleId": by_range["SecurityGroupRuleId"], "Description": "inside"}])
    ec2.update_security_group_rule_descriptions_egress(GroupId=group, IpPermissions=[
        {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "10.0.0.2/32", "Description": "names"}]}])
    described = {r.get("Description") for r in ec2.describe_security_group_rules(Filters=filters(group_id=group))["SecurityGroupRules"]}
    assert {"inside", "names", "from the lb"} <= described

    with refused("DependencyViolation", f"resource {other} has a dependent object"):
        ec2.delete_security_group(GroupId=other)
    assert ec2.describe_security_group_references(GroupId=[other])["SecurityGroupReferenceSet"] == []  # of other VPCs only
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[by_range["SecurityGroupRuleId"]])
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[{**http, "UserIdGroupPairs": [{"GroupId": other}]}])
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert shown["IpPermissions"] == [] and len(shown["IpPermissionsEgress"]) == 1
    for each in (other, group):
        ec2.delete_security_group(GroupId=each)
    with refused("InvalidGroup.NotFound"):
        ec2.describe_security_groups(GroupIds=[group])


def test_network_interfaces(aws, vpc, subnet):
    ec2 = aws.ec2
    group = ec2.create_security_group(GroupName="eni", Description="interfaces", VpcId=vpc)["GroupId"]
    made = ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.50.1.77", Description="spare", Groups=[group])["NetworkInterface"]
    interface = made["NetworkInterfaceId"]
    with refused("InvalidIPAddress.InUse"):
        ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.50.1.77")
    with refused("InvalidParameterValue", "reserved"):
        ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.50.1.1")
    ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[interface], WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    (found,) = ec2.describe_network_interfaces(Filters=filters(subnet_id=subnet, private_ip_address="10.50.1.77"))["NetworkInterfaces"]
    assert (found["NetworkInterfaceId"], found["Status"], found["PrivateIpAddress"]) == (interface, "available", "10.50.1.77")
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Description={"Value": "still spare"})
    shown = ec2.describe_network_interface_attribute(NetworkInterfaceId=interface, Attribute="description")
    assert shown["Description"]["Value"] == "still spare"
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=group)
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    with refused("InvalidNetworkInterfaceID.NotFound"):
        ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.delete_security_group(GroupId=group)


def test_tags(aws, vpc):
    ec2 = aws.ec2
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Owner", "Value": "me"}, {"Key": "Stage", "Value": "test"}])
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Owner", "Value": "you"}])
    found = ec2.describe_tags(Filters=filters(resource_id=vpc, key="Owner"))["Tags"]
    assert found == [{"Key": "Owner", "ResourceId": vpc, "ResourceType": "vpc", "Value": "you"}]
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "Owner", "Value": "someone else"}])  # another value: stays
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "Stage"}])
    assert [t["Key"] for t in ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]] == ["Owner"]
    with refused("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"):
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": "aws:mine", "Value": ""}])


def test_pages_and_filters(aws, vpc):
    ec2 = aws.ec2
    made = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.50.{i}.0/24", AvailabilityZone=f"ap-southeast-1{'ab'[i % 2]}")["Subnet"]["SubnetId"]
            for i in range(12)]
    where = filters(vpc_id=vpc)
    pages = list(ec2.get_paginator("describe_subnets").paginate(Filters=where, PaginationConfig={"PageSize": 5}))
    assert [len(p["Subnets"]) for p in pages] == [5, 5, 2]
    assert sorted(s["SubnetId"] for p in pages for s in p["Subnets"]) == sorted(made)
    in_zone = ec2.describe_subnets(Filters=where + [{"Name": "availability-zone", "Values": ["ap-southeast-1b"]}])["Subnets"]
    assert len(in_zone) == 6
    with refused("InvalidParameterValue", "The filter 'vpc-idd' is invalid"):
        ec2.describe_subnets(Filters=[{"Name": "vpc-idd", "Values": [vpc]}])
    with refused("InvalidNextToken"):
        ec2.describe_subnets(Filters=where, NextToken="nonsense", MaxResults=5)
    for subnet in made:
        ec2.delete_subnet(SubnetId=subnet)


def test_dry_run_changes_nothing(aws):
    ec2 = aws.ec2
    before = len(ec2.describe_vpcs()["Vpcs"])
    with refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412):
        ec2.create_vpc(CidrBlock="10.59.0.0/16", DryRun=True)
    assert len(ec2.describe_vpcs()["Vpcs"]) == before
    # What would be refused is refused, dry run or not.
    with refused("InvalidVpcID.NotFound"):
        ec2.delete_vpc(VpcId=f"vpc-{ABSENT}", DryRun=True)


@pytest.mark.parametrize("operation, arguments, code, text", [
    ("describe_vpcs", {"VpcIds": [f"vpc-{ABSENT}"]}, "InvalidVpcID.NotFound", f"The vpc ID 'vpc-{ABSENT}' does not exist"),
    ("describe_vpcs", {"VpcIds": ["nonsense"]}, "InvalidVpcID.Malformed", None),
    ("delete_subnet", {"SubnetId": f"subnet-{ABSENT}"}, "InvalidSubnetID.NotFound", f"The subnet ID 'subnet-{ABSENT}' does not exist"),
    ("delete_route_table", {"RouteTableId": f"rtb-{ABSENT}"}, "InvalidRouteTableID.NotFound", f"The routeTable ID 'rtb-{ABSENT}' does not exist"),
    ("delete_security_group", {"GroupId": f"sg-{ABSENT}"}, "InvalidGroup.NotFound", f"The security group 'sg-{ABSENT}' does not exist"),
    ("delete_internet_gateway", {"InternetGatewayId": f"igw-{ABSENT}"}, "InvalidInternetGatewayID.NotFound", f"The internetGateway ID 'igw-{ABSENT}' does not exist"),
    ("delete_network_acl", {"NetworkAclId": f"acl-{ABSENT}"}, "InvalidNetworkAclID.NotFound", f"The networkAcl ID 'acl-{ABSENT}' does not exist"),
])
def test_what_is_not_there(aws, operation, arguments, code, text):
    with refused(code, text):
        getattr(aws.ec2, operation)(**arguments)


def test_the_account_and_its_places(aws):
    ec2 = aws.ec2
    assert "ap-southeast-1" in {r["RegionName"] for r in ec2.describe_regions()["Regions"]}
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert [(z["ZoneName"], z["ZoneId"], z["State"]) for z in zones] == [
        (f"ap-southeast-1{'abc'[i]}", f"apse1-az{i + 1}", "available") for i in range(3)]
    assert {a["AttributeName"] for a in ec2.describe_account_attributes()["AccountAttributes"]} >= {"supported-platforms", "max-instances"}
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_prefix_lists()["PrefixLists"] == []
    assert ec2.describe_managed_prefix_lists()["PrefixLists"] == []


def test_dhcp_options(aws, vpc):
    used = aws.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"]
    (options,) = aws.ec2.describe_dhcp_options(DhcpOptionsIds=[used])["DhcpOptions"]
    assert {c["Key"]: c["Values"] for c in options["DhcpConfigurations"]} == {
        "domain-name": [{"Value": "ap-southeast-1.compute.internal"}], "domain-name-servers": [{"Value": "AmazonProvidedDNS"}]}


def test_prefix_lists(aws, vpc):
    ec2 = aws.ec2
    made = ec2.create_managed_prefix_list(PrefixListName="offices", MaxEntries=3, AddressFamily="IPv4",
                                          Entries=[{"Cidr": "192.0.2.7/24", "Description": "north"}])["PrefixList"]
    name = made["PrefixListId"]
    group = ec2.create_security_group(GroupName="listed", Description="x", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": name}]}])
    with refused("DependencyViolation"):
        ec2.delete_managed_prefix_list(PrefixListId=name)
    with refused("PrefixListVersionMismatch"):
        ec2.modify_managed_prefix_list(PrefixListId=name, CurrentVersion=7, AddEntries=[{"Cidr": "198.51.100.0/24"}])
    changed = ec2.modify_managed_prefix_list(PrefixListId=name, CurrentVersion=1, AddEntries=[{"Cidr": "198.51.100.0/24"}])["PrefixList"]
    assert changed["Version"] == 2
    assert [e["Cidr"] for e in ec2.get_managed_prefix_list_entries(PrefixListId=name)["Entries"]] == ["192.0.2.0/24", "198.51.100.0/24"]
    with refused("PrefixListMaxEntriesExceeded"):
        ec2.modify_managed_prefix_list(PrefixListId=name, CurrentVersion=2, AddEntries=[{"Cidr": f"10.{i}.0.0/16"} for i in range(2)])
    ec2.delete_security_group(GroupId=group)
    ec2.delete_managed_prefix_list(PrefixListId=name)
    with refused("InvalidPrefixListID.NotFound"):
        ec2.get_managed_prefix_list_entries(PrefixListId=name)


def test_what_is_refused_of_addresses_and_peerings(aws, vpc, subnet):
    ec2 = aws.ec2
    with refused("InvalidAllocationID.NotFound", f"eipalloc-{ABSENT}"):
        ec2.associate_address(AllocationId=f"eipalloc-{ABSENT}", NetworkInterfaceId=f"eni-{ABSENT}")
    made = ec2.allocate_address()
    assert ec2.describe_addresses_attribute(AllocationIds=[made["AllocationId"]])["Addresses"][0]["PublicIp"] == made["PublicIp"]
    with refused("InvalidAddress.NotFound"):
        ec2.allocate_address(Address=made["PublicIp"])
    with refused("MissingParameter"):
        ec2.create_nat_gateway(SubnetId=subnet)
    ec2.release_address(AllocationId=made["AllocationId"])

    other = ec2.create_vpc(CidrBlock="10.53.0.0/16")["Vpc"]["VpcId"]
    asked = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    assert ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=asked)["Return"]
    with refused("InvalidStateTransition"):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=asked)
    wanted = [*filters(status_code="rejected"), {"Name": "requester-vpc-info.vpc-id", "Values": [vpc]}]
    (found,) = ec2.describe_vpc_peering_connections(Filters=wanted)["VpcPeeringConnections"]
    assert found["VpcPeeringConnectionId"] == asked
    ec2.delete_vpc(VpcId=other)

    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, SourceDestCheck={"Value": False})
    ec2.reset_network_interface_attribute(NetworkInterfaceId=interface, SourceDestCheck="true")
    assert ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]["SourceDestCheck"]
    with refused("InvalidInstanceID.NotFound"):
        ec2.attach_network_interface(NetworkInterfaceId=interface, InstanceId=f"i-{ABSENT}", DeviceIndex=1)
    ec2.delete_network_interface(NetworkInterfaceId=interface)
