"""Codecs and stores that ``flowy worker`` gets on its command line, in real processes."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from cryptography.fernet import Fernet

from flowy.claims import FolderStore, S3Store, Store
from flowy.codecs.fernet import FernetCodec
from flowy.transport import read
from tests.acceptance.processes import Process
from tests.aws_services import AWSServices
from tests.unit.envelope.plain_decider import PlainDecider

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

SECRET = "4111-1111-1111-1111"

KEYS = """
    import os
    from flowy.codecs.fernet import FernetCodec

    CODECS = [FernetCodec([os.environ["SHOP_KEY"]])]
    """

CARDS = """
    import os
    from flowy import Activity, activity

    @activity("make", 1, "cards")
    class Make(Activity):
        def run(self, size):
            return {"cards": ["4111-1111-1111-1111"] * size, "pid": os.getpid()}

    @activity("count", 1, "cards")
    class Count(Activity):
        def run(self, made):
            assert set(made["cards"]) == {"4111-1111-1111-1111"}
            return len(made["cards"])

    @activity("fail", 1, "cards")
    class Fail(Activity):
        def run(self, made):
            raise ValueError(f"declined: {made['cards'][0]}")
    """


@pytest.mark.parametrize("processes", [1, 2])
def test_options_of_a_real_worker(
    process: Callable[..., Process], write: Callable[..., Path], client: SWFClient, domain: str,
    tmp_path: Path, aws: AWSServices, processes: int,
) -> None:  # fmt: skip
    """``--codec`` and ``--claims`` reach the processes that run the activities.

    Nothing is readable in the history, in what is stored, or in the output; one process stores in
    S3, two of them in a folder.
    """
    write("shop_keys.py", KEYS)
    write("shop_cards.py", CARDS)
    key = Fernet.generate_key().decode()
    store: Store
    if processes == 1:
        boto3.client("s3").create_bucket(Bucket="worker-claims")
        store, where = S3Store("worker-claims", "flowy"), "s3://worker-claims/flowy"
    else:
        (tmp_path / "claims").mkdir()
        store, where = FolderStore(tmp_path / "claims"), (tmp_path / "claims").as_uri()
    worker = process(
        *("-m", "flowy", "worker", "--domain", domain, "--task-list", "cards"),
        *("--processes", processes, "--codec", "shop_keys:CODECS", "--claims", where),
        *("--hide-reasons", "--require-encryption", "shop_cards"),
        **aws.environment,
        SHOP_KEY=key,
    )
    worker.wait_for("Worker started as", count=processes)
    codecs, decider = [FernetCodec([key])], PlainDecider(client, domain)
    size = json.loads(_sealed("3000", codecs))
    made = decider.run("make", args=[size])
    assert made["$flowy"] == "claim/1"
    assert len(read(made, codecs, store)["cards"]) == 3_000
    assert read(decider.run("count", args=[made]), codecs) == 3_000
    failed = decider.run("fail", args=[made])
    assert failed["reason"] == "Reason hidden: ValueError."
    assert f"declined: {SECRET}" in read(failed["details"], codecs)
    plain = decider.run("make", args=[7])
    assert plain["reason"] == "Input unreadable: hidden."
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.output
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("claims/v1/*/*/*/*"))
    assert bool(stored) is (processes == 2)
    assert SECRET not in f"{decider.history}{worker.output}{stored!r}"


def _sealed(text: str, codecs: Any) -> str:
    from flowy.envelope import Envelope

    return Envelope(tuple(codecs)).sealed(text)
