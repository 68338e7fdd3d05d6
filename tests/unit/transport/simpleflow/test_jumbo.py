"""Jumbo fields: read from the configured folder alone, and written there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from flowy.concurrency.retry import Deadline
from flowy.context import RunningActivity, entered, entered_replay
from flowy.exception import InputError
from flowy.transport.simpleflow import JumboFields, jumbo
from flowy.transport.simpleflow.jumbo import MAX_CHARS, PREFIX, JumboError
from tests.cut_answers import cut_answers
from tests.suspended import an_info
from tests.unit.clocks import SelfTurningClock
from tests.unit.transport.simpleflow.object_store import ObjectStore

TEXT = "ä" * 40_000


@pytest.fixture
def clock() -> SelfTurningClock:
    return SelfTurningClock()


@pytest.fixture
def fields(store: ObjectStore, clock: SelfTurningClock) -> JumboFields:
    return JumboFields("bucket/jumbo/", store.client, clock=clock)


def client_at(url: str) -> Any:
    """A client of an S3 somewhere else."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


@pytest.fixture
def running(clock: SelfTurningClock) -> Iterator[None]:
    """Within an activity that has 100 seconds left."""
    deadline = Deadline(100, clock=clock)
    with entered(RunningActivity(an_info(), deadline, lambda: False)):
        yield


@pytest.mark.parametrize("folder", ["bucket", "bucket/", "bucket/a", "bucket/a/b/"])
def test_what_is_written_is_read(store: ObjectStore, folder: str) -> None:
    """The size is in characters, the object in UTF-8, and the place below the folder."""
    fields = JumboFields(folder, store.client)
    field = fields.write(TEXT)
    assert field.startswith(f"simpleflow+s3://{folder.rstrip('/')}/")
    assert field.endswith(" 40000")
    assert store.text(field) == TEXT
    assert fields.read(field) == TEXT


@pytest.mark.parametrize(
    "field",
    [
        "simpleflow+s3://bucket/jumbo/key",
        "simpleflow+s3://bucket/jumbo/key 7 7",
        "simpleflow+s3://bucket/jumbo/key -1",
        "simpleflow+s3://bucket/jumbo/key \u0667",
        "simpleflow+s3://bucket/jumbo/key seven",
        "simpleflow+s3://bucket/jumbo/key 7777777777",
        f"simpleflow+s3://bucket/jumbo/key {MAX_CHARS + 1}",
        "simpleflow+s3://bucket/key 7",
        "simpleflow+s3://bucket/jumbo2/key 7",
        "simpleflow+s3://other/jumbo/key 7",
        "simpleflow+s3://bucket.evil/jumbo/key 7",
        "simpleflow+s3:// 7",
        "simpleflow+s3://",
    ],
)
def test_hostile_fields(store: ObjectStore, fields: JumboFields, field: str) -> None:
    """Without a call to S3: another place, another shape, too long."""
    with pytest.raises(InputError):
        fields.read(field)
    assert store.requests == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"1234567" * 5, "longer than it says"),
        (b"12345678", "has 8 characters, not 7"),
        (b"", "has 0 characters, not 7"),
        (b"123456\xff", "is not UTF-8"),
    ],
)
def test_an_object_that_is_not_what_the_field_says(
    store: ObjectStore, fields: JumboFields, data: bytes, said: str
) -> None:
    """There is no checksum; what can be checked is."""
    store.put("bucket/jumbo/key", data)
    with pytest.raises(InputError, match=said):
        fields.read("simpleflow+s3://bucket/jumbo/key 7")


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (404, "NoSuchKey")])
@pytest.mark.usefixtures("running")
def test_refusals_are_for_good(
    store: ObjectStore, fields: JumboFields, status: int, code: str
) -> None:
    """S3 is asked once; the error has its code and nothing of the value or the key."""
    store.errors = [(status, code)] * 2
    with pytest.raises(InputError) as read:
        fields.read("simpleflow+s3://bucket/jumbo/key 7")
    with pytest.raises(JumboError) as written:
        fields.write(TEXT)
    for caught in (read, written):
        assert code in str(caught.value)
        assert "key " not in str(caught.value)
    assert len(store.requests) == 2


@pytest.mark.usefixtures("running")
def test_an_outage_is_waited_out(
    store: ObjectStore,
    fields: JumboFields,
    clock: SelfTurningClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Throttles, server errors and broken connections, while the task has time left."""
    store.errors = [(503, "SlowDown"), (0, ""), (500, "InternalError")]
    field = fields.write(TEXT)
    store.errors = [(503, "SlowDown")]
    assert fields.read(field) == TEXT
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4
    assert lines[0].startswith("S3 did not answer for a jumbo field (SlowDown); trying again in ")


@pytest.mark.usefixtures("running")
def test_an_outage_that_lasts_longer_than_the_task(
    store: ObjectStore, fields: JumboFields, clock: SelfTurningClock
) -> None:
    """It is given up when nobody waits for the task any more."""
    began = clock.now()
    store.errors = [(503, "SlowDown")] * 1_000
    with pytest.raises(JumboError, match="SlowDown"):
        fields.write(TEXT)
    assert 70 <= clock.now() - began <= 100


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_connection_that_breaks_within_an_object(
    store: ObjectStore, running: None, clock: SelfTurningClock, how: str
) -> None:
    """It is waited out as well, here until the task ends."""
    field = f"{PREFIX}bucket/key {len(TEXT)}"
    with cut_answers(TEXT.encode(), how) as url:
        fields = JumboFields("bucket", client_at(url), clock=clock)
        with pytest.raises(InputError, match=r"no answer \((Protocol|IncompleteRead|Response)"):
            fields.read(field)
    assert clock.now() > 50


def test_object_without_its_length(store: ObjectStore) -> None:
    """A proxy may leave it out; no more is read than the field allows."""
    with cut_answers(TEXT.encode(), "chunked") as url:
        fields = JumboFields("bucket", client_at(url))
        assert fields.read(f"{PREFIX}bucket/key {len(TEXT)}") == TEXT
        with pytest.raises(InputError, match="its object is longer than it says"):
            fields.read(f"{PREFIX}bucket/key 7")


def test_no_task_waits_for_nothing(store: ObjectStore, fields: JumboFields) -> None:
    """S3 is asked once, outside a worker and for the text of a failure."""
    store.errors = [(503, "SlowDown")]
    with pytest.raises(JumboError):
        fields.write(TEXT)
    store.errors = [(503, "SlowDown")]
    with (
        entered(RunningActivity(an_info(), Deadline(None), lambda: False)),
        pytest.raises(JumboError),
    ):
        fields.write(TEXT, patient=False)
    assert len(store.requests) == 2


def test_a_client_of_its_own(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, a client is made from the default session, once for each process."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.client.meta.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    fields = JumboFields("bucket")
    jumbo._own_client.cache_clear()
    try:
        assert fields.read(fields.write(TEXT)) == TEXT
        jumbo._own_client().close()
        assert jumbo._own_client.cache_info().misses == 1
    finally:
        jumbo._own_client.cache_clear()


def test_an_error_that_is_not_boto3s_is_not_waited_out(clock: SelfTurningClock) -> None:
    """It is a bug, and a later call would raise it, too."""
    with pytest.raises(AttributeError):
        JumboFields("bucket", object(), clock=clock).write(TEXT)


def test_a_text_that_no_jumbo_field_may_have(store: ObjectStore, fields: JumboFields) -> None:
    """simpleflow's limit: 5 Mi characters."""
    with pytest.raises(JumboError, match="at most 5,242,880 characters"):
        fields.write("x" * (MAX_CHARS + 1))
    assert store.requests == []


def test_replays_store_nothing(store: ObjectStore, fields: JumboFields) -> None:
    """A field that a replay writes can be read, and S3 gets nothing."""
    with entered_replay():
        field = fields.write(TEXT)
        assert fields.read(field) == TEXT
    assert store.requests == []
