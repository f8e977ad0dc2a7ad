"""SSM parameters: versions, paths, tags, and the data type that stands for an image."""

import pytest

from api import refused


@pytest.fixture
def parameter(aws):
    aws.ssm.put_parameter(Name="/web/colour", Value="blue", Type="String", Tags=[{"Key": "Stage", "Value": "test"}])
    yield "/web/colour"
    aws.ssm.delete_parameters(Names=["/web/colour"])


def test_versions(aws, parameter):
    ssm = aws.ssm
    with refused("ParameterAlreadyExists"):
        ssm.put_parameter(Name=parameter, Value="red", Type="String")
    assert ssm.put_parameter(Name=parameter, Value="red", Type="String", Overwrite=True)["Version"] == 2
    shown = ssm.get_parameter(Name=parameter)["Parameter"]
    assert (shown["Value"], shown["Version"], shown["ARN"]) == ("red", 2, "arn:aws:ssm:ap-southeast-1:000000000000:parameter/web/colour")
    assert ssm.get_parameter(Name=f"{parameter}:1")["Parameter"]["Value"] == "blue"
    history = ssm.get_parameter_history(Name=parameter)["Parameters"]
    assert [(h["Version"], h["Value"]) for h in history] == [(1, "blue"), (2, "red")]
    with refused("ParameterVersionNotFound"):
        ssm.get_parameter(Name=f"{parameter}:7")
    with refused("ParameterNotFound"):
        ssm.get_parameter(Name="/absent")


def test_many(aws, parameter):
    ssm = aws.ssm
    for i in range(12):
        ssm.put_parameter(Name=f"/web/deep/{i:02}", Value=str(i), Type="String")
    direct = ssm.get_parameters_by_path(Path="/web")["Parameters"]
    assert [p["Name"] for p in direct] == [parameter]
    pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path="/web", Recursive=True, PaginationConfig={"PageSize": 5}))
    assert [len(p["Parameters"]) for p in pages] == [5, 5, 3]
    found = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": ["/web/deep/"]}])["Parameters"]
    assert len(found) == 12 and all("Value" not in p for p in found)
    several = ssm.get_parameters(Names=["/web/deep/00", "/absent"])
    assert ([p["Value"] for p in several["Parameters"]], several["InvalidParameters"]) == (["0"], ["/absent"])
    ssm.delete_parameter(Name="/web/deep/00")
    with refused("ParameterNotFound"):
        ssm.delete_parameter(Name="/web/deep/00")
    gone = ssm.delete_parameters(Names=[f"/web/deep/{i:02}" for i in range(3, 12)] + ["/absent"])
    assert (len(gone["DeletedParameters"]), gone["InvalidParameters"]) == (9, ["/absent"])
    ssm.delete_parameters(Names=["/web/deep/01", "/web/deep/02"])


def test_tags(aws, parameter):
    ssm = aws.ssm
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=parameter, Tags=[{"Key": "Owner", "Value": "me"}])
    ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=parameter, TagKeys=["Stage"])
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=parameter)["TagList"] == [{"Key": "Owner", "Value": "me"}]
    with refused("InvalidResourceId"):
        ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/absent")


def test_what_is_refused(aws, image):
    ssm = aws.ssm
    ssm.put_parameter(Name="/images/web", Value=image, Type="String", DataType="aws:ec2:image")
    ssm.delete_parameter(Name="/images/web")
    with refused("ValidationException"):
        ssm.put_parameter(Name="/images/web", Value="ami-0123456789abcdef0", Type="String", DataType="aws:ec2:image")
    with refused("ValidationException"):
        ssm.put_parameter(Name="/aws/mine", Value="x", Type="String")
    with refused("ParameterPatternMismatchException"):
        ssm.put_parameter(Name="/digits", Value="x", Type="String", AllowedPattern="[0-9]+")
    with refused("ValidationException"):
        ssm.put_parameter(Name="/large", Value="x" * 4097, Type="String")
