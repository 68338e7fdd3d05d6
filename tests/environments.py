"""The environment of a test's process: that of the tests, without what a developer has set."""

from __future__ import annotations

import os


def clean_environment(*prefixes: str) -> dict[str, str]:
    """Return the variables of this process, but none of AWS, of proxies, or with these prefixes."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", *prefixes)) and not name.lower().endswith("_proxy")
    }
