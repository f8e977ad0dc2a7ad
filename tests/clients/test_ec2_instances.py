"""Instances that run: from an image to a console that says what happened, stopped, started, rebooted and terminated."""

import base64

import pytest
from botocore.exceptions import ClientError

from api import filters, refused, tags, waiter
from cloud import eventually

ABSENT = "0123456789abcdef0"

# Counts its boots on its disk and says so on the console; user data itself runs once an instance.
COUNT_BOOTS = """#!/bin/sh
cat > /etc/rc.local <<'END'
#!/bin/sh
echo boot >> /root/boots
echo "boot number $(wc -l < /root/boots)"
END
chmod 755 /etc/rc.local
echo first >> /root/boots
echo "user data ran on $(hostname) with $(wget -q -O - http://169.254.169.254/latest/meta-data/instance-id)"
"""


def launch(aws, image, network, **more):
    arguments = {"ImageId": image, "InstanceType": "t2.micro", "MinCount": 1, "MaxCount": 1, "SubnetId": network.subnets[0],
                 "SecurityGroupIds": [network.group], **more}
    return [i["InstanceId"] for i in aws.ec2.run_instances(**arguments)["Instances"]]


def console(aws, instance):
    # boto3 has decoded it already.
    return aws.ec2.get_console_output(InstanceId=instance).get("Output", "")


def described(aws, instance):
    return aws.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]


@pytest.fixture
def instance(aws, image, network):
    (made,) = launch(aws, image, network, UserData=COUNT_BOOTS,
                     TagSpecifications=tags("instance", Name="counter"))
    assert "boots" not in console(aws, made), "there is a console from the beginning"
    waiter(aws.ec2, "instance_running", InstanceIds=[made])
    yield made
    aws.ec2.modify_instance_attribute(InstanceId=made, DisableApiTermination={"Value": False})
    aws.ec2.terminate_instances(InstanceIds=[made])
    waiter(aws.ec2, "instance_terminated", InstanceIds=[made])


def test_life_of_an_instance(aws, instance, image, network):
    ec2 = aws.ec2
    shown = described(aws, instance)
    assert (shown["State"], shown["ImageId"], shown["InstanceType"]) == ({"Code": 16, "Name": "running"}, image, "t2.micro")
    assert shown["PrivateIpAddress"].startswith("10.20.1.")
    assert shown["PrivateDnsName"] == f"ip-{shown['PrivateIpAddress'].replace('.', '-')}.ap-southeast-1.compute.internal"
    assert (shown["VpcId"], shown["SubnetId"]) == (network.vpc, network.subnets[0])
    assert [g["GroupId"] for g in shown["SecurityGroups"]] == [network.group]
    (interface,) = shown["NetworkInterfaces"]
    assert interface["PrivateIpAddress"] == shown["PrivateIpAddress"] and interface["Status"] == "in-use"
    eventually(lambda: f"with {instance}" in console(aws, instance), what="user data has run and the metadata service answered")

    waiter(ec2, "instance_status_ok", InstanceIds=[instance])
    (status,) = ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
    assert (status["InstanceState"]["Name"], status["InstanceStatus"]["Status"], status["SystemStatus"]["Status"]) == ("running", "ok", "ok")

    ec2.reboot_instances(InstanceIds=[instance])
    eventually(lambda: "boot number 2" in console(aws, instance), what="it has rebooted with its disk")
    waiter(ec2, "instance_running", InstanceIds=[instance])

    (change,) = ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    waiter(ec2, "instance_stopped", InstanceIds=[instance])
    stopped = described(aws, instance)
    assert stopped["PrivateIpAddress"] == shown["PrivateIpAddress"]
    assert stopped["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert stopped["StateTransitionReason"].startswith("User initiated (")
    (change,) = ec2.start_instances(InstanceIds=[instance])["StartingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("stopped", "pending")
    waiter(ec2, "instance_running", InstanceIds=[instance])
    eventually(lambda: "boot number 3" in console(aws, instance), what="it has started again with its disk")
    assert console(aws, instance).count("user data ran") <= 1


def test_attributes(aws, instance, network):
    ec2 = aws.ec2
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": True})
    assert ec2.describe_instance_attribute(InstanceId=instance, Attribute="disableApiTermination")["DisableApiTermination"] == {"Value": True}
    with refused("OperationNotPermitted", f"The instance '{instance}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."):
        ec2.terminate_instances(InstanceIds=[instance])
    user_data = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(user_data).decode() == COUNT_BOOTS
    with refused("IncorrectInstanceState"):
        ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t2.small"})
    options = ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required", HttpPutResponseHopLimit=2)["InstanceMetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)
    assert described(aws, instance)["MetadataOptions"]["HttpTokens"] == "required"
    (credits,) = ec2.describe_instance_credit_specifications(InstanceIds=[instance])["InstanceCreditSpecifications"]
    assert (credits["InstanceId"], credits["CpuCredits"]) == (instance, "standard")
    (volume,) = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [instance]}])["Volumes"]
    assert (volume["State"], volume["Attachments"][0]["InstanceId"]) == ("in-use", instance)
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "Role", "Value": "test"}])
    found = ec2.describe_instances(Filters=filters(tag__Role="test", instance_state_name="running"))["Reservations"]
    assert [i["InstanceId"] for r in found for i in r["Instances"]] == [instance]


def test_launch_with_profile_and_key(aws, image, network):
    ec2, iam = aws.ec2, aws.iam
    iam.create_role(RoleName="launched", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}')
    profile = iam.create_instance_profile(InstanceProfileName="launched")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="launched", RoleName="launched")
    ec2.create_key_pair(KeyName="launched")
    made = launch(aws, image, network, IamInstanceProfile={"Name": "launched"}, KeyName="launched", MinCount=2, MaxCount=2)
    try:
        waiter(ec2, "instance_running", InstanceIds=made)
        found = ec2.describe_instances(InstanceIds=made)["Reservations"]
        assert [sorted(i["AmiLaunchIndex"] for i in r["Instances"]) for r in found] == [[0, 1]]
        assert {i["IamInstanceProfile"]["Arn"] for i in found[0]["Instances"]} == {profile}
        associations = ec2.describe_iam_instance_profile_associations(Filters=[{"Name": "instance-id", "Values": made}])["IamInstanceProfileAssociations"]
        assert {a["InstanceId"] for a in associations} == set(made) and {a["State"] for a in associations} == {"associated"}
    finally:
        ec2.terminate_instances(InstanceIds=made)
        waiter(ec2, "instance_terminated", InstanceIds=made)
    ended = described(aws, made[0])
    assert ended["StateReason"] == {"Code": "Client.UserInitiatedShutdown", "Message": "Client.UserInitiatedShutdown: User initiated shutdown"}
    ec2.delete_key_pair(KeyName="launched")
    iam.remove_role_from_instance_profile(InstanceProfileName="launched", RoleName="launched")
    iam.delete_instance_profile(InstanceProfileName="launched")
    iam.delete_role(RoleName="launched")


def test_a_token_launches_once(aws, image, network):
    arguments = {"ClientToken": "only-once", "UserData": "#!/bin/sh\necho once\n"}
    first = launch(aws, image, network, **arguments)
    assert launch(aws, image, network, **arguments) == first
    with refused("IdempotentParameterMismatch"):
        launch(aws, image, network, **{**arguments, "InstanceType": "t2.small"})
    aws.ec2.terminate_instances(InstanceIds=first)
    waiter(aws.ec2, "instance_terminated", InstanceIds=first)


@pytest.mark.parametrize("change, code, text", [
    ({"ImageId": f"ami-{ABSENT}"}, "InvalidAMIID.NotFound", f"The image id '[ami-{ABSENT}]' does not exist"),
    ({"ImageId": "nonsense"}, "InvalidAMIID.Malformed", None),
    ({"InstanceType": "t2.imaginary"}, "InvalidParameterValue", "Invalid value 't2.imaginary' for InstanceType."),
    ({"SubnetId": f"subnet-{ABSENT}"}, "InvalidSubnetID.NotFound", f"The subnet ID 'subnet-{ABSENT}' does not exist"),
    ({"SecurityGroupIds": [f"sg-{ABSENT}"]}, "InvalidGroup.NotFound", f"The security group 'sg-{ABSENT}' does not exist"),
    ({"KeyName": "absent"}, "InvalidKeyPair.NotFound", "The key pair 'absent' does not exist"),
    ({"IamInstanceProfile": {"Name": "absent"}}, "InvalidParameterValue", "Invalid IAM Instance Profile name"),
    ({"MinCount": 3}, "InvalidParameterCombination", None),
    ({"UserData": "x" * 16385}, "InvalidParameterValue", "User data is limited to 16384 bytes"),
    ({"DryRun": True}, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
    ({"InstanceMarketOptions": {"MarketType": "capacity-block"}}, "UnsupportedOperation", "MarketType"),
])
def test_launches_that_are_refused(aws, image, network, change, code, text):
    before = len(aws.ec2.describe_instances()["Reservations"])
    with refused(code, text):
        launch(aws, image, network, **change)
    assert len(aws.ec2.describe_instances()["Reservations"]) == before


@pytest.mark.parametrize("operation", ["start_instances", "stop_instances", "reboot_instances", "terminate_instances", "describe_instances"])
def test_instances_that_are_not_there(aws, operation):
    with refused("InvalidInstanceID.NotFound", f"The instance ID 'i-{ABSENT}' does not exist"):
        getattr(aws.ec2, operation)(InstanceIds=[f"i-{ABSENT}"])
    with refused("InvalidInstanceID.Malformed"):
        getattr(aws.ec2, operation)(InstanceIds=["nonsense"])


def test_images(aws, image, tarball):
    ec2 = aws.ec2
    (shown,) = ec2.describe_images(Owners=["self"], Filters=filters(name="busybox", state="available"))["Images"]
    assert (shown["ImageId"], shown["OwnerId"], shown["RootDeviceName"]) == (image, "000000000000", "/dev/xvda")
    assert ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"] == []
    with refused("InvalidAMIName.Duplicate", f"AMI name busybox is already in use by AMI {image}"):
        ec2.register_image(Name="busybox", ImageLocation=f"file://{tarball}")
    with refused("InvalidParameterValue"):
        ec2.register_image(Name="elsewhere", ImageLocation="s3://bucket/manifest.xml")
    second = ec2.register_image(Name="busybox 2", ImageLocation=f"file://{tarball}", Description="again")["ImageId"]
    waiter(ec2, "image_available", ImageIds=[second])
    ec2.deregister_image(ImageId=second)
    with pytest.raises(ClientError) as again:
        ec2.deregister_image(ImageId=second)
    # As long as its files are there, and afterwards.
    assert again.value.response["Error"]["Code"] in ("InvalidAMIID.Unavailable", "InvalidAMIID.NotFound")
    assert second not in {i["ImageId"] for i in ec2.describe_images()["Images"]}


def test_image_that_is_not_there_says_so(aws, tmp_path):
    made = aws.ec2.register_image(Name="absent", ImageLocation=f"file://{tmp_path}/absent.tar")["ImageId"]
    failed = eventually(lambda: [i for i in aws.ec2.describe_images(ImageIds=[made])["Images"] if i["State"] == "failed"], what="the import fails")
    assert f"{tmp_path}/absent.tar" in failed[0]["StateReason"]["Message"]
    aws.ec2.deregister_image(ImageId=made)


def test_key_pairs(aws):
    ec2 = aws.ec2
    made = ec2.create_key_pair(KeyName="made", KeyType="rsa", TagSpecifications=tags("key-pair", Use="test"))
    assert made["KeyMaterial"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    with refused("InvalidKeyPair.Duplicate"):
        ec2.create_key_pair(KeyName="made")
    (shown,) = ec2.describe_key_pairs(KeyNames=["made"], IncludePublicKey=True)["KeyPairs"]
    assert shown["KeyFingerprint"] == made["KeyFingerprint"] and shown["PublicKey"].startswith("ssh-rsa ")
    imported = ec2.import_key_pair(KeyName="imported", PublicKeyMaterial=shown["PublicKey"].encode())
    assert imported["KeyName"] == "imported"
    with refused("InvalidKey.Format"):
        ec2.import_key_pair(KeyName="nonsense", PublicKeyMaterial=b"nonsense")
    for name in ("made", "imported"):
        ec2.delete_key_pair(KeyName=name)
    assert ec2.delete_key_pair(KeyName="made")["Return"] is True  # what is gone may be deleted
    with refused("InvalidKeyPair.NotFound", "The key pair 'made' does not exist"):
        ec2.describe_key_pairs(KeyNames=["made"])


def test_instance_types(aws):
    ec2 = aws.ec2
    (micro,) = ec2.describe_instance_types(InstanceTypes=["t2.micro"])["InstanceTypes"]
    assert (micro["VCpuInfo"]["DefaultVCpus"], micro["MemoryInfo"]["SizeInMiB"]) == (1, 1024)
    with refused("InvalidInstanceType", "The following supplied instance types do not exist: [t2.imaginary]"):
        ec2.describe_instance_types(InstanceTypes=["t2.imaginary"])
    offered = ec2.describe_instance_type_offerings(LocationType="availability-zone",
                                                   Filters=[{"Name": "instance-type", "Values": ["t2.micro"]}])["InstanceTypeOfferings"]
    assert {o["Location"] for o in offered} == {"ap-southeast-1a", "ap-southeast-1b", "ap-southeast-1c"}
