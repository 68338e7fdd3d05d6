"""What the parts of the app share: names, and the folder with their data."""

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

#: How long a link for a colleague can be used, in seconds.
LINK_SECONDS = 24 * 3_600


def home() -> Path:
    """Return the folder of the store and the keys; make it, for its owner alone."""
    folder = Path(os.environ.get(HOME_VARIABLE, "approvals-data"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def store_file() -> Path:
    """Return the path of the store of suspended tasks."""
    return home() / "tokens.db"


def key_file(name: str) -> Path:
    """Return the path of a file with a key; make the file if there is none.

    A key must outlive a restart, or the forms and links from before would be refused.
    """
    path = home() / f"{name}.key"
    # Written aside and then linked, so that nobody reads half a key and the first key stays.
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
