"""``flowy replay`` in real processes: tasks of a real history, and the debugger in a terminal."""

from __future__ import annotations

import json
import os
import select
import textwrap
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from flowy.claims import FolderStore
from flowy.codecs.fernet import FernetCodec
from flowy.envelope import Envelope
from flowy.local import LocalSWF
from tests.acceptance.flowy_command import ROOT, run_flowy
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess
from tests.unit.shop import DOMAIN, Shop, open_shop, scheduled
from tests.unit.swf.replay.recorded import History

KEY = "0" * 43 + "="

ACTIVITIES = f"""
    import asyncio
    from pathlib import Path

    from flowy import Activity, AsyncActivity, CancelTask, activity, call_activity
    from flowy.claims import FolderStore
    from flowy.codecs.fernet import FernetCodec


    @activity(name="charge", version=1, task_list="work")
    class Charge(Activity):
        codecs = (FernetCodec([{KEY!r}]),)
        claims = FolderStore(Path(__file__).with_name("claims"))

        def run(self, how, text):
            if how == "fail":
                raise ValueError(text)
            if how == "call":
                call_activity("shop", "ship", 1)
            while how == "cancel":
                if not self.heartbeat("waiting"):
                    raise CancelTask(text)
            return text * 2


    @activity(name="ship", version=1, task_list="work")
    class Ship(AsyncActivity):
        async def run(self, order):
            parcel = await asyncio.sleep(0, [order])
            return parcel[order]
    """


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the commands, with the activities and their store."""
    (tmp_path / "claims").mkdir()
    (tmp_path / "shop_activities.py").write_text(textwrap.dedent(ACTIVITIES).lstrip())
    return tmp_path


@pytest.fixture
def envelope(folder: Path) -> Envelope:
    """How the values of the activities travel."""
    return Envelope((FernetCodec([KEY]),), FolderStore(folder / "claims"))


@pytest.fixture
def shop(local_swf: LocalSWF) -> Iterator[Shop]:
    """A domain whose clock stands until the test turns it."""
    with open_shop() as shop:
        yield shop


@pytest.fixture
def away(swf_environment: dict[str, str]) -> dict[str, str]:
    """An environment in which no SWF can be reached."""
    return {**swf_environment, "AWS_ENDPOINT_URL_SWF": "http://127.0.0.1:1"}


def arguments(how: str, text: str = "no") -> str:
    """Return an input."""
    return json.dumps([[how, text], {}])


def ended(shop: Shop, envelope: Envelope) -> list[dict[str, Any]]:
    """Let an execution run activities that end in all ways; return its history."""
    long = envelope.sealed(json.dumps("x" * 40_000))
    inputs = {
        "completed": arguments("complete"),
        "failed": arguments("fail"),
        "encrypted": f'[["complete", {envelope.sealed(json.dumps("no"))}], {{}}]',
        "claimed": f'[["complete", {long}], {{}}]',
        "canceled": arguments("cancel"),
        "timed out": arguments("cancel"),
        "calling": arguments("call"),
    }
    shop.start("order-7")
    limited = {"timed out": {"heartbeatTimeout": "1"}}
    shop.decide(
        "order-7",
        *(scheduled(key, input=text, **limited.get(key, {})) for key, text in inputs.items()),
    )
    tokens = {key: shop.take() for key in inputs}
    answers = {
        "completed": '"nono"',
        "encrypted": envelope.sealed('"nono"'),
        "claimed": envelope.sealed(json.dumps("x" * 80_000)),
        "calling": '"nono"',
    }
    for key, result in answers.items():
        shop.boto3.respond_activity_task_completed(taskToken=tokens[key], result=result)
    shop.boto3.respond_activity_task_failed(taskToken=tokens["failed"], reason="no", details="T")
    cancel = {
        "decisionType": "RequestCancelActivityTask",
        "requestCancelActivityTaskDecisionAttributes": {"activityId": "canceled"},
    }
    shop.decide("order-7", cancel)
    shop.boto3.respond_activity_task_canceled(
        taskToken=tokens["canceled"], details=envelope.sealed_details("no")
    )
    shop.swf.clock.turn(1)
    shop.decide("order-7")
    return history(shop)


def history(shop: Shop) -> list[dict[str, Any]]:
    """Return the events of the execution."""
    (info,) = shop.boto3.list_open_workflow_executions(
        domain=DOMAIN, startTimeFilter={"oldestDate": datetime.fromtimestamp(0, timezone.utc)}
    )["executionInfos"]
    return shop.boto3.get_workflow_execution_history(  # type: ignore[return-value]
        domain=DOMAIN, execution=info["execution"]
    )["events"]


def test_tasks_that_ended_in_all_ways(
    shop: Shop, folder: Path, envelope: Envelope, away: dict[str, str]
) -> None:
    """Offline, from what the AWS CLI writes, each ends as it did; nothing is stored."""
    events = ended(shop, envelope)
    for name, some in (("page-1.json", events[:9]), ("page-2.json", events[9:])):
        text = json.dumps({"events": some}, default=lambda moment: moment.isoformat())
        (folder / name).write_text(text)
    files = sorted(folder.rglob("*"))

    def replay(activity_id: str, *more: str) -> tuple[int, str, str]:
        pages = ("--history", "page-1.json", "--history", "page-2.json")
        wanted = ("--activity-id", activity_id, "shop_activities")
        return run_flowy("replay", *pages, *more, *wanted, cwd=folder, env=away)

    for activity_id in ("completed", "failed", "encrypted", "claimed"):
        code, out, err = replay(activity_id)
        assert (code, out.splitlines()[-1]) == (0, "Equal: it ends now as it did then."), out + err
        assert (f"Then: {'failed' if activity_id == 'failed' else 'completed'}") in out
    for activity_id in ("canceled", "timed out"):
        code, out, err = replay(activity_id, "--as-recorded")
        assert (code, out.splitlines()[-1]) == (0, "Equal: it ends now as it did then."), out + err
        assert f"Then: {activity_id} after" in out
        assert "heartbeat: waiting" in out
    code, out, _ = replay("calling")
    assert code == 9
    assert "a replay makes no calls that change anything at SWF." in out
    created = {each.name for each in set(folder.rglob("*")) - set(files)}
    assert {name for name in created if not name.endswith(".pyc")} <= {"__pycache__"}


def test_swf_notices_nothing(shop: Shop, folder: Path, envelope: Envelope) -> None:
    """Its history is read, saved for its owner alone, and stays as it was."""
    shop.start("order-7")
    shop.decide("order-7", scheduled("a", input=arguments("fail")))
    shop.boto3.respond_activity_task_completed(taskToken=shop.take(), result='"nono"')
    before = history(shop)
    env = {**os.environ, **shop.swf.environment, "FLOWY_DOMAIN": DOMAIN}
    wanted = ["replay", "--workflow-id", "order-7", "--save", "a.json", "shop_activities"]
    code, out, err = run_flowy(*wanted, cwd=folder, env=env)
    assert (code, "Not equal: completed then, failed now." in out) == (9, True), err
    assert history(shop) == before
    assert (folder / "a.json").stat().st_mode & 0o777 == 0o600


class Terminal:
    """A command on a terminal of its own, whose user reads what it shows and types."""

    def __init__(self, *command: str, cwd: Path, env: dict[str, str]) -> None:
        self._ours, theirs = os.openpty()
        self.process = PythonProcess(
            ["-m", "flowy", *command], cwd=cwd, env={**env, "PYTHONPATH": str(ROOT)},
            stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def until(self, text: str) -> str:
        """Wait until it shows *text*, and return all that came up to it."""
        end = time.monotonic() + PATIENCE_SECONDS
        while text not in self.shown:
            left = end - time.monotonic()
            assert left > 0, self.shown
            if select.select([self._ours], [], [], left)[0]:
                try:
                    self.shown += os.read(self._ours, 65_536).decode()
                except OSError:
                    raise AssertionError(f"it ended without {text!r}: {self.shown}") from None
        found, _, self.shown = self.shown.partition(text)
        return found

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{line}\n".encode())

    def close(self) -> None:
        """End what still runs."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)
        os.close(self._ours)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Those that are to be closed."""
    found: list[Terminal] = []
    yield found
    for each in found:
        each.close()


def debug(
    folder: Path, away: dict[str, str], terminals: list[Terminal], name: str, *args: object
) -> Terminal:
    """Start a replay of a completed task under the debugger."""
    recorded = History()
    scheduled = recorded.schedule(name, *args)
    recorded.start(scheduled)
    recorded.end("Completed", scheduled, result='"nono"')
    (folder / "history.json").write_text(json.dumps(recorded.events))
    wanted = ["replay", "--history", "history.json", "--pdb", "shop_activities"]
    terminal = Terminal(*wanted, cwd=folder, env={**away, "TERM": "dumb"})
    terminals.append(terminal)
    return terminal


def test_pdb(folder: Path, away: dict[str, str], terminals: list[Terminal]) -> None:
    """It stops at the first line of ``run``; stepping out of it ends in no frame of Flowy's."""
    terminal = debug(folder, away, terminals, "charge", "complete", "no")
    assert 'run()\r\n-> if how == "fail":' in terminal.until("(Pdb) ")
    terminal.type("p how, text")
    assert "('complete', 'no')" in terminal.until("(Pdb) ")
    terminal.type("text = 'yes'")
    terminal.until("(Pdb) ")
    for _ in range(3):
        terminal.type("n")
        terminal.until("(Pdb) ")
    terminal.type("n")
    assert "->'yesyes'" in terminal.until("(Pdb) ")
    terminal.type("n")
    terminal.until('Not equal: result was "nono" then, and is "yesyes" now.')
    assert terminal.process.wait(PATIENCE_SECONDS) == 9


def test_pdb_post_mortem(folder: Path, away: dict[str, str], terminals: list[Terminal]) -> None:
    """Where a coroutine raises, it stops again; the replay goes on after it."""
    terminal = debug(folder, away, terminals, "ship", 7)
    assert "-> parcel = await asyncio.sleep(0, [order])" in terminal.until("(Pdb) ")
    terminal.type("c")
    assert "run() raised IndexError. Post mortem:" in terminal.until("-> return parcel[order]")
    terminal.until("(Pdb) ")
    terminal.type("p parcel")
    assert "[7]" in terminal.until("(Pdb) ")
    terminal.type("q")
    terminal.until("Not equal: completed then, failed now.")
    assert terminal.process.wait(PATIENCE_SECONDS) == 9


def test_pdb_quit(folder: Path, away: dict[str, str], terminals: list[Terminal]) -> None:
    """To quit the debugger ends the replay, as Ctrl-C does."""
    terminal = debug(folder, away, terminals, "charge", "complete", "no")
    terminal.until("(Pdb) ")
    terminal.type("q")
    terminal.until("Interrupted.")
    assert terminal.process.wait(PATIENCE_SECONDS) == 130
