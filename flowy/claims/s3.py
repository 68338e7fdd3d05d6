"""Values in a bucket of Amazon S3."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

from ..aws import make_client, trouble_of
from ..exception import ClaimError, UnavailableError
from .store import MAX_BYTES, Store, other_size

#: How long a call to S3 may wait for bytes, in seconds.
READ_TIMEOUT_SECONDS = 20

#: How many connections are kept: a worker's tasks share them.
CONNECTIONS = 20

#: In the keys of values whose tasks are not known. Executions share these values.
_SHARED = "/-/-/"

#: Code and status with which S3 answers that the key is there already: 412.
_THERE_ALREADY = 412

#: What workers and readers do with a KMS key.
_WRITES = ["kms:GenerateDataKey", "kms:Decrypt"]
_READS = ["kms:Decrypt"]

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_~=-][A-Za-z0-9_.~=-]*(?:/[A-Za-z0-9_~=-][A-Za-z0-9_.~=-]*)*")


class S3Store(Store):
    """Keeps values in a bucket, under a prefix; uses only PutObject and GetObject.

    Args:
        bucket: the name of the bucket.
        prefix: the beginning of all keys, without a slash at either end; may be empty.
        kms_key: the key with which S3 encrypts the values; None for the bucket's default.
        region: the bucket's region; None for that of boto3's default session.
        max_bytes, reads: as for ``Store``; 50 MiB.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        kms_key: str | None = None,
        region: str | None = None,
        max_bytes: int = MAX_BYTES,
        reads: Sequence[Store] = (),
    ) -> None:
        if not _BUCKET.fullmatch(bucket):
            raise ValueError(f"Cannot use {bucket!r} as bucket: it is not the name of one.")
        if prefix and not _PREFIX.fullmatch(prefix):
            raise ValueError(
                f"Cannot use {prefix!r} as prefix: give letters, digits and -_.~= between slashes."
            )
        super().__init__("/".join(filter(None, (f"s3://{bucket}", prefix))), max_bytes, reads)
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._kms_key = kms_key
        self._region = region
        self._lock = threading.Lock()
        self._made: Any = None

    def policy(self, days: int) -> dict[str, Any]:
        """Return the bucket's lifecycle rule, and the IAM statement of workers and readers."""
        statements = self._statements(["s3:PutObject", "s3:GetObject"], _WRITES)
        for store in self._reads:
            if isinstance(store, S3Store):
                statements += store._statements(["s3:GetObject"], _READS)
        rule = {
            "ID": "flowy-claims",
            "Status": "Enabled",
            "Filter": {"Prefix": f"{self._prefix}v1/"},
            "Expiration": {"Days": days},
        }
        return {
            "lifecycle": {"Rules": [rule]},
            "iam": {"Version": "2012-10-17", "Statement": statements},
        }

    def _statements(self, actions: list[str], kms_actions: list[str]) -> list[dict[str, Any]]:
        resource = f"arn:aws:s3:::{self._bucket}/{self._prefix}v1/*"
        statements: list[dict[str, Any]] = [
            {"Effect": "Allow", "Action": actions, "Resource": resource}
        ]
        if self._kms_key is not None:
            statements.append({"Effect": "Allow", "Action": kms_actions, **_named(self._kms_key)})
        return statements

    def _put(self, key: str, data: bytes) -> None:
        given: dict[str, Any] = {}
        if self._kms_key is not None:
            given = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._kms_key}
        try:
            client = self._client()
            # What is there already needs no second writing; but a lifecycle rule deletes what
            # another execution has stored long ago.
            if _SHARED not in key and _knows_conditions(client):
                given["IfNoneMatch"] = "*"
            client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + key,
                Body=data,
                ContentType="application/json",
                **given,
            )
        except Exception as error:
            trouble = trouble_of(error)
            if trouble is None or trouble.status != _THERE_ALREADY:
                raise self._translated(error) from None

    def _get(self, key: str, size_bytes: int) -> bytes:
        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=self._prefix + key)
            with answer["Body"] as body:
                # Of the headers, before the body is read; a proxy may leave it out.
                found = answer.get("ContentLength", size_bytes)
                if found != size_bytes:
                    raise other_size(found, size_bytes)
                data = bytes(body.read(size_bytes + 1))
            if len(data) < size_bytes:  # botocore does not say that the connection was closed
                text = f"S3 did not send all of a value of {self.root}."
                raise UnavailableError(text, fault="IncompleteRead")
            return data
        except (ClaimError, UnavailableError):
            raise
        except Exception as error:
            raise self._translated(error) from None

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = make_client(
                    "s3",
                    region=self._region,
                    read_timeout=READ_TIMEOUT_SECONDS,
                    max_pool_connections=CONNECTIONS,
                    retries={"mode": "standard", "total_max_attempts": 2},
                )
            return self._made

    def _translated(self, error: Exception) -> ClaimError | UnavailableError:
        trouble = trouble_of(error)
        fault = type(error).__name__ if trouble is None else trouble.fault
        # Two puts of one key at once: S3 asks to repeat.
        passes = trouble is not None and (trouble.passes or trouble.status == 409)
        if passes:
            return UnavailableError(f"S3 does not answer for {self.root} ({fault}).", fault=fault)
        return ClaimError(f"S3 refuses it ({fault}).")

    def __getstate__(self) -> dict[str, Any]:
        # A worker process gets the store, and makes a client of its own.
        return {**vars(self), "_lock": None, "_made": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())


def _named(kms_key: str) -> dict[str, Any]:
    """Return how a policy names a KMS key, which S3 takes as an ARN, as an id or by an alias."""
    _, is_alias, alias = kms_key.rpartition("alias/")
    if is_alias:  # a policy that names an alias as resource allows nothing
        has_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{alias}"}}
        return {"Resource": "*", "Condition": has_alias}
    is_arn = kms_key.startswith("arn:")
    return {"Resource": kms_key if is_arn else f"arn:aws:kms:*:*:key/{kms_key}"}


def _knows_conditions(client: Any) -> bool:
    """Return whether boto3 is new enough to put only what is not there."""
    shape = client.meta.service_model.operation_model("PutObject").input_shape
    return "IfNoneMatch" in shape.members
