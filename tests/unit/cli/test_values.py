"""``flowy decode`` and ``flowy claims``."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from flowy.claims import FolderStore
from flowy.cli.command import main
from flowy.codecs import ZlibCodec
from flowy.codecs.fernet import FernetCodec
from flowy.envelope import Envelope

KEY = Fernet.generate_key().decode()
VALUE = json.dumps({"card": "4111", "name": "Zoë"}, ensure_ascii=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with its keys, in which the command runs."""
    (tmp_path / "till_keys.py").write_text(
        "from flowy.codecs import ZlibCodec\n"
        "from flowy.codecs.fernet import FernetCodec\n"
        f"CODECS = (ZlibCodec(), FernetCodec([{KEY!r}]))\nFERNET = CODECS[1]\nNUMBER = 7\n"
    )
    (tmp_path / "claims").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    monkeypatch.delitem(__import__("sys").modules, "till_keys", raising=False)
    return tmp_path


def envelope(folder: Path) -> Envelope:
    """Return the envelope of the project's activities."""
    return Envelope((ZlibCodec(), FernetCodec([KEY])), FolderStore(folder / "claims"))


def test_decode(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file or standard input; a list of codecs, or single ones; what is plain stays."""
    sent = f'[[{envelope(folder).sealed(VALUE)}, "plain"], {{}}]'
    (folder / "input.json").write_text(sent + "\n")
    assert main(["decode", "input.json", "--codec", "till_keys:CODECS"]) == 0
    assert capsys.readouterr().out == f'[[{VALUE}, "plain"], {{}}]\n'
    monkeypatch.setattr("sys.stdin", io.StringIO(envelope(folder).sealed_details("Trace: ü")))
    assert main(["decode", "-", "--codec", "till_keys:FERNET"]) == 0
    assert capsys.readouterr().out == "Trace: ü\n"


def test_decode_claims(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is stored is read from the store."""
    plain = Envelope((), FolderStore(folder / "claims"))
    (folder / "result.json").write_text(plain.sealed(json.dumps("x" * 40_000)))
    claims = ["--claims", (folder / "claims").as_uri()]
    assert main(["decode", "result.json", *claims]) == 0
    assert capsys.readouterr().out == f'"{"x" * 40_000}"\n'
    assert main(["claims", "show", "result.json", *claims]) == 0
    assert capsys.readouterr().out.split()[-1] == "yes"
    for path in (folder / "claims").rglob("*"):
        if path.is_file():
            path.unlink()
    assert main(["claims", "show", "result.json", *claims, "--json"]) == 3
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["bytes"] == 40_002
    assert "FileNotFoundError" in shown["stored"]
    assert main(["decode", "result.json", *claims]) == 3
    assert "FileNotFoundError" in capsys.readouterr().err
    assert main(["decode", "result.json", "--claims", "file:///no/folder"]) == 3
    assert main(["claims", "show", "result.json", "--claims", "file:///no/folder"]) == 3


def test_away(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store that is away is told by its own exit code."""
    plain = Envelope((), FolderStore(folder / "claims"))
    (folder / "result.json").write_text(plain.sealed(json.dumps("x" * 40_000)))
    (folder / "claims").rename(folder / "elsewhere")
    assert main(["decode", "result.json", "--claims", (folder / "claims").as_uri()]) == 7
    assert "is not there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["decode", "none.json"], 2, "Cannot read none.json: No such file or directory."),
        (["decode", "input.json"], 3, "encoded by 'fernet:"),
        (["decode", "input.json", "--codec", "till_keys:NONE"], 3, "Cannot import till_keys:NONE"),
        (["decode", "input.json", "--codec", "till_keys"], 2, "module.name:OBJECT"),
        (["decode", "input.json", "--codec", "till_keys:NUMBER"], 2, "of type int as codec"),
        (["decode", "input.json", *["--codec", "till_keys:FERNET"] * 2], 2, "two codecs of one"),
        (["decode", "cut.json", "--codec", "till_keys:CODECS"], 3, "value without its end"),
        (["decode", "input.json", "--claims", "ftp://x"], 2, "give s3://BUCKET/PREFIX"),
        (["claims", "show", "input.json"], 2, "--claims"),
    ],
)
def test_mistakes(
    folder: Path, capsys: pytest.CaptureFixture[str], argv: list[str], code: int, said: str
) -> None:
    """One line, and a code; nothing of the value."""
    sealed = Envelope((FernetCodec([KEY]),)).sealed(VALUE)
    (folder / "input.json").write_text(sealed)
    (folder / "cut.json").write_text(sealed[:-20])
    assert main(argv) == code
    told = capsys.readouterr()
    assert said in told.err
    assert "4111" not in told.out + told.err


def test_policy(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON for the operator."""
    assert main(["claims", "policy", "--claims", "s3://bucket/flowy", "--days", "30"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["lifecycle"]["Rules"][0]["Expiration"] == {"Days": 30}
    assert main(["claims", "policy", "--claims", "file:///claims"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"delete": "file:///claims/v1/", "after_days": 455}
