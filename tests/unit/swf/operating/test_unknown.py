"""An error about a domain that SWF does not have lists those that it has."""

from __future__ import annotations

import pytest

from flowy.exception import UnknownResourceError
from flowy.swf.operating import explained
from tests.unit.stand_ins import Line, ScriptedLayer1, fault

UNKNOWN = UnknownResourceError("Unknown domain: shoop", fault="UnknownResourceFault")


def text(*script: Line) -> str:
    with (
        pytest.raises(UnknownResourceError) as caught,
        explained(ScriptedLayer1(*script).client(), "shoop"),
    ):
        raise UNKNOWN
    return str(caught.value)


def page(*names: str) -> Line:
    return {"domainInfos": [{"name": name} for name in names]}


def test_the_domains_are_listed() -> None:
    """Those of a similar name first, deprecated ones too, and not hundreds."""
    assert text(page("local", "shop"), page("old")) == (
        "Cannot find the domain 'shoop'. The domains are: shop, local, old."
    )
    many = text(page(*(f"d{number}" for number in range(25))), page())
    assert many.endswith("d19, and 5 more.")
    assert text(page(), page()).endswith("It has no domains. Check the region and the account.")


def test_another_unknown_thing_is_not_explained_so() -> None:
    """The domain is there: the error is about an execution or a type in it."""
    assert text(page("shoop"), page()) == "Unknown domain: shoop"


def test_whoever_may_not_list_domains_gets_the_error_itself() -> None:
    """``swf:ListDomains`` is a permission of its own."""
    assert text(fault("AccessDeniedException")) == "Unknown domain: shoop"
