"""SuspendTask, HandOverTask and CancelTask, also inside an exception group.

An ``asyncio.TaskGroup`` puts whatever its tasks raise into a group.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..exception import CancelTask, HandOverTask, SuspendTask


def steering_of(error: BaseException) -> BaseException:
    """Return the steering exception if *error* is a group of one kind of them; else *error*."""
    leaves = list(_leaves(error))
    for kind in (SuspendTask, HandOverTask, CancelTask):
        if all(isinstance(leaf, kind) for leaf in leaves):
            return leaves[0]
    return error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions in a group and its subgroups, or *error* if it is not a group."""
    inner = getattr(error, "exceptions", None)  # Python 3.10 has no groups
    if not isinstance(inner, tuple) or not inner:
        yield error
        return
    for each in inner:
        yield from _leaves(each)
