"""What an activity raises to steer: SuspendTask and CancelTask, also alone in a group.

An ``asyncio.TaskGroup`` raises whatever its tasks raise as a group.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..exception import CancelTask, SuspendTask


def steering_of(error: BaseException) -> BaseException:
    """Return the SuspendTask or CancelTask of which alone a group consists; else *error* itself."""
    leaves = list(_leaves(error))
    for kind in (SuspendTask, CancelTask):
        if all(isinstance(leaf, kind) for leaf in leaves):
            return leaves[0]
    return error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions in a group and in the groups in it; else *error* itself."""
    inner = getattr(error, "exceptions", None)  # Python 3.10 has no groups
    if not isinstance(inner, tuple) or not inner:
        yield error
        return
    for each in inner:
        yield from _leaves(each)
