"""Signed handles: a short text for a link in a mail, good for one deed to one task.

A handle names a row of the store and never holds the token. Its text is

    <task id>.<verbs>.<good until>.<its own id>.<signature>

readable by whoever holds it, changeable by nobody without the key: the signature is
HMAC-SHA256 over all before it. That it was used is recorded in the store, since a signature
cannot know. Until the signature is found right, a refusal says nothing but that it is wrong.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..exception import (
    ExpiredHandleError,
    ForeignHandleError,
    ForgedHandleError,
    UsedHandleError,
)
from .store import SuspendedTask, TokenStore

#: What a handle may let its holder do.
VERBS = ("complete", "fail", "cancel")

#: The least length of a key, in bytes: that of the digest (RFC 2104, section 3).
LEAST_KEY_BYTES = 32

#: Where the key is looked for by default.
KEY_VARIABLE = "FLOWY_HANDLE_KEY"

#: Signed with the rest, so that what the same key signs elsewhere is no handle.
_PURPOSE = b"flowy.tokens.handles 1\n"

#: No execution of SWF lives longer than a year, and no handle needs to, in seconds.
LONGEST_LIFETIME_SECONDS = 366 * 86_400

_TASK_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_FORM = re.compile(rf"({_TASK_ID.pattern})\.([a-z-]{{1,32}})\.([0-9]{{1,12}})\.([0-9a-f]{{32}})")


@dataclass(frozen=True)
class Grant:
    """What a genuine handle that is neither expired nor used grants.

    Attributes:
        task: the task it names, open or closed by now.
        verbs: what may be done to it, of ``complete``, ``fail`` and ``cancel``.
        expires_at: until when, in seconds since the epoch.
        id: the handle's own id, which the store records as used.
    """

    task: SuspendedTask
    verbs: frozenset[str]
    expires_at: int
    id: str


class Handles:
    """Makes and honours handles for the tasks of a store.

    Args:
        store: where the tasks are kept, and where use is recorded.
        key: at least 32 bytes that nobody can guess; all processes that make and take handles
            share it.
        old_keys: keys whose handles are still honoured, after a change of *key*.
        clock: the wall clock, in seconds since the epoch.

    Raises:
        ValueError: a key is too short.
    """

    def __init__(
        self,
        store: TokenStore,
        key: bytes,
        *,
        old_keys: Sequence[bytes] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._keys = [_long_enough(each) for each in (key, *old_keys)]
        self._clock = clock

    def make(self, task: SuspendedTask, *verbs: str, lifetime: float) -> str:
        """Return a handle that lets its holder do one of *verbs* to *task*, once.

        Args:
            task: a task of the store.
            verbs: one or more of ``"complete"``, ``"fail"``, ``"cancel"``.
            lifetime: how long it is good, in seconds, over 0 and at most 366 days.

        Returns:
            About 120 characters, safe in a URL.

        Raises:
            ValueError: there is no such verb, or no verb; the lifetime is not over 0, or longer
                than a year, when SWF has closed every execution; or the task's id, which a store
                of your own may have given it, is not 1 to 64 letters, digits, ``_`` and ``-``.
        """
        unknown = set(verbs) - set(VERBS)
        if unknown or not verbs:
            raise ValueError(
                f"Cannot make a handle for {sorted(unknown) or 'no verb'}: give one or more of "
                f"{', '.join(VERBS)}."
            )
        if not 0 < lifetime <= LONGEST_LIFETIME_SECONDS:
            raise ValueError(
                f"Cannot make a handle good for {lifetime!r}: give seconds, over 0 and at most "
                f"{LONGEST_LIFETIME_SECONDS:,}."
            )
        if _TASK_ID.fullmatch(task.id) is None:
            raise ValueError(
                f"Cannot make a handle for the task id {task.id!r}: give 1 to 64 ASCII letters, "
                "digits, _ and -."
            )
        expires_at = math.ceil(self._clock() + lifetime)  # whole seconds, and never too few
        named = "-".join(verb for verb in VERBS if verb in verbs)
        said = f"{task.id}.{named}.{expires_at}.{secrets.token_hex(16)}"
        return f"{said}.{_signature(self._keys[0], said)}"

    def look(self, handle: str) -> Grant:
        """Return what *handle* grants, without using it: for the page that asks "sure?".

        Whether it was used is not looked at: ``use`` alone can tell for certain.

        Raises:
            ForgedHandleError: it was not signed with this key, or is no handle.
            ExpiredHandleError: it is too late.
            ForeignHandleError: this store does not have the task it names.
        """
        said, _, signature = handle.rpartition(".")
        # Every key is tried, whichever fits: how long it takes says nothing of the signature.
        genuine = [
            hmac.compare_digest(_signature(key, said), _ascii(signature)) for key in self._keys
        ]
        form = _FORM.fullmatch(said)
        if not any(genuine) or form is None:
            raise ForgedHandleError("Cannot use this handle: it is not one of ours.")
        task_id, verbs, expires_at, handle_id = form.groups()
        if self._clock() >= int(expires_at):
            raise ExpiredHandleError("Cannot use this handle: it has expired. Ask for a new one.")
        task = self._store.get(task_id)
        if task is None:
            raise ForeignHandleError(
                "Cannot use this handle: the task it is for is not, or no longer, in this store."
            )
        return Grant(task, frozenset(verbs.split("-")), int(expires_at), handle_id)

    @contextmanager
    def use(self, handle: str, verb: str) -> Iterator[SuspendedTask]:
        """Use *handle* up, and yield the task to which the block does *verb*.

        That it is used is recorded before the block runs, so that of two holders one gets here.
        Where the block raises, the deed was not done, as far as is known, and the handle is good
        again; where the process dies in it, the handle stays used.

        Raises:
            ForgedHandleError, ExpiredHandleError: as ``look``.
            ForeignHandleError: as ``look``, or it does not grant *verb*.
            UsedHandleError: it was used before.
        """
        grant = self.look(handle)
        if verb not in grant.verbs:
            raise ForeignHandleError(f"Cannot use this handle to {verb}: it does not grant that.")
        if not self._store.use_handle(grant.id, grant.task.id):
            raise UsedHandleError("Cannot use this handle: it was used already.")
        try:
            yield grant.task
        except BaseException:
            self._store.return_handle(grant.id)
            raise


def key_from_environment(
    name: str = KEY_VARIABLE, environment: Mapping[str, str] | None = None
) -> bytes:
    """Return the key that an environment variable holds, as text of 32 bytes or more.

    Args:
        name: the variable; make its value with ``python -c "import secrets;
            print(secrets.token_hex(32))"``.
        environment: None for the process's own.

    Raises:
        ValueError: it is not set, or too short.
    """
    text = (os.environ if environment is None else environment).get(name)
    if text is None:
        raise ValueError(f"Cannot sign handles: {name} is not set. {_HOW_TO_MAKE}")
    return _long_enough(os.fsencode(text.strip()))


def key_from_file(path: str | os.PathLike[str]) -> bytes:
    """Return the key that a file holds, without white space at its ends.

    Raises:
        ValueError: it is too short, or others than its owner may read the file.
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise ValueError(
                f"Cannot use the key in {path}: others may read the file (its mode is {mode:o}). "
                f"Make a new key, and chmod 600 {path}."
            )
        return _long_enough(file.read().strip())


_HOW_TO_MAKE = 'Make one with: python -c "import secrets; print(secrets.token_hex(32))"'


def _long_enough(key: bytes) -> bytes:
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(
            f"Cannot sign handles with a key of {len(key)} bytes: {LEAST_KEY_BYTES} is the least. "
            f"{_HOW_TO_MAKE}"
        )
    return key


def _signature(key: bytes, said: str) -> str:
    digest = hmac.new(key, _PURPOSE + said.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _ascii(text: str) -> str:
    # compare_digest takes text of ASCII alone; what is longer than any signature is cut.
    return text[:64].encode("ascii", "replace").decode("ascii")
