"""Out of an instance by the network: the machine, another VPC, another instance's metadata and packets that lie about who sends them.

What the kernel itself refuses to a root inside is tried by src/compute/isolation_test.cc.
"""

import socket
import subprocess
from types import SimpleNamespace

import pytest

import cloud as clouds
from api import waiter
from cloud import eventually
from test_sessions import inside

# What does not come within a second does not come.
FETCH = r"printf 'GET {1} HTTP/1.0\r\n{2}\r\n' | nc -w 1 {0}"


@pytest.fixture(scope="module")
def world(aws, image):
    """Two VPCs with the same addresses in one, two instances in the first, one in the second; all let everything in."""
    ec2 = aws.ec2
    made = SimpleNamespace(vpcs=[], subnets=[], ids=[], addresses=[])
    for cidr in ("10.61.0.0/16", "10.62.0.0/16"):
        vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr.replace(".0.0/16", ".1.0/24"))["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="open", Description="Everything", VpcId=vpc)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        made.vpcs.append((vpc, subnet, group))
    for (_, subnet, group), name in ((made.vpcs[0], "one"), (made.vpcs[0], "two"), (made.vpcs[1], "three")):
        script = f"#!/bin/sh\nmkdir /www; echo {name} > /www/index.html; exec httpd -f -p 80 -h /www\n"
        (instance,) = ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, SubnetId=subnet,
                                        SecurityGroupIds=[group], UserData=script)["Instances"]
        made.ids.append(instance["InstanceId"])
        made.addresses.append(instance["PrivateIpAddress"])
    waiter(ec2, "instance_running", InstanceIds=made.ids)
    yield made
    ec2.terminate_instances(InstanceIds=made.ids)
    waiter(ec2, "instance_terminated", InstanceIds=made.ids)
    for vpc, subnet, group in made.vpcs:
        ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_security_group(GroupId=group)
        ec2.delete_vpc(VpcId=vpc)


def host_addresses():
    """Every IPv4 address of the machine, where its own services listen."""
    with open("/proc/net/fib_trie", encoding="ascii") as trie:
        lines = trie.read().splitlines()
    return sorted({line.split()[1] for line, after in zip(lines, lines[1:], strict=False) if line.strip().startswith("|--") and "/32 host LOCAL" in after})


def fetch(cloud, instance, host, path="/", port=80, header=""):
    """The last line of the answer, or "refused"."""
    said = inside(cloud, instance, f"{FETCH.format(f'{host} {port}', path, header)} 2> /dev/null || echo refused")
    return said.strip().rsplit("\n", 1)[-1].strip()


def test_neighbours_reach_each_other(cloud, world):
    # So that what is refused below is not refused by chance.
    eventually(lambda: fetch(cloud, world.ids[0], world.addresses[1]) == "two", what="the neighbour answers")
    eventually(lambda: fetch(cloud, world.ids[2], "127.0.0.1") == "three", what="the third serves")


def test_another_vpc_is_out_of_reach(cloud, world):
    assert fetch(cloud, world.ids[0], world.addresses[2]) == "refused"
    assert fetch(cloud, world.ids[2], world.addresses[0]) == "refused"
    # Its metadata service, resolver and API are not on the way either.
    for port in (22, 53, 80, 4566):
        for address in ("10.62.0.2", "10.62.1.1", world.addresses[2]):
            assert fetch(cloud, world.ids[0], address, port=port) == "refused", (address, port)


def test_the_machine_is_out_of_reach(cloud, world):
    addresses = host_addresses()
    assert "127.0.0.1" in addresses
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=2):  # from here there is a way
            server.accept()[0].close()
        for address in addresses:
            assert fetch(cloud, world.ids[0], address, port=port) == "refused", address
    # The API for the owner's keys, on the port that is another API inside.
    assert fetch(cloud, world.ids[0], "127.0.0.1", "/health", cloud.port) == "refused"


def test_state_and_sockets_are_not_to_be_found(cloud, world):
    folders = f"for root in '' /proc/*/root /proc/*/cwd; do for folder in {cloud.root} /run/brume /var/lib/brume /etc/brume; do "
    assert inside(cloud, world.ids[0], folders + "if [ -e $root$folder ]; then echo $root$folder; fi; done; done") == ""
    assert inside(cloud, world.ids[0], f"nc local:{cloud.root}/run/lb.sock < /dev/null 2> /dev/null || echo refused") == "refused\n"


def test_metadata_is_an_instances_own_whatever_address_it_claims(cloud, world):
    path = "/latest/meta-data/instance-id"
    assert fetch(cloud, world.ids[0], "169.254.169.254", path) == world.ids[0]
    assert fetch(cloud, world.ids[1], "169.254.169.254", path) == world.ids[1]
    # A header does not count, and the kernel gives nobody inside another address to send from.
    for header in (f"X-Forwarded-For: {world.addresses[1]}", f"Host: {world.addresses[1]}", f"Forwarded: for={world.addresses[1]}"):
        assert fetch(cloud, world.ids[0], "169.254.169.254", path, header=header + "\\r\\n") != world.ids[1]
    # What binds or sends from another address is refused as well (isolation_test.cc), and dropped if it were not (src/net).
    for change in (f"ip address add {world.addresses[1]}/32 dev eth0", "ip link set eth0 down", "ip link set eth0 address 02:00:00:00:00:01", "ip route add 10.62.0.0/16 dev eth0",
                   "ip neigh add 10.61.1.1 lladdr 02:00:00:00:00:01 dev eth0", "ip rule add from all lookup main"):
        assert inside(cloud, world.ids[0], f"{change} 2> /dev/null || echo refused") == "refused\n", change


def test_what_runs_is_nobody_on_the_machine(cloud, world):
    ranges = set()
    for instance in world.ids:
        pid = int((cloud.root / f"run/instances/{instance}/pid").read_text())
        with open(f"/proc/{pid}/uid_map", encoding="ascii") as uid_map:
            inner, outer, count = map(int, uid_map.read().split())
        assert inner == 0 and outer >= 0x70000000 and count == 65536
        ranges.add(outer)
    assert len(ranges) == 3


def test_what_is_in_the_way_is_said(cloud, tmp_path):
    """`brume doctor` on a folder that is closed to others."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "etc").mkdir()
    (closed / "etc/brume.json").write_text(f'{{"api_port": {clouds.free_port()}}}')
    said = subprocess.run([clouds.program(), "--root", str(closed), "doctor"], capture_output=True, text=True, check=False).stdout
    assert "✓ isolation" in said, said
    assert "run folder" in said and "is closed to others" in said and "chmod o+x" in said, said
