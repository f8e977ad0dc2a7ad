"""IAM: roles, policies, instance profiles; what is in use cannot be deleted."""

import json

import pytest

from api import refused

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]})
MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@pytest.fixture
def role(aws):
    aws.iam.create_role(RoleName="web", AssumeRolePolicyDocument=TRUST, Description="The web", Tags=[{"Key": "Stage", "Value": "test"}])
    yield "web"
    aws.iam.delete_role(RoleName="web")


def test_role(aws, role):
    iam = aws.iam
    with refused("EntityAlreadyExists", "Role with name web already exists.", status=409):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
    shown = iam.get_role(RoleName=role)["Role"]
    assert shown["Arn"] == "arn:aws:iam::000000000000:role/web"
    assert shown["AssumeRolePolicyDocument"] == json.loads(TRUST)
    iam.update_role(RoleName=role, Description="Still the web", MaxSessionDuration=7200)
    other = json.loads(TRUST)
    other["Statement"][0]["Principal"] = {"Service": "lambda.amazonaws.com"}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(other))
    shown = iam.get_role(RoleName=role)["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"], shown["AssumeRolePolicyDocument"]) == ("Still the web", 7200, other)
    iam.tag_role(RoleName=role, Tags=[{"Key": "Owner", "Value": "me"}])
    iam.untag_role(RoleName=role, TagKeys=["Stage"])
    assert iam.list_role_tags(RoleName=role)["Tags"] == [{"Key": "Owner", "Value": "me"}]
    assert role in {r["RoleName"] for page in iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 1}) for r in page["Roles"]}
    with refused("NoSuchEntity", "The role with name absent cannot be found.", status=404):
        iam.get_role(RoleName="absent")
    with refused("MalformedPolicyDocument"):
        iam.create_role(RoleName="malformed", AssumeRolePolicyDocument="{nonsense")


def test_inline_policy(aws, role):
    iam = aws.iam
    iam.put_role_policy(RoleName=role, PolicyName="logs", PolicyDocument=POLICY)
    assert iam.get_role_policy(RoleName=role, PolicyName="logs")["PolicyDocument"] == json.loads(POLICY)
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["logs"]
    with refused("DeleteConflict", "Cannot delete entity, must delete policies first.", status=409):
        iam.delete_role(RoleName=role)
    iam.delete_role_policy(RoleName=role, PolicyName="logs")
    with refused("NoSuchEntity"):
        iam.get_role_policy(RoleName=role, PolicyName="logs")


def test_managed_policies(aws, role):
    iam = aws.iam
    iam.attach_role_policy(RoleName=role, PolicyArn=MANAGED)
    own = iam.create_policy(PolicyName="own", PolicyDocument=POLICY)["Policy"]["Arn"]
    assert own == "arn:aws:iam::000000000000:policy/own"
    iam.attach_role_policy(RoleName=role, PolicyArn=own)
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert {a["PolicyName"]: a["PolicyArn"] for a in attached} == {"AmazonSSMManagedInstanceCore": MANAGED, "own": own}
    assert [r["RoleName"] for r in iam.list_entities_for_policy(PolicyArn=own)["PolicyRoles"]] == [role]
    assert iam.get_policy(PolicyArn=own)["Policy"]["AttachmentCount"] == 1
    (version,) = iam.list_policy_versions(PolicyArn=own)["Versions"]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v1", True)
    assert iam.get_policy_version(PolicyArn=own, VersionId="v1")["PolicyVersion"]["Document"] == json.loads(POLICY)
    assert [p["Arn"] for p in iam.list_policies(Scope="Local")["Policies"]] == [own]
    with refused("DeleteConflict", "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=own)
    with refused("DeleteConflict", "Cannot delete entity, must detach all policies first."):
        iam.delete_role(RoleName=role)
    for arn in (own, MANAGED):
        iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    iam.delete_policy(PolicyArn=own)
    with refused("NoSuchEntity"):
        iam.attach_role_policy(RoleName=role, PolicyArn=own)


def test_instance_profile(aws, role):
    iam = aws.iam
    made = iam.create_instance_profile(InstanceProfileName="web", Tags=[{"Key": "Stage", "Value": "test"}])["InstanceProfile"]
    assert made["Arn"] == "arn:aws:iam::000000000000:instance-profile/web"
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName=role)
    with refused("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"):
        iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName=role)
    assert [r["RoleName"] for r in iam.get_instance_profile(InstanceProfileName="web")["InstanceProfile"]["Roles"]] == [role]
    assert [p["InstanceProfileName"] for p in iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"]] == ["web"]
    assert "web" in {p["InstanceProfileName"] for p in iam.list_instance_profiles()["InstanceProfiles"]}
    iam.tag_instance_profile(InstanceProfileName="web", Tags=[{"Key": "Owner", "Value": "me"}])
    iam.untag_instance_profile(InstanceProfileName="web", TagKeys=["Stage"])
    assert iam.list_instance_profile_tags(InstanceProfileName="web")["Tags"] == [{"Key": "Owner", "Value": "me"}]
    with refused("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first."):
        iam.delete_role(RoleName=role)
    with refused("DeleteConflict"):
        iam.delete_instance_profile(InstanceProfileName="web")
    iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName=role)
    iam.delete_instance_profile(InstanceProfileName="web")
    with refused("NoSuchEntity", "Instance Profile web cannot be found."):
        iam.get_instance_profile(InstanceProfileName="web")
