"""Signed handles: short texts for links in mails, each of which ends one task, once.

A handle names a task by its id in the store and never contains the token. Its text is

    <task id>.<verbs>.<expiry>.<its own id>.<signature>

which anybody can read, and nobody without the key can change: the signature is HMAC-SHA256 over all
that comes before it. A signature cannot tell whether a handle was used, so the store records that.
A handle whose signature is wrong is refused without a word about the rest.
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

#: What a handle may allow.
VERBS = ("complete", "fail", "cancel")

#: The longest lifetime of a handle, in seconds: no execution of SWF stays open for longer than a
#: year.
LONGEST_LIFETIME_SECONDS = 366 * 86_400

#: Signed with each handle, so that nothing else that the same key signs is a handle.
_PURPOSE = b"flowy.tokens.handles 1\n"

_TASK_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_FORM = re.compile(rf"({_TASK_ID.pattern})\.([a-z-]{{1,32}})\.([0-9]{{1,12}})\.([0-9a-f]{{32}})")


@dataclass(frozen=True)
class Grant:
    """What a handle allows that is genuine and has not expired.

    Attributes:
        task: the task it names, as the store knows it now, open or closed.
        verbs: what may be done to the task: some of ``complete``, ``fail`` and ``cancel``.
        expires_at: when it expires, in seconds since the epoch.
        id: the handle's own id, by which the store records its use.
    """

    task: SuspendedTask
    verbs: frozenset[str]
    expires_at: int
    id: str


class Handles:
    """Makes and accepts handles for the tasks of a store.

    Args:
        store: where the tasks are kept and the use of handles is recorded.
        key: at least 32 bytes that nobody can guess, the same in all processes that make or
            accept handles.
        old_keys: keys whose handles are still accepted, after a change of *key*.
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
        """Return a handle with which anybody can do one of *verbs* to *task*, once.

        Args:
            task: a task of the store.
            verbs: one or more of ``"complete"``, ``"fail"``, ``"cancel"``.
            lifetime: when it expires, in seconds from now, over 0 and at most 366 days.

        Returns:
            About 120 characters, safe in a URL.

        Raises:
            ValueError: an unknown verb, or none; a lifetime out of range; or a task id that is not
                1 to 64 letters, digits, ``_`` and ``-``, from a store of your own.
        """
        _check(task, verbs, lifetime)
        expires_at = math.ceil(self._clock() + lifetime)  # in whole seconds, never too early
        named = "-".join(verb for verb in VERBS if verb in verbs)
        said = f"{task.id}.{named}.{expires_at}.{secrets.token_hex(16)}"
        return f"{said}.{_signature(self._keys[0], said)}"

    def look(self, handle: str) -> Grant:
        """Return what *handle* allows, without using it, for the page that asks "sure?".

        ``look`` does not tell whether the handle was used: only ``use`` can know that.

        Raises:
            ForgedHandleError: it was not signed with this key, or is not a handle at all.
            ExpiredHandleError: it has expired.
            ForeignHandleError: the task it names is not in this store.
        """
        said, _, signature = handle.rpartition(".")
        # All keys are tried, whichever fits, so that the time this takes tells a forger nothing.
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
        """Use *handle* up, and yield the task, to which the block does *verb*.

        Its use is recorded before the block runs, so that of two who use it at once one gets the
        task. If the block raises, the handle is good again. If the process dies in the block, the
        handle stays used.

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
    # compare_digest takes only ASCII text. No signature is longer than 64 characters.
    return text[:64].encode("ascii", "replace").decode("ascii")
