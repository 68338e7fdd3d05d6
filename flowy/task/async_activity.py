"""``AsyncActivity``: what authors subclass whose ``run`` is a coroutine."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NoReturn

from ..concurrency.event_loop import off_loop
from ..deprecation import deprecated
from ..exception import SuspendTask
from ..invocation import invoke_async, sealing_of, send_answer
from ..tokens import TokenStore
from .activity import Activity

if TYPE_CHECKING:
    from ..attempts import TaskHistory


class AsyncActivity(Activity):
    """The base class of activities whose ``run`` is a coroutine.

    A worker runs its coroutines on one event loop, and all other activities in threads. Arguments
    are decoded on the loop; results are encoded, and heartbeats and answers sent, in threads.

    The worker cancels ``run``, with a CancelledError at its ``await``, if a background heartbeat
    learns that the task is closed or that its cancellation was requested, or if the worker must
    stop. It cancels once for each cause, and not for a cause that ``run`` has learned of from its
    own ``await self.heartbeat()``. Clean up and let the error pass, or raise CancelTask: the worker
    sends the matching answer, as after a heartbeat that returned False. A CancelledError from any
    other cause fails the task.
    """

    async def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work, as ``Activity.run``."""
        return super().run(*args, **kwargs)

    async def heartbeat(self, details: object = None) -> bool:  # type: ignore[override]
        """Tell SWF that the task is alive, and learn whether to go on: ``Activity.heartbeat``."""
        return await off_loop(lambda: Activity.heartbeat(self, details), beats=True)

    if TYPE_CHECKING:  # at runtime Activity.hearbeat calls the method above

        @deprecated("Write heartbeat.")
        async def hearbeat(self, details: object = None) -> bool:  # type: ignore[override]
            """Call ``heartbeat``."""

    if not TYPE_CHECKING:  # type checkers see Activity.history

        async def history(self) -> TaskHistory:
            """Read what SWF's history says about this task: ``Activity.history``."""
            return await off_loop(lambda: Activity.history(self))

    async def suspend(  # type: ignore[override]
        self, store: TokenStore, note: object = None, *, timeout: float | None = None
    ) -> NoReturn:
        """Store this task in *store*, then end the run without an answer: ``Activity.suspend``."""
        beat = functools.partial(self._scheduler.heartbeat, self._token, now=True)
        told = await off_loop(beat, beats=True)
        await off_loop(lambda: self._keep(told, store, note, timeout))
        raise SuspendTask

    async def __call__(self) -> None:
        """Decode, run, encode and answer, as ``Activity.__call__``.

        Exceptions are not raised again: a SystemExit would end the loop of all other coroutines.
        """
        status, sealing = self._scheduler.status, sealing_of(self._scheduler, type(self))
        answer = await invoke_async(
            self, self._input, status, self.middleware, self.converter, sealing
        )
        await off_loop(lambda: send_answer(answer, self._scheduler, self._token, type(self)))
