"""Activities that travel by codecs and a store."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cryptography.fernet import Fernet

from flowy import Activity, AsyncActivity, activity
from flowy.claims import Store
from flowy.codecs import Codec, ZlibCodec
from flowy.codecs.fernet import FernetCodec
from flowy.convert.msgspec import MsgspecConverter

SECRET = "4111-1111-1111-1111"
KEYS = (Fernet.generate_key(), Fernet.generate_key())
FERNET = FernetCodec([KEYS[0]])
BOTH = (ZlibCodec(), FERNET)


@dataclass
class Card:
    """A typed value."""

    number: str
    limit: Decimal


def shop(
    codecs: tuple[Codec, ...], store: Store | None = None, **more: Any
) -> list[type[Activity]]:
    """Return activities that travel by these codecs and this store."""
    given = {"codecs": codecs, "claims": store, **more}
    base: Any = type("ShopActivity", (Activity,), given)
    async_base: Any = type("AsyncShopActivity", (AsyncActivity,), given)

    @activity("make", 1, "list")
    class Make(base):  # type: ignore[misc]
        def run(self, size: int = 1) -> Any:
            return {"cards": [SECRET] * size, "$flowy": SECRET}

    @activity("typed", 1, "list", converter=MsgspecConverter())
    class Typed(base):  # type: ignore[misc]
        def run(self, made: dict[str, Any]) -> Card:
            return Card(made["cards"][0], Decimal("1.10"))

    @activity("check", 1, "list", converter=MsgspecConverter())
    class Check(async_base):  # type: ignore[misc]
        async def run(self, card: Card) -> str:
            assert card == Card(SECRET, Decimal("1.10"))
            return f"{SECRET} is fine"

    @activity("count", 1, "list")
    class Count(async_base):  # type: ignore[misc]
        async def run(self, made: Any, *more: Any) -> int:
            assert set(made["cards"]) == {SECRET}
            return sum(len(each["cards"]) for each in (made, *more))

    @activity("fail", 1, "list", heartbeat=60)
    class Fail(base):  # type: ignore[misc]
        def run(self, made: Any) -> None:
            self.heartbeat({"card": SECRET})
            raise ValueError(f"declined: {made['cards'][0]}")

    return [Make, Typed, Check, Count, Fail]
