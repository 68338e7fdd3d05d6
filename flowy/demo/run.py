"""Start an SWF, a worker and an approver; play the workflow; show what its history says."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from flowy.local import LocalSWF
from flowy.retry import Deadline
from flowy.shutdown import StopFlag
from flowy.swf.boilerplate import start_activity_worker
from flowy.swf.client import connect

from . import activities
from .crew import Crew
from .files import select
from .plan import expected, planned
from .report import Screen, differences, history_lines, input_lines, shown
from .workflow import Event, Execution, outcomes

DOMAIN = "demo"
TASK_LIST = "demo"

#: The activities must have ended after this, from the start of the demo, in seconds.
RUN_SECONDS = 11.0

#: How long the embedded SWF holds a poll: SWF's 60 s would be waited for at the end, and between
#: two looks at how the processes are.
POLL_SECONDS = 1.0


def run_demo(folder: Path, out: TextIO, stop: StopFlag) -> bool:
    """Run the demo.

    Args:
        folder: whose files to describe.
        out: what to write to.
        stop: asks to end early; looked at about once a second.

    Returns:
        Whether SWF's history says what it should.

    Raises:
        LocalSWFError: the embedded SWF cannot start.
        KeyboardInterrupt: *stop* was raised; everything that was started has ended.
    """
    deadline = Deadline(RUN_SECONDS)
    screen = Screen(out)
    selection = select(folder, screen.output())
    with (
        LocalSWF(domain=DOMAIN, poll_seconds=POLL_SECONDS) as swf,
        tempfile.TemporaryDirectory(prefix="flowy-demo-") as private,
        Crew(Path(private), swf.environment) as crew,
    ):
        # The types are registered here, once, so that the worker may start with --no-register,
        # and whenever it likes.
        start_activity_worker(DOMAIN, TASK_LIST, swf.client(), loop=0, package=activities)
        mailbox = Path(private, "letter")
        worker, approver = _start(crew, mailbox)
        screen.heading(
            ("SWF", f"{swf.endpoint_url}, an embedded one"),
            ("worker", f"process {worker}"),
            ("approver", f"process {approver}, completes what is suspended"),
            *input_lines(selection),
        )
        plan = planned(selection, mailbox)
        execution = Execution(connect(swf.client()), DOMAIN, plan)
        execution.start()
        trouble = _play(execution, crew, screen, stop=stop, deadline=deadline)
        if trouble:
            execution.terminate(trouble)
        history = execution.history()
        for line in ["", *history_lines(history, selection)]:
            screen.line(line)
        problems = [trouble] if trouble else []
        problems += differences(history, expected(plan, selection, approver), selection)
        return _verdict(problems, crew, screen)


def _start(crew: Crew, mailbox: Path) -> tuple[int, int]:
    """Start the worker and the approver and return their process ids."""
    polls = ["--domain", DOMAIN, "--task-list", TASK_LIST]
    worker = crew.start("worker", "flowy", "worker", *polls, "--no-register", activities.__name__)
    approver = crew.start("approver", "flowy.demo.approver", DOMAIN, str(mailbox))
    return worker, approver


def _play(
    execution: Execution, crew: Crew, screen: Screen, *, stop: StopFlag, deadline: Deadline
) -> str:
    """Decide until all activities have ended; return what went wrong, if anything did."""
    screen.bar(0, execution.size)
    while True:
        history = execution.step()
        if stop.is_set():
            raise KeyboardInterrupt
        if history is not None and _show_progress(history, execution.size, screen):
            return ""
        if trouble := crew.trouble():
            return trouble
        if deadline.passed:
            return f"The activities had not ended after {RUN_SECONDS:.0f} s."


def _show_progress(history: Sequence[Event], size: int, screen: Screen) -> bool:
    """Draw the bar and return whether all have ended."""
    ended = [outcome for outcome in outcomes(history).values() if outcome.kind is not None]
    names = [shown(Path(str(argument)).name) for outcome in ended for argument in outcome.args[:1]]
    screen.bar(len(ended), size, "".join(names[-1:]))
    return len(ended) == size


def _verdict(problems: Sequence[str], crew: Crew, screen: Screen) -> bool:
    if not problems:
        screen.line("That is what it should say.")
        return True
    screen.line("That is not what it should say:")
    for problem in problems:
        screen.line(f"- {problem}")
    for words in crew.last_words():
        screen.line(shown(words))
    return False
