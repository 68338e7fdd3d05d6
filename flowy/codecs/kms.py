"""Encryption by AWS KMS, through the AWS Encryption SDK, with data keys that are kept a while.

KMS takes some 50 ms and bills each call, so one data key encrypts many values. What is written is a
message of the AWS Encryption SDK, which its libraries for Java, JavaScript and .NET read.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..aws import Trouble, make_client, trouble_of
from ..exception import CodecError, UnavailableError
from .codec import Codec

try:
    import aws_encryption_sdk as sdk
    from aws_encryption_sdk.caches.local import LocalCryptoMaterialsCache
    from aws_encryption_sdk.identifiers import Algorithm, CommitmentPolicy
    from aws_encryption_sdk.key_providers.kms import KMSMasterKey, KMSMasterKeyConfig
    from aws_encryption_sdk.materials_managers.caching import CachingCryptoMaterialsManager
except ImportError as error:
    raise ImportError(
        "Cannot import flowy.codecs.kms: aws-encryption-sdk is not installed. Install Flowy's "
        "extra kms.",
        name="aws_encryption_sdk",
    ) from error

#: How long a call to KMS may wait for bytes, in seconds. Short, because heartbeats wait for it.
READ_TIMEOUT_SECONDS = 5

#: How many data keys are kept at most.
DATA_KEYS_KEPT = 1_000

_ARN = re.compile(r"arn:[\w-]+:kms:([\w-]+):\d{12}:key/[\w-]+")


class KMSCodec(Codec):
    """Encrypts with data keys of the first KMS key, and decrypts with those of all.

    It asks KMS for a new data key when the last one is too old or used up, and to decrypt each data
    key that another process made. Encrypting needs ``kms:GenerateDataKey``, decrypting
    ``kms:Decrypt``.

    Args:
        keys: the ARNs of the KMS keys, ``arn:aws:kms:REGION:ACCOUNT:key/ID``: no aliases, because
            a message names its key by the ARN.
        domain: a text, usually the SWF domain, to which values are bound: values that were
            encrypted with another text are refused. None binds values to nothing.
        max_age: how long a data key is used, in seconds.
        max_messages: how many values a data key encrypts.

    Raises:
        ValueError: no key is given, or one is not an ARN.
    """

    name = "kms"
    encrypts = True

    def __init__(
        self,
        keys: Sequence[str],
        *,
        domain: str | None = None,
        max_age: float = 300.0,
        max_messages: int = 10_000,
    ) -> None:
        if isinstance(keys, str) or not keys:
            raise ValueError("Cannot use this as keys: give a list of KMS key ARNs, one or more.")
        for key in keys:
            if not _ARN.fullmatch(key):
                raise ValueError(
                    f"Cannot use {key!r} as KMS key: give arn:aws:kms:REGION:ACCOUNT:key/ID."
                )
        self._context = {"flowy": "codec/1", **({} if domain is None else {"domain": domain})}
        self._sdk = sdk.EncryptionSDKClient(
            commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
            max_encrypted_data_keys=1,  # a hostile message could ask KMS for thousands
        )
        self._limits = {"max_age": float(max_age), "max_messages_encrypted": max_messages}
        self._first = keys[0]
        self._keys = tuple(keys)
        self._lock = threading.Lock()
        self._managers: dict[str, CachingCryptoMaterialsManager] = {}

    @property
    def key_id(self) -> str:
        """The ARN of the first key."""
        return self._first

    def encode(self, data: bytes) -> bytes:
        """Return the encrypted *data*."""
        message, _header = self._called(
            self._first,
            "encrypt",
            lambda manager: self._sdk.encrypt(
                source=data,
                materials_manager=manager,
                encryption_context=self._context,
                # Without signatures, which would take longer and add 100 bytes to each value.
                algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
            ),
        )
        return bytes(message)

    def decode(self, data: bytes, key_id: str | None, max_bytes: int) -> bytes:
        """Return the decrypted *data*."""
        if key_id not in self._keys:
            raise CodecError(f"its key is {key_id!r}; this codec has {', '.join(self._keys)}.")
        value, context = self._called(key_id, "decrypt", lambda manager: self._read(data, manager))
        if any(context.get(name) != said for name, said in self._context.items()):
            raise CodecError("it was encrypted for another domain.")
        return bytes(value)

    def _read(self, data: bytes, manager: Any) -> tuple[bytes, dict[str, str]]:
        stream = self._sdk.stream(mode="decrypt", source=data, materials_manager=manager)
        try:
            return stream.read(), stream.header.encryption_context
        finally:
            if not hasattr(stream, "footer"):  # its close() would raise, again and again
                stream.footer = None
            stream.close()

    def _called(self, key: str, verb: str, call: Callable[[Any], Any]) -> Any:
        _noted.trouble = None
        try:
            return call(self._manager(key))
        except Exception as error:
            # The library hides what its client raised, so the master key has noted it.
            trouble: Trouble | None = _noted.trouble or trouble_of(error)
            if trouble is None:
                raise CodecError(f"it is not what key {key} has encrypted.") from None
            text = f"KMS does not {verb} with key {key} ({trouble.fault})."
            if trouble.passes:
                raise UnavailableError(text, fault=trouble.fault) from None
            raise CodecError(text) from None

    def _manager(self, key: str) -> CachingCryptoMaterialsManager:
        with self._lock:
            if key not in self._managers:
                logging.getLogger(KMSMasterKey.__module__).addFilter(_told_by_us)
                client = make_client(
                    "kms",
                    region=key.split(":")[3],
                    read_timeout=READ_TIMEOUT_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": 1},  # the caller repeats
                )
                master = _NotingMasterKey(config=KMSMasterKeyConfig(key_id=key, client=client))
                self._managers[key] = CachingCryptoMaterialsManager(
                    master_key_provider=master,
                    cache=LocalCryptoMaterialsCache(DATA_KEYS_KEPT),
                    **self._limits,
                )
            return self._managers[key]


#: Of this thread: ``trouble`` is why its last call to KMS failed, ``calls`` whether it makes one.
_noted = threading.local()


class _NotingMasterKey(KMSMasterKey):  # type: ignore[misc]
    """Notes why a call to KMS failed."""

    def _generate_data_key(self, *args: Any, **kwargs: Any) -> Any:
        return _noting(super()._generate_data_key, args, kwargs)

    def _decrypt_data_key(self, *args: Any, **kwargs: Any) -> Any:
        return _noting(super()._decrypt_data_key, args, kwargs)


def _noting(call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    _noted.calls = True
    try:
        return call(*args, **kwargs)
    except Exception as error:
        cause = error.__cause__ or error.__context__
        _noted.trouble = trouble_of(error) or (None if cause is None else trouble_of(cause))
        raise
    finally:
        _noted.calls = False


class _ToldByUs(logging.Filter):
    """Drops the library's ERROR lines, with tracebacks, for calls of ours: they may be repeated."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is of another user's call."""
        return not getattr(_noted, "calls", False)


_told_by_us = _ToldByUs()
