"""KMSCodec, against moto's KMS over real HTTP."""

from __future__ import annotations

import logging

import boto3
import pytest

from flowy.codecs.kms import KMSCodec
from flowy.exception import CodecError, UnavailableError
from tests.aws_services import AWSServices

CAP = 1_000_000


@pytest.fixture
def key(aws: AWSServices) -> str:
    """The ARN of a new KMS key."""
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def asked(aws: AWSServices, method: str) -> int:
    """How often KMS was asked for *method*."""
    return sum(call.endswith(f"TrentService.{method}") for call in aws.calls)


def test_data_keys_are_kept(aws: AWSServices, key: str) -> None:
    """KMS is asked once to encrypt many values, and once by whoever reads them."""
    codec, reader = KMSCodec([key]), KMSCodec([key])
    values = [f"value {number}".encode() for number in range(20)]
    written = [codec.encode(value) for value in values]
    assert [reader.decode(each, key, CAP) for each in written] == values
    assert (asked(aws, "GenerateDataKey"), asked(aws, "Decrypt")) == (1, 1)
    assert not any(value in data for value, data in zip(values, written, strict=True))


def test_a_data_key_is_used_up(aws: AWSServices, key: str) -> None:
    """After max_messages values there is another one."""
    codec = KMSCodec([key], max_messages=2)
    for _ in range(5):
        codec.encode(b"value")
    assert asked(aws, "GenerateDataKey") == 3


def test_rotated_keys(aws: AWSServices, key: str) -> None:
    """The first key writes, all read; a key that is not there is named."""
    new = str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])
    old, both, only_new = KMSCodec([key]), KMSCodec([new, key]), KMSCodec([new])
    written = old.encode(b"value")
    assert both.key_id == new
    assert both.decode(written, key, CAP) == b"value"
    assert only_new.decode(both.encode(b"value"), new, CAP) == b"value"
    with pytest.raises(CodecError, match=key):
        only_new.decode(written, key, CAP)
    with pytest.raises(CodecError, match="is not what key"):  # the writer lies about its key
        only_new.decode(written, new, CAP)


def test_tampered(aws: AWSServices, key: str) -> None:
    """A changed message is refused, whichever byte it is; so is anything else."""
    codec = KMSCodec([key])
    written = codec.encode(b"a secret value")
    for place in (0, 40, len(written) // 2, len(written) - 1):
        changed = bytearray(written)
        changed[place] ^= 1
        with pytest.raises(CodecError) as raised:
            codec.decode(bytes(changed), key, CAP)
        assert "secret" not in str(raised.value)
    for other in (b"", b"x", written[:-20]):
        with pytest.raises(CodecError, match="is not what key"):
            codec.decode(other, key, CAP)


def test_bound_to_a_domain(aws: AWSServices, key: str) -> None:
    """What was encrypted for one domain is refused in another; without one, nothing is bound."""
    shop, other = KMSCodec([key], domain="shop"), KMSCodec([key], domain="bank")
    written = shop.encode(b"value")
    assert KMSCodec([key], domain="shop").decode(written, key, CAP) == b"value"
    assert KMSCodec([key]).decode(written, key, CAP) == b"value"
    with pytest.raises(CodecError, match="another domain"):
        other.decode(written, key, CAP)


@pytest.mark.parametrize(
    ("status", "code", "passes"),
    [
        (503, "DependencyTimeoutException", True),
        (500, "KMSInternalException", True),
        (400, "ThrottlingException", True),
        (400, "ExpiredTokenException", True),
        (400, "AccessDeniedException", False),
        (400, "DisabledException", False),
    ],
)
def test_trouble(
    aws: AWSServices, key: str, caplog: pytest.LogCaptureFixture,
    status: int, code: str, passes: bool,
) -> None:  # fmt: skip
    """What may pass is told apart from what does not, which names the code; for both ways.

    The library logs neither: whoever calls the codec does, and may try again.
    """
    written = KMSCodec([key]).encode(b"value")
    aws.fault = lambda call: (status, code)
    codec = KMSCodec([key])
    error: type[Exception] = UnavailableError if passes else CodecError
    with pytest.raises(error, match=code):
        codec.encode(b"value")
    with pytest.raises(error, match=code):
        codec.decode(written, key, CAP)
    aws.reset()
    assert codec.decode(written, key, CAP) == b"value"
    assert codec.encode(b"value") != b"value"
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_out_of_reach(aws: AWSServices, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection may pass, too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
    with pytest.raises(UnavailableError, match="EndpointConnectionError"):
        KMSCodec([key]).encode(b"value")


@pytest.mark.parametrize("keys", [[], "arn:aws:kms:us-east-1:1:key/x", ["alias/shop"]])
def test_keys_are_arns(keys: list[str]) -> None:
    """An alias would not be found in what was encrypted with it."""
    with pytest.raises(ValueError, match="arn:aws:kms|list of KMS key ARNs"):
        KMSCodec(keys)
