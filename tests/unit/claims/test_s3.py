"""S3Store, against moto's S3 over real HTTP."""

from __future__ import annotations

import pickle
import re
import uuid
from typing import Any

import boto3
import pytest

from flowy.claims import Claim, Place, S3Store, store_at
from flowy.exception import ClaimError, UnavailableError
from tests.aws_services import AWSServices
from tests.cut_answers import cut_answers

PLACE = Place("shop", "order/7", "run")


@pytest.fixture
def bucket(aws: AWSServices) -> str:
    """A new bucket."""
    name = f"claims-{uuid.uuid4()}"
    boto3.client("s3").create_bucket(Bucket=name)
    aws.calls.clear()
    return name


def test_kept_and_redeemed(aws: AWSServices, bucket: str) -> None:
    """One call each; a second put of the same value writes nothing and does not fail."""
    store = S3Store(bucket, "some/prefix", kms_key="arn:aws:kms:us-east-1:1:key/x")
    claim = store.keep(PLACE, b"a value")
    assert claim.uri == f"s3://{bucket}/some/prefix/v1/shop/order%2F7/run/{claim.sha256}"
    again = pickle.loads(pickle.dumps(store))  # as a worker process gets it
    assert again.keep(PLACE, b"a value") == claim
    assert again.redeem(claim, 100) == b"a value"
    assert [call.partition(" ")[0] for call in aws.calls] == ["PUT", "PUT", "GET"]
    found = boto3.client("s3").head_object(
        Bucket=bucket, Key=claim.uri.removeprefix(f"s3://{bucket}/")
    )
    assert found["ServerSideEncryption"] == "aws:kms"


def test_put_only_if_missing(aws: AWSServices, bucket: str) -> None:
    """S3's answer that the key is there is what was wanted."""
    store = S3Store(bucket)
    claim = store.keep(PLACE, b"a value")
    key = claim.uri.removeprefix(f"s3://{bucket}/")
    client = boto3.client("s3")
    before = client.head_object(Bucket=bucket, Key=key)["LastModified"]
    aws.fault = lambda call: (412, "PreconditionFailed") if call.startswith("PUT") else None
    assert store.keep(PLACE, b"a value") == claim
    assert client.head_object(Bucket=bucket, Key=key)["LastModified"] == before


def test_shared_values_are_renewed(aws: AWSServices, bucket: str) -> None:
    """A lifecycle rule must not delete today's value because an equal one is old."""
    client = boto3.client("s3")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    shape = client.meta.service_model.operation_model("PutObject").input_shape
    again = "IfNoneMatch" not in shape.members  # an old botocore cannot ask whether it is there
    for place, versions in ((PLACE, 1 + again), (Place("shop"), 2)):
        claims = {S3Store(bucket).keep(place, b"a value") for _ in range(2)}
        (key,) = (each.uri.removeprefix(f"s3://{bucket}/") for each in claims)
        found = client.list_object_versions(Bucket=bucket, Prefix=key)
        assert len(found["Versions"]) == versions


def test_hostile_claims(aws: AWSServices, bucket: str) -> None:
    """No other bucket, prefix or key is asked for; another length or hash is refused."""
    store = S3Store(bucket, "mine")
    claim = store.keep(PLACE, b"a value")
    S3Store(bucket, "other").keep(PLACE, b"a value")
    aws.calls.clear()
    key = f"v1/shop/order%2F7/run/{claim.sha256}"
    for uri in (
        f"s3://{bucket}/other/{key}", f"s3://{bucket}/mine/../other/{key}", f"s3://else/mine/{key}",
        f"s3://{bucket}/mine/{key}/", f"s3://{bucket}/mine/v1/a/b/{claim.sha256}",
        f"https://{bucket}/mine/{key}",
    ):  # fmt: skip
        with pytest.raises(ClaimError, match="not for this worker's store"):
            store.redeem(Claim(uri, claim.sha256, 7), 100)
    assert aws.calls == []
    with pytest.raises(ClaimError, match="7 bytes, the claim says 6"):
        store.redeem(Claim(claim.uri, claim.sha256, 6), 100)
    boto3.client("s3").put_object(Bucket=bucket, Key=f"mine/{key}", Body=b"another")
    with pytest.raises(ClaimError, match="its hash differs"):
        store.redeem(claim, 100)
    with pytest.raises(ClaimError, match="7 bytes; 6 may be read"):
        store.redeem(claim, 6)


@pytest.mark.parametrize(
    ("status", "code", "passes"),
    [
        (403, "AccessDenied", False), (404, "NoSuchKey", False), (404, "NoSuchBucket", False),
        (503, "SlowDown", True), (500, "InternalError", True), (400, "ExpiredToken", True),
        (409, "ConditionalRequestConflict", True),
    ],
)  # fmt: skip
def test_trouble(aws: AWSServices, bucket: str, status: int, code: str, passes: bool) -> None:
    """What may pass is told apart from what does not; the code is told."""
    store = S3Store(bucket)
    claim = store.keep(PLACE, b"a value")
    aws.fault = lambda call: (status, code)
    error: type[Exception] = UnavailableError if passes else ClaimError
    with pytest.raises(error, match=code):
        store.redeem(claim, 100)
    with pytest.raises(error, match=code):
        store.keep(PLACE, b"another")


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_connection_that_breaks_within_a_value(
    aws: AWSServices, bucket: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The value is all right, and may come whole the next time."""
    body = b"a value" * 20_000
    claim = S3Store(bucket).keep(PLACE, body)
    with cut_answers(body, how) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        with pytest.raises(UnavailableError, match="S3 does not answer|did not send all"):
            S3Store(bucket).redeem(claim, 1_000_000)


def test_value_without_its_length(
    aws: AWSServices, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy may leave it out; no more is read than the claim says."""
    body = b"a value" * 20_000
    claim = S3Store(bucket).keep(PLACE, body)
    for sent, fits in ((body, True), (body + b"x" * 1_000_000, False)):
        with cut_answers(sent, "chunked") as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
            if fits:
                assert S3Store(bucket).redeem(claim, 1_000_000) == body
                continue
            with pytest.raises(ClaimError, match="its hash differs"):
                S3Store(bucket).redeem(claim, 1_000_000)


def test_missing(aws: AWSServices, bucket: str) -> None:
    """A value that a lifecycle rule has deleted."""
    store = S3Store(bucket)
    claim = store.keep(PLACE, b"a value")
    boto3.client("s3").delete_object(Bucket=bucket, Key=claim.uri.removeprefix(f"s3://{bucket}/"))
    with pytest.raises(ClaimError, match="NoSuchKey"):
        store.redeem(claim, 100)
    assert "NoSuchKey" in store.show(claim)["stored"]


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("arn:aws:kms:eu-west-1:1:key/x", {"Resource": "arn:aws:kms:eu-west-1:1:key/x"}),
        ("1234abcd", {"Resource": "arn:aws:kms:*:*:key/1234abcd"}),
        (
            "arn:aws:kms:eu-west-1:1:alias/flowy",
            {
                "Resource": "*",
                "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/flowy"}},
            },
        ),
    ],
)
def test_policy_of_a_kms_key(key: str, named: dict[str, Any]) -> None:
    """IAM takes the ARN of a key alone; S3 takes more."""
    statement = S3Store("bucket", kms_key=key).policy(30)["iam"]["Statement"][1]
    assert {name: statement[name] for name in statement.keys() - {"Effect", "Action"}} == named


def test_policy_after_a_move() -> None:
    """The previous bucket is read, and not written."""
    before = S3Store("before", kms_key="arn:key")
    statements = S3Store("bucket", reads=[before]).policy(30)["iam"]["Statement"]
    assert [(each["Action"], each["Resource"]) for each in statements] == [
        (["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::bucket/v1/*"),
        (["s3:GetObject"], "arn:aws:s3:::before/v1/*"),
        (["kms:Decrypt"], "arn:key"),
    ]


def test_policy() -> None:
    """The lifecycle rule and the statements fit what is written."""
    policy = S3Store("bucket", "a/b", kms_key="arn:key").policy(30)
    (rule,) = policy["lifecycle"]["Rules"]
    assert (rule["Filter"], rule["Expiration"]) == ({"Prefix": "a/b/v1/"}, {"Days": 30})
    first, second = policy["iam"]["Statement"]
    assert first["Action"] == ["s3:PutObject", "s3:GetObject"]
    assert first["Resource"] == "arn:aws:s3:::bucket/a/b/v1/*"
    assert second["Resource"] == "arn:key"


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ("file:///tmp/a%20b", "file:///tmp/a%20b"),
        (f"{__name__}:STORE", "s3://named"),
    ],
)
def test_stores_by_name(text: str, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command line names them."""
    import sys
    import types

    module: Any = types.ModuleType("stores")
    module.STORE = S3Store("named")
    monkeypatch.setitem(sys.modules, "stores", module)
    assert store_at(text if "://" in text else "stores:STORE").root == root


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3://B",
        "s3://bucket/../x",
        "file://host/x",
        "file:///x?y",
        "http://x/y",
        "no name",
    ],
)
def test_names_of_no_store(text: str) -> None:
    """The error says what to give."""
    with pytest.raises(ValueError, match="Cannot use"):
        store_at(text)


@pytest.mark.parametrize("text", ["s3://[", "/var/claims", "nope", ""])
def test_texts_of_no_form(text: str) -> None:
    """The error has all three forms, because nobody can tell which one was meant."""
    forms = "give s3://BUCKET/PREFIX, file:///FOLDER or module.name:OBJECT"
    with pytest.raises(ValueError, match=f"Cannot use {re.escape(repr(text))}: {forms}"):
        store_at(text)


def test_limits() -> None:
    """What no store can use."""
    with pytest.raises(ValueError, match="max_bytes=0"):
        S3Store("bucket", max_bytes=0)
