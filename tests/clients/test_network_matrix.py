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

from api import waiter
from cloud import eventually
from test_network_paths import OUTSIDE, lan, site  # noqa: F401  fixtures

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
    """This file as a program in a network namespace."""

    def __init__(self, namespace, *words):
        self.process = subprocess.Popen(["nsenter", f"--net={namespace}", sys.executable, __file__, *words],
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
    network_of = (cloud.root / "run/netns").joinpath
    servant = Inside(network_of(server), "serve")
    servant.process.stdout.readline()
    probers = {"beside": Inside(network_of(beside), "probe"), "apart": Inside(network_of(apart), "probe")}
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


def test_the_acl_of_a_nat_gateways_subnet(cloud, aws, site, lan):  # noqa: F811
    """An instance behind a NAT gateway asks a machine outside; Reachability Analyzer says the same of TCP 80."""
    ec2, here = aws.ec2, site("10.67")
    public, private = here.subnet(1, public=True), here.subnet(2)
    gateway = here.gateway()
    here.route(public.table, ANY, GatewayId=gateway)
    elastic = ec2.allocate_address()["AllocationId"]
    here.undo.callback(ec2.release_address, AllocationId=elastic)
    nat = ec2.create_nat_gateway(SubnetId=public.id, AllocationId=elastic)["NatGateway"]["NatGatewayId"]
    here.undo.callback(ec2.delete_nat_gateway, NatGatewayId=nat)
    waiter(ec2, "nat_gateway_available", NatGatewayIds=[nat])
    here.route(private.table, ANY, NatGatewayId=nat)
    hidden = here.launch(private, IDLE)
    acl = ec2.create_network_acl(VpcId=here.vpc)["NetworkAcl"]["NetworkAclId"]
    here.undo.callback(ec2.delete_network_acl, NetworkAclId=acl)
    (default,) = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [public.id]}])["NetworkAcls"]
    (association,) = [a["NetworkAclAssociationId"] for a in default["Associations"] if a["SubnetId"] == public.id]
    lan.server.kill()
    lan.server.wait()
    servant = Inside(f"/run/netns/{lan.name}", "serve")
    servant.process.stdout.readline()
    prober = Inside(cloud.root / "run/netns" / hidden, "probe")
    path = ec2.create_network_insights_path(Source=hidden, Destination=gateway, DestinationIp=OUTSIDE, Protocol="tcp",
                                            DestinationPort=80)["NetworkInsightsPath"]["NetworkInsightsPathId"]

    def judged():
        made = ec2.start_network_insights_analysis(NetworkInsightsPathId=path)["NetworkInsightsAnalysis"]["NetworkInsightsAnalysisId"]
        (found,) = ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=[made])["NetworkInsightsAnalyses"]
        ec2.delete_network_insights_analysis(NetworkInsightsAnalysisId=made)
        return found

    def expect(title, wanted):
        wanted = sorted(wanted)
        show(title, {"hidden": eventually(lambda: (lambda seen: seen == wanted and (seen or [""]))(prober.ask(OUTSIDE)), 15, title)
             and wanted})
        found = judged()
        assert found["NetworkPathFound"] is ("tcp 80" in wanted), (title, found["Explanations"])
        for why in found["Explanations"]:
            assert (why["ExplanationCode"], why["Acl"]["Id"], why["Subnet"]["Id"]) == ("SUBNET_ACL_RESTRICTION", acl, public.id)

    inside, outside, everything = "10.67.2.0/24", OUTSIDE + "/32", set(PROBES)
    arrives, leaves = (100, "allow", "-1", False, inside), (100, "allow", "-1", True, outside)
    returns, reaches = (110, "allow", "-1", False, outside), (110, "allow", "-1", True, inside)
    passes = [arrives, leaves, returns, reaches]
    rows = [
        ("no entries", [], []),
        ("to the gateway, and no further", [arrives], []),
        ("to the internet, and no answers", [arrives, leaves], []),
        ("answers to the gateway, and no further", [arrives, leaves, returns], []),
        ("there and back", passes, everything),
        ("one port less to the gateway", [(90, "deny", "6", False, inside, (80, 80)), *passes], everything - {"tcp 80"}),
        ("one port less behind it", [(90, "deny", "17", True, outside, (53, 53)), *passes], everything - {"udp 53"}),
        ("no answers by TCP", [(90, "deny", "6", False, outside, (1024, 65535)), *passes], {"udp 53", "ping"}),
        ("none on to the instance", [(90, "deny", "6", True, inside, (1024, 65535)), *passes], {"udp 53", "ping"}),
    ]
    try:
        expect("the default ACL", everything)
        association = ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)["NewAssociationId"]
        present = []
        for title, entries, answered in rows:
            for number, _, _, egress, *_ in present:
                ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Egress=egress)
            for number, action, protocol, egress, block, *ports in entries:
                ranges = {"PortRange": {"From": ports[0][0], "To": ports[0][1]}} if ports else {}
                ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, Protocol=protocol, RuleAction=action,
                                             Egress=egress, CidrBlock=block, **ranges)
            present = entries
            expect(title, answered)
    finally:
        servant.close()
        prober.close()
        ec2.delete_network_insights_path(NetworkInsightsPathId=path)
        if association not in {a["NetworkAclAssociationId"] for a in default["Associations"]}:
            ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=default["NetworkAclId"])


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    for line in sys.stdin:
        print(json.dumps(probe(*json.loads(line))), flush=True)
