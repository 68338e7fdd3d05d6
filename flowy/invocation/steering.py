"""SuspendTask, HandOverTask and CancelTask, also inside an exception group.

An ``asyncio.TaskGroup`` puts whatever its tasks raise into a group.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..exception import CancelTask, HandOverTask, SuspendTask
from .failure import members_of


def steering_of(error: BaseException) -> BaseException:
    """Return the steering exception if *error* is a group of one kind of them; else *error*."""
    leaves = list(_leaves(error))
    for kind in (SuspendTask, HandOverTask, CancelTask):
        if all(isinstance(leaf, kind) for leaf in leaves):
            return leaves[0]
    return error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions in a group and its subgroups, or *error* if it is not a group."""
    waiting = [error]
    while waiting:
        each = waiting.pop()
        members = members_of(each)
        if members:
            waiting.extend(reversed(members))
        else:
            yield each
