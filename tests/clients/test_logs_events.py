"""Streams and events of CloudWatch Logs: written, read in both directions, filtered; limits; what survives."""

import time

import pytest

from api import refused
from cloud import eventually


def now():
    return int(time.time() * 1000)


@pytest.fixture
def group(aws):
    name = "/test/events"
    aws.logs.create_log_group(logGroupName=name)
    yield name
    aws.logs.delete_log_group(logGroupName=name)


@pytest.fixture
def put(aws, group):
    def append(stream, *messages, at=None, step=1):
        at = at or now() - 60_000
        return aws.logs.put_log_events(logGroupName=group, logStreamName=stream,
                                       logEvents=[{"timestamp": at + step * i, "message": m} for i, m in enumerate(messages)])

    for stream in ("a", "b"):
        aws.logs.create_log_stream(logGroupName=group, logStreamName=stream)
    return append


def messages(events):
    return [event["message"] for event in events]


def test_streams(aws, group, put):
    at = now() - 1000
    put("b", "one", "two", at=at)
    first, second = aws.logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert first["logStreamName"] == "a" and "firstEventTimestamp" not in first
    assert second["firstEventTimestamp"] == at and second["lastEventTimestamp"] == at + 1
    assert second["arn"].endswith(f":log-group:{group}:log-stream:b") and second["lastIngestionTime"] >= at
    newest = aws.logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"]
    assert newest[0]["logStreamName"] == "b"
    page = aws.logs.describe_log_streams(logGroupName=group, limit=1)
    assert [s["logStreamName"] for s in aws.logs.describe_log_streams(logGroupName=group, nextToken=page["nextToken"])["logStreams"]] == ["b"]
    assert len(aws.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="b")["logStreams"]) == 1
    with refused("ResourceAlreadyExistsException", "The specified log stream already exists"):
        aws.logs.create_log_stream(logGroupName=group, logStreamName="a")
    with refused("InvalidParameterException", "LastEventTime"):
        aws.logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", logStreamNamePrefix="b")
    aws.logs.delete_log_stream(logGroupName=group, logStreamName="b")
    assert len(aws.logs.describe_log_streams(logGroupName=group)["logStreams"]) == 1
    with refused("ResourceNotFoundException", "The specified log stream does not exist."):
        aws.logs.delete_log_stream(logGroupName=group, logStreamName="b")
    with refused("ResourceNotFoundException", "The specified log group does not exist."):
        aws.logs.create_log_stream(logGroupName="/test/nothing", logStreamName="a")


def test_read_in_both_directions(aws, group, put):
    at = now() - 60_000
    put("a", *[f"line {i}" for i in range(10)], at=at)
    get = lambda **more: aws.logs.get_log_events(logGroupName=group, logStreamName="a", **more)  # noqa: E731
    assert messages(get(startFromHead=True)["events"]) == [f"line {i}" for i in range(10)]
    newest = get(limit=3)
    assert messages(newest["events"]) == ["line 7", "line 8", "line 9"]
    older = get(limit=3, nextToken=newest["nextBackwardToken"])
    assert messages(older["events"]) == ["line 4", "line 5", "line 6"]
    assert messages(get(limit=3, nextToken=older["nextForwardToken"])["events"]) == ["line 7", "line 8", "line 9"]
    end = get(nextToken=newest["nextForwardToken"])
    assert end["events"] == [] and end["nextForwardToken"] == newest["nextForwardToken"]
    put("a", "line 10", at=at + 10)
    assert messages(get(nextToken=end["nextForwardToken"])["events"]) == ["line 10"]
    assert messages(get(startFromHead=True, startTime=at + 2, endTime=at + 4)["events"]) == ["line 2", "line 3"]
    (event,) = get(startTime=at + 5, endTime=at + 6)["events"]
    assert event["timestamp"] == at + 5 and event["ingestionTime"] >= at
    with refused("InvalidParameterException", "nextToken"):
        get(nextToken="nonsense")
    with refused("ResourceNotFoundException"):
        aws.logs.get_log_events(logGroupName=group, logStreamName="nothing")
    with refused("InvalidParameterException", "logGroupIdentifier"):
        aws.logs.get_log_events(logGroupName=group, logGroupIdentifier=group, logStreamName="a")


def test_filtered_over_streams_in_the_order_of_time(aws, group, put):
    at = now() - 60_000
    put("a", *[f"a{i} {'ERROR' if i % 2 else 'INFO'}" for i in range(6)], at=at, step=10)
    put("b", *[f"b{i} ERROR" for i in range(6)], at=at + 5, step=10)
    find = lambda **more: aws.logs.filter_log_events(logGroupName=group, **more)  # noqa: E731
    assert [m[:2] for m in messages(find()["events"])] == [f"{s}{i}" for i in range(6) for s in "ab"]
    assert [m[:2] for m in messages(find(filterPattern="ERROR -b")["events"])] == ["a1", "a3", "a5"]
    assert len(find(logStreamNames=["b"])["events"]) == 6 and len(find(logStreamNamePrefix="a")["events"]) == 6
    assert len(find(startTime=at + 5, endTime=at + 10)["events"]) == 2, "the end is included"
    pages = list(aws.logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern="ERROR",
                                                                      PaginationConfig={"PageSize": 4}))
    found = [event for page in pages for event in page["events"]]
    assert len(found) == 9 and len(pages) == 3
    assert len({event["eventId"] for event in found}) == 9 and found[0]["logStreamName"] == "b"
    with refused("InvalidParameterException"):
        find(filterPattern="{ $.a = ")
    with refused("ResourceNotFoundException", "stream"):
        find(logStreamNames=["nothing"])
    with refused("InvalidParameterException", "startTime"):
        find(startTime=2, endTime=1)


def test_what_is_out_of_range_is_rejected_and_the_rest_kept(aws, group, put):
    day, hour = 86_400_000, 3_600_000
    t = now()
    answer = aws.logs.put_log_events(logGroupName=group, logStreamName="a", logEvents=[
        {"timestamp": t - 15 * day, "message": "too old"}, {"timestamp": t, "message": "now"}, {"timestamp": t + 3 * hour, "message": "too new"}])
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 2, "tooOldLogEventEndIndex": 1}
    assert messages(aws.logs.filter_log_events(logGroupName=group)["events"]) == ["now"]
    with refused("InvalidParameterException", "chronological"):
        aws.logs.put_log_events(logGroupName=group, logStreamName="a", logEvents=[{"timestamp": t, "message": "b"}, {"timestamp": t - 1, "message": "a"}])
    with refused("InvalidParameterException", "24 hours"):
        aws.logs.put_log_events(logGroupName=group, logStreamName="a", logEvents=[{"timestamp": t - day - 1, "message": "b"}, {"timestamp": t, "message": "a"}])
    with refused("InvalidParameterException", "too large"):
        put("a", "x" * (1 << 20))
    with refused("ResourceNotFoundException", "stream"):
        put("nothing", "x")
    assert messages(aws.logs.filter_log_events(logGroupName=group)["events"]) == ["now"]


def test_odd_texts(aws, group, put):
    odd = ["nul \0 within", "ünïcödé ☃ 𝄞", "tab\tand\nnewline", '{"quoted": "\\"json\\""}', " ", "x" * ((1 << 20) - 1000), "\0" * ((1 << 20) - 1000)]
    put("a", *odd[:5])
    put("a", odd[5])
    put("a", odd[6])
    got = aws.logs.filter_log_events(logGroupName=group)
    found = got["events"]
    while "nextToken" in got:
        got = aws.logs.filter_log_events(logGroupName=group, nextToken=got["nextToken"])
        found += got["events"]
    assert sorted(messages(found)) == sorted(odd)


def test_the_sequence_token_of_a_brume_agent_names_its_batch(aws, group, put):
    batch = {"logGroupName": group, "logStreamName": "a", "logEvents": [{"timestamp": now(), "message": "once"}]}
    for _ in range(3):
        aws.logs.put_log_events(**batch, sequenceToken="brume:1:0:100")
    assert messages(aws.logs.filter_log_events(logGroupName=group)["events"]) == ["once"]
    for _ in range(2):  # AWS ignores the token
        aws.logs.put_log_events(**batch, sequenceToken="49")
    assert len(aws.logs.filter_log_events(logGroupName=group)["events"]) == 3


def test_a_group_made_again_is_empty(aws, group, put):
    put("a", "old")
    aws.logs.delete_log_group(logGroupName=group)
    aws.logs.create_log_group(logGroupName=group)
    assert aws.logs.describe_log_streams(logGroupName=group)["logStreams"] == []
    assert aws.logs.filter_log_events(logGroupName=group)["events"] == []


def test_many_events_and_stored_bytes(aws, group, put):
    for i in range(5):
        put("a", *[f"{i} {j:05d} some text of a line" for j in range(5000)], at=now() - 60_000 + i)
    pages = aws.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    assert sum(len(page["events"]) for page in pages) == 25_000
    stored = aws.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["storedBytes"]
    assert stored == 25_000 * (26 + len("0 00000 some text of a line"))


def test_fields_and_records(aws, group, put):
    put("a", '{"level": "error", "user": {"name": "x"}}', "plain", at=now() - 1000)
    fields = {f["name"]: f["percent"] for f in aws.logs.get_log_group_fields(logGroupName=group)["logGroupFields"]}
    assert fields["@message"] == 100 and fields["level"] == 50 and fields["user.name"] == 50
    started = aws.logs.start_query(logGroupName=group, startTime=0, endTime=int(time.time()) + 10,
                                   queryString='fields @ptr | filter level = "error"')["queryId"]
    done = eventually(lambda: (r := aws.logs.get_query_results(queryId=started))["status"] == "Complete" and r, 20, "the query is complete")
    pointer = {f["field"]: f["value"] for f in done["results"][0]}["@ptr"]
    record = aws.logs.get_log_record(logRecordPointer=pointer)["logRecord"]
    assert record["level"] == "error" and record["user.name"] == "x" and record["@logStream"] == "a"
    with refused("InvalidParameterException"):
        aws.logs.get_log_record(logRecordPointer="nonsense")
