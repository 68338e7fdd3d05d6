"""Executions that the verbs list, show and end."""

from __future__ import annotations

from tests.unit.shop import Shop


def trade(shop: Shop) -> None:
    """Four executions: one completed, one failed, two open; a minute apart."""
    shop.start("done", "paid")
    shop.close("done", "Complete", result="secret result")
    shop.swf.clock.turn(60)
    shop.start("failed", name="refund")
    shop.close("failed", "Fail", reason="No stock.", details="secret details")
    shop.swf.clock.turn(60)
    shop.start("order-7", "paid", "late")
    shop.swf.clock.turn(60)
    shop.start("order-8", "late")
