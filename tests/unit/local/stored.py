"""A local SWF whose state is in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flowy.local import LocalSWF


def local(file: Path, **how: Any) -> LocalSWF:
    return LocalSWF(poll_seconds=0, state=file, **how)
