"""Activities that end in every way there is; what must not be logged holds the word SECRET."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from flowy import Activity, CancelTask, activity

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup

LIST = "outcomes"


class Own(Activity):
    """Keeps the tokens of its tasks in a file, for the test that looks for them in the log."""

    def __init__(self, input: str | None, scheduler: Any, token: str) -> None:
        super().__init__(input, scheduler, token)
        with Path(os.environ["TOKENS"]).open("a") as file:
            file.write(f"{token}\n")


class Plain:
    """It has no JSON form, and its text is the author's own."""

    def __repr__(self) -> str:
        return "SECRET"


class Odd(BaseException):
    """Derives from BaseException."""


class Evil(BaseException):
    """Reading its message raises one more of its kind."""

    def __str__(self) -> str:
        raise Evil


def cycle() -> list[Any]:
    value: list[Any] = []
    value.append({"self": value})
    return value


#: What the activity ``raise`` raises, by the word in its input.
ERRORS: dict[str, BaseException] = {
    "plain": ValueError("SECRET why"),
    "empty": ValueError(),
    "long": ValueError("SECRET " + "x" * 100_000),
    "non-ascii": ValueError("\u00e4\u4e2d\U0001f600"),
    "surrogate": ValueError("half \ud800 a pair"),
    "evil": Evil(),
    "odd": Odd("odd"),
    "generator-exit": GeneratorExit(),
    "recursion": RecursionError(),
    "memory": MemoryError(),
    "group": ExceptionGroup("both", [ValueError("one"), KeyError("two")]),
    "cancel": CancelTask("because"),
}

#: What the activity ``return`` returns, by the word in its input.
VALUES: dict[str, Any] = {
    "none": None,
    "tuple": (1, "\u00e4"),
    "not-a-number": float("nan"),
    "collision": {1: "SECRET", "1": "SECRET"},
    "object": {"a": [0, Plain()]},
    "bytes": [b"SECRET"],
    "cycle": cycle(),
    "huge": 10**5_000,
    "just-fits": "x" * 32_766,
    "too-long": "SECRET" + "x" * 32_761,
}


@activity("echo", 1, LIST)
class Echo(Own):
    """Returns its one argument."""

    def run(self, value: object) -> object:
        return value


@activity("raise", 1, LIST)
class Raise(Own):
    """Raises what the word says."""

    def run(self, word: str) -> NoReturn:
        raise ERRORS[word]


@activity("return", 1, LIST)
class Return(Own):
    """Returns what the word says."""

    def run(self, word: str) -> object:
        return VALUES[word]


@activity("recurse", 1, LIST)
class Recurse(Own):
    """Never comes back from calling itself."""

    def run(self) -> object:
        return self.run()


@activity("chain", 1, LIST)
class Chain(Own):
    """Fails with a traceback that is longer than SWF takes."""

    def run(self, depth: int = 60) -> None:
        if not depth:
            raise ValueError("the innermost")
        try:
            self.run(depth - 1)
        except ValueError as error:
            raise ValueError(f"{depth} " + "x" * 2_000) from error


@activity("empty", 1, LIST)
class BrokenConstructor(Own):
    """Cannot be constructed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        raise ZeroDivisionError("in the constructor")

    def run(self) -> None:
        """Never reached."""


@activity("own transport", 1, LIST)
class OwnTransport(Own):
    """Overrides both ways, statically, as in the first Flowy."""

    @staticmethod
    def _serialize_result(result: Any) -> str:
        return f"<{result}>"

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        return [input], {}

    def run(self, value: str | None) -> str | None:
        return value


@activity("broken transport in", 1, LIST)
class BrokenTransportIn(Own):
    """Its reading of the input raises, or returns rubbish."""

    @staticmethod
    def _deserialize_arguments(input: str | None) -> Any:
        if input == "raise":
            raise LookupError("not found")
        return input

    def run(self) -> None:
        """Never reached."""


@activity("broken transport out", 1, LIST)
class BrokenTransportOut(Own):
    """Its writing of the result raises, or returns rubbish, or more than SWF takes."""

    @staticmethod
    def _serialize_result(result: Any) -> Any:
        if result == "raise":
            raise LookupError("not found")
        return {"none": None, "bytes": b"SECRET", "long": "x" * 40_000, "half": "\ud800"}[result]

    def run(self, word: str) -> str:
        return word
