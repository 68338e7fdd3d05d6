"""Suspended tasks: what is known about them, where they are kept, and who may end them.

SWF identifies a task by its token, people by its workflow id and activity id. A task whose token is
lost stays open until a timeout fires. A store keeps all of these: ``Activity.suspend`` puts a task
into it, ``Finisher`` answers for a task in it, the keeper (``flowy.swf.suspended``) sends the
heartbeats, and ``Handles`` makes texts for links in emails, each of which stands for one task.

The store that comes with Flowy is ``flowy.tokens.sqlite``.
"""

from __future__ import annotations

from .finisher import Finisher
from .handles import Grant, Handles
from .keys import key_from_environment, key_from_file
from .store import TokenStore
from .suspended_task import SuspendedTask

__all__ = [
    "Finisher",
    "Grant",
    "Handles",
    "SuspendedTask",
    "TokenStore",
    "key_from_environment",
    "key_from_file",
]
