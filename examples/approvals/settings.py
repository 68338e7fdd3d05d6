"""What the parts of the app share: names, and the folder in which it keeps its own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

DOMAIN = "approvals"
TASK_LIST = "approvals"
DECISIONS = "approvals-decisions"
WORKFLOW_NAME, WORKFLOW_VERSION = "purchase", "1"

#: The environment variable that names the folder.
HOME_VARIABLE = "APPROVALS_HOME"

#: How long a link for a colleague is good, in seconds.
LINK_SECONDS = 24 * 3_600


def home() -> Path:
    """The folder of the store and the keys; made for its owner alone."""
    folder = Path(os.environ.get(HOME_VARIABLE, "approvals-data"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def store_file() -> Path:
    """Where the suspended tasks are kept."""
    return home() / "tokens.db"


def key_file(name: str) -> Path:
    """A file with a key, made where it is not there: it must outlive a restart."""
    path = home() / f"{name}.key"
    # Written aside and then linked: nobody ever reads half a key, and the first one stays.
    fresh = home() / f".{name}-{secrets.token_hex(8)}"
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path
