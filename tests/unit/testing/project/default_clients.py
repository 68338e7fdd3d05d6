"""With flowy_aws_environment, code that names no client uses the local SWF."""

from __future__ import annotations

from flowy import Activity, activity, start_activity_worker


@activity("whisper", 1, "whispers")
class Whisper(Activity):
    def run(self) -> None: ...


def test_it(flowy_aws_environment: dict[str, str], flowy_domain: str) -> None:
    assert set(flowy_aws_environment) >= {"AWS_ENDPOINT_URL_SWF"}
    start_activity_worker(flowy_domain, "whispers", loop=0)
    start_activity_worker(flowy_domain, "whispers", loop=1)
