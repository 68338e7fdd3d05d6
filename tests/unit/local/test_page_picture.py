"""The pictures of the page in the documentation, made of the page as it is."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from flowy.local import LocalSWF
from tests.browser import Browser
from tests.unit.shop import DOMAIN, Shop, scheduled

#: The size of the pictures, in pixels.
SIZE = (1180, 786)


def test_picture(browser: Browser, tmp_path: Path) -> None:
    """Executions that ended in each way, and one whose activity runs; light and dark."""
    with LocalSWF(domain=DOMAIN, poll_seconds=30, page_port=0) as swf:
        shop = Shop(swf)
        _trade(shop)
        poll: dict[str, Any] = {"taskList": {"name": "work"}, "identity": "worker-2"}
        poller = threading.Thread(
            target=shop.boto3.poll_for_activity_task, kwargs={"domain": DOMAIN, **poll}
        )
        poller.start()
        try:
            browser.resize(*SIZE)
            browser.open(swf.page_url)
            browser.until(lambda: "worker-2" in browser.text("#pollers tbody"))
            browser.until(lambda: len(browser.texts("td.started")) == 6)
            for scheme in ("light", "dark"):
                browser.prefer(scheme)
                name = f"local-page-{scheme}.png"
                browser.picture(f"indepth/{name}", tmp_path / name)
            assert browser.errors() == []
        finally:
            browser.resize(0, 0)
            browser.prefer("light")
            swf.release_polls()
            poller.join()


def _trade(shop: Shop) -> None:
    """Six executions within a few minutes."""
    turn = shop.swf.clock.turn
    shop.start("order-4711")
    _run(shop, "order-4711", "charge-1")
    turn(41)
    shop.boto3.respond_activity_task_completed(taskToken=shop.take(), result='"paid"')
    shop.close("order-4711", "Complete", result='"shipped"')
    turn(12)
    shop.start("order-4712", "gift")
    turn(33)
    shop.close("order-4712", "Fail", reason="ValueError: Card 9 is not valid.")
    shop.start("order-4713")
    turn(20)
    shop.boto3.terminate_workflow_execution(domain=DOMAIN, workflowId="order-4713")
    shop.start("refund-88", "late", name="refund")
    turn(3)
    shop.boto3.request_cancel_workflow_execution(domain=DOMAIN, workflowId="refund-88")
    shop.close("refund-88", "Cancel")
    turn(8)
    shop.start("order-4714", "gift")
    _run(shop, "order-4714", "charge-1")
    token = shop.take()
    turn(15)
    shop.boto3.record_activity_task_heartbeat(taskToken=token, details='"2 of 3 parcels"')
    shop.start("order-4715")
    turn(4)


def _run(shop: Shop, workflow_id: str, activity_id: str) -> None:
    shop.decide(workflow_id, scheduled(activity_id, input='[[4711], {"currency": "EUR"}]'))
