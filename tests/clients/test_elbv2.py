"""Elastic Load Balancing: load balancers that balance, and the rules of their API."""

import pytest

from api import refused, waiter
from cloud import eventually, free_port, get

SERVE = """#!/bin/sh
mkdir -p /srv/deep
wget -q -O /srv/index.html http://169.254.169.254/latest/meta-data/instance-id
echo well > /srv/healthz
echo deep > /srv/deep/index.html
exec httpd -f -p 80 -h /srv
"""


@pytest.fixture(scope="module")
def servers(aws, image, network):
    """Two instances that say who they are on port 80, one a zone."""
    made = [aws.ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, SubnetId=subnet,
                                  SecurityGroupIds=[network.group], UserData=SERVE)["Instances"][0]["InstanceId"] for subnet in network.subnets]
    waiter(aws.ec2, "instance_running", InstanceIds=made)
    yield made
    aws.ec2.terminate_instances(InstanceIds=made)
    waiter(aws.ec2, "instance_terminated", InstanceIds=made)


@pytest.fixture(scope="module")
def balancer(aws, network):
    made = aws.elbv2.create_load_balancer(Name="web", Subnets=network.subnets, SecurityGroups=[network.group],
                                          Tags=[{"Key": "Stage", "Value": "test"}])["LoadBalancers"][0]
    waiter(aws.elbv2, "load_balancer_available", LoadBalancerArns=[made["LoadBalancerArn"]])
    yield made["LoadBalancerArn"]
    aws.elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    waiter(aws.elbv2, "load_balancers_deleted", LoadBalancerArns=[made["LoadBalancerArn"]])


def make_target_group(aws, network, name, **more):
    return aws.elbv2.create_target_group(**{
        "Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": network.vpc, "TargetType": "instance", "HealthCheckPath": "/healthz",
        "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2,
        **more})["TargetGroups"][0]["TargetGroupArn"]


@pytest.fixture(scope="module")
def target_group(aws, network, balancer):
    made = make_target_group(aws, network, "web")
    yield made
    aws.elbv2.delete_target_group(TargetGroupArn=made)


@pytest.fixture(scope="module")
def listener(aws, balancer, target_group):
    port = free_port()
    made = aws.elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                                     DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}])["Listeners"][0]["ListenerArn"]
    yield made, url_of(aws, balancer, port)
    aws.elbv2.delete_listener(ListenerArn=made)


def url_of(aws, balancer, port):
    """The first load balancer has all of the host's addresses, another one a loopback address that it shows."""
    (shown,) = aws.elbv2.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"]
    addresses = [a["IpAddress"] for z in shown["AvailabilityZones"] for a in z.get("LoadBalancerAddresses", [])]
    return f"http://{addresses[0] if addresses else '127.0.0.1'}:{port}"


def states(aws, target_group):
    described = aws.elbv2.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    return {d["Target"]["Id"]: d["TargetHealth"] for d in described}


def test_balances_over_both_zones(aws, balancer, target_group, listener, servers, network):
    _, url = listener
    assert eventually(lambda: answered(url), what="the listener listens")[0] == 503  # no targets yet
    aws.elbv2.register_targets(TargetGroupArn=target_group, Targets=[{"Id": i} for i in servers])
    waiter(aws.elbv2, "target_in_service", TargetGroupArn=target_group, Targets=[{"Id": i} for i in servers])
    assert {s["State"] for s in states(aws, target_group).values()} == {"healthy"}
    assert {get(url)[1] for _ in range(8)} == set(servers)

    aws.elbv2.modify_target_group_attributes(TargetGroupArn=target_group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}])
    aws.elbv2.deregister_targets(TargetGroupArn=target_group, Targets=[{"Id": servers[0]}])
    waiter(aws.elbv2, "target_deregistered", TargetGroupArn=target_group, Targets=[{"Id": servers[0]}])
    assert {get(url)[1] for _ in range(4)} == {servers[1]}
    aws.elbv2.register_targets(TargetGroupArn=target_group, Targets=[{"Id": servers[0]}])
    waiter(aws.elbv2, "target_in_service", TargetGroupArn=target_group, Targets=[{"Id": servers[0]}])


def answered(url, headers=None):
    try:
        return get(url, headers=headers)
    except OSError:
        return None


def test_failing_health_checks(aws, network, listener, servers, balancer):
    """A health check that nobody passes: unhealthy, and why."""
    arn = make_target_group(aws, network, "failing", HealthCheckPath="/absent")
    port = free_port()
    second = aws.elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port,
                                       DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}])["Listeners"][0]["ListenerArn"]
    aws.elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": servers[0]}])
    health = eventually(lambda: (s := states(aws, arn)[servers[0]])["State"] == "unhealthy" and s, what="the target is unhealthy")
    assert (health["Reason"], health["Description"]) == ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]")
    # Without any healthy target all get requests, as on AWS.
    assert get(url_of(aws, balancer, port)) == (200, servers[0])
    aws.elbv2.modify_target_group(TargetGroupArn=arn, HealthCheckPath="/healthz")
    eventually(lambda: states(aws, arn)[servers[0]]["State"] == "healthy", what="the target is healthy again")
    aws.elbv2.delete_listener(ListenerArn=second)
    aws.elbv2.delete_target_group(TargetGroupArn=arn)


def test_rules(aws, balancer, target_group, listener, servers):
    elbv2 = aws.elbv2
    arn, url = listener
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418", "ContentType": "text/plain", "MessageBody": "short and stout"}}]
    by_path = elbv2.create_rule(ListenerArn=arn, Priority=10, Actions=fixed,
                                Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/tea*"]}}])["Rules"][0]["RuleArn"]
    by_host = elbv2.create_rule(ListenerArn=arn, Priority=20, Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["old.example.com"]}}],
                                Actions=[{"Type": "redirect", "RedirectConfig": {"Host": "new.example.com", "StatusCode": "HTTP_301"}}])["Rules"][0]["RuleArn"]
    eventually(lambda: get(f"{url}/teapot") == (418, "short and stout"), what="the rule is in force")
    with refused("PriorityInUse", "Priority '10' is currently in use"):
        elbv2.create_rule(ListenerArn=arn, Priority=10, Actions=fixed, Conditions=[{"Field": "path-pattern", "Values": ["/x"]}])
    shown = elbv2.describe_rules(ListenerArn=arn)["Rules"]
    assert [r["Priority"] for r in shown] == ["10", "20", "default"]
    elbv2.modify_rule(RuleArn=by_path, Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/coffee"]}}])
    eventually(lambda: get(f"{url}/coffee")[0] == 418, what="the changed rule is in force")
    assert get(f"{url}/teapot")[0] == 404
    swapped = elbv2.set_rule_priorities(RulePriorities=[{"RuleArn": by_path, "Priority": 20}, {"RuleArn": by_host, "Priority": 10}])["Rules"]
    assert {r["RuleArn"]: r["Priority"] for r in swapped} == {by_path: "20", by_host: "10"}
    with refused("OperationNotPermitted"):
        elbv2.delete_rule(RuleArn=[r["RuleArn"] for r in shown if r["IsDefault"]][0])
    for rule in (by_path, by_host):
        elbv2.delete_rule(RuleArn=rule)
    with refused("RuleNotFound"):
        elbv2.delete_rule(RuleArn=by_path)


def test_listener(aws, balancer, target_group, listener):
    elbv2 = aws.elbv2
    port = free_port()
    made = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "one"}}])["Listeners"][0]["ListenerArn"]
    url = url_of(aws, balancer, port)
    eventually(lambda: answered(url) == (200, "one"), what="the listener answers")
    with refused("DuplicateListener"):
        elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}])
    elbv2.modify_listener(ListenerArn=made, DefaultActions=[
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "two"}}])
    eventually(lambda: answered(url) == (200, "two"), what="the changed listener answers")
    assert {x["ListenerArn"] for x in elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]} == {made, listener[0]}
    attributes = elbv2.describe_listener_attributes(ListenerArn=made)["Attributes"]
    key = "routing.http.response.server.enabled"
    assert {a["Key"]: a["Value"] for a in attributes}[key] == "true"
    elbv2.modify_listener_attributes(ListenerArn=made, Attributes=[{"Key": key, "Value": "true"}])
    elbv2.delete_listener(ListenerArn=made)
    eventually(lambda: answered(url) is None, what="nobody listens any more")
    with refused("ListenerNotFound"):
        elbv2.describe_listeners(ListenerArns=[made])


def test_port_in_use_by_another_program_is_named(aws, balancer, target_group, cloud):
    with refused("ResourceInUse", f"Port {cloud.port} is in use by"):
        aws.elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=cloud.port,
                                  DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}])


def test_load_balancer(aws, balancer, network):
    elbv2, ec2 = aws.elbv2, aws.ec2
    (shown,) = elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"]
    assert (shown["LoadBalancerArn"], shown["State"]["Code"], shown["Type"], shown["Scheme"]) == (balancer, "active", "application", "internet-facing")
    assert sorted(z["ZoneName"] for z in shown["AvailabilityZones"]) == ["ap-southeast-1a", "ap-southeast-1b"]
    again = elbv2.create_load_balancer(Name="web", Subnets=network.subnets, SecurityGroups=[network.group], Tags=[{"Key": "Stage", "Value": "test"}])
    assert again["LoadBalancers"][0]["LoadBalancerArn"] == balancer
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["ELB app/web/*"]}])["NetworkInterfaces"]
    assert sorted(i["SubnetId"] for i in interfaces) == sorted(network.subnets)

    attributes = {a["Key"]: a["Value"] for a in elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]}
    assert (attributes["idle_timeout.timeout_seconds"], attributes["deletion_protection.enabled"]) == ("60", "false")
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{"Key": "deletion_protection.enabled", "Value": "true"}])
    with refused("OperationNotPermitted", "cannot be deleted because deletion protection is enabled"):
        elbv2.delete_load_balancer(LoadBalancerArn=balancer)
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}])

    group = ec2.create_security_group(GroupName="other", Description="other", VpcId=network.vpc)["GroupId"]
    assert elbv2.set_security_groups(LoadBalancerArn=balancer, SecurityGroups=[group])["SecurityGroupIds"] == [group]
    elbv2.set_security_groups(LoadBalancerArn=balancer, SecurityGroups=[network.group])
    ec2.delete_security_group(GroupId=group)
    assert elbv2.set_ip_address_type(LoadBalancerArn=balancer, IpAddressType="ipv4")["IpAddressType"] == "ipv4"
    assert elbv2.describe_capacity_reservation(LoadBalancerArn=balancer)["CapacityReservationState"] == []
    with refused("ValidationError"):
        elbv2.create_load_balancer(Name="narrow", Subnets=network.subnets[:1])


def test_subnets_of_another_load_balancer(aws, network):
    """A second one, with an address of its own, moved from two zones to three."""
    elbv2, ec2 = aws.elbv2, aws.ec2
    third = ec2.create_subnet(VpcId=network.vpc, CidrBlock="10.20.3.0/24", AvailabilityZone="ap-southeast-1c")["Subnet"]["SubnetId"]
    made = elbv2.create_load_balancer(Name="second", Subnets=network.subnets, Scheme="internal")["LoadBalancers"][0]["LoadBalancerArn"]
    waiter(elbv2, "load_balancer_available", LoadBalancerArns=[made])
    zones = elbv2.set_subnets(LoadBalancerArn=made, Subnets=[*network.subnets, third])["AvailabilityZones"]
    assert sorted(z["ZoneName"] for z in zones) == [f"ap-southeast-1{z}" for z in "abc"]
    elbv2.delete_load_balancer(LoadBalancerArn=made)
    ec2.delete_subnet(SubnetId=third)
    with refused("LoadBalancerNotFound", "Load balancers '[second]' not found"):
        elbv2.describe_load_balancers(Names=["second"])


def test_target_group(aws, target_group, listener, network):
    elbv2 = aws.elbv2
    (shown,) = elbv2.describe_target_groups(Names=["web"])["TargetGroups"]
    assert (shown["TargetGroupArn"], shown["Port"], shown["HealthCheckPath"], shown["Matcher"]) == (target_group, 80, "/healthz", {"HttpCode": "200"})
    attributes = {a["Key"]: a["Value"] for a in elbv2.describe_target_group_attributes(TargetGroupArn=target_group)["Attributes"]}
    assert attributes["load_balancing.algorithm.type"] == "round_robin"
    with refused("ResourceInUse", "is currently in use by a listener or a rule"):
        elbv2.delete_target_group(TargetGroupArn=target_group)
    with refused("DuplicateTargetGroupName"):
        elbv2.create_target_group(Name="web", Protocol="HTTP", Port=81, VpcId=network.vpc)
    with refused("ValidationError"):
        elbv2.create_target_group(Name="timeouts", Protocol="HTTP", Port=80, VpcId=network.vpc, HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=10)
    with refused("InvalidTarget"):
        elbv2.register_targets(TargetGroupArn=target_group, Targets=[{"Id": "i-0123456789abcdef0"}])
    with refused("TargetGroupNotFound"):
        elbv2.describe_target_health(TargetGroupArn=target_group[:-1] + ("0" if target_group[-1] != "0" else "1"))


def test_tags(aws, balancer):
    elbv2 = aws.elbv2
    elbv2.add_tags(ResourceArns=[balancer], Tags=[{"Key": "Owner", "Value": "me"}])
    elbv2.remove_tags(ResourceArns=[balancer], TagKeys=["Stage"])
    (described,) = elbv2.describe_tags(ResourceArns=[balancer])["TagDescriptions"]
    assert described["Tags"] == [{"Key": "Owner", "Value": "me"}]
    elbv2.add_tags(ResourceArns=[balancer], Tags=[{"Key": "Stage", "Value": "test"}])
    elbv2.remove_tags(ResourceArns=[balancer], TagKeys=["Owner"])


def test_limits(aws):
    limits = {x["Name"]: x["Max"] for x in aws.elbv2.describe_account_limits()["Limits"]}
    assert limits["application-load-balancers"] == "50"
