"""The wire: signatures, unknown and missing operations, bodies that are malformed or too large. Always AWS's error, never a crash."""

import datetime
import gzip
import http.client
import json
import socket
import urllib.parse

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from api import refused
from cloud import REGION


@pytest.fixture(scope="module")
def keys(cloud):
    given = cloud.environment_cache()
    return Credentials(given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"])


@pytest.fixture
def send(cloud, keys):
    """send(service, body, headers) signs and sends a request and answers (status, headers, body)."""
    def sender(service, body=b"", headers=None, method="POST", target="/", auth=None, sign=True):
        request = AWSRequest(method, cloud.endpoint + target, data=body, headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **(headers or {})})
        if sign:
            (auth or SigV4Auth(keys, service, REGION)).add_auth(request)
        return exchange(cloud, request.prepare())

    return sender


def exchange(cloud, prepared):
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=10)
    try:
        url = urllib.parse.urlsplit(prepared.url)
        connection.request(prepared.method, url.path + (f"?{url.query}" if url.query else ""), prepared.body, dict(prepared.headers))
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode(errors="replace")
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def still_answers(cloud, aws):
    yield
    assert cloud.process.poll() is None, cloud.tail()
    assert aws.sts.get_caller_identity()["Account"] == "000000000000"


# Protocols word the same trouble differently, as AWS's services do.
@pytest.mark.parametrize("service, operation, wrong_secret, unknown_key", [
    ("ec2", "describe_vpcs", ("AuthFailure", 401), ("AuthFailure", 401)),
    ("sts", "get_caller_identity", ("SignatureDoesNotMatch", 403), ("InvalidClientTokenId", 403)),
    ("cloudformation", "list_stacks", ("SignatureDoesNotMatch", 403), ("InvalidClientTokenId", 403)),
    ("ssm", "describe_parameters", ("InvalidSignatureException", 400), ("UnrecognizedClientException", 400)),
])
def test_wrong_keys(cloud, service, operation, wrong_secret, unknown_key):
    with refused(wrong_secret[0], status=wrong_secret[1]):
        getattr(cloud.client(service, secret="x" * 40), operation)()
    with refused(unknown_key[0], status=unknown_key[1]):
        getattr(cloud.client(service, key="AKIAABSENTABSENTABSE"), operation)()


class Then(SigV4Auth):
    """Signs as at another time."""
    shift = datetime.timedelta(0)

    def add_auth(self, request):
        from unittest import mock
        now = datetime.datetime.now(datetime.timezone.utc) + self.shift
        with mock.patch("botocore.auth.get_current_datetime", lambda *a, **k: now):
            super().add_auth(request)


@pytest.mark.parametrize("minutes, code, text", [(-16, "SignatureDoesNotMatch", "Signature expired"), (16, "SignatureDoesNotMatch", "Signature not yet current"),
                                                 (-14, None, None), (14, None, None)])
def test_time_of_signature(send, keys, minutes, code, text):
    auth = Then(keys, "sts", REGION)
    auth.shift = datetime.timedelta(minutes=minutes)
    status, _, body = send("sts", b"Action=GetCallerIdentity&Version=2011-06-15", auth=auth)
    assert status == (403 if code else 200)
    if code:
        assert f"<Code>{code}</Code>" in body and text in body


def test_presigned_url(cloud, keys, aws):
    url = aws.sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=10)
    target = url[len(cloud.endpoint):]
    connection.request("GET", target)
    answer = connection.getresponse()
    assert answer.status == 200 and b"<Account>000000000000</Account>" in answer.read()
    connection.request("GET", target.replace("GetCallerIdentity", "GetSessionToken"))
    answer = connection.getresponse()
    assert answer.status == 403 and b"SignatureDoesNotMatch" in answer.read()
    connection.close()


def test_presigned_url_expires(cloud, keys):
    from unittest import mock
    request = AWSRequest("GET", f"{cloud.endpoint}/?Action=GetCallerIdentity&Version=2011-06-15")
    earlier = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=90)
    with mock.patch("botocore.auth.get_current_datetime", lambda *a, **k: earlier):
        SigV4QueryAuth(keys, "sts", REGION, expires=60).add_auth(request)
    status, _, body = exchange(cloud, request.prepare())
    assert status == 403 and "Signature expired" in body


def test_changed_body(cloud, keys):
    request = AWSRequest("POST", cloud.endpoint + "/", data=b"Action=GetCallerIdentity&Version=2011-06-15",
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    SigV4Auth(keys, "sts", REGION).add_auth(request)
    request.data = b"Action=GetSessionToken00&Version=2011-06-15"
    status, _, body = exchange(cloud, request.prepare())
    assert status == 403 and "SignatureDoesNotMatch" in body


@pytest.mark.parametrize("authorization", ["", "Basic dXNlcjpwYXNz", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
                                           "AWS4-HMAC-SHA256 " + "x" * 5000])
def test_malformed_authorization(send, authorization):
    status, _, body = send("sts", b"Action=GetCallerIdentity&Version=2011-06-15", sign=False,
                           headers={"Authorization": authorization} if authorization else {})
    assert status in (400, 403) and ("MissingAuthenticationToken" in body or "IncompleteSignature" in body), body


@pytest.mark.parametrize("service, operation, arguments", [
    ("ec2", "create_transit_gateway", {}),
    ("ec2", "create_volume", {"AvailabilityZone": "ap-southeast-1a", "Size": 1}),
    ("autoscaling", "attach_load_balancers", {"AutoScalingGroupName": "x", "LoadBalancerNames": ["y"]}),
    ("cloudwatch", "put_insight_rule", {"RuleName": "x", "RuleDefinition": "{}"}),
    ("elbv2", "create_trust_store", {"Name": "x", "CaCertificatesBundleS3Bucket": "b", "CaCertificatesBundleS3Key": "k"}),
    ("cloudformation", "create_stack_set", {"StackSetName": "x"}),
    ("iam", "create_user", {"UserName": "x"}),
    ("ssm", "send_command", {"DocumentName": "x"}),
    ("sts", "decode_authorization_message", {"EncodedMessage": "x"}),
])
def test_not_implemented_names_the_operation(aws, service, operation, arguments):
    client = getattr(aws, service)
    with refused("NotImplemented", client.meta.method_to_api_mapping[operation], status=501):
        getattr(client, operation)(**arguments)


def test_service_that_is_not_there(cloud):
    with refused("NotImplemented", "sqs", status=501):
        cloud.client("sqs").list_queues()


@pytest.mark.parametrize("service, body, headers, code", [
    ("ec2", b"Action=DescribeUnicorns&Version=2016-11-15", {}, "InvalidAction"),
    ("sts", b"Action=DescribeUnicorns&Version=2011-06-15", {}, "InvalidAction"),
    ("ec2", b"Version=2016-11-15", {}, "MissingAction"),
    ("ssm", b"{}", {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.DescribeUnicorns"}, "UnknownOperationException"),
    ("ssm", b"{}", {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "nonsense"}, "UnknownOperationException"),
])
def test_unknown_operation(send, service, body, headers, code):
    status, _, answer = send(service, body, headers)
    assert status == 400 and code in answer, answer


JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.GetParameter"}


@pytest.mark.parametrize("service, body, headers, code", [
    ("ssm", b"", JSON, None), ("ssm", b"{", JSON, "SerializationException"), ("ssm", b"[]", JSON, "SerializationException"),
    ("ssm", b'{"Name": 7}', JSON, "SerializationException"), ("ssm", b'{"Name": "\xff"}', JSON, "SerializationException"),
    ("ssm", b'{"Name":' + b"[" * 100000, JSON, "SerializationException"), ("ssm", b"null", JSON, None),
    ("ec2", b"Action=DescribeVpcs&Version=2016-11-15&VpcId.x=1", {}, None),
    ("ec2", b"Action=DescribeVpcs&Version=2016-11-15&VpcId.99999999999999999999=1", {}, None),
    ("ec2", b"Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=%", {}, None),
    ("ec2", b"Action=DescribeVpcs&Version=2016-11-15&MaxResults=many", {}, None),
    ("ec2", b"Action=DescribeVpcs&Version=2016-11-15&" + b"&".join(b"VpcId.%d=x" % i for i in range(1, 30000)), {}, "MalformedQueryString"),
    ("ec2", b"Action=DescribeVpcs&Version=2016-11-15&" + b".".join([b"A"] * 2000) + b"=x", {}, None),
    ("sts", b"Action=GetCallerIdentity&Version=2011-06-15", {"Content-Encoding": "gzip"}, None),
    ("sts", gzip.compress(b"Action=GetCallerIdentity&Version=2011-06-15&x=" + b"x" * (20 << 20)), {"Content-Encoding": "gzip"}, None),
    ("ssm", b"\xa1\x64Name\x9b\xff\xff\xff\xff\xff\xff\xff\xff", {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, None),
])
def test_malformed_body(send, service, body, headers, code):
    status, _, answer = send(service, body, headers)
    assert 400 <= status < 500, (status, answer)
    assert answer and (code is None or code in answer), answer


def test_constraints_of_the_model(send):
    """What botocore would not let through."""
    status, _, body = send("sts", b"Action=AssumeRole&Version=2011-06-15")
    assert status in (400, 501)
    status, _, body = send("ssm", b'{"Names": []}', {**JSON, "X-Amz-Target": "AmazonSSM.GetParameters"})
    assert status == 400 and json.loads(body)["__type"].endswith("ValidationException")
    assert "1 validation error detected: Value '[]' at 'names' failed to satisfy constraint: Member must have length greater than or equal to 1" in body
    status, _, body = send("ec2", b"Action=DeleteVpc&Version=2016-11-15")
    assert status == 400 and "<Code>MissingParameter</Code>" in body and "The request must contain the parameter" in body
    status, _, body = send("elasticloadbalancing", b"Action=CreateLoadBalancer&Version=2015-12-01")
    assert status == 400 and "<Code>ValidationError</Code>" in body, body


def test_body_over_the_limit(cloud):
    """Refused by what the request says of itself, before its body is there."""
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=10) as s:
        s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
        assert s.recv(4096).split()[1] == b"413"


def test_header_over_the_limit(cloud):
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        received = b""
        try:
            for _ in range(64):
                s.sendall(b"X-Filler: " + b"x" * 4000 + b"\r\n")
            s.sendall(b"\r\n")
        except OSError:
            pass  # it has hung up, as it may
        try:
            received = s.recv(4096)
        except OSError:
            pass
        assert received == b"" or received.split()[1] in (b"400", b"431"), received


@pytest.mark.parametrize("line", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                  b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"\x16\x03\x01\x02\x00\x01\x00"])
def test_not_http(cloud, line):
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=10) as s:
        s.sendall(line)
        s.shutdown(socket.SHUT_WR)
        answer = s.recv(4096)
        assert answer == b"" or answer.split()[1] == b"400", answer


def test_half_a_request_holds_up_nobody(cloud, aws):
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=10) as s:
        s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        assert aws.sts.get_caller_identity()["Account"] == "000000000000"


def test_request_ids(send):
    seen = set()
    for _ in range(3):
        status, headers, body = send("sts", b"Action=GetCallerIdentity&Version=2011-06-15")
        request_id = {k.lower(): v for k, v in headers.items()}["x-amzn-requestid"]
        assert status == 200 and request_id in body
        seen.add(request_id)
    assert len(seen) == 3
