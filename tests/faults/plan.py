"""Which call meets which fault: by seeded chance, by script, or both."""

from __future__ import annotations

import enum
import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping

from .reply import Reply


class Fault(enum.Enum):
    """What can happen to a call."""

    THROTTLE = "400 ThrottlingException; nothing was done"
    ERROR = "500; nothing was done"
    LIMIT = "400 LimitExceededFault; nothing was done"
    BREAK_BEFORE = "the connection breaks; nothing was done"
    BREAK_AFTER = "the connection breaks after the call was carried out"
    DELAY = "the call is carried out late"
    RUBBISH = "the call is carried out; the answer is a proxy's: 200, no request id, no JSON"


#: The actions of one kind, as a test names them.
POLLS: tuple[str, ...] = ("PollForActivityTask",)
HEARTBEATS: tuple[str, ...] = ("RecordActivityTaskHeartbeat",)
ANSWERS: tuple[str, ...] = (
    "RespondActivityTaskCompleted",
    "RespondActivityTaskFailed",
    "RespondActivityTaskCanceled",
)
REGISTRATION: tuple[str, ...] = ("RegisterActivityType", "DescribeActivityType")
#: All the actions there are.
ACTIONS = (*POLLS, *HEARTBEATS, *ANSWERS, *REGISTRATION)


#: What a script lets a call meet: a fault, an answer in place of SWF's, or None for nothing.
Step = Fault | Reply | None


class Plan:
    """Chooses the fault for each call: a script of its task first, then of its action, then chance.

    Args:
        seed: makes the choice repeatable, as far as the calls come in the same order.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._rates: dict[str, list[tuple[Fault, float]]] = {}
        self._scripts: dict[str, deque[Step]] = {}
        self._task_scripts: dict[tuple[str, str], deque[Step]] = {}
        #: How often each fault, or answer in place of SWF's, struck each action.
        self.struck: Counter[tuple[str, Fault | Reply]] = Counter()

    def rates(self, actions: Iterable[str], rates: Mapping[Fault, float]) -> None:
        """Let each of *actions* meet each fault with its probability; ``{}`` ends it."""
        if sum(rates.values()) > 1:
            raise ValueError(f"These probabilities sum to more than 1: {rates}.")
        for action in _known(actions):
            self._rates[action] = list(rates.items())

    def script(self, actions: Iterable[str], steps: Iterable[Step]) -> None:
        """Let the next calls of *actions*, taken together, meet *steps* in turn."""
        script = deque(steps)
        for action in _known(actions):
            self._scripts[action] = script

    def script_of_task(self, token: str, actions: Iterable[str], steps: Iterable[Step]) -> None:
        """Let the next calls of *actions* for this task, taken together, meet *steps* in turn."""
        script = deque(steps)
        for action in _known(actions):
            self._task_scripts[token, action] = script

    @property
    def is_by_task(self) -> bool:
        """Whether some task has a script of its own, so that ``next`` needs the token."""
        return bool(self._task_scripts)

    def next(self, action: str, token: str = "") -> Step:
        """Return what the next call of *action*, for the task of *token*, meets."""
        script = self._task_scripts.get((token, action)) or self._scripts.get(action)
        fault = script.popleft() if script else self._draw(action)
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
