"""Who asks."""


def test_caller_identity(cloud, aws):
    identity = aws.sts.get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == ("000000000000", "arn:aws:iam::000000000000:root")
    assert identity["UserId"] == "000000000000"


def test_any_region_answers(cloud):
    for region in ("us-east-1", "eu-west-1", "us-gov-west-1"):
        assert cloud.client("sts", region=region).get_caller_identity()["Account"] == "000000000000"
        assert cloud.client("ec2", region=region).describe_availability_zones()["AvailabilityZones"][0]["ZoneName"] == f"{region}a"
