"""``examples/monitoring``, and workers that a real Prometheus scrapes.

Prometheus and promtool are Debian's package ``prometheus``. If it is not installed, these tests are
skipped, or fail if ``CI`` is set.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from flowy.local import LocalSWF
from flowy.metrics.instruments import INSTRUMENTS
from tests.acceptance.flows import Ask, Flow
from tests.acceptance.processes import Process
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "monitoring"

#: How often Prometheus scrapes, and over which time the alerts look back here, in seconds.
SCRAPE_SECONDS = 0.25
WINDOW_SECONDS = 6


def tool(name: str) -> str:
    """Return the path of one of Prometheus's programs."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("prometheus is not installed: apt-get install prometheus")
        pytest.skip("prometheus is not installed")
    return path


def check(*arguments: str) -> None:
    """Run promtool in the folder of the example."""
    ran = subprocess.run(
        [tool("promtool"), *arguments], cwd=EXAMPLE, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_the_files(arguments: tuple[str, ...]) -> None:
    """The configuration, the rules, and when each alert fires and ceases by their own tests."""
    check(*arguments)


def test_each_alert_is_tested() -> None:
    """Once as it fires, and once as it does not."""
    alerts = re.findall(r"- alert: (\w+)", (EXAMPLE / "alerts.yml").read_text())
    tests = (EXAMPLE / "alerts_test.yml").read_text()
    for alert in alerts:
        expected = re.findall(rf"alertname: {alert}\n +exp_alerts:(.*)", tests)
        assert {"", " []"} <= set(expected), alert
    assert set(re.findall(r"alertname: (\w+)", tests)) == set(alerts)


def expressions() -> list[str]:
    """Return all that the dashboard asks Prometheus."""
    dashboard = json.loads((EXAMPLE / "dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [*asked, *(each["expr"] for each in dashboard["annotations"]["list"])]


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_the_files_name_what_there_is(name: str) -> None:
    """Each metric and each label that they use is one of Flowy's, or of Prometheus itself."""
    text = (EXAMPLE / name).read_text().replace('\\"', '"')
    known = {
        f"{each.name}{suffix}": each.labels
        for each in INSTRUMENTS
        for suffix in (("",) if each.kind != "histogram" else ("_bucket", "_sum", "_count"))
    }
    used = re.findall(r"\b(flowy_\w+)(?:{([^}]*)})?", text)
    assert {metric for metric, _ in used} <= known.keys()
    for metric, selector in used:
        labels = set(re.findall(r"(\w+)(?:=~|!~|!=|=)", selector))
        assert labels <= {*known[metric], "job", "instance"}, (metric, selector)


def test_the_dashboard_shows_each_metric() -> None:
    """None is counted in vain."""
    shown = " ".join(expressions())
    assert [each.name for each in INSTRUMENTS if each.name not in shown] == []


# A real Prometheus

ACTIVITIES = """
    import os, signal
    from prometheus_client import Counter
    from flowy import Activity, activity

    ORDERS = Counter("shop_orders", "The author's own metric.")

    @activity("echo", 1, "list", heartbeat=60)
    class Echo(Activity):
        def run(self, value):
            self.heartbeat()
            ORDERS.inc()
            return value

    @activity("die", 1, "list")
    class Die(Activity):
        def run(self):
            os.kill(os.getpid(), signal.SIGKILL)
"""


class Prometheus:
    """A Prometheus that scrapes one worker; its alerts are the example's, with short times."""

    def __init__(self, folder: Path, target: int, silence_seconds: int) -> None:
        self._port = free_port()
        rules = (EXAMPLE / "alerts.yml").read_text()
        rules = re.sub(r"(\[|offset )\d+m", rf"\g<1>{WINDOW_SECONDS}s", rules)
        rules = rules.replace("_timestamp_seconds > 180", f"_timestamp_seconds > {silence_seconds}")
        (folder / "alerts.yml").write_text(re.sub(r"for: \d+m", "for: 0s", rules))
        config = (EXAMPLE / "prometheus.yml").read_text()
        config = config.replace("15s", f"{SCRAPE_SECONDS * 1000:.0f}ms").replace(
            "9464", f"{target}"
        )
        (folder / "prometheus.yml").write_text(config)
        self.process = subprocess.Popen(
            [
                tool("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--query.lookback-delta=2s",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer; None while Prometheus is not ready."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=10) as answer:
                said = json.load(answer)
        except ConnectionError:
            return None
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from error
        except urllib.error.URLError:
            return None
        assert said["status"] == "success"
        return said["data"]

    def value(self, query: str) -> float | None:
        """Return the value of a query with one result; None if it has none."""
        data = self.ask("query", query=query)
        if not data or not data["result"]:
            return None
        (result,) = data["result"]
        return float(result["value"][1])

    def alerts(self) -> set[str]:
        """Return the names of the alerts that fire."""
        data = self.ask("alerts") or {"alerts": []}
        return {each["labels"]["alertname"] for each in data["alerts"] if each["state"] == "firing"}

    def wait_for(self, query: str, value: float) -> None:
        """Wait until a query has this value."""
        until(
            lambda: self.value(query) == value,
            lambda: f"{query} {value}, but {self.value(query)}",
            every_seconds=SCRAPE_SECONDS,
        )

    def wait_for_alerts(self, *names: str) -> None:
        """Wait until these alerts fire, and no other."""
        until(lambda: self.alerts() == set(names), self.alerts, every_seconds=SCRAPE_SECONDS)


@contextmanager
def scraping(folder: Path, target: int, silence_seconds: int = 180) -> Iterator[Prometheus]:
    """A Prometheus, while the block runs.

    Args:
        folder: where its files go.
        target: the port of the worker.
        silence_seconds: how long SWF may answer no poll without an alert.
    """
    folder.mkdir()
    prometheus = Prometheus(folder, target, silence_seconds)
    try:
        yield prometheus
    finally:
        prometheus.process.terminate()
        prometheus.process.wait(PATIENCE_SECONDS)


def assert_is_drawn(url: str, picture: Path) -> None:
    """The example's script draws each panel, with what Prometheus knows."""
    given = ["--prometheus", url, "--minutes", "1", "--rate", "5s", str(picture)]
    subprocess.run([sys.executable, EXAMPLE / "draw.py", *given], check=True)
    drawn = ElementTree.parse(picture)
    texts = {element.text for element in drawn.iter() if element.tag.endswith("}text")}
    panels = json.loads((EXAMPLE / "dashboard.json").read_text())["panels"]
    assert {panel["title"] for panel in panels} <= texts
    assert {"completed", "echo 1", "accepted", "list: task"} <= texts


@pytest.mark.timeout(180)
def test_two_processes_through_a_kill_a_recycle_and_a_stop(
    process: Callable[..., Process],
    write: Callable[..., Path],
    flow: Callable[..., Flow],
    domain: str,
    tmp_path: Path,
) -> None:
    """All processes are one worker to Prometheus, and the shipped alerts fire and cease."""
    tool("prometheus")
    port = free_port()
    write("shop.py", ACTIVITIES)
    # Prometheus takes 5 s until it scrapes, and the worker some to start.
    with scraping(tmp_path / "prometheus", port) as prometheus:
        worker = process(
            *("-m", "flowy", "worker", "--domain", domain, "--task-list", "list"),
            *("--processes", "2", "--concurrency", "3", "--http", port),
            *("--observer", "flowy.metrics.prometheus:OBSERVER", "shop"),
            TMPDIR=str(tmp_path),
        )
        worker.wait_for("Worker started as", count=2)
        prometheus.wait_for("flowy_slots", 6)
        flow(*[Ask("echo", "[[1], {}]")] * 20).wait()
        completed = 'flowy_tasks_total{activity="echo", outcome="completed"}'
        prometheus.wait_for(completed, 20)
        prometheus.wait_for("flowy_task_run_seconds_count", 20)
        prometheus.wait_for("flowy_slots_used", 0)
        prometheus.wait_for_alerts()
        (folder,) = tmp_path.glob("flowy-metrics-*")
        files = {file.name for file in folder.iterdir()}

        # One is killed: its task is failed, it is replaced, and an alert says so for a while.
        (closing,) = flow(Ask("die")).wait()
        assert closing.reason == "Worker process died: killed by signal 9 (SIGKILL)."
        dead = 'flowy_worker_restarts_total{reason="killed by signal 9 (SIGKILL)"}'
        prometheus.wait_for(dead, 1)
        prometheus.wait_for('flowy_tasks_total{activity="die", outcome="failed"}', 1)
        prometheus.wait_for_alerts("FlowyProcessesDie")
        prometheus.wait_for("flowy_slots", 6)
        prometheus.wait_for("sum(flowy_tasks_running)", 0)
        prometheus.wait_for_alerts()

        # One is recycled: it ends well, is replaced, and no alert says so.
        pids = re.findall(r"Started worker process (\d+)\.", worker.output)
        os.kill(int(pids[-1]), signal.SIGTERM)
        prometheus.wait_for('flowy_worker_restarts_total{reason="recycled"}', 1)
        prometheus.wait_for("flowy_slots", 6)
        flow(*[Ask("echo", "[[1], {}]")] * 10).wait()
        prometheus.wait_for(completed, 30)
        assert prometheus.alerts() == set()
        assert prometheus.value(f"max(resets({completed}[5m]))") == 0
        assert {file.name for file in folder.iterdir()} == files  # the author's are among them
        prometheus.wait_for("shop_orders_total", 30)
        for expression in expressions():
            for name, value in (("job", "flowy"), ("instance", ".*"), ("__rate_interval", "5s")):
                expression = expression.replace(f"${name}", value)
            assert prometheus.ask("query", query=expression) is not None
        assert_is_drawn(prometheus.url, tmp_path / "dashboard.svg")

        # It stops: nothing answers any more, and nothing is left behind.
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 8, worker.output  # the killed one had polls out
        prometheus.wait_for_alerts("FlowyWorkerDown")
    assert not folder.exists()


@pytest.mark.timeout(180)
def test_an_outage_in_which_polls_fail_at_once(
    local_swf: LocalSWF,
    process: Callable[..., Process],
    write: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """No scrape sees such a poll open, and still the alert fires, and ceases at the end."""
    tool("prometheus")
    port = free_port()
    write("shop.py", ACTIVITIES)
    with (
        LocalSWF(page_port=None, poll_seconds=1) as swf,
        scraping(tmp_path / "prometheus", port, silence_seconds=5) as prometheus,
    ):
        worker = process(
            *("-m", "flowy", "worker", "--domain", "local", "--task-list", "list"),
            *("--concurrency", "3", "--http", port),
            *("--observer", "flowy.metrics.prometheus:OBSERVER", "shop"),
            **swf.environment,
        )
        worker.wait_for("Worker started as")
        prometheus.wait_for("flowy_slots", 3)
        prometheus.wait_for_alerts()
        swf.stop()
        prometheus.wait_for_alerts("FlowyPollsUnanswered")
        swf.start()
        prometheus.wait_for_alerts()
        worker.signal(signal.SIGTERM)
        worker.wait()
