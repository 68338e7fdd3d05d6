"""What belongs to the class applies in a replay: its middleware, converter, codecs and store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowy import (
    Activity,
    activity,
)
from flowy.claims import FolderStore
from flowy.codecs.fernet import FernetCodec
from flowy.convert.msgspec import MsgspecConverter
from flowy.envelope import Envelope
from flowy.exception import UnavailableError
from flowy.middleware import Middleware, Run
from tests.unit.swf.replay.recorded import one, run


class Loud(Middleware):
    """Puts a number before the argument."""

    def __init__(self, number: int) -> None:
        self._number = number

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        """Change the argument."""
        return call_next(replace(run, args=([self._number, *run.args[0]],)))


def test_middleware_and_converter() -> None:
    """The worker's middleware is outside of the class's; the converter applies."""

    @activity("sum", 1, "work", converter=MsgspecConverter())
    class Sum(Activity):
        middleware = (Loud(2),)

        def run(self, numbers: list[int]) -> list[int]:
            """Return the numbers."""
            return numbers

    replay = run(one("sum", [9], result="[2, 1, 9]"), Sum, middleware=(Loud(1),))
    assert replay.equal
    assert run(one("sum", ["x"]), Sum).now.reason.startswith("Input invalid: ")


KEY = b"0" * 43 + b"="


def secret(store: FolderStore | None = None) -> type[Activity]:
    """Return an activity whose values are encrypted, and stored if they are long."""

    @activity("secret", 1, "work")
    class Secret(Activity):
        codecs = (FernetCodec([KEY]),)
        claims = store
        require_encryption = True

        def run(self, times: int, text: str) -> Any:
            """Return a long text; or fail."""
            self.heartbeat("a secret")
            if not times:
                raise ValueError(text)
            return text * times

    return Secret


def test_encrypted() -> None:
    """Input and results are decoded, heartbeats come in clear text."""
    envelope = Envelope((FernetCodec([KEY]),))
    sealed = envelope.sealed('"no"')
    task = one("secret", input=f"[[{envelope.sealed('3')}, {sealed}], {{}}]",
               result=envelope.sealed('"nonono"'))  # fmt: skip
    replay = run(task, secret())
    assert (replay.equal, replay.then.result, replay.now.result) == (
        True, '"nonono"', '"nonono"'
    )  # fmt: skip
    assert replay.heartbeats == ["a secret"]
    failed = one("secret", input=f"[[{envelope.sealed('0')}, {sealed}], {{}}]", kind="Failed",
                 reason="no", details=envelope.sealed_details("Trace"))  # fmt: skip
    replay = run(failed, secret())
    assert (replay.equal, replay.then.details) == (True, "Trace")
    assert (replay.now.details or "").startswith("Traceback")
    plain = run(one("secret", 3, "no"), secret())
    assert plain.now.reason.startswith("Input unreadable: it is not encrypted")


def test_what_cannot_be_read() -> None:
    """A result that was encrypted with a key that is gone stays as it is."""
    sealed = Envelope((FernetCodec(["1" * 43 + "="]),)).sealed('"nono"')
    argument = Envelope((FernetCodec([KEY]),)).sealed
    text = f"[[{argument('2')}, {argument(json.dumps('no'))}], {{}}]"
    replay = run(one("secret", input=text, result=sealed), secret())
    assert (replay.equal, replay.then.result, replay.now.value) == (False, sealed, "nono")


def test_claimed(tmp_path: Path) -> None:
    """A claim is read, a long result is compared with what is stored, and nothing is stored."""
    store = FolderStore(tmp_path)
    envelope = Envelope((FernetCodec([KEY]),), store)
    long = json.dumps("x" * 40_000)
    result = envelope.sealed(long)
    argument = f"{envelope.sealed('40000')}, {envelope.sealed(json.dumps('x'))}"
    files = sorted(tmp_path.rglob("*"))
    replay = run(one("secret", input=f"[[{argument}], {{}}]", result=result), secret(store))
    assert (replay.equal, replay.now.result) == (True, long)
    assert sorted(tmp_path.rglob("*")) == files
    replay = run(one("secret", input=f"[[{argument}], {{}}]", result='"y"'), secret(store))
    assert (replay.equal, replay.now.result) == (False, long)
    assert sorted(tmp_path.rglob("*")) == files


def test_store_that_is_away(tmp_path: Path) -> None:
    """The replay does not wait for it, and it is not the activity's failure."""
    store = FolderStore(tmp_path / "there")
    (tmp_path / "there").mkdir()
    result = Envelope((FernetCodec([KEY]),), store).sealed(json.dumps("x" * 40_000))
    (tmp_path / "there").rename(tmp_path / "elsewhere")
    with pytest.raises(UnavailableError, match="is not there"):
        run(one("secret", input=f"[[{result}], {{}}]"), secret(store))
