"""Reachability Analyzer's operations by boto3, and `brume reach` on top of them."""

import json

import pytest

from api import filters, refused, tags, waiter


@pytest.fixture(scope="module")
def pair(aws, image, network):
    """Two running instances, web and db, in the two subnets of a network whose group lets port 80 in."""
    made = {}
    for name, subnet in zip(("reach-web", "reach-db"), network.subnets):
        made[name] = aws.ec2.run_instances(ImageId=image, InstanceType="t2.micro", SubnetId=subnet, MinCount=1, MaxCount=1,
                                           SecurityGroupIds=[network.group], TagSpecifications=tags("instance", Name=name)
                                           )["Instances"][0]["InstanceId"]
    waiter(aws.ec2, "instance_running", InstanceIds=list(made.values()))
    yield made["reach-web"], made["reach-db"]
    aws.ec2.terminate_instances(InstanceIds=list(made.values()))
    waiter(aws.ec2, "instance_terminated", InstanceIds=list(made.values()))


def test_paths_and_analyses(aws, pair, network):
    ec2 = aws.ec2
    web, db = pair
    path = ec2.create_network_insights_path(Source=web, Destination=db, Protocol="tcp", DestinationPort=80,
                                            TagSpecifications=tags("network-insights-path", Name="to-db"))["NetworkInsightsPath"]
    (found,) = ec2.describe_network_insights_paths(Filters=filters(tag__Name="to-db"))["NetworkInsightsPaths"]
    assert found == path

    def analyze():
        started = ec2.start_network_insights_analysis(NetworkInsightsPathId=path["NetworkInsightsPathId"])["NetworkInsightsAnalysis"]
        (analysis,) = ec2.describe_network_insights_analyses(
            NetworkInsightsAnalysisIds=[started["NetworkInsightsAnalysisId"]])["NetworkInsightsAnalyses"]
        assert analysis["Status"] == "succeeded"
        return analysis

    analysis = analyze()
    assert analysis["NetworkPathFound"] is True, analysis["Explanations"]
    kinds = [hop["Component"]["Id"].split("-")[0] for hop in analysis["ForwardPathComponents"]]
    assert kinds == ["i", "eni", "sg", "acl", "rtb", "acl", "sg", "eni", "i"]
    assert analysis["ForwardPathComponents"][6]["SecurityGroupRule"] == {
        "Cidr": "0.0.0.0/0", "Direction": "ingress", "PortRange": {"From": 80, "To": 80}, "Protocol": "tcp"}
    assert [hop["SequenceNumber"] for hop in analysis["ReturnPathComponents"]] == list(range(1, len(analysis["ReturnPathComponents"]) + 1))

    ec2.revoke_security_group_ingress(GroupId=network.group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0")
    try:
        blocked = analyze()
    finally:
        ec2.authorize_security_group_ingress(GroupId=network.group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0")
    assert blocked["NetworkPathFound"] is False
    (why,) = blocked["Explanations"]
    assert (why["ExplanationCode"], why["Direction"]) == ("ENI_SG_RULES_MISMATCH", "ingress")
    assert why["SecurityGroups"][0]["Id"] == network.group

    with refused("AnalysisExistsForNetworkInsightsPath"):
        ec2.delete_network_insights_path(NetworkInsightsPathId=path["NetworkInsightsPathId"])
    for each in (analysis, blocked):
        ec2.delete_network_insights_analysis(NetworkInsightsAnalysisId=each["NetworkInsightsAnalysisId"])
    ec2.delete_network_insights_path(NetworkInsightsPathId=path["NetworkInsightsPathId"])
    with refused("InvalidNetworkInsightsPathId.NotFound"):
        ec2.start_network_insights_analysis(NetworkInsightsPathId=path["NetworkInsightsPathId"])


def test_the_command(cloud, aws, pair, network):
    web, db = pair
    reached = cloud.run("reach", "reach-web", "reach-db", "80", check=False)
    assert reached.returncode == 0, reached.stdout + reached.stderr
    lines = reached.stdout.splitlines()
    assert lines[0] == f"reach-web ({web}) → reach-db ({db}), tcp 80"
    assert lines[-1] == "Reachable" and "✗" not in reached.stdout
    assert "lets tcp 80 in from 0.0.0.0/0" in reached.stdout and "entry 100 lets all" in reached.stdout

    blocked = cloud.run("reach", web, "reach-db", "53/udp", check=False)
    assert blocked.returncode == 1
    assert f"✗ {network.group}: no rule lets udp 53 in from 10.20.1." in blocked.stdout

    closed = cloud.run("reach", "internet", db, "80", check=False)
    assert closed.returncode == 1 and f"{network.vpc} has no internet gateway" in closed.stderr

    analysis = json.loads(cloud.run("reach", web, db, "80", "--json").stdout)
    assert analysis["NetworkPathFound"] is True and analysis["ForwardPathComponents"][0]["Component"]["Id"] == web

    for wrong, sentence in ((("nobody", "reach-db", "80"), "There is no instance named 'nobody'"),
                            (("reach-web", "reach-db", "http"), "'http' is not a port"),
                            (("8.8.8.8", "internet", "80"), "One end has to be"),
                            (("reach-web", "fd00::1", "80"), "IPv4 addresses only"),
                            (("eni-0123456789abcdef0", "reach-db", "80"), "does not exist")):
        failed = cloud.run("reach", *wrong, check=False)
        assert failed.returncode == 2 and sentence in failed.stderr, (wrong, failed.stdout, failed.stderr)

    aws.ec2.stop_instances(InstanceIds=[db])
    waiter(aws.ec2, "instance_stopped", InstanceIds=[db])
    stopped = cloud.run("reach", "reach-web", "reach-db", "80", check=False)
    assert stopped.returncode == 1 and f"✗ {db} (reach-db): it is stopped" in stopped.stdout
    assert aws.ec2.describe_network_insights_paths()["NetworkInsightsPaths"] == []
