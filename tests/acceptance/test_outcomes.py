"""Every outcome answers: whatever an activity does, SWF's history gets exactly one answer.

One worker process runs all of it, so each line also shows that the worker went on.
"""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.flows import Ask, Closing, Flow
from tests.acceptance.processes import LOGGING, POLLING, Process, seeing_the_tests
from tests.environments import clean_environment

if TYPE_CHECKING:
    from flowy.local import LocalSWF

SCRIPT = """
import os
from flowy.swf.boilerplate import start_activity_worker
start_activity_worker(
    os.environ['DOMAIN'], 'outcomes', package='tests.acceptance.outcome_activities'
)
"""


@dataclass(frozen=True)
class Fails:
    """What the failure must say; ``reason`` is how the reason begins."""

    reason: str
    details: str | None = None
    whole: bool = False


@dataclass
class Case:
    """One task, and what the history must say of it."""

    ask: Ask
    expected: str | Fails


def word(name: str, text: str, expected: str | Fails) -> Case:
    return Case(Ask(name, f'[["{text}"], {{}}]'), expected)


UNREADABLE = "Input unreadable: "
MISFIT = "Input does not fit: run() "
NO_JSON = "Result not serializable: "
PLAIN = "tests.acceptance.outcome_activities.Plain at "

CASES: dict[str, Case] = {
    # Input
    "no input": Case(Ask("echo", None), Fails(UNREADABLE + "the task has no input.")),
    "no JSON": Case(Ask("echo", "{SECRET"), Fails(UNREADABLE + "it is not JSON (Expecting")),
    "a value": Case(Ask("echo", '"SECRET"'), Fails(UNREADABLE + "it is not [args, kwargs] but a ")),
    "one list": Case(Ask("echo", '["SECRET"]'), Fails(UNREADABLE + "it is not [args, kwargs] but")),
    "two lists": Case(Ask("echo", "[[], []]"), Fails(UNREADABLE + "it is not [args, kwargs], a")),
    "an object": Case(Ask("echo", "{}"), Fails(UNREADABLE + "it is not [args, kwargs] but an ob")),
    "nested too deep": Case(Ask("echo", "[" * 16_384 + "]" * 16_384), Fails(UNREADABLE)),
    "too many digits": Case(Ask("echo", f"[[{'9' * 5_000}], {{}}]"), Fails(UNREADABLE)),
    "too few": Case(Ask("echo"), Fails(MISFIT + "missing a required argument: 'value'")),
    "too many": Case(Ask("echo", "[[1, 2], {}]"), Fails(MISFIT + "too many positional arguments")),
    "unknown key": Case(Ask("echo", '[[1], {"k": 2}]'), Fails(MISFIT + "got an unexpected keywor")),
    # Exceptions
    "raise": word("raise", "plain", Fails("SECRET why", "ValueError: SECRET why\n", whole=True)),
    "empty message": word("raise", "empty", Fails("ValueError", "ValueError\n", whole=True)),
    "long message": word("raise", "long", Fails("SECRET " + "x" * 245 + " ...", whole=True)),
    "non-ASCII": word("raise", "non-ascii", Fails("\u00e4\u4e2d\U0001f600", whole=True)),
    "surrogate": word("raise", "surrogate", Fails("half \\ud800 a pair", whole=True)),
    "evil message": word("raise", "evil", Fails("Evil (its message cannot be read: Evil)")),
    "BaseException": word("raise", "odd", Fails("odd", "Odd: odd\n", whole=True)),
    "GeneratorExit": word("raise", "generator-exit", Fails("GeneratorExit", whole=True)),
    "RecursionError": word("raise", "recursion", Fails("RecursionError", whole=True)),
    "MemoryError": word("raise", "memory", Fails("MemoryError", whole=True)),
    "a group": word("raise", "group", Fails("both (2 sub-exceptions)", "KeyError: 'two'")),
    "no cancellation": word("raise", "cancel", Fails("Cancellation not requested: ", "because")),
    "infinite recursion": Case(Ask("recurse"), Fails("maximum recursion depth exceeded")),
    "long traceback": Case(Ask("chain"), Fails("60 xxx")),
    # Results
    "null": word("return", "none", "null"),
    "a tuple": word("return", "tuple", '[1, "\\u00e4"]'),
    "NaN": word("return", "not-a-number", Fails(NO_JSON + "float that is NaN or infinite at re")),
    "colliding keys": word("return", "collision", Fails(NO_JSON + "keys 1 and '1' at result are")),
    "an object inside": word("return", "object", Fails(NO_JSON + PLAIN + "result['a'][1]")),
    "bytes": word("return", "bytes", Fails(NO_JSON + "bytes at result[0] ")),
    "a cycle": word("return", "cycle", Fails(NO_JSON + "list that contains itself at result[0]")),
    "a huge number": word("return", "huge", Fails(NO_JSON + "int of too many digits at result ")),
    "just fits": word("return", "just-fits", '"' + "x" * 32_766 + '"'),
    "too long": word("return", "too-long", Fails(
        "Result too long: the result has 32,769 characters, SWF takes 32,768.")),
    # What is around the run
    "unknown type": Case(
        Ask("echo", version="2"),
        Fails("Unknown activity type: echo 2. This worker serves broken transport in 1", "echo 1,"),
    ),
    "constructor": Case(Ask("empty"), Fails("in the constructor", "ZeroDivisionError", whole=True)),
    "own transport": Case(Ask("own transport", "any text"), "<any text>"),
    "own transport, no input": Case(Ask("own transport", None), "<None>"),
    "way in raises": Case(Ask("broken transport in", "raise"), Fails(UNREADABLE + "not found")),
    "way in is rubbish": Case(Ask("broken transport in", "rubbish"), Fails(UNREADABLE)),
    "way out raises": word("broken transport out", "raise", Fails(NO_JSON + "not found")),
    "way out is None": word("broken transport out", "none", Fails(
        NO_JSON + "_serialize_result returned NoneType; it must return text")),
    "way out is bytes": word("broken transport out", "bytes", Fails(
        NO_JSON + "_serialize_result returned bytes; it must return text")),
    "way out is too long": word("broken transport out", "long", Fails("Result too long: ")),
    "way out is half a pair": word("broken transport out", "half", "\\ud800"),
    # And at last
    "goes on": Case(Ask("echo", '[["SECRET"], {}]'), '"SECRET"'),
}  # fmt: skip


@dataclass
class Run:
    """What came of all cases together."""

    closings: dict[str, Closing] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    exit_code: int | None = None


@pytest.fixture(scope="module")
def run(local_swf: LocalSWF, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """All cases through one worker process, in one execution."""
    domain, client = f"test-{uuid.uuid4()}", local_swf.client()
    local_swf.register_domain(domain)
    client.register_workflow_type(domain=domain, name="flow", version="1")
    client.register_activity_type(domain=domain, name="echo", version="2")
    folder = tmp_path_factory.mktemp("outcomes")
    (folder / "worker.py").write_text(LOGGING + SCRIPT)
    environment = seeing_the_tests({**clean_environment(), **local_swf.environment})
    environment |= {"DOMAIN": domain, "TOKENS": str(folder / "tokens")}
    with Process("worker.py", environment=environment, folder=folder) as worker:
        worker.wait_for(POLLING)
        limits = {"taskList": {"name": "outcomes"}, "scheduleToStartTimeout": "60",
                  "scheduleToCloseTimeout": "60", "startToCloseTimeout": "60",
                  "heartbeatTimeout": "NONE"}  # fmt: skip
        asks = [
            Ask(case.ask.name, case.ask.input, case.ask.version, tuple(limits.items()))
            for case in CASES.values()
        ]
        closings = Flow(client, domain, asks).wait()
        worker.signal(signal.SIGTERM)
        code = worker.wait()
        tokens = (folder / "tokens").read_text().splitlines()
        yield Run(dict(zip(CASES, closings, strict=True)), worker.lines, tokens, code)


@pytest.mark.parametrize("name", CASES)
def test_outcome(run: Run, name: str) -> None:
    """The history has one answer, and it is the right one."""
    expected, closing = CASES[name].expected, run.closings[name]
    if isinstance(expected, str):
        assert (closing.kind, closing.result) == ("Completed", expected)
        return
    assert closing.kind == "Failed"
    assert closing.reason is not None
    assert len(closing.reason) <= 256
    assert closing.reason.startswith(expected.reason)
    if expected.whole:
        assert closing.reason == expected.reason
    if expected.details is not None:
        assert expected.details in (closing.details or "")


def test_details_keep_the_end(run: Run) -> None:
    """The end of a traceback that is too long is kept: the outermost error and its place."""
    details = run.closings["long traceback"].details
    assert details is not None
    assert len(details) == 32_768
    assert details.startswith("... ")
    assert details.endswith("x\n")
    assert "in run\n" in details[-3_000:]


def test_a_long_message_leaves_the_frames_in(run: Run) -> None:
    """The details of a long message still say where it came from."""
    details = run.closings["long message"].details
    assert details is not None
    assert "outcome_activities.py" in details
    assert details.endswith("x ...")


def test_the_worker_went_on_and_ended_well(run: Run) -> None:
    """One worker ran all, drew no answer twice, and ended with 0 when it was told to."""
    assert {closing.identity for closing in run.closings.values()} == {
        run.closings["goes on"].identity
    }
    assert run.exit_code == 0
    text = "\n".join(run.log)
    assert "Traceback" not in text
    assert text.count("Calling respond_activity_task_") == len(CASES)
    assert "closed" not in text
    assert "refused" not in text


def test_nothing_secret_is_logged(run: Run) -> None:
    """At DEBUG, over all outcomes: no token, no input, no result, no author's message."""
    assert len(set(run.tokens)) == len(CASES) - 1  # all but the unknown type
    text = "\n".join(run.log)
    assert "SECRET" not in text
    assert not [token for token in run.tokens if token in text]
    assert "Activity echo 1 (activity " in text


def test_each_task_is_told_of(run: Run) -> None:
    """The log has one line for each task's end, and an ERROR for each failure of an activity."""
    told = [line for line in run.log if " flowy.swf.worker.task_run: Activity " in line]
    ends = [line for line in told if not line.startswith("DEBUG ")]  # which tell of the starts
    assert len(ends) == len(CASES)
    failed = [name for name, closing in run.closings.items() if closing.kind == "Failed"]
    assert sum(": failed after " in line for line in ends) == len(failed)
    errors = [line for line in run.log if line.startswith("ERROR ")]
    assert len(errors) >= len(failed)


EXITS = """
import os, sys
from flowy import Activity, activity, start_activity_worker

@activity('exit', 1, 'exits')
class Exit(Activity):
    def run(self, kind):
        if kind == 'keyboard':
            raise KeyboardInterrupt
        sys.exit(kind)

for expected in (SystemExit, KeyboardInterrupt):
    try:
        start_activity_worker(os.environ['DOMAIN'], 'exits')
    except expected as error:
        print('let through', repr(error))
start_activity_worker(os.environ['DOMAIN'], 'exits', reg_remote=False)
"""


def test_what_ends_the_worker_is_answered_first(
    process: Callable[..., Process], write: Callable[..., Path], flow: Callable[..., Flow]
) -> None:
    """SystemExit and KeyboardInterrupt fail the task; then the worker stops and lets them on up."""
    worker = process(write("exits.py", EXITS, log=True))
    worker.wait_for(POLLING)
    kinds = ['"bye"', '"keyboard"', "7"]
    closings = flow(*(Ask("exit", f"[[{kind}], {{}}]") for kind in kinds)).wait()
    assert [closing.kind for closing in closings] == ["Failed"] * 3
    assert [closing.reason for closing in closings] == ["bye", "KeyboardInterrupt", "SystemExit: 7"]
    assert worker.wait() == 7
    assert "let through SystemExit('bye')" in worker.lines
    assert "let through KeyboardInterrupt()" in worker.lines
