"""Each kind of rule, allowed and denied, by real packets from four clients; printed as a matrix (pytest -s)."""

import json
import secrets
import select
import socket
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud import eventually
from test_network_paths import site  # noqa: F401  a fixture

IDLE = "#!/bin/sh\nexec sleep 99999\n"
PROBES = ("tcp 80", "tcp 81", "udp 53", "ping")
ANY = "0.0.0.0/0"


def serve():
    """Answers on TCP 80 and 81 and UDP 53, until it is killed. The kernel answers pings."""
    sockets = []
    for kind, port in ((socket.SOCK_STREAM, 80), (socket.SOCK_STREAM, 81), (socket.SOCK_DGRAM, 53)):
        s = socket.socket(socket.AF_INET, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("0.0.0.0", port))
        if kind == socket.SOCK_STREAM:
            s.listen(64)
        sockets.append(s)
    print("ready", flush=True)
    while True:
        for s in select.select(sockets, [], [])[0]:
            if s.type == socket.SOCK_DGRAM:
                s.sendto(*s.recvfrom(64))
            else:
                s.accept()[0].close()


def echo():
    """An echo request with an identifier of its own: it is no part of an earlier flow, which its rule may outlive."""
    identifier = secrets.randbelow(0xF000)
    return struct.pack("!BBHHH", 8, 0, 0xFFFF - (0x0800 + identifier), identifier, 0)


def probe(address, source=None, limit=0.4):
    """Which of PROBES are answered; all are under way at once."""
    waiting = {}
    for name in PROBES:
        what, _, port = name.partition(" ")
        kind, protocol = {"tcp": (socket.SOCK_STREAM, 0), "udp": (socket.SOCK_DGRAM, 0), "ping": (socket.SOCK_DGRAM, socket.IPPROTO_ICMP)}[what]
        try:
            s = socket.socket(socket.AF_INET, kind, protocol)
        except PermissionError:  # ping sockets are not for root on this host
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
        s.setblocking(False)
        if source:
            s.bind((source, 0))
        s.connect_ex((address, int(port or 0)))
        if what != "tcp":
            s.send(echo() if what == "ping" else b"?")
        waiting[s] = name
    answered = set()
    while waiting:
        tcp = [s for s in waiting if s.type == socket.SOCK_STREAM]
        heard, connected, _ = select.select([s for s in waiting if s not in tcp], tcp, [], limit)
        if not heard and not connected:
            break
        for s in heard + connected:
            name = waiting.pop(s)
            failed = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not failed:
                answered.add(name)
            s.close()
    for s in waiting:
        s.close()
    return sorted(answered)


class Inside:
    """This file as a program in an instance's network."""

    def __init__(self, cloud, instance, *words):
        self.process = subprocess.Popen(["nsenter", f"--net={cloud.root / 'run/netns' / instance}", sys.executable, __file__, *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *arguments):
        print(json.dumps(arguments), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()


def rule(protocol, low=-1, high=-1, **other):
    ports = {} if protocol == "-1" else {"FromPort": low, "ToPort": high}
    return {"IpProtocol": protocol, **ports, **other}


def cidr(text):
    return {"IpRanges": [{"CidrIp": text}]}


@pytest.fixture
def stage(cloud, aws, site):  # noqa: F811
    """A server with a public address; a client beside it (in the server's group), one in another subnet (in a group of its own)."""
    here = site("10.65")
    one, two = here.subnet(1, public=True), here.subnet(2, zone="b")
    here.route(one.table, ANY, GatewayId=here.gateway())
    server, beside, apart = (here.launch(s, IDLE) for s in (one, one, two))
    other = aws.ec2.create_security_group(GroupName="other", Description="of the test", VpcId=here.vpc)["GroupId"]
    here.undo.callback(aws.ec2.delete_security_group, GroupId=other)
    aws.ec2.modify_instance_attribute(InstanceId=apart, Groups=[other])
    shown = here.show(server)
    servant = Inside(cloud, server, "serve")
    servant.process.stdout.readline()
    probers = {"beside": Inside(cloud, beside, "probe"), "apart": Inside(cloud, apart, "probe")}
    pool = ThreadPoolExecutor(4)
    private, public = shown["PrivateIpAddress"], shown["PublicIpAddress"]

    def observe():
        asked = {name: pool.submit(prober.ask, private) for name, prober in probers.items()}
        asked.update({source: pool.submit(probe, public, source) for source in ("127.0.0.1", "127.0.0.2")})
        return {client: answered.result() for client, answered in asked.items()}

    here.observe, here.other, here.one, here.address_of = observe, other, one, lambda i: here.show(i)["PrivateIpAddress"]
    here.beside, here.apart = beside, apart
    try:
        yield here
    finally:
        pool.shutdown()
        for each in (servant, *probers.values()):
            each.close()
        # Its public address goes before the gateway does.
        aws.ec2.delete_route(RouteTableId=one.table, DestinationCidrBlock=ANY)


def show(title, seen):
    print(f"\n{title}\n{'':20}" + "".join(f"{p:>8}" for p in PROBES))
    for client, answered in seen.items():
        print(f"{client:>20}" + "".join(f"{'✓' if p in answered else '·':>8}" for p in PROBES))


def test_matrix(cloud, aws, stage):
    ec2, everybody = aws.ec2, ("beside", "apart", "127.0.0.1", "127.0.0.2")
    mine = stage.address_of(stage.beside)
    offices = ec2.create_managed_prefix_list(PrefixListName="matrix", MaxEntries=2, AddressFamily="IPv4",
                                             Entries=[{"Cidr": "127.0.0.2/32"}, {"Cidr": mine + "/32"}])["PrefixList"]["PrefixListId"]
    # Rules of ingress, and who is answered what by them.
    rows = [
        ("nothing", [], {}),
        ("tcp 80 from anywhere", [rule("tcp", 80, 80, **cidr(ANY))], {c: ["tcp 80"] for c in everybody}),
        ("tcp 80 to 81 from one address", [rule("tcp", 80, 81, **cidr("127.0.0.1/32"))], {"127.0.0.1": ["tcp 80", "tcp 81"]}),
        ("udp 53 from a subnet", [rule("udp", 53, 53, **cidr("10.65.2.0/24"))], {"apart": ["udp 53"]}),
        ("echo requests", [rule("icmp", 8, -1, **cidr(ANY))], {c: ["ping"] for c in everybody}),
        ("another type of ICMP", [rule("icmp", 13, -1, **cidr(ANY))], {}),
        ("all of the VPC's range", [rule("-1", **cidr("10.65.0.0/16"))], {c: sorted(PROBES) for c in ("beside", "apart")}),
        ("the group itself", [rule("-1", UserIdGroupPairs=[{"GroupId": stage.group}])], {"beside": sorted(PROBES)}),
        ("another group", [rule("tcp", 81, 81, UserIdGroupPairs=[{"GroupId": stage.other}])], {"apart": ["tcp 81"]}),
        ("a prefix list", [rule("tcp", 80, 80, PrefixListIds=[{"PrefixListId": offices}])], {"beside": ["tcp 80"], "127.0.0.2": ["tcp 80"]}),
        ("two rules", [rule("tcp", 81, 81, **cidr("127.0.0.0/8")), rule("udp", 53, 53, **cidr(mine + "/32"))],
         {"beside": ["udp 53"], "127.0.0.1": ["tcp 81"], "127.0.0.2": ["tcp 81"]}),
    ]

    def expect(title, answered):
        wanted = {c: answered.get(c, []) for c in everybody}
        seen = eventually(lambda: (lambda s: s if s == wanted else None)(stage.observe()), 15, f"{title}: {wanted}")
        show(title, seen)

    for title, rules, answered in rows:
        if rules:
            ec2.authorize_security_group_ingress(GroupId=stage.group, IpPermissions=rules)
        expect(title, answered)
        if rules:
            ec2.revoke_security_group_ingress(GroupId=stage.group, IpPermissions=rules)
    ec2.delete_managed_prefix_list(PrefixListId=offices)

    # Egress of the client's side is a judge of its own: what it does not let out is not let in by anybody's ingress.
    ec2.authorize_security_group_ingress(GroupId=stage.group, IpPermissions=[rule("-1", **cidr(ANY))])
    everything = {c: sorted(PROBES) for c in everybody}
    expect("everything", everything)
    ec2.revoke_security_group_egress(GroupId=stage.other, IpPermissions=[rule("-1", **cidr(ANY))])
    expect("a client without egress", {**everything, "apart": []})
    ec2.authorize_security_group_egress(GroupId=stage.other, IpPermissions=[rule("-1", **cidr(ANY))])

    # ACLs: ordered, stateless, not asked within a subnet.
    acl = ec2.create_network_acl(VpcId=stage.vpc)["NetworkAcl"]["NetworkAclId"]
    stage.undo.callback(ec2.delete_network_acl, NetworkAclId=acl)

    def entry(number, action, protocol, egress=False, block=ANY, ports=None):
        ports = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Protocol=protocol, RuleAction=action, Egress=egress, CidrBlock=block, **ports)

    (default,) = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [stage.one.id]}])["NetworkAcls"]
    (association,) = [a["NetworkAclAssociationId"] for a in default["Associations"] if a["SubnetId"] == stage.one.id]
    changed = ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)["NewAssociationId"]
    expect("an ACL without entries", {"beside": sorted(PROBES)})
    entry(100, "allow", "6", ports=(80, 80))
    expect("TCP 80 in, and no answer out", {"beside": sorted(PROBES)})
    entry(100, "allow", "6", egress=True, ports=(1024, 65535))
    expect("TCP 80 in, answers out", {**{c: ["tcp 80"] for c in everybody}, "beside": sorted(PROBES)})
    entry(90, "deny", "-1", block="127.0.0.1/32")
    expect("one address denied before", {"beside": sorted(PROBES), "apart": ["tcp 80"], "127.0.0.2": ["tcp 80"]})
    ec2.replace_network_acl_association(AssociationId=changed, NetworkAclId=default["NetworkAclId"])
    expect("the default ACL", everything)

    # What was acknowledged holds, however soon the daemon dies.
    everywhere = [rule("-1", **cidr(ANY))]
    for _ in range(2):
        ec2.revoke_security_group_ingress(GroupId=stage.group, IpPermissions=everywhere)
        cloud.kill()
        cloud.start()
        expect("revoked, and killed at once", {})
        ec2.authorize_security_group_ingress(GroupId=stage.group, IpPermissions=everywhere)
        cloud.kill()
        cloud.start()
        expect("authorized, and killed at once", everything)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    for line in sys.stdin:
        print(json.dumps(probe(*json.loads(line))), flush=True)
