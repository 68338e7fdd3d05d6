"""How a worker can be told to show its health."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from typing import Any

import pytest

from flowy.health import HealthOptions
from flowy.health.options import listening
from flowy.loopback.address import Address, UnixAddress


@pytest.mark.parametrize(
    ("http", "host", "port"),
    [
        ("8080", "127.0.0.1", 8080),
        (8080, "127.0.0.1", 8080),
        ("0", "127.0.0.1", 0),
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("localhost:8080", "127.0.0.1", 8080),
        ("0.0.0.0:8080", "0.0.0.0", 8080),
        ("[::1]:8080", "::1", 8080),
        ("[::]:8080", "::", 8080),
    ],
)
def test_where_it_listens(http: str | int, host: str, port: int) -> None:
    """On loopback, unless a host is said."""
    address, found = listening(http)
    assert isinstance(address, Address)
    assert (address.host, found) == (host, port)
    assert address.answers_to("foreign.example") == (host in ("0.0.0.0", "::"))
    assert address.answers_to(f"localhost:{port}")
    HealthOptions(http=http)


def test_a_socket_in_the_file_system() -> None:
    """Whatever Host a request names: no web page can send one there."""
    address, _ = listening("unix:/run/flowy.sock")
    assert isinstance(address, UnixAddress)
    assert address.path == "/run/flowy.sock"
    assert address.url(0) == "unix:/run/flowy.sock"
    assert address.answers_to("localhost")


@pytest.mark.parametrize(
    "http", ["", "x", ":8080", "host.example:8080", "127.0.0.1:", "65536", "-1", "unix:", 1.5, True]
)
def test_where_nothing_can_listen(http: Any) -> None:
    """The text says what can be given."""
    with pytest.raises(ValueError, match=r"^Cannot use http=.*give a port, HOST:PORT .* unix:PATH"):
        HealthOptions(http=http)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"file": ""}, "Cannot use file='': give the path of a file to write."),
        ({"max_block": -1}, "Cannot use max_block=-1: give seconds, 0 or more."),
        ({"max_block": "5"}, "Cannot use max_block='5': give seconds, 0 or more."),
        ({"max_block": True}, "Cannot use max_block=True: give seconds, 0 or more."),
        ({"max_silence": math.inf}, "Cannot use max_silence=inf: give seconds, 0 or more."),
        ({"max_silence": None}, "Cannot use max_silence=None: give seconds, 0 or more."),
    ],
)
def test_what_cannot_be_used(wrong: dict[str, Any], text: str) -> None:
    """Each option is checked."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        HealthOptions(**wrong)


def test_the_docstring_describes_each_option() -> None:
    """In their order, as the command line does."""
    doc = HealthOptions.__doc__ or ""
    words = " ".join(doc.split())
    options = fields(HealthOptions)
    assert re.findall(r"^ {4}(\w+): ", doc, re.MULTILINE)[: len(options)] == [
        each.name for each in options
    ]
    assert all(each.metadata["help"] in words for each in options)
