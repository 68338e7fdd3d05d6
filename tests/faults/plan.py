"""Which call meets which fault: by seeded chance, by script, or both."""

from __future__ import annotations

import enum
import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping


class Fault(enum.Enum):
    """What can happen to a call."""

    THROTTLE = "400 ThrottlingException; nothing was done"
    ERROR = "500; nothing was done"
    LIMIT = "400 LimitExceededFault; nothing was done"
    BREAK_BEFORE = "the connection breaks; nothing was done"
    BREAK_AFTER = "the connection breaks after the call was carried out"
    DELAY = "the call is carried out late"
    RUBBISH = "the call is carried out; the answer is 200 with a body that is no JSON"


#: The actions of one kind, as a test names them.
POLLS = ("PollForActivityTask",)
HEARTBEATS = ("RecordActivityTaskHeartbeat",)
ANSWERS = (
    "RespondActivityTaskCompleted",
    "RespondActivityTaskFailed",
    "RespondActivityTaskCanceled",
)
REGISTRATION = ("RegisterActivityType", "DescribeActivityType")
#: All the actions there are.
ACTIONS = (*POLLS, *HEARTBEATS, *ANSWERS, *REGISTRATION)


class Plan:
    """Chooses the fault for each call; a script goes before chance.

    Args:
        seed: makes the choice repeatable, as far as the calls come in the same order.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._rates: dict[str, list[tuple[Fault, float]]] = {}
        self._scripts: dict[str, deque[Fault | None]] = {}
        #: How often each fault struck each action.
        self.struck: Counter[tuple[str, Fault]] = Counter()

    def rates(self, actions: Iterable[str], rates: Mapping[Fault, float]) -> None:
        """Let each of *actions* meet each fault with its probability; ``{}`` ends it."""
        if sum(rates.values()) > 1:
            raise ValueError(f"These probabilities sum to more than 1: {rates}.")
        for action in _known(actions):
            self._rates[action] = list(rates.items())

    def script(self, actions: Iterable[str], faults: Iterable[Fault | None]) -> None:
        """Let the next calls of *actions*, taken together, meet *faults* in turn; None: none."""
        steps = deque(faults)
        for action in _known(actions):
            self._scripts[action] = steps

    def next(self, action: str) -> Fault | None:
        """Return the fault that the next call of *action* meets, None for none."""
        if script := self._scripts.get(action):
            fault = script.popleft()
        else:
            fault = self._draw(action) if self._rates else None
        if fault is not None:
            self.struck[action, fault] += 1
        return fault

    def _draw(self, action: str) -> Fault | None:
        rates = self._rates.get(action)
        if not rates:
            return None
        mark = self._random.random()
        for fault, rate in rates:
            mark -= rate
            if mark < 0:
                return fault
        return None


def _known(actions: Iterable[str]) -> list[str]:
    actions = list(actions)
    if unknown := set(actions) - set(ACTIONS):
        raise ValueError(f"No such actions: {unknown}; there are {ACTIONS}.")
    return actions
