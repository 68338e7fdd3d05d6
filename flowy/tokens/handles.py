"""Signed handles: short texts for links in emails; each can end one task, once.

A handle names a task by its id in the store and never contains the token. Its text is

    <task id>.<verbs>.<expiry>.<its own id>.<signature>

which everybody can read. Only whoever has the key can change it, because the signature is the
HMAC-SHA256 of all that comes before. A signature cannot show whether a handle was used, so the
store records that. The error for a wrong signature tells nothing about the rest of the handle.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..exception import (
    ExpiredHandleError,
    ForeignHandleError,
    ForgedHandleError,
    UsedHandleError,
)
from .keys import checked_key
from .store import TokenStore
from .suspended_task import SuspendedTask

#: The verbs that a handle can allow.
VERBS = ("complete", "fail", "cancel")

#: The longest lifetime of a handle, in seconds: SWF closes every execution after a year.
LONGEST_LIFETIME_SECONDS = 366 * 86_400

#: Signed with each handle, so that other texts signed with the same key are not handles.
_PURPOSE = b"flowy.tokens.handles 1\n"

_TASK_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_FORM = re.compile(rf"({_TASK_ID.pattern})\.([a-z-]{{1,32}})\.([0-9]{{1,12}})\.([0-9a-f]{{32}})")


@dataclass(frozen=True)
class Grant:
    """What a valid handle allows.

    Attributes:
        task: the task it names, as the store has it now, open or closed.
        verbs: the allowed actions: some of ``complete``, ``fail`` and ``cancel``.
        expires_at: when it expires, in seconds since the epoch.
        id: the handle's own id; the store records its use under this id.
    """

    task: SuspendedTask
    verbs: frozenset[str]
    expires_at: int
    id: str


class Handles:
    """Makes and accepts handles for the tasks of a store.

    Args:
        store: has the tasks, and records the use of handles.
        key: at least 32 random bytes, the same in all processes that make or accept handles.
        old_keys: former keys; their handles are still accepted.
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
        self._keys = [checked_key(each) for each in (key, *old_keys)]
        self._clock = clock

    def make(self, task: SuspendedTask, *verbs: str, lifetime: float) -> str:
        """Return a handle: whoever has it may do one of *verbs* to *task*, once.

        Args:
            task: a task of the store.
            verbs: one or more of ``"complete"``, ``"fail"``, ``"cancel"``.
            lifetime: seconds until it expires, over 0 and at most 366 days.

        Returns:
            About 120 characters, safe in a URL.

        Raises:
            ValueError: a verb is unknown, or none is given; the lifetime is out of range; or your
                own store uses task ids other than 1 to 64 letters, digits, ``_`` and ``-``.
        """
        _check(task, verbs, lifetime)
        expires_at = math.ceil(self._clock() + lifetime)  # whole seconds, rounded up
        named = "-".join(verb for verb in VERBS if verb in verbs)
        said = f"{task.id}.{named}.{expires_at}.{secrets.token_hex(16)}"
        return f"{said}.{_signature(self._keys[0], said)}"

    def look(self, handle: str) -> Grant:
        """Return what *handle* allows, without using it, for the page that asks "sure?".

        ``look`` cannot tell whether the handle was used; ``use`` can.

        Raises:
            ForgedHandleError: it was not signed with this key, or is not a handle.
            ExpiredHandleError: it has expired.
            ForeignHandleError: the task it names is not in this store.
        """
        said, _, signature = handle.rpartition(".")
        # All keys are tried, so that the time this takes does not help a forger.
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
                "Cannot use this handle: its task is not, or no longer, in this store."
            )
        return Grant(task, frozenset(verbs.split("-")), int(expires_at), handle_id)

    @contextmanager
    def use(self, handle: str, verb: str) -> Iterator[SuspendedTask]:
        """Use *handle* up, and yield the task, for the block to do *verb* to it.

        The use is recorded before the block runs, so that only one of two simultaneous uses gets
        the task. If the block raises, the handle may be used again. If the process dies in the
        block, the handle stays used.

        Raises:
            ForgedHandleError, ExpiredHandleError: as for ``look``.
            ForeignHandleError: as for ``look``; or it does not allow *verb*.
            UsedHandleError: it was used before.
        """
        grant = self.look(handle)
        if verb not in grant.verbs:
            raise ForeignHandleError(
                f"Cannot use this handle to {verb}: the handle does not allow that."
            )
        if not self._store.use_handle(grant.id, grant.task.id):
            raise UsedHandleError("Cannot use this handle: it was used already.")
        try:
            yield grant.task
        except BaseException:
            self._store.return_handle(grant.id)
            raise


def _check(task: SuspendedTask, verbs: Sequence[str], lifetime: float) -> None:
    unknown = set(verbs) - set(VERBS)
    if unknown or not verbs:
        raise ValueError(
            f"Cannot make a handle for {sorted(unknown) or 'no verb'}: give one or more of "
            f"{', '.join(VERBS)}."
        )
    if not 0 < lifetime <= LONGEST_LIFETIME_SECONDS:
        raise ValueError(
            f"Cannot make a handle with a lifetime of {lifetime!r}: give seconds, over 0 and at "
            f"most {LONGEST_LIFETIME_SECONDS:,}."
        )
    if _TASK_ID.fullmatch(task.id) is None:
        raise ValueError(
            f"Cannot make a handle for the task id {task.id!r}: give 1 to 64 ASCII letters, "
            "digits, _ and -."
        )


def _signature(key: bytes, said: str) -> str:
    digest = hmac.new(key, _PURPOSE + said.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _ascii(text: str) -> str:
    # compare_digest accepts only ASCII text. Signatures are shorter than 64 characters.
    return text[:64].encode("ascii", "replace").decode("ascii")
