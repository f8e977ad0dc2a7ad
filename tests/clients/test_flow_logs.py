"""Flow logs: made, found and deleted; and records of what two instances really sent each other."""


import pytest

from api import filters, refused, tags, waiter
from cloud import eventually

ROLE = "arn:aws:iam::000000000000:role/flow-logs"
FORMAT = "${interface-id} ${flow-direction} ${pkt-srcaddr} ${pkt-dstaddr} ${dstport} ${protocol} ${action} ${packets} ${instance-id} ${log-status}"
SERVER = "10.20.2.50"

SERVE = "#!/bin/sh\necho hello > /srv/index.html\nhttpd -p 80 -h /srv\n"
# Port 81 is not in the server's group.
ASK = f"""#!/bin/sh
while true; do
  wget -q -O - http://{SERVER}/ && echo got it
  nc -w 1 {SERVER} 81 < /dev/null
  sleep 0.2
done &
"""


@pytest.fixture
def vpc(aws):
    made = aws.ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
    yield made
    aws.ec2.delete_vpc(VpcId=made)


def test_made_found_and_deleted(aws, vpc):
    ec2 = aws.ec2
    arguments = {"ResourceIds": [vpc], "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": "/aws/vpc", "DeliverLogsPermissionArn": ROLE}
    made = ec2.create_flow_logs(**arguments, MaxAggregationInterval=60, TagSpecifications=tags("vpc-flow-log", Name="all"))
    (log,) = made["FlowLogIds"]
    assert made["Unsuccessful"] == []
    again = ec2.create_flow_logs(**arguments)
    assert again["FlowLogIds"] == []
    assert [(u["ResourceId"], u["Error"]["Code"]) for u in again["Unsuccessful"]] == [(vpc, "FlowLogAlreadyExists")]
    (other,) = ec2.create_flow_logs(**{**arguments, "TrafficType": "REJECT"})["FlowLogIds"]

    (shown,) = ec2.describe_flow_logs(Filters=filters(resource_id=vpc, traffic_type="ALL"))["FlowLogs"]
    assert (shown["FlowLogId"], shown["FlowLogStatus"], shown["DeliverLogsStatus"]) == (log, "ACTIVE", "SUCCESS")
    assert (shown["LogGroupName"], shown["LogDestinationType"], shown["MaxAggregationInterval"]) == ("/aws/vpc", "cloud-watch-logs", 60)
    assert shown["LogFormat"].startswith("${version} ${account-id} ${interface-id}")
    assert shown["Tags"] == [{"Key": "Name", "Value": "all"}]
    pages = [[f["FlowLogId"] for f in page["FlowLogs"]] for page in ec2.get_paginator("describe_flow_logs").paginate(
        Filters=filters(resource_id=vpc), PaginationConfig={"PageSize": 1})]
    assert sorted(id for page in pages for id in page) == sorted([log, other]) and len(pages) == 2

    with refused("InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: 1] fl-0123456789abcdef0"):
        ec2.delete_flow_logs(FlowLogIds=[log, "fl-0123456789abcdef0"])
    assert ec2.delete_flow_logs(FlowLogIds=[log, other])["Unsuccessful"] == []
    assert ec2.describe_flow_logs(Filters=filters(resource_id=vpc))["FlowLogs"] == []


@pytest.mark.parametrize("change, code, text", [
    ({"LogDestinationType": "s3", "LogGroupName": None, "LogDestination": "arn:aws:s3:::bucket"}, "UnsupportedOperation", "LogDestinationType s3"),
    ({"DeliverLogsPermissionArn": None}, "InvalidParameter", "DeliverLogsPermissionArn can't be empty"),
    ({"LogFormat": "${colour}"}, "InvalidParameter", "colour"),
    ({"MaxAggregationInterval": 90}, "InvalidParameter", "Max Aggregation Interval"),
    ({"ResourceIds": ["vpc-0123456789abcdef0"]}, "InvalidVpcID.NotFound", "vpc-0123456789abcdef0"),
])
def test_refused(aws, vpc, change, code, text):
    arguments = {"ResourceIds": [vpc], "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": "g", "DeliverLogsPermissionArn": ROLE, **change}
    with refused(code, text):
        aws.ec2.create_flow_logs(**{name: value for name, value in arguments.items() if value is not None})


def test_records_of_what_was_sent(aws, image, network):
    ec2 = aws.ec2
    arguments = {"ResourceIds": network.subnets, "ResourceType": "Subnet", "TrafficType": "ALL", "DeliverLogsPermissionArn": ROLE}
    logs = ec2.create_flow_logs(**arguments, LogGroupName="flows/test", LogFormat=FORMAT)["FlowLogIds"]
    logs += ec2.create_flow_logs(**{**arguments, "TrafficType": "REJECT"}, LogGroupName="rejected")["FlowLogIds"]

    def launch(subnet, user_data, **more):
        return ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, SubnetId=subnet, UserData=user_data,
                                 SecurityGroupIds=[network.group], **more)["Instances"][0]

    server = launch(network.subnets[1], SERVE, PrivateIpAddress=SERVER)
    client = launch(network.subnets[0], ASK)
    ids = [server["InstanceId"], client["InstanceId"]]
    try:
        waiter(ec2, "instance_running", InstanceIds=ids)
        # The second answer comes after the first refusal.
        eventually(lambda: ec2.get_console_output(InstanceId=ids[1]).get("Output", "").count("got it") > 1, 60, "the client reaches the server")
        # What was counted until then is delivered with the end of a flow log, without waiting for the minute to be over.
        wanted = {("server", "80", "ACCEPT"), ("server", "81", "REJECT"), ("client", "80", "ACCEPT"), ("client", "81", "ACCEPT")}
        eventually(lambda: wanted <= records(aws, logs, server, client), 60, "records of all four")
    finally:
        ec2.terminate_instances(InstanceIds=ids)
        waiter(ec2, "instance_terminated", InstanceIds=ids)
    address = client["PrivateIpAddress"]
    to_server = [line for line in lines(aws, "flows/test", server, "all") if line[1] == "ingress" and line[2] == address]
    assert {(line[3], line[5], line[8], line[9]) for line in to_server} == {(SERVER, "6", ids[0], "OK")}
    assert all(int(line[7]) > 0 for line in to_server)
    rejected = lines(aws, "rejected", server, "reject")
    assert rejected and all(len(line) == 14 for line in rejected)
    assert {(line[4], line[6], line[12], line[13]) for line in rejected if line[3] == address} == {(SERVER, "81", "REJECT", "OK")}


def interface(instance):
    return instance["NetworkInterfaces"][0]["NetworkInterfaceId"]


def lines(aws, group, instance, kind):
    stream = f"{interface(instance)}-{kind}"
    try:
        pages = aws.logs.get_paginator("filter_log_events").paginate(logGroupName=group, logStreamNames=[stream])
        messages = [event["message"] for page in pages for event in page["events"]]
    except aws.logs.exceptions.ResourceNotFoundException:  # nothing yet
        return []
    return [message.split(" ") for message in messages if not message.endswith("DATA")]


def records(aws, logs, server, client):
    """(who, port, action) of all that is delivered; the first call ends the flow logs."""
    if logs:
        aws.ec2.delete_flow_logs(FlowLogIds=logs)
        logs.clear()
    found = set()
    for who, instance, direction in (("server", server, "ingress"), ("client", client, "egress")):
        found |= {(who, line[4], line[6]) for line in lines(aws, "flows/test", instance, "all") if line[1] == direction}
    return found
