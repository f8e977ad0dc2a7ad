"""IPv6 in a VPC: blocks and addresses through the API, and packets that groups and route tables let through."""

import ipaddress
import subprocess
import sys
from pathlib import Path

import pytest

from api import refused
from cloud import eventually
from test_network_matrix import IDLE
from test_network_paths import site  # noqa: F401  a fixture


def answers(cloud, instance, address):
    """Does TCP port 80 of that address accept a connection from the instance's network?"""
    script = f"import socket; socket.create_connection(({address!r}, 80), 0.5)"
    return subprocess.run(["nsenter", f"--net={cloud.root / 'run/netns' / instance}", sys.executable, "-c", script],
                          capture_output=True).returncode == 0


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="the kernel has no IPv6")
def test_ipv6(cloud, aws, site):  # noqa: F811
    ec2, here = aws.ec2, site("10.67")
    made = ec2.associate_vpc_cidr_block(VpcId=here.vpc, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]
    block = ipaddress.ip_network(ec2.describe_vpcs(VpcIds=[here.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"])
    one, two = here.subnet(1), here.subnet(2)
    of_subnets = [ec2.associate_subnet_cidr_block(SubnetId=subnet.id, Ipv6CidrBlock=str(part))["Ipv6CidrBlockAssociation"]["AssociationId"]
                  for subnet, part in zip((one, two), block.subnets(new_prefix=64))]
    with refused("InvalidSubnet.Conflict"):
        ec2.associate_subnet_cidr_block(SubnetId=here.subnet(3).id, Ipv6CidrBlock=str(next(block.subnets(new_prefix=64))))
    server, client = here.launch(one, IDLE), here.launch(two, IDLE)
    interfaces = [here.show(i)["NetworkInterfaces"][0]["NetworkInterfaceId"] for i in (server, client)]
    addresses = [ec2.assign_ipv6_addresses(NetworkInterfaceId=i, Ipv6AddressCount=1)["AssignedIpv6Addresses"][0] for i in interfaces]
    assert here.show(server)["NetworkInterfaces"][0]["Ipv6Addresses"][0]["Ipv6Address"] == addresses[0]
    serving = subprocess.Popen(["nsenter", f"--net={cloud.root / 'run/netns' / server}", sys.executable, "-c",
                                "import socket\ns = socket.create_server(('::', 80), family=socket.AF_INET6)\nwhile True: s.accept()"])
    try:
        assert not answers(cloud, client, addresses[0]), "no group lets it in"
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "Ipv6Ranges": [{"CidrIpv6": f"{addresses[1]}/128"}]}
        ec2.authorize_security_group_ingress(GroupId=here.group, IpPermissions=[rule])
        assert not answers(cloud, client, addresses[0]), "a group made before the block lets no IPv6 out"
        ec2.authorize_security_group_egress(GroupId=here.group, IpPermissions=[{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}])
        eventually(lambda: answers(cloud, client, addresses[0]), 15)
        # Another address of the same client is another client.
        (second,) = ec2.assign_ipv6_addresses(NetworkInterfaceId=interfaces[1], Ipv6AddressCount=1)["AssignedIpv6Addresses"]
        ec2.unassign_ipv6_addresses(NetworkInterfaceId=interfaces[1], Ipv6Addresses=[addresses[1]])
        eventually(lambda: not answers(cloud, client, addresses[0]), 15)
        ec2.unassign_ipv6_addresses(NetworkInterfaceId=interfaces[1], Ipv6Addresses=[second])
        ec2.unassign_ipv6_addresses(NetworkInterfaceId=interfaces[0], Ipv6Addresses=[addresses[0]])
    finally:
        serving.kill()
        serving.wait()

    gateway = ec2.create_egress_only_internet_gateway(VpcId=here.vpc)["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    ec2.create_route(RouteTableId=one.table, DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=gateway)
    assert [g["EgressOnlyInternetGatewayId"] for g in ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"]] == [gateway]
    ec2.delete_route(RouteTableId=one.table, DestinationIpv6CidrBlock="::/0")
    assert ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway)["ReturnCode"]
    with refused("InvalidCidrBlock.InUse"):
        ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])
    for association in of_subnets:
        ec2.disassociate_subnet_cidr_block(AssociationId=association)
    ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])
