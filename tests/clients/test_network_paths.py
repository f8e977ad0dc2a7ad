"""Which packets arrive: public addresses, gateways, NAT, peerings and what groups say of clients outside; real ones."""

import contextlib
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import cloud as clouds
from api import refused, waiter
from cloud import eventually

OUTSIDE, HOST = "198.51.100.2", "198.51.100.1"  # TEST-NET-2: a machine beyond the host, and the host as it sees it


def serving(name):
    """User data of an instance that answers with its name."""
    return f"#!/bin/sh\nmkdir -p /srv\necho {name} > /srv/index.html\nexec httpd -f -p 80 -h /srv\n"


def fetch(url, source=None, limit=1):
    """What the host gets, from this address of its own; None if nothing answers."""
    host, port = url.split(":") if ":" in url else (url, 80)
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), limit, (source, 0) if source else None) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while data := s.recv(65536):
            answer += data
        return answer.split(b"\r\n\r\n", 1)[1].decode().strip()
    return None


class Lan:
    """A namespace with one machine in it, reached by the host through a link of the test's own."""

    def __init__(self, folder):
        self.folder = folder
        self.name = f"brume-test-{clouds.free_port()}"
        self.link = f"bt{clouds.free_port()}"

    def ip(self, *words, check=True):
        return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)

    def __enter__(self):
        self.ip("netns", "add", self.name)
        self.ip("link", "add", self.link, "type", "veth", "peer", "eth0", "netns", self.name)
        self.ip("address", "add", f"{HOST}/30", "dev", self.link)
        self.ip("link", "set", self.link, "up")
        with open(f"/proc/sys/net/ipv4/conf/{self.link}/forwarding", "w") as setting:
            setting.write("1")
        self.ip("-n", self.name, "address", "add", f"{OUTSIDE}/30", "dev", "eth0")
        self.ip("-n", self.name, "link", "set", "eth0", "up")
        # No route back to anything but the host: what arrives has the host's address or goes unanswered.
        (folder := self.folder / "index.html").write_text("outside")
        self.server = subprocess.Popen(["ip", "netns", "exec", self.name, clouds.BUSYBOX, "httpd", "-f", "-p", "80", "-h", folder.parent])
        return self

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()
        self.ip("link", "delete", self.link, check=False)
        self.ip("netns", "delete", self.name, check=False)


@pytest.fixture
def lan(tmp_path):
    with Lan(tmp_path) as made:
        yield made


class Site:
    """A VPC of a test's own, taken down at the end in whatever state it is."""

    def __init__(self, cloud, ec2, image, range16):
        self.cloud, self.ec2, self.image, self.range = cloud, ec2, image, range16
        self.instances, self.undo = [], contextlib.ExitStack()
        self.vpc = ec2.create_vpc(CidrBlock=f"{range16}.0.0/16")["Vpc"]["VpcId"]
        self.undo.callback(ec2.delete_vpc, VpcId=self.vpc)
        self.group = ec2.create_security_group(GroupName="web", Description="of the test", VpcId=self.vpc)["GroupId"]
        self.undo.callback(ec2.delete_security_group, GroupId=self.group)

    def allow(self, cidr, **rule):
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp=cidr, **rule)

    def revoke(self, cidr):
        self.ec2.revoke_security_group_ingress(GroupId=self.group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp=cidr)

    def subnet(self, third, public=False, zone="a"):
        ec2 = self.ec2
        made = ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"{self.range}.{third}.0/24", AvailabilityZone=clouds.REGION + zone)["Subnet"]["SubnetId"]
        self.undo.callback(ec2.delete_subnet, SubnetId=made)
        if public:
            ec2.modify_subnet_attribute(SubnetId=made, MapPublicIpOnLaunch={"Value": True})
        table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.undo.callback(ec2.delete_route_table, RouteTableId=table)
        association = ec2.associate_route_table(RouteTableId=table, SubnetId=made)["AssociationId"]
        self.undo.callback(ec2.disassociate_route_table, AssociationId=association)
        return SimpleNamespace(id=made, table=table)

    def gateway(self):
        made = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.undo.callback(self.ec2.delete_internet_gateway, InternetGatewayId=made)
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=self.vpc)
        self.undo.callback(self.ec2.detach_internet_gateway, InternetGatewayId=made, VpcId=self.vpc)
        return made

    def route(self, table, to, **target):
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock=to, **target)

    def launch(self, subnet, user_data, **other):
        place = {} if "NetworkInterfaces" in other else {"SubnetId": subnet.id, "SecurityGroupIds": [self.group]}
        made = self.ec2.run_instances(**{"ImageId": self.image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1,
                                         "UserData": user_data, **place, **other})["Instances"][0]["InstanceId"]
        self.instances.append(made)
        waiter(self.ec2, "instance_running", InstanceIds=[made])
        return made

    def show(self, instance):
        return self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]

    def get(self, instance, address, source=None):
        """As fetch(), from the instance's network."""
        script = f"import test_network_paths as t; print(t.fetch({address!r}, {source!r}) or '')"
        return subprocess.run(["nsenter", f"--net={self.cloud.root / 'run/netns' / instance}", sys.executable, "-c", script],
                              cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout.strip() or None

    def close(self):
        if self.instances:
            self.ec2.terminate_instances(InstanceIds=self.instances)
            waiter(self.ec2, "instance_terminated", InstanceIds=self.instances)
        self.undo.close()


@pytest.fixture
def site(cloud, aws, image):
    made = []

    def make(range16):
        made.append(Site(cloud, aws.ec2, image, range16))
        return made[-1]

    yield make
    for each in reversed(made):
        each.close()


def test_a_public_address_and_who_may_use_it(cloud, aws, site):
    here = site("10.60")
    subnet = here.subnet(1, public=True)
    web = here.launch(subnet, serving("web"))
    address = here.show(web)["PublicIpAddress"]
    here.allow("127.0.0.1/32")
    assert fetch(address) is None, "there is no gateway yet"
    gateway = here.gateway()
    here.route(subnet.table, "0.0.0.0/0", GatewayId=gateway)
    eventually(lambda: fetch(address) == "web", 10)
    # The group sees the client's own address.
    assert fetch(address, source="127.0.0.2") is None
    here.revoke("127.0.0.1/32")
    here.allow("127.0.0.2/32")
    eventually(lambda: fetch(address, source="127.0.0.2") == "web", 10)
    assert fetch(address) is None
    assert fetch(address + ":81", source="127.0.0.2") is None

    # The metadata service tells it; a restart of the daemon changes nothing of it, nor does its absence.
    cloud.kill()
    assert fetch(address, source="127.0.0.2") == "web"
    cloud.start()
    assert fetch(address, source="127.0.0.2") == "web"
    assert here.show(web)["PublicIpAddress"] == address

    # An Elastic IP takes its place, moves, and is given back.
    elastic = aws.ec2.allocate_address()
    association = aws.ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=web)["AssociationId"]
    eventually(lambda: fetch(elastic["PublicIp"], source="127.0.0.2") == "web", 10)
    assert fetch(address, source="127.0.0.2") is None
    with refused("InvalidIPAddress.InUse"):
        aws.ec2.release_address(AllocationId=elastic["AllocationId"])
    with refused("DependencyViolation", "mapped public address"):
        aws.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=here.vpc)
    other = here.launch(subnet, serving("other"))
    aws.ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=other)
    eventually(lambda: fetch(elastic["PublicIp"], source="127.0.0.2") == "other", 10)
    found = aws.ec2.describe_addresses(AllocationIds=[elastic["AllocationId"]])["Addresses"][0]
    assert (found["InstanceId"], found["PublicIp"], found["Domain"]) == (other, elastic["PublicIp"], "vpc")
    with refused("InvalidAssociationID.NotFound"):
        aws.ec2.disassociate_address(AssociationId=association)
    aws.ec2.disassociate_address(AssociationId=found["AssociationId"])
    eventually(lambda: fetch(elastic["PublicIp"], source="127.0.0.2") is None, 10)
    aws.ec2.release_address(AllocationId=elastic["AllocationId"])
    aws.ec2.delete_route(RouteTableId=subnet.table, DestinationCidrBlock="0.0.0.0/0")


def test_ways_out(aws, site, lan):
    here = site("10.61")
    public, private = here.subnet(1, public=True), here.subnet(2)
    here.route(public.table, "0.0.0.0/0", GatewayId=here.gateway())
    web, hidden = here.launch(public, serving("web")), here.launch(private, serving("hidden"))
    eventually(lambda: here.get(web, OUTSIDE) == "outside", 10)
    assert here.get(hidden, OUTSIDE) is None, "a subnet without a route"
    assert here.get(web, HOST) is None, "the host is not to be reached"
    # Through a NAT gateway, and through none when it is gone.
    elastic = aws.ec2.allocate_address()["AllocationId"]
    nat = aws.ec2.create_nat_gateway(SubnetId=public.id, AllocationId=elastic)["NatGateway"]["NatGatewayId"]
    waiter(aws.ec2, "nat_gateway_available", NatGatewayIds=[nat])
    here.route(private.table, "0.0.0.0/0", NatGatewayId=nat)
    eventually(lambda: here.get(hidden, OUTSIDE) == "outside", 10)
    aws.ec2.delete_nat_gateway(NatGatewayId=nat)
    waiter(aws.ec2, "nat_gateway_deleted", NatGatewayIds=[nat])
    aws.ec2.release_address(AllocationId=elastic)
    (route,) = [r for r in aws.ec2.describe_route_tables(RouteTableIds=[private.table])["RouteTables"][0]["Routes"]
                if r["DestinationCidrBlock"] == "0.0.0.0/0"]
    assert route["State"] == "blackhole"
    eventually(lambda: here.get(hidden, OUTSIDE) is None, 10)


def test_peers(cloud, aws, site):
    here, there = site("10.62"), site("10.63")
    near, far = here.subnet(1), there.subnet(1)
    asks, answers = here.launch(near, serving("near")), there.launch(far, serving("far"))
    address = there.show(answers)["PrivateIpAddress"]
    there.allow("10.62.0.0/16")
    peering = aws.ec2.create_vpc_peering_connection(VpcId=here.vpc, PeerVpcId=there.vpc)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    aws.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    waiter(aws.ec2, "vpc_peering_connection_exists", VpcPeeringConnectionIds=[peering])
    here.route(near.table, "10.63.0.0/16", VpcPeeringConnectionId=peering)
    assert here.get(asks, address) is None, "no route back"
    there.route(far.table, "10.62.0.0/16", VpcPeeringConnectionId=peering)
    eventually(lambda: here.get(asks, address) == "far", 10)
    there.revoke("10.62.0.0/16")
    assert here.get(asks, address) is None
    # By the asker's group instead, which is the peer's own.
    named = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": here.group}]}]
    aws.ec2.authorize_security_group_ingress(GroupId=there.group, IpPermissions=named)
    eventually(lambda: here.get(asks, address) == "far", 10)
    (reference,) = aws.ec2.describe_security_group_references(GroupId=[here.group])["SecurityGroupReferenceSet"]
    assert reference == {"GroupId": here.group, "ReferencingVpcId": there.vpc, "VpcPeeringConnectionId": peering}
    # Somebody else of the group comes, and one leaves it.
    newcomer = here.launch(near, serving("newcomer"))
    assert here.get(newcomer, address) == "far"
    (default,) = aws.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [here.vpc]},
                                                           {"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
    aws.ec2.modify_instance_attribute(InstanceId=asks, Groups=[default["GroupId"]])
    eventually(lambda: here.get(asks, address) is None, 10)
    assert here.get(newcomer, address) == "far"
    reached = cloud.run("reach", newcomer, answers, "80")
    assert reached.stdout.splitlines()[-1] == "Reachable", reached.stdout
    assert cloud.run("reach", asks, answers, "80", check=False).returncode == 1

    aws.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    eventually(lambda: here.get(newcomer, address) is None, 10)
    (group,) = aws.ec2.describe_security_groups(GroupIds=[there.group])["SecurityGroups"]
    (stale,) = group["IpPermissions"]
    assert stale["UserIdGroupPairs"][0]["PeeringStatus"] == "deleted"
    aws.ec2.revoke_security_group_ingress(GroupId=there.group, IpPermissions=[stale])


def test_a_second_interface(cloud, aws, site):
    here = site("10.64")
    subnet = here.subnet(1)
    web, client = here.launch(subnet, serving("web")), here.launch(subnet, serving("client"))
    here.allow("10.64.0.0/16")
    made = aws.ec2.create_network_interface(SubnetId=subnet.id, Groups=[here.group])["NetworkInterface"]
    attachment = aws.ec2.attach_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"], InstanceId=web, DeviceIndex=1)["AttachmentId"]
    eventually(lambda: here.get(client, made["PrivateIpAddress"]) == "web", 10)
    aws.ec2.detach_network_interface(AttachmentId=attachment)
    waiter(aws.ec2, "network_interface_available", NetworkInterfaceIds=[made["NetworkInterfaceId"]])
    eventually(lambda: here.get(client, made["PrivateIpAddress"]) is None, 10)
    aws.ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])


def test_several_interfaces_from_the_start(aws, site):
    here = site("10.69")
    one, two = here.subnet(1), here.subnet(2)
    here.allow("10.69.0.0/16")
    kept = aws.ec2.create_network_interface(SubnetId=two.id, Groups=[here.group])["NetworkInterface"]["NetworkInterfaceId"]
    here.undo.callback(aws.ec2.delete_network_interface, NetworkInterfaceId=kept)
    wanted = [{"DeviceIndex": 0, "SubnetId": one.id, "Groups": [here.group]},
              {"DeviceIndex": 1, "NetworkInterfaceId": kept},
              {"DeviceIndex": 2, "SubnetId": two.id, "Groups": [here.group], "Description": "goes with it"}]
    before = len(aws.ec2.describe_network_interfaces()["NetworkInterfaces"])
    with refused("AttachmentLimitExceeded"):
        here.launch(None, serving("many"), NetworkInterfaces=wanted)
    with refused("InvalidNetworkInterfaceID.NotFound"):
        here.launch(None, serving("many"), NetworkInterfaces=[wanted[0], {"DeviceIndex": 1, "NetworkInterfaceId": "eni-0123456789abcdef0"}])
    assert len(aws.ec2.describe_network_interfaces()["NetworkInterfaces"]) == before, "all or nothing"
    template = aws.ec2.create_launch_template(LaunchTemplateName="many", LaunchTemplateData={
        "InstanceType": "t3.medium", "NetworkInterfaces": wanted})["LaunchTemplate"]["LaunchTemplateId"]
    many = aws.ec2.run_instances(ImageId=here.image, MinCount=1, MaxCount=1, LaunchTemplate={"LaunchTemplateId": template},
                                 UserData=serving("many"))["Instances"][0]["InstanceId"]
    here.instances.append(many)
    waiter(aws.ec2, "instance_running", InstanceIds=[many])
    client = here.launch(one, serving("client"))
    found = here.show(many)["NetworkInterfaces"]
    assert [i["Attachment"]["DeviceIndex"] for i in found] == [0, 1, 2] and found[1]["NetworkInterfaceId"] == kept
    for interface in found:
        eventually(lambda i=interface: here.get(client, i["PrivateIpAddress"]) == "many", 10)
        assert here.get(many, here.show(client)["PrivateIpAddress"], interface["PrivateIpAddress"]) == "client"
    aws.ec2.terminate_instances(InstanceIds=[many])
    waiter(aws.ec2, "instance_terminated", InstanceIds=[many])
    waiter(aws.ec2, "network_interface_available", NetworkInterfaceIds=[kept])
    assert not aws.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["goes with it"]}])["NetworkInterfaces"]
    aws.ec2.delete_launch_template(LaunchTemplateId=template)


def test_secondary_addresses(cloud, aws, site):
    here = site("10.68")
    subnet = here.subnet(1)
    here.route(subnet.table, "0.0.0.0/0", GatewayId=here.gateway())
    here.allow("10.68.0.0/16")
    web = here.launch(subnet, serving("web"), InstanceType="t3.small", NetworkInterfaces=[
        {"DeviceIndex": 0, "SubnetId": subnet.id, "Groups": [here.group], "SecondaryPrivateIpAddressCount": 1}])
    client = here.launch(subnet, serving("client"))
    (interface,), (clients,) = here.show(web)["NetworkInterfaces"], here.show(client)["NetworkInterfaces"]
    own, clients_own = interface["NetworkInterfaceId"], clients["NetworkInterfaceId"]
    (first,) = [a["PrivateIpAddress"] for a in interface["PrivateIpAddresses"] if not a["Primary"]]
    assert here.get(client, first) == "web"
    given = aws.ec2.assign_private_ip_addresses(NetworkInterfaceId=own, PrivateIpAddresses=["10.68.1.77"])
    assert [a["PrivateIpAddress"] for a in given["AssignedPrivateIpAddresses"]] == ["10.68.1.77"]
    eventually(lambda: here.get(client, "10.68.1.77") == "web", 10)
    with refused("PrivateIpAddressLimitExceeded"):
        aws.ec2.assign_private_ip_addresses(NetworkInterfaceId=own, SecondaryPrivateIpAddressCount=2)
    with refused("InvalidIPAddress.InUse"):
        aws.ec2.assign_private_ip_addresses(NetworkInterfaceId=clients_own, PrivateIpAddresses=["10.68.1.77"])
    told = cloud.run("exec", web, "--", "wget", "-q", "-O", "-",
                     f"http://169.254.169.254/latest/meta-data/network/interfaces/macs/{interface['MacAddress']}/local-ipv4s").stdout
    assert told.split() == [interface["PrivateIpAddress"], first, "10.68.1.77"]

    # Groups know it: a rule for the group lets its members in by all of their addresses.
    here.revoke("10.68.0.0/16")
    eventually(lambda: here.get(web, clients["PrivateIpAddress"], "10.68.1.77") is None, 10)
    aws.ec2.authorize_security_group_ingress(GroupId=here.group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": here.group}]}])
    for source in (interface["PrivateIpAddress"], first, "10.68.1.77"):
        eventually(lambda s=source: here.get(web, clients["PrivateIpAddress"], s) == "client", 10)

    # A public address may stand for it, and goes where it goes.
    elastic = aws.ec2.allocate_address()
    here.undo.callback(aws.ec2.release_address, AllocationId=elastic["AllocationId"])
    aws.ec2.associate_address(AllocationId=elastic["AllocationId"], NetworkInterfaceId=own, PrivateIpAddress="10.68.1.77")
    here.allow("127.0.0.1/32")
    eventually(lambda: fetch(elastic["PublicIp"]) == "web", 10)
    cloud.kill()
    assert fetch(elastic["PublicIp"]) == "web"
    cloud.start()
    with refused("InvalidParameterValue"):
        aws.ec2.assign_private_ip_addresses(NetworkInterfaceId=clients_own, PrivateIpAddresses=[interface["PrivateIpAddress"]], AllowReassignment=True)
    aws.ec2.assign_private_ip_addresses(NetworkInterfaceId=clients_own, PrivateIpAddresses=["10.68.1.77"], AllowReassignment=True)
    eventually(lambda: fetch(elastic["PublicIp"]) == "client", 10)
    assert here.get(web, "10.68.1.77") == "client"
    with refused("InvalidParameterValue", "primary"):
        aws.ec2.unassign_private_ip_addresses(NetworkInterfaceId=own, PrivateIpAddresses=[interface["PrivateIpAddress"]])
    aws.ec2.unassign_private_ip_addresses(NetworkInterfaceId=clients_own, PrivateIpAddresses=["10.68.1.77"])
    eventually(lambda: here.get(web, "10.68.1.77") is None, 10)
    (found,) = aws.ec2.describe_addresses(AllocationIds=[elastic["AllocationId"]])["Addresses"]
    assert "AssociationId" not in found
    assert here.get(client, first) == "web"


def test_a_load_balancer_and_who_may_use_it(cloud, aws, site):
    here = site("10.66")
    one, two = here.subnet(1), here.subnet(2, zone="b")
    client = here.launch(one, serving("client"))
    port = clouds.free_port()
    balancer = aws.elbv2.create_load_balancer(Name="paths", Scheme="internal", Subnets=[one.id, two.id], SecurityGroups=[here.group])["LoadBalancers"][0]
    name, arn = balancer["DNSName"], balancer["LoadBalancerArn"]
    here.undo.callback(lambda: eventually(lambda: not aws.ec2.describe_network_interfaces(
        Filters=[{"Name": "vpc-id", "Values": [here.vpc]}])["NetworkInterfaces"], 20))
    here.undo.callback(aws.elbv2.delete_load_balancer, LoadBalancerArn=arn)
    aws.elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=[
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "balanced"}}])
    waiter(aws.elbv2, "load_balancer_available", LoadBalancerArns=[arn])
    zones = aws.elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["AvailabilityZones"]
    outside = {a["IpAddress"] for z in zones for a in z["LoadBalancerAddresses"] if "IpAddress" in a} or {"127.0.0.1"}
    address = f"{min(outside)}:{port}"
    nodes = [i["PrivateIpAddress"] for i in aws.ec2.describe_network_interfaces(Filters=[
        {"Name": "vpc-id", "Values": [here.vpc]}, {"Name": "requester-id", "Values": ["amazon-elb"]}])["NetworkInterfaces"]]
    assert len(nodes) == 2 and name

    def rule(change, cidr):
        change(GroupId=here.group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp=cidr)

    assert fetch(address, limit=0.5) is None, "its group lets nobody in"
    rule(aws.ec2.authorize_security_group_ingress, "127.0.0.2/32")
    eventually(lambda: fetch(address, source="127.0.0.2") == "balanced", 10)
    assert fetch(address, source="127.0.0.1", limit=0.5) is None
    assert here.get(client, f"{nodes[0]}:{port}") is None
    rule(aws.ec2.authorize_security_group_ingress, "10.66.0.0/16")
    for node in nodes:
        eventually(lambda node=node: here.get(client, f"{node}:{port}") == "balanced", 10)
    rule(aws.ec2.revoke_security_group_ingress, "127.0.0.2/32")
    eventually(lambda: fetch(address, source="127.0.0.2", limit=0.5) is None, 10)
