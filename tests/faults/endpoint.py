"""A small SWF of the tests' own: real HTTP, faults on demand, and a record of everything.

It speaks the activity worker's side of SWF and nothing else. As at SWF, a task is started when a
poll takes it, there is no acknowledgement, and a poll whose client has gone may still take one:
such a task is *lost*. A token takes one answer; a second one draws UnknownResourceFault.

It runs in a thread of its own, or as a process of its own with ``python -m tests.faults``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from tests.patience import PATIENCE_SECONDS

from .answering import Answers
from .conditions import Conditions
from .plan import ACTIONS, Fault, Plan, Step
from .record import Call, Handed, Poll, Record, Supply, Task
from .reply import EMPTY_POLL, Reply
from .task_queue import TaskQueue
from .wire import Connection

T = TypeVar("T")

#: How long SWF holds an empty poll, in seconds.
HOLD_SECONDS = 60.0

_ACTIONS = {action.lower(): action for action in ACTIONS}
_FAULTS: dict[Fault, tuple[int, bytes]] = {
    Fault.THROTTLE: (
        400,
        b'{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded"}',
    ),
    Fault.ERROR: (500, b'{"__type":"com.amazon.coral.service#InternalFailure"}'),
    Fault.LIMIT: (
        400,
        b'{"__type":"com.amazonaws.swf.base.model#LimitExceededFault","message":"Too many polls"}',
    ),
}
#: What proxies say instead: no JSON, no UTF-8, and JSON of another shape; never a request id.
_RUBBISH = itertools.cycle(
    Reply(body, request_id=False)
    for body in (b"<html>no JSON at all", b"<html>caf\xe9", b"[1, 2, 3]")
)


class Endpoint:
    """The endpoint, in a thread of its own; use it as a context manager.

    Its methods are called from other threads. ``record`` may be read at any time.

    Args:
        hold_seconds: how long an empty poll is held.
        latency_seconds: how much later each answer is sent, as a network would.
        delay_seconds: how late ``Fault.DELAY`` lets a call be carried out.
        port: 0 takes a free one.
        certificate: a PEM file with key and certificates for 127.0.0.1: it speaks TLS by them.
        seed: of the faults' chances; None draws one. Print it.
    """

    def __init__(
        self,
        *,
        hold_seconds: float = HOLD_SECONDS,
        latency_seconds: float = 0.0,
        delay_seconds: float = 0.3,
        port: int = 0,
        certificate: str | None = None,
        seed: int | None = None,
    ) -> None:
        self.hold_seconds = hold_seconds
        self.latency_seconds = latency_seconds
        self.delay_seconds = delay_seconds
        self.port = port
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self.seed = random.randrange(2**32) if seed is None else seed
        self.plan = Plan(self.seed)
        self.record = Record()
        self._tasks = TaskQueue()
        self._answers = Answers(lambda: self.record)
        self._polls: dict[int, Poll] = {}  # in the order of their arrival
        self._poll_numbers = itertools.count()
        self._connections: set[Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._conditions = Conditions(self._loop)
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._serve, name="endpoint", daemon=True)

    # From other threads

    def __enter__(self) -> Endpoint:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._on_loop(self._leave)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to speak to it."""
        return {
            "AWS_ENDPOINT_URL_SWF": self.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def add(
        self,
        *args: object,
        name: str = "work",
        version: str = "1",
        count: int = 1,
        input: str | None = None,
        meets: Mapping[tuple[str, ...], Iterable[Step]] | None = None,
        **kwargs: object,
    ) -> list[str]:
        """Schedule *count* tasks with these arguments and return their tokens.

        Args:
            input: the wire text to send in place of ``[args, kwargs]``.
            meets: what the first calls for each of these tasks meet, by their actions.
        """
        text = json.dumps([args, kwargs]) if input is None else input
        steps = {actions: list(each) for actions, each in (meets or {}).items()}

        def add() -> list[str]:
            tasks = self._tasks.add(name, version, text, count)
            for task in tasks:
                for actions, each in steps.items():
                    self.plan.script_of_task(task.token, actions, each)
            self._hand_out()
            return [task.token for task in tasks]

        return self._on_loop(add)

    def supply(self, count: int, *, name: str = "work", version: str = "1", input: str) -> None:
        """Let the next *count* polls that find no other task take one made on the spot."""

        def fill() -> None:
            self._tasks.supply = Supply(name, version, input, count)
            self._hand_out()

        self._on_loop(fill)

    def request_cancel(self, token: str) -> None:
        """Let the next heartbeat of *token* say that its cancellation is requested."""
        self._on_loop(lambda: self._answers.cancel.add(token))

    def close(self, token: str) -> None:
        """Close the task of *token*, as one of its timeouts would."""

        def close() -> None:
            self.record.closed.add(token)
            self._conditions.changed()

        self._on_loop(close)

    def go_away(self, seconds: float) -> None:
        """Break every connection now, and refuse new ones for *seconds*."""

        def go() -> None:
            self._leave()
            self._loop.call_later(seconds, lambda: self._loop.create_task(self._listen()))

        self._on_loop(go)

    def release_polls(self) -> None:
        """Answer the polls that are held, with nothing."""

        def release() -> None:
            for number in list(self._polls):
                self._end_poll(number)

        self._on_loop(release)

    def restart_record(self) -> None:
        """Begin a new record and forget the tasks that nobody took."""

        def restart() -> None:
            self.record = Record()
            self._tasks.clear()

        self._on_loop(restart)

    @property
    def polls(self) -> list[Poll]:
        """The polls that are held, those of clients that have gone too."""
        return list(self._polls.values())

    def wait_for(
        self,
        condition: Callable[[Endpoint], object],
        timeout: float = PATIENCE_SECONDS,
        what: str = "",
    ) -> None:
        """Wait until *condition* holds.

        It is looked at, in the endpoint's thread, after whatever happens here, and every now
        and then for what happens elsewhere; it must be quick.

        Raises:
            AssertionError: it does not hold after *timeout* seconds; the text tells the record.
        """
        seen = threading.Event()
        self._on_loop(lambda: self._conditions.add(lambda: condition(self), seen))
        if not seen.wait(timeout):
            self._on_loop(lambda: self._conditions.forget(seen))
            raise AssertionError(
                f"Not within {timeout} s{': ' + what if what else ''}. {self.told()}"
            )

    def told(self) -> str:
        """Return the record in a few words, for an assertion's text."""
        record = self.record
        return (
            f"calls {dict(record.calls)}, handed out {len(record.handed)}, lost "
            f"{len(record.lost)}, answered {dict(record.outcomes())}, refused "
            f"{len(record.refused)}, open {sorted(record.open)[:5]}, polls out "
            f"{len(self._polls)}, seed {self.seed}"
        )

    # In the endpoint's own thread, from here on

    def _on_loop(self, call: Callable[[], T]) -> T:
        async def run() -> T:
            return call()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(30)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(
            lambda: Connection(self._receive, self._connections.add, self._connections.discard),
            "127.0.0.1",
            self.port,
            backlog=2048,
            ssl=self._tls,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def _leave(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for poll in self._polls.values():
            if poll.timer is not None:
                poll.timer.cancel()
        self._polls.clear()
        for connection in list(self._connections):
            connection.abort()

    def _receive(self, connection: Connection, action: str, body: bytes, attempt: int) -> None:
        known = _ACTIONS.get(action)
        record = self.record
        record.requests += 1
        if known is None:
            record.unknown.append(action)
            connection.answer(404, b'{"__type":"UnknownOperationException"}')
            return
        record.calls[known] += 1
        if attempt > 1:
            record.repeated[known] += 1
        token = json.loads(body).get("taskToken", "") if self.plan.is_by_task else ""
        fault = self.plan.next(known, token)
        if fault is Fault.BREAK_BEFORE:
            connection.abort()
        elif isinstance(fault, Reply) and not fault.carried_out:
            self._reply(connection, known, fault)
        elif isinstance(fault, Fault) and fault in _FAULTS:
            self._send(connection, *_FAULTS[fault])
        elif fault is Fault.DELAY:
            self._loop.call_later(self.delay_seconds, self._act, connection, known, body, None)
        else:
            self._act(connection, known, body, fault)
        if self._conditions.awaited:
            self._conditions.changed()

    def _act(self, connection: Connection, action: str, body: bytes, fault: Step) -> None:
        said = json.loads(body)
        if action == "PollForActivityTask":
            self._take_poll(connection, said, fault)
            return
        status, text = self._answers.to(Call(action, said, connection.number))
        if self._conditions.awaited:
            self._conditions.changed()
        if fault is Fault.BREAK_AFTER:
            connection.abort()
        elif (reply := _in_place(fault)) is not None:
            self._reply(connection, action, reply.saying(text))
        else:
            self._send(connection, status, text)

    def _reply(self, connection: Connection, action: str, reply: Reply) -> None:
        self.record.replied.append((action, connection.number))
        if self.latency_seconds:
            self._loop.call_later(self.latency_seconds, connection.reply, reply)
        else:
            connection.reply(reply)

    def _send(self, connection: Connection, status: int, body: bytes) -> None:
        if self.latency_seconds:
            self._loop.call_later(self.latency_seconds, connection.answer, status, body)
        else:
            connection.answer(status, body)

    # Polls

    def _take_poll(self, connection: Connection, said: Mapping[str, Any], fault: Step) -> None:
        poll = Poll(connection, said.get("identity", ""), time.monotonic(), fault)
        self.record.identities.add(poll.identity)
        if not self._polls and (task := self._tasks.take()) is not None:
            self._hand(poll, task)
            return
        number = next(self._poll_numbers)
        self._polls[number] = poll
        poll.timer = self._loop.call_later(self.hold_seconds, self._end_poll, number)
        self.record.polls_peak = max(self.record.polls_peak, len(self._polls))
        self._hand_out()

    def _end_poll(self, number: int) -> None:
        poll = self._polls.pop(number, None)
        if poll is None:
            return
        if poll.timer is not None:
            poll.timer.cancel()
        self.record.polls_empty += 1
        if poll.fault is Fault.BREAK_AFTER:
            poll.connection.abort()
        elif (reply := _in_place(poll.fault)) is not None:
            self._reply(poll.connection, "PollForActivityTask", reply.saying(EMPTY_POLL))
        else:
            self._send(poll.connection, 200, EMPTY_POLL)
        self._conditions.changed()

    def _hand_out(self) -> None:
        while self._polls and (task := self._tasks.take()) is not None:
            number = next(iter(self._polls))
            poll = self._polls.pop(number)
            if poll.timer is not None:
                poll.timer.cancel()
            self._hand(poll, task)

    def _hand(self, poll: Poll, task: Task) -> None:
        # Started is started, however long the way back.
        handed = Handed(task, poll.identity, poll.connection.number, time.monotonic())
        self.record.handed[task.token] = handed
        if self.latency_seconds:
            self._loop.call_later(self.latency_seconds, self._deliver, poll, handed)
        else:
            self._deliver(poll, handed)

    def _deliver(self, poll: Poll, handed: Handed) -> None:
        task = handed.task
        if poll.fault is Fault.BREAK_AFTER:
            poll.connection.abort()
            self.record.lost[task.token] = handed
        elif (reply := _in_place(poll.fault)) is not None:
            self.record.replied.append(("PollForActivityTask", poll.connection.number))
            poll.connection.reply(reply.saying(task.answer()))
            self.record.lost[task.token] = handed
        elif poll.connection.answer(200, task.answer()):
            handed.delivered_at = time.monotonic()
        else:
            self.record.lost[task.token] = handed
        if self._conditions.awaited:
            self._conditions.changed()


def _in_place(fault: Step) -> Reply | None:
    """Return what is sent in place of the answer of a call that was carried out."""
    if fault is Fault.RUBBISH:
        return next(_RUBBISH)
    return fault if isinstance(fault, Reply) else None
