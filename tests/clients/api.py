"""Shorthands for talking to the API by boto3."""

import contextlib

import pytest
from botocore.exceptions import ClientError


@contextlib.contextmanager
def refused(code, text=None, status=None):
    """What is within is refused with this code and, somewhere in the message, this text."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if text:
        assert text in error["Message"], error
    if status:
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status, error


def waiter(client, name, seconds=60, **arguments):
    client.get_waiter(name).wait(WaiterConfig={"Delay": 1, "MaxAttempts": seconds}, **arguments)


def tags(resource_type, **values):
    return [{"ResourceType": resource_type, "Tags": [{"Key": k, "Value": v} for k, v in values.items()]}]


def filters(**values):
    """filters(vpc_id=…, tag__Name=…): "_" stands for "-", "__" for ":"."""
    return [{"Name": name.replace("__", ":").replace("_", "-"), "Values": value if isinstance(value, list) else [value]}
            for name, value in values.items()]
