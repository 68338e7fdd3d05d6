"""What the activities work on; in a real project a database, and somebody else's service."""

from __future__ import annotations

import asyncio

packed: list[str] = []
letters: dict[str, str] = {}
positions: dict[str, asyncio.Queue[str]] = {}


def pack(item: str) -> None:
    packed.append(item)


def unpack(item: str) -> None:
    packed.remove(item)


def ask_customs(parcel: str, token: str) -> None:
    letters[parcel] = token


def subscribe(parcel: str) -> asyncio.Queue[str]:
    return positions.setdefault(parcel, asyncio.Queue())


def unsubscribe(parcel: str) -> None:
    del positions[parcel]
