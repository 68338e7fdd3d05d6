"""Whether an answer is SWF's own: over real HTTP, by Flowy's clients and by one passed in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowy.exception import TransientError
from flowy.swf.client import SWFClient
from flowy.swf.client.genuine import check_bodies, is_genuine
from tests.faults.reply import EMPTY_POLL
from tests.unit.scripted_swf import ONE_ATTEMPT, Says, ScriptedSWF, boto3_client, lean_client
from tests.unit.stand_ins import ScriptedLayer1, task_answer
from tests.unit.swf.client.lean.raw_server import RawServer

pytestmark = pytest.mark.usefixtures("no_settings")

Call = Callable[[SWFClient], object]

CALLS: dict[str, Call] = {
    "poll": lambda client: client.poll_for_activity_task("domain", "list", "me"),
    "decision poll": lambda client: client.poll_for_decision_task("domain", "list", "me"),
    "heartbeat": lambda client: client.record_activity_task_heartbeat("token"),
    "completed": lambda client: client.respond_activity_task_completed("token", "1"),
    "failed": lambda client: client.respond_activity_task_failed("token", "why"),
    "canceled": lambda client: client.respond_activity_task_canceled("token"),
}

#: Calls to which SWF says something even if there is nothing to tell.
WITH_MEMBERS = ("poll", "decision poll", "heartbeat")

#: What proxies, captive portals and bad networks answer with a status that looks fine.
PAGES = {
    "HTML": Says("<html>welcome</html>"),
    "HTML without a request id": Says("<html>welcome</html>", request_id=False),
    "HTML without either": Says("<html>welcome</html>", request_id=False, length=False),
    "another encoding": Says(b"un caf\xe9"),
    "OK": Says("not JSON"),
    "a list": Says("[1, 2]"),
    "{} without a request id": Says("{}", request_id=False),
    "an empty poll without a request id": Says(EMPTY_POLL, request_id=False),
    "a task without a request id": Says(task_answer(), request_id=False),
    "nothing without a request id": Says("", request_id=False),
    "202": Says("{}", 202),
    "204": Says(None, 204),
    "half a JSON": Says('{"startedEventId"'),
}


@pytest.fixture(params=["Flowy's", "Flowy's by botocore's HTTP", "passed in"])
def client_of(request: pytest.FixtureRequest) -> Iterator[Callable[[ScriptedSWF], SWFClient]]:
    """Makes a client of what the test scripts."""
    made: list[Any] = []

    def make(swf: ScriptedSWF) -> SWFClient:
        new = lean_client if request.param == "Flowy's" else boto3_client
        client = new(swf.url, **ONE_ATTEMPT)
        if request.param != "passed in":
            check_bodies(client)
        made.append(client)
        return SWFClient(client, client)

    yield make
    for client in made:
        client.close()


@pytest.mark.parametrize("page", PAGES)
def test_pages(client_of: Callable[[ScriptedSWF], SWFClient], page: str) -> None:
    """They are neither an accepted answer nor an empty poll: SWF may have acted on the call."""
    with ScriptedSWF(PAGES[page]) as swf:
        client = client_of(swf)
        for call in CALLS.values():
            with pytest.raises(TransientError, match="the answer is not SWF's") as caught:
                call(client)
            assert caught.value.fault == "UnreadableAnswer"
            assert caught.value.may_have_arrived
        assert len(swf.requests) == len(CALLS)


def test_half_a_body(client_of: Callable[[ScriptedSWF], SWFClient]) -> None:
    """A connection that breaks within the answer is a broken connection."""
    with ScriptedSWF(Says(task_answer(), then="truncate")) as swf:
        client = client_of(swf)
        for call in CALLS.values():
            with pytest.raises(TransientError) as caught:
                call(client)
            assert caught.value.may_have_arrived


@pytest.mark.parametrize("length", [True, False])
def test_swfs_own(client_of: Callable[[ScriptedSWF], SWFClient], length: bool) -> None:
    """What SWF says if there is nothing to tell is taken, with a length or without."""
    with ScriptedSWF(Says(length=length)) as swf:
        client = client_of(swf)
        assert {call(client) for call in CALLS.values()} <= {None, False}
        assert len(swf.requests) == len(CALLS)


@pytest.mark.parametrize("body", ["", "{}", "null", " {} "])
def test_an_empty_answer(client_of: Callable[[ScriptedSWF], SWFClient], body: str) -> None:
    """It acknowledges, but an empty poll has ``startedEventId``, a heartbeat a flag."""
    with ScriptedSWF(Says(body)) as swf:
        client = client_of(swf)
        for name, call in CALLS.items():
            if name in WITH_MEMBERS:
                with pytest.raises(TransientError) as caught:
                    call(client)
                assert caught.value.fault == "UnreadableAnswer"
            else:
                assert call(client) is None


def test_json_of_somebody_else(client_of: Callable[[ScriptedSWF], SWFClient]) -> None:
    """It lacks what SWF always says."""
    with ScriptedSWF(Says({"message": "welcome"})) as swf:
        client = client_of(swf)
        for name in WITH_MEMBERS:
            with pytest.raises(TransientError):
                CALLS[name](client)


def test_a_token_that_is_not_text(client_of: Callable[[ScriptedSWF], SWFClient]) -> None:
    """A task that cannot be answered is not an empty poll: it may be lost, and is reported."""
    says = Says({"taskToken": {"a": 1}, "startedEventId": 3})
    with ScriptedSWF(says) as swf, pytest.raises(TransientError):
        client_of(swf).poll_for_activity_task("domain", "list", "me")


def test_a_check_of_bodies_shows_no_body() -> None:
    """It may be anybody's page, or half of a task with its token."""
    with ScriptedSWF(Says('{"taskToken": "SECRET')) as swf:
        client = boto3_client(swf.url, **ONE_ATTEMPT)
        check_bodies(client)
        with pytest.raises(ConnectionError) as caught:
            client.poll_for_activity_task(domain="domain", taskList={"name": "list"})
        client.close()
    assert "SECRET" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_body_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore has read something from it, so it is JSON."""
    parsed: list[object] = []
    loads = json.loads

    def count(text: Any, **options: Any) -> Any:
        parsed.append(text)
        return loads(text, **options)

    with RawServer() as server:
        client = boto3_client(server.url, **ONE_ATTEMPT)
        check_bodies(client)
        client.list_domains(registrationStatus="REGISTERED")  # loads what botocore needs
        monkeypatch.setattr(json, "loads", count)
        client.poll_for_activity_task(domain="domain", taskList={"name": "list"})
        client.close()
    assert parsed == [EMPTY_POLL.decode()]


def test_no_answer_has_a_message() -> None:
    """botocore reads a body that is not JSON as one with a ``message``."""
    client: Any = boto3_client()
    model = client.meta.service_model
    outputs = [model.operation_model(name).output_shape for name in model.operation_names]
    assert not any(shape and "message" in shape.members for shape in outputs)
    client.close()


# Clients of other making


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"taskToken": ""}, {"ResponseMetadata": None}, {"ResponseMetadata": {}}],
)
def test_a_client_that_shows_neither_status_nor_headers(answer: object) -> None:
    """Its answers are taken as they are."""
    assert is_genuine(answer)


@pytest.mark.parametrize("answer", [None, {}, {"ResponseMetadata": None}, {"ResponseMetadata": {}}])
def test_an_empty_poll_of_a_client_that_shows_nothing(answer: dict[str, Any] | None) -> None:
    """Its answers may lack the keys that SWF always sends."""
    client = ScriptedLayer1(answer).client()
    assert client.poll_for_activity_task("domain", "list", "me") is None
    assert client.record_activity_task_heartbeat("token") is False


@pytest.mark.parametrize("answer", ["", "page", b"page", [], [1], 0, 7, False])
def test_what_is_no_answer_at_all(answer: object) -> None:
    """An answer is a mapping, or None."""
    assert not is_genuine(answer)


@pytest.mark.parametrize("headers", [{}, {"HTTPHeaders": None}, {"HTTPHeaders": 7}])
def test_a_status_without_headers(headers: dict[str, object]) -> None:
    """A client that shows a status shows SWF's headers, too."""
    assert not is_genuine({"ResponseMetadata": {"HTTPStatusCode": 200, **headers}})
