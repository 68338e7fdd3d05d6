"""State files that are not what they should be: each is one clear error, and is not changed."""

from __future__ import annotations

import json
import os
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowy.exception import LocalSWFError
from flowy.local import LocalSWF
from flowy.local.journal import Journal
from tests.patience import until
from tests.unit.local.conftest import Work


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "swf.state"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The content of a file with an execution, an open task and its heartbeat."""
    file = tmp_path_factory.mktemp("used") / "swf.state"
    with local(file) as swf:
        work = Work(swf)
        work.start()
        work.schedule("a")
        token = work.poll_activity()["taskToken"]
        work.client.record_activity_task_heartbeat(taskToken=token, details="half")
    return file.read_bytes()


@pytest.fixture
def used(file: Path, content: bytes) -> Path:
    """A file of the test's own with that content."""
    file.touch(0o600)
    file.write_bytes(content)
    return file


def local(file: Path) -> LocalSWF:
    return LocalSWF(poll_seconds=0, state=file)


def refusal(file: Path) -> str:
    """The text of the error that start() raises; the way out is named."""
    with pytest.raises(LocalSWFError) as caught:
        local(file).start()
    assert str(file) in str(caught.value)
    assert "ame another file" in str(caught.value)
    return str(caught.value)


def checked(records: list[Any]) -> bytes:
    """A line with a valid checksum."""
    text = json.dumps(records, separators=(",", ":")).encode()[:-1]
    return text + f',["crc32",{zlib.crc32(text)}]]\n'.encode()


def test_a_file_of_another_user(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another user is refused: that user could change the state."""
    uid = used.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    assert f"uid {uid}, not to {uid + 1}" in refusal(used)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o601, 0o666])
def test_open_modes(used: Path, mode: int) -> None:
    """A file that other users may open is refused with the command that closes it."""
    used.chmod(mode)
    assert f"mode {mode:04o} " in refusal(used)
    assert f"chmod 600 {used}" in refusal(used)
    used.chmod(0o600)
    with local(used):
        pass


def test_a_symbolic_link(used: Path) -> None:
    """A symbolic link is refused, whether its target exists or not."""
    link = used.with_name("link")
    for target in (used, used.with_name("missing"), link):
        link.symlink_to(target)
        assert "symbolic link" in refusal(link)
        link.unlink()
    assert not used.with_name("missing").exists()


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    """Fifos, devices and folders are refused at once."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    assert "not a regular file" in refusal(fifo)
    assert "not a regular file" in refusal(Path("/dev/null"))
    assert "Is a directory" in refusal(tmp_path)
    assert "too long" in refusal(tmp_path / ("x" * 300))


def test_every_damaged_byte_is_found(used: Path) -> None:
    """A flipped bit, a lost byte or a lost line end anywhere is one error with the line."""
    whole = used.read_bytes()
    for place in (*range(0, len(whole), 7), len(whole) - 2, len(whole) - 1):
        number = whole.count(b"\n", 0, place) + 1
        flipped = bytes([whole[place] ^ 1])
        for change in (flipped, b"", b"\xff"):
            used.write_bytes(whole[:place] + change + whole[place + 1 :])
            journal = Journal(used)
            lost_end = place == len(whole) - 1 and not change
            try:
                for _ in journal.read():
                    pass
            except LocalSWFError as error:
                said = str(error)
            else:
                # Without its end, the last line is as a kill leaves it.
                said = "nothing"
            finally:
                journal.close()
            assert lost_end or f"line {number} is damaged" in said
    assert whole.count(b"\n") > 5


@pytest.mark.parametrize(
    "records",
    [
        [["dance"]],
        [["event", "no such run", "DecisionTaskScheduled", 1.0, {}]],
        [["event"]],
        [["beat", "run", 1, 1.0, None]],
        [["start", "no such domain", "run", "flow"]],
        [["secret", "no hex"]],
        [["domain", None, None, None, None]],
        [["type", "local", "dream", "n", "1", {}, 1.0, None]],
        [[]],
        [7],
        [{}],
        [None],
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_whole_lines_that_make_no_state(used: Path, records: list[Any], version: int) -> None:
    """Lines that cannot be restored are one error, in files of both versions; the file is free."""
    if version == 1:
        content = b'[["flowy-local-swf",1]]\n' + json.dumps(records).encode() + b"\n"
    else:
        content = used.read_bytes() + checked(records)
    used.write_bytes(content)
    assert "Cannot read the state" in refusal(used)
    assert used.read_bytes() == content
    Journal(used).close()


@pytest.mark.parametrize("line", [b"7\n", b"null\n", b"[" * 100_000 + b"\n", b"\xff\n", b"\n"])
def test_lines_that_are_no_lists(file: Path, line: bytes) -> None:
    """A line without a checksum, in a file of version 1, is a list of records all the same."""
    file.touch(0o600)
    file.write_bytes(b'[["flowy-local-swf",1]]\n' + line)
    assert "line 2 is damaged" in refusal(file)


def test_a_file_of_version_1_goes_on(used: Path) -> None:
    """A file whose lines have no checksums is read and continued."""
    lines = [json.loads(line)[:-1] for line in used.read_bytes().splitlines()]
    lines[0] = [["flowy-local-swf", 1]]
    used.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    for name in ("more", "most"):
        with local(used) as swf:
            swf.register_domain(name)
    with local(used) as swf:
        infos = swf.client().list_domains(registrationStatus="REGISTERED")["domainInfos"]
        assert [info["name"] for info in infos] == ["local", "more", "most"]


class FullDisk:
    """A disk on which nothing can be written while *full* is true."""

    def __init__(self) -> None:
        self.full = False
        self._write = os.pwrite

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        if self.full:
            # Half of it fits.
            self._write(fd, data[: len(data) // 2], offset)
            raise OSError(28, "No space left on device")
        return self._write(fd, data, offset)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    disk = FullDisk()
    monkeypatch.setattr(os, "pwrite", disk.pwrite)
    return disk


def test_a_stop_on_a_full_disk_frees_the_file(
    used: Path, disk: FullDisk, caplog: pytest.LogCaptureFixture
) -> None:
    """stop() ends with a warning, closes all, and the next start finds what was answered."""
    swf = local(used)
    before = set(threading.enumerate())
    with swf:
        swf.register_domain("kept")
        disk.full = True
        with pytest.raises(ClientError, match="InternalFailure"):
            swf.client().register_domain(name="no", workflowExecutionRetentionPeriodInDays="1")
    assert "No space left on device" in caplog.text
    until(lambda: set(threading.enumerate()) <= before, "the end of its threads")
    disk.full = False
    with swf:
        infos = swf.client().list_domains(registrationStatus="REGISTERED")["domainInfos"]
        assert [info["name"] for info in infos] == ["kept", "local"]


def test_a_start_on_a_full_disk_is_one_error(file: Path, disk: FullDisk) -> None:
    """If not even the first line fits, start() says so and leaves the file free."""
    disk.full = True
    assert "No space left on device" in refusal(file)
    disk.full = False
    with local(file):
        pass


def test_a_domain_that_cannot_be_written_leaves_the_file_free(used: Path, disk: FullDisk) -> None:
    """If the domain of a start cannot be written, start() says so and leaves the file free."""
    disk.full = True
    swf = LocalSWF(state=used, domain="new")
    with pytest.raises(LocalSWFError, match="No space left on device"):
        swf.start()
    disk.full = False
    with swf:
        pass


def test_a_file_that_cannot_be_rewritten_is_used_as_it_is(
    used: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If the shorter file cannot be made, a warning says so and the old one stays."""
    content = used.read_bytes()
    used.with_name(f"{used.name}.new").mkdir()
    journal = Journal(used)
    assert list(journal.read())
    journal.rewrite([["secret", "00"]])
    journal.close()
    assert "Cannot shorten" in caplog.text
    assert used.read_bytes() == content
    with local(used):
        pass
