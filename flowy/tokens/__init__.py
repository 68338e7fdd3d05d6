"""Suspended tasks: what is kept of them, where, and who may end them.

SWF knows a task by its token alone, people know it by its workflow and its activity id, and who
loses the token has lost the task until a timeout. A store keeps both together:
``Activity.suspend`` fills it, ``Finisher`` answers from it, ``flowy.swf.keeper`` beats for what is
in it, and ``handles`` lets a link in a mail stand for one row of it.

The store that comes with Flowy is ``flowy.tokens.sqlite``.
"""

from __future__ import annotations

from .finisher import Finisher
from .handles import Grant, Handles, key_from_environment, key_from_file
from .store import SuspendedTask, TaskState, TokenStore

__all__ = [
    "Finisher",
    "Grant",
    "Handles",
    "SuspendedTask",
    "TaskState",
    "TokenStore",
    "key_from_environment",
    "key_from_file",
]
