"""Log groups: made, found, kept for a time, tagged, protected, deleted."""

import pytest

from api import refused

REGION_ARN = "arn:aws:logs:ap-southeast-1:000000000000:log-group:"


@pytest.fixture
def group(aws):
    name = "/test/groups"
    aws.logs.create_log_group(logGroupName=name, tags={"stage": "test"})
    yield name
    aws.logs.delete_log_group(logGroupName=name)


def test_made_and_found(aws, group):
    (shown,) = aws.logs.describe_log_groups(logGroupNamePrefix="/test/gr")["logGroups"]
    assert shown["logGroupName"] == group and shown["arn"] == REGION_ARN + group + ":*" and shown["logGroupArn"] == REGION_ARN + group
    assert shown["storedBytes"] == 0 and shown["metricFilterCount"] == 0 and shown["logGroupClass"] == "STANDARD"
    assert "retentionInDays" not in shown
    assert aws.logs.describe_log_groups(logGroupNamePattern="GROUPS")["logGroups"]
    assert not aws.logs.describe_log_groups(logGroupNamePattern="nothing")["logGroups"]
    assert aws.logs.describe_log_groups(logGroupIdentifiers=[REGION_ARN + group])["logGroups"]
    (listed,) = aws.logs.list_log_groups(logGroupNamePattern="^/test/g")["logGroups"]
    assert listed == {"logGroupName": group, "logGroupArn": REGION_ARN + group, "logGroupClass": "STANDARD"}
    with refused("ResourceAlreadyExistsException"):
        aws.logs.create_log_group(logGroupName=group)
    with refused("InvalidParameterException", "reserved"):
        aws.logs.create_log_group(logGroupName="aws/mine")
    with refused("InvalidParameterException", "kmsKeyId"):
        aws.logs.create_log_group(logGroupName="/test/secret", kmsKeyId="arn:aws:kms:ap-southeast-1:000000000000:key/1")
    with refused("InvalidParameterException"):
        aws.logs.create_log_group(logGroupName="with space")
    with refused("ResourceNotFoundException", "The specified log group does not exist."):
        aws.logs.delete_log_group(logGroupName="/test/nothing")


def test_pages(aws):
    names = [f"/pages/{i}" for i in range(5)]
    for name in names:
        aws.logs.create_log_group(logGroupName=name)
    pages = aws.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/pages/", PaginationConfig={"PageSize": 2})
    assert [[group["logGroupName"] for group in page["logGroups"]] for page in pages] == [names[:2], names[2:4], names[4:]]
    for name in names:
        aws.logs.delete_log_group(logGroupName=name)
    assert not aws.logs.describe_log_groups(logGroupNamePrefix="/pages/")["logGroups"]


def test_retention(aws, group):
    aws.logs.put_retention_policy(logGroupName=group, retentionInDays=14)
    assert aws.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"] == 14
    with refused("InvalidParameterException", "it may be one of 1, 3, 5"):
        aws.logs.put_retention_policy(logGroupName=group, retentionInDays=15)
    aws.logs.delete_retention_policy(logGroupName=group)
    assert "retentionInDays" not in aws.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]


def test_tags(aws, group):
    arn = REGION_ARN + group
    aws.logs.tag_resource(resourceArn=arn, tags={"owner": "ops"})
    assert aws.logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "test", "owner": "ops"}
    aws.logs.tag_log_group(logGroupName=group, tags={"cost": "1"})
    aws.logs.untag_log_group(logGroupName=group, tags=["stage"])
    assert aws.logs.list_tags_log_group(logGroupName=group)["tags"] == {"owner": "ops", "cost": "1"}
    assert aws.logs.list_log_groups(logGroupTags=[{"key": "owner", "values": ["ops"]}])["logGroups"]
    assert not aws.logs.list_log_groups(logGroupTags=[{"key": "owner", "values": ["dev"]}])["logGroups"]
    aws.logs.untag_resource(resourceArn=arn, tagKeys=["owner", "cost"])
    assert aws.logs.list_tags_for_resource(resourceArn=arn)["tags"] == {}
    with refused("InvalidParameterException", "reserved"):
        aws.logs.tag_resource(resourceArn=arn, tags={"aws:mine": "1"})


def test_deletion_protection(aws, group):
    aws.logs.put_log_group_deletion_protection(logGroupIdentifier=group, deletionProtectionEnabled=True)
    with refused("ValidationException", "PutLogGroupDeletionProtection"):
        aws.logs.delete_log_group(logGroupName=group)
    aws.logs.put_log_group_deletion_protection(logGroupIdentifier=REGION_ARN + group, deletionProtectionEnabled=False)
