"""The file of a state: whose it is, what it has, and what becomes of a damaged one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowy.exception import LocalSWFError
from tests.unit.local.conftest import Work
from tests.unit.local.stored import local


def test_an_incomplete_line_is_dropped(file: Path) -> None:
    """The incomplete last line that a kill leaves is dropped; the rest is read."""
    with local(file) as swf:
        Work(swf).start()
    whole = file.read_bytes()
    file.write_bytes(whole + b'[["start","local","half')
    with local(file) as swf:
        client: Any = swf.client()
        answer = client.count_open_workflow_executions(
            domain="local", startTimeFilter={"oldestDate": 0}
        )
        assert answer["count"] == 1
    assert file.read_bytes().startswith(whole)


def test_another_file_is_refused_and_not_changed(file: Path) -> None:
    """A file that is not a journal is refused and not changed."""
    file.touch(0o600)
    others = (b"precious\n", b"a secret", b"\0\0", b'{"a": 1}\n', b'[["flowy-local-swf",99]]\n')
    for content in others:
        file.write_bytes(content)
        with pytest.raises(LocalSWFError, match="line 1"):
            local(file).start()
        assert file.read_bytes() == content


def test_a_head_that_a_kill_broke_off(file: Path) -> None:
    """It is the start of a new file: nothing was in it."""
    with local(file):
        head = file.read_bytes().partition(b"\n")[0]
    for length in range(len(head)):
        file.write_bytes(head[:length])
        with local(file):
            assert file.read_bytes().startswith(head)


def test_two_files_in_one(file: Path) -> None:
    """A second head is refused as a change, and its line is named."""
    with local(file):
        pass
    whole = file.read_bytes()
    second = whole.count(b"\n") + 1
    file.write_bytes(whole * 2)
    with pytest.raises(LocalSWFError, match=f"line {second} is damaged"):
        local(file).start()


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """If the folder is missing, the error says so."""
    with pytest.raises(LocalSWFError, match="No such file"):
        local(tmp_path / "nowhere" / "state").start()


def test_a_file_belongs_to_one_local_swf(file: Path) -> None:
    """A second local SWF on one file is refused until the first has stopped."""
    with local(file), pytest.raises(LocalSWFError, match="another local SWF"):
        local(file).start()
    with local(file):
        pass


def test_it_is_json_and_private(file: Path) -> None:
    """Every line is JSON; other users cannot read the file, which has inputs and a secret."""
    with local(file) as swf:
        Work(swf).start()
    assert all(json.loads(line) for line in file.read_text().splitlines())
    assert file.stat().st_mode & 0o077 == 0


def test_a_start_and_stop_may_be_repeated(file: Path) -> None:
    """A LocalSWF that is started again reads its file and has the same port."""
    swf = local(file)
    with swf:
        execution = Work(swf).start()
        where = swf.endpoint_url
    with swf:
        assert swf.endpoint_url == where
        described: Any = swf.client().describe_workflow_execution(
            domain="local", execution=execution
        )
        assert described["executionInfo"]["executionStatus"] == "OPEN"


def test_a_call_costs_what_it_changes(file: Path) -> None:
    """The file grows by what a call changes, not by the number of executions."""
    grown = []
    with local(file) as swf:
        work = Work(swf)
        for number in range(60):
            before = file.stat().st_size
            work.start(f"{number:03}")
            work.client.terminate_workflow_execution(domain="local", workflowId=f"{number:03}")
            grown.append(file.stat().st_size - before)
    assert max(grown[-10:]) <= max(grown[:10]) + 10


def test_outdated_records_are_dropped_at_a_start(file: Path) -> None:
    """After a restart, 1,200 heartbeats of one task are one record."""
    with local(file) as swf:
        work = Work(swf)
        execution = work.start()
        work.schedule("a")
        token = work.poll_activity()["taskToken"]
        work.client.record_activity_task_heartbeat(taskToken=token, details="half")
    lines = file.read_bytes().splitlines(keepends=True)
    (beat,) = (line for line in lines if b'"half"' in line)
    with file.open("ab") as journal:
        journal.write(1200 * beat)
    size = file.stat().st_size
    with local(file) as swf:
        assert file.stat().st_size < size / 10
        swf.clock.turn(3600)
        work.client = swf.client()
        attributes = work.events(execution)[-2]["activityTaskTimedOutEventAttributes"]
        assert attributes["details"] == "half"
    with local(file) as swf:
        work.client = swf.client()
        assert work.event_types(execution)[-2] == "ActivityTaskTimedOut"


def test_a_full_disk_is_a_500(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that cannot be written is answered HTTP 500 and written with the next call."""
    written = os.pwrite

    def full(fd: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    with local(file) as swf:
        client = swf.client()
        with monkeypatch.context() as disk:
            disk.setattr(os, "pwrite", full)
            with pytest.raises(ClientError) as caught:
                client.register_domain(name="d", workflowExecutionRetentionPeriodInDays="1")
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert os.pwrite is written
        client.register_domain(name="e", workflowExecutionRetentionPeriodInDays="1")
    with local(file) as swf:
        answer = swf.client().list_domains(registrationStatus="REGISTERED")
        assert [info["name"] for info in answer["domainInfos"]] == ["d", "e", "local"]
