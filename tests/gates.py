"""A gate in which activities of other processes wait without polling."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Gate:
    """A FIFO: whoever reads a byte of it may go on.

    Attributes:
        path: what activities open.
        fifo: the test's own descriptor.
    """

    path: str
    fifo: int

    def open_for(self, count: int) -> None:
        """Let *count* of those that wait, or will, go on."""
        os.write(self.fifo, b"x" * count)


@contextmanager
def new_gate(folder: Path) -> Iterator[Gate]:
    """Make a gate, in a folder that has none yet."""
    path = folder / "gate"
    os.mkfifo(path)
    fifo = os.open(path, os.O_RDWR)  # to be written before anybody reads
    try:
        yield Gate(str(path), fifo)
    finally:
        os.close(fifo)


def wait_in(path: str) -> None:
    """Wait in the gate of this path."""
    with Path(path).open("rb", buffering=0) as fifo:
        fifo.read(1)
