"""How envelopes are written, and found again in whatever JSON a decider has made of them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from flowy.claims import Claim
from flowy.envelope.forms import (
    KEY,
    MAX_CHAIN,
    Coded,
    claim_text,
    coded_text,
    escaped,
    found_in,
    unescaped,
)
from flowy.exception import InputError

CODED = coded_text(["zlib", "fernet:0a1b2c3d"], bytes(range(256)))
CLAIM = claim_text(Claim("s3://bucket/v1/a/b/c/d", "0" * 64, 7))

#: Texts in which quotes, braces and backslashes could be taken for JSON's own.
NASTY = [
    '"',
    "\\",
    '\\"',
    "{",
    "}",
    f'"{KEY}":',
    f'{{"{KEY}": 1}}',
    "ä\u2028😀",
    KEY,
    "",
    f'\\"{KEY}" :',
]


def some_value(random_: random.Random, depth: int = 4) -> Any:
    """Return any JSON value, with nasty texts and keys."""
    kind = random_.randrange(8 if depth else 5)
    if kind < 3:
        return random_.choice(NASTY)
    if kind < 5:
        return random_.choice([None, True, 7, -1.5e300, 10**30])
    children = [some_value(random_, depth - 1) for _ in range(random_.randrange(4))]
    if kind < 6:
        return children
    return {
        random_.choice([*NASTY, "key", f"${KEY}"]) + random_.choice(["", "1"]): child
        for child in children
    }


@pytest.mark.parametrize("ascii_only", [True, False])
def test_own_keys_are_escaped(ascii_only: bool) -> None:
    """Whatever JSON an author writes, no envelope is found in it, and it comes back unchanged."""
    random_ = random.Random(7)
    escapes = 0
    for _ in range(2_000):
        text = json.dumps(some_value(random_), ensure_ascii=ascii_only)
        written = escaped(text)
        escapes += written != text
        assert found_in(written) == []
        assert unescaped(written) == text
    assert escapes > 50


def test_escaping_changes_keys_alone() -> None:
    """A dollar more for each writing, in keys; texts stay."""
    text = json.dumps({KEY: {"$" + KEY: KEY}, "x": [{KEY: 1}]})
    assert json.loads(escaped(text)) == {"$$flowy": {"$$$flowy": "$flowy"}, "x": [{"$$flowy": 1}]}


@pytest.mark.parametrize("dump", [
    json.dumps,
    lambda it: json.dumps(it, separators=(",", ":")),
    lambda it: json.dumps(it, indent=2, sort_keys=True),
    lambda it: json.dumps(dict(reversed(it.items())) if isinstance(it, dict) else it),
])  # fmt: skip
def test_found_wherever_a_decider_puts_them(dump: Any) -> None:
    """Deciders parse and write JSON again, in their own order and with their own white space."""
    pair = f"[{dump(json.loads(CODED))}, {dump(json.loads(CLAIM))}]"
    for text in (pair, f'[["a", {pair}], {{"k": {pair}, "{{": "}}"}}]'):
        forms = [each.form for each in found_in(text)]
        assert set(map(type, forms)) == {Coded, Claim}
        for each in found_in(text):
            assert json.loads(text[each.start : each.end])[KEY] in ("codec/1", "claim/1")
    assert found_in(CODED)[0].form == Coded(("zlib", "fernet:0a1b2c3d"), bytes(range(256)))


@pytest.mark.parametrize(
    "change",
    [
        {KEY: "codec/2"}, {KEY: None}, {KEY: 7}, {KEY: ["codec/1"]}, {"more": 1},
        {"chain": []}, {"chain": "zlib"}, {"chain": [7]}, {"chain": ["x"] * (MAX_CHAIN + 1)},
        {"chain": ["x" * 301]}, {"data": None}, {"data": "###"}, {"data": "abc"}, {"data": "é"},
    ],
)  # fmt: skip
def test_what_is_no_envelope(change: dict[str, Any]) -> None:
    """A changed form is refused, and its content is not repeated."""
    with pytest.raises(InputError, match=r"key '\$flowy'"):
        found_in(json.dumps([{**json.loads(CODED), **change}]))


@pytest.mark.parametrize(
    "change",
    [
        {"uri": 7}, {"uri": "s3://" + "x" * 3_000}, {"sha256": "0" * 63}, {"sha256": "G" * 64},
        {"sha256": None}, {"bytes": -1}, {"bytes": True}, {"bytes": "7"}, {"bytes": 1.5},
    ],
)  # fmt: skip
def test_what_is_no_claim(change: dict[str, Any]) -> None:
    """Likewise."""
    with pytest.raises(InputError, match=r"key '\$flowy'"):
        found_in(json.dumps([{**json.loads(CLAIM), **change}]))


def test_nested_ones() -> None:
    """Flowy never writes an envelope into another one, so that is refused."""
    for inner in (CODED, f"[{CLAIM}]"):
        with pytest.raises(InputError):
            found_in(f'{{"$flowy": "codec/1", "chain": ["zlib"], "data": {inner}}}')


@pytest.mark.parametrize(
    "text", ['{"$flowy": "', '{"$flowy"', "}}{{", '"$flowy": {', '{"a": "$flowy"}', '["$flowy"]']
)
def test_text_that_is_not_json(text: str) -> None:
    """The parser refuses it; nothing is found here."""
    assert found_in(text) == []
