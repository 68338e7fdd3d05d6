"""LocalWorker: a worker on the local SWF, in threads of the test's process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowy.exception import ActivityFailedError, CredentialsError, ScanError
from flowy.local import LocalSWF
from flowy.swf.scanner import activity
from flowy.swf.worker.report import StopReport
from flowy.task import Activity
from flowy.testing.worker import LocalWorker, collect, known_to
from tests.patience import PATIENCE_SECONDS


@activity("echo", 1, "one list")
class Echo(Activity):
    def run(self, value: Any) -> Any:
        return value


@activity("fail", 1, "another list")
class Fail(Activity):
    def run(self) -> None:
        raise ValueError("so it should")


class Hang(Activity):
    started = threading.Event()
    may_end = threading.Event()

    def run(self) -> None:
        self.started.set()
        self.may_end.wait()


@activity("beat", 1, "one list")
class Bare(Activity):
    def run(self) -> None:
        """Returns at once."""


def test_calls_by_class_and_by_name(local_swf: LocalSWF, domain: str) -> None:
    """Activities are served on their own default lists, and called by class or by name."""
    with LocalWorker(local_swf, domain, [Echo, Fail]) as worker:
        assert worker.call(Echo, "x") == "x"
        assert worker.call("echo", 1, kwargs={"value": "y"}) == "y"
        with pytest.raises(ActivityFailedError, match="so it should"):
            worker.call(Fail)
    assert (worker.report.completed, worker.report.failed) == (2, 1)


def test_calls_of_what_is_no_type_say_so(local_swf: LocalSWF, domain: str) -> None:
    """A class without the decorator, and a name without a version, are clear errors."""
    with LocalWorker(local_swf, domain, Echo) as worker:
        with pytest.raises(ScanError, match=r"Cannot call Hang: it has no @activity"):
            worker.call(Hang)
        with pytest.raises(ScanError, match="Cannot call int"):
            worker.call(int)
        with pytest.raises(TypeError, match="its version is missing"):
            worker.call("echo")


def test_stops_though_an_activity_hangs(local_swf: LocalSWF, domain: str) -> None:
    """An activity that does not end is left to its timeout a moment after the stop."""
    Hang.started.clear()
    Hang.may_end.clear()
    activity("hang", 1, "one list")(Hang)
    worker = LocalWorker(local_swf, domain, Hang)
    worker.start()
    caller = threading.Thread(target=_call_and_forget, args=(worker,), daemon=True)
    caller.start()
    assert Hang.started.wait(PATIENCE_SECONDS)
    report = worker.stop()
    Hang.may_end.set()
    assert len(report.abandoned) == 1
    client: Any = local_swf.client()
    found = client.list_open_workflow_executions(domain=domain, startTimeFilter={"oldestDate": 0})[
        "executionInfos"
    ]
    client.terminate_workflow_execution(
        domain=domain, workflowId=found[0]["execution"]["workflowId"]
    )
    caller.join()


def _call_and_forget(worker: LocalWorker) -> None:
    with pytest.raises(Exception, match="cut off"):
        worker.call(Hang)


def test_stops_at_once_when_nothing_runs() -> None:
    """Polls that are out, of 60 s as SWF holds them, hold nothing up, and none is lost."""
    with LocalSWF() as swf:
        worker = LocalWorker(swf, "local", [Echo, Fail])
        worker.start()
        assert worker.call(Echo, 1) == 1
        with ThreadPoolExecutor(1) as pool:
            report = pool.submit(worker.stop).result(40)
    assert report == StopReport(completed=1)


class NoPolls:
    """A client of a caller who may do everything but poll."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.polled = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def poll_for_activity_task(self, **_parameters: Any) -> Any:
        self.polled.set()
        answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no polls today"}}
        raise ClientError(answer, "PollForActivityTask")


class WithoutPolls:
    """A local SWF whose clients may not poll."""

    def __init__(self, swf: LocalSWF) -> None:
        self._swf = swf
        self.made = NoPolls(swf.client())

    def client(self) -> Any:
        return self.made

    def release_polls(self) -> None:
        self._swf.release_polls()


def test_a_worker_that_breaks_says_so_at_its_stop(local_swf: LocalSWF, domain: str) -> None:
    """An error of the worker's threads comes out where the test can see it."""
    swf: Any = WithoutPolls(local_swf)
    worker = LocalWorker(swf, domain, Echo)
    worker.start()
    assert swf.made.polled.wait(PATIENCE_SECONDS)
    with pytest.raises(CredentialsError, match="no polls today"):
        worker.stop()


def test_collects_whatever_names_activities() -> None:
    """Classes, modules and dotted names, one or several; nothing found is an error."""
    assert [type_.name for type_ in collect(Echo)] == ["echo"]
    assert [type_.name for type_ in collect([Echo, Fail])] == ["echo", "fail"]
    assert {type_.name for type_ in collect(__name__)} >= {"echo", "fail"}
    with pytest.raises(ScanError, match="Cannot find any activity"):
        collect([])


def test_known_to_a_module() -> None:
    """What a module defines or imports, if it bears the decorator."""
    module = ModuleType("some_tests")
    vars(module).update(Echo=Echo, Activity=Activity, Base=Bare, number=1)
    assert known_to(module) == [Echo, Bare]


def test_two_classes_of_one_type_are_an_error(local_swf: LocalSWF, domain: str) -> None:
    """As in a scan: neither may take the other's place. The error names both.

    A class that is given twice, by itself or in its module, is one.
    """

    @activity("echo", 1, "one list")
    class Louder(Activity):
        def run(self, value: str) -> str:
            return value.upper()

    with pytest.raises(ScanError, match="echo 1") as caught:
        LocalWorker(local_swf, domain, [Echo, Fail, Louder])
    assert "Echo" in str(caught.value)
    assert "Louder" in str(caught.value)
    assert len(collect([Echo, Fail, Echo])) == 2
