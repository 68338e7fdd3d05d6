"""Answers that are not SWF's, and errors that say nothing of the call: no finished work is lost."""

from __future__ import annotations

import contextlib
import itertools
import time
from dataclasses import replace

import pytest

from flowy import reasons
from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint
from tests.faults.layer1 import STRUCK
from tests.faults.plan import ANSWERS, HEARTBEATS, POLLS
from tests.faults.record import Record
from tests.faults.reply import EMPTY_POLL, Reply, error_reply

COMPLETED = "RespondActivityTaskCompleted"
FAILED = "RespondActivityTaskFailed"
CANCELED = "RespondActivityTaskCanceled"

#: More often than botocore repeats an answer by itself, so that some tries are the worker's own.
BEYOND_BOTOCORE = 5

#: Errors that say nothing of the call itself, by name, and how often each is sent.
ERRORS: dict[str, tuple[Reply, int]] = {
    "UnknownError": (error_reply("UnknownError"), 2),
    "SomethingNew": (error_reply("com.amazonaws.swf.base.model#SomethingNewFault"), 2),
    "RequestTimeout": (error_reply("RequestTimeout"), BEYOND_BOTOCORE),
    "RequestTimeoutException": (error_reply("RequestTimeoutException"), BEYOND_BOTOCORE),
    "RequestTimeTooSkewed": (error_reply("RequestTimeTooSkewed", status=403), 2),
    "ExpiredToken": (error_reply("ExpiredToken", status=403), 2),
    "ExpiredTokenException": (error_reply("ExpiredTokenException"), 2),
    "AccessDenied": (error_reply("AccessDenied", status=403), 2),
    "AccessDeniedException": (error_reply("AccessDeniedException"), 2),
    "ServiceUnavailable": (error_reply("ServiceUnavailable", status=503), BEYOND_BOTOCORE),
    "ServiceUnavailable-as-400": (error_reply("ServiceUnavailable"), 2),
    "InternalFailure": (error_reply("InternalFailure", status=500), BEYOND_BOTOCORE),
    "a number for a code": (error_reply(42), 2),
    "a list for a code": (error_reply(["ValidationException"]), 2),
    "null for a code": (error_reply(None), 2),
    "no body": (Reply(status=400), 2),
    # Not SWF's own: a firewall's page for a request that it takes for an attack, say.
    "ValidationException of a proxy": (
        Reply(error_reply("ValidationException").body, 400, request_id=False),
        2,
    ),
}

#: What proxies, captive portals and bad networks answer with a status that looks fine.
PAGES: dict[str, Reply] = {
    "HTML without a length": Reply(
        b"<html>welcome</html>", request_id=False, length=False, content_type="text/html"
    ),
    "HTML": Reply(b"<html>welcome</html>", request_id=False, content_type="text/html"),
    "{} without a request id": Reply(b"{}", request_id=False),
    "an empty poll without a request id": Reply(EMPTY_POLL, request_id=False),
    "nothing without a request id": Reply(request_id=False),
    "OK without a request id": Reply(b"OK", request_id=False, content_type="text/plain"),
    "202": Reply(b"{}", 202),
    "202 without a request id": Reply(b"{}", 202, request_id=False),
    "204": Reply(status=204),
    "204 without a request id": Reply(status=204, request_id=False),
    "OK": Reply(b"OK"),
    "half a JSON": Reply(b'{"startedEventId"'),
    "half a JSON without a length": Reply(b'{"', length=False),
    "half a body": Reply(EMPTY_POLL, then="truncate"),
}


# Errors that say nothing of the call


def test_errors_that_say_nothing_of_the_answer_are_outlasted(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """Whatever meets the first tries of an answer, the finished result is completed.

    A failure keeps its own reason, and a cancellation stays one.
    """
    tokens = {
        name: endpoint.add(meets={ANSWERS: [reply] * times})[0]
        for name, (reply, times) in ERRORS.items()
    }
    passing = {ANSWERS: [ERRORS["AccessDenied"][0], ERRORS["UnknownError"][0]]}
    (failed,) = endpoint.add(input="[", meets=passing)
    (canceled,) = endpoint.add(3_600.0, name="patient", meets=passing)
    endpoint.request_cancel(canceled)
    worker = start_worker(endpoint.environment, concurrency=len(tokens) + 2)
    assert not not_completed(endpoint, tokens)
    record = endpoint.record
    endpoint.wait_for(lambda _: {failed, canceled} <= record.answers.keys())
    assert what_became_of(record, failed).startswith(f"{FAILED} {reasons.INPUT_UNREADABLE}")
    assert what_became_of(record, canceled) == CANCELED
    worker.stop()
    report = worker.report()
    assert (report.completed, report.failed, report.canceled) == (len(tokens), 1, 1)
    assert report.clean


def test_what_judges_the_result_itself_fails_the_task(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """These two, of SWF's own: it would refuse the result again, so the task fails and says so."""
    worker = start_worker(endpoint.environment)
    for kind in ("ValidationException", "SerializationException"):
        refusal = error_reply(f"com.amazon.coral.validate#{kind}")
        endpoint.add(meets={(COMPLETED,): [refusal] * 10})
    endpoint.wait_for(lambda e: len(e.record.answers) == 2)
    for answer in endpoint.record.answers.values():
        assert answer.action == FAILED
        assert answer.body["reason"].startswith(reasons.RESULT_REFUSED)
    worker.stop()
    assert worker.report().failed == 2


@pytest.mark.parametrize(
    ("processes", "layer1", "faults"), [(1, "refreshed", 4), (2, "refreshed", 4), (1, "foreign", 4)]
)
def test_what_comes_before_the_call_says_nothing_of_the_answer(
    endpoint: Endpoint, start_worker: Workers, processes: int, layer1: str, faults: int
) -> None:
    """Missing credentials for a moment, a client with errors of its own: the worker recovers."""
    tasks = 8 * processes
    worker = start_worker(endpoint.environment, processes=processes, concurrency=2, layer1=layer1)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.identities) == processes)
    tokens = endpoint.add(0.1, count=tasks)
    endpoint.wait_for(lambda _: set(tokens) <= record.answers.keys())
    worker.stop()
    report = worker.report()
    assert worker.text.count(STRUCK) == processes * faults
    assert record.outcomes() == {COMPLETED: tasks}
    assert report.completed == tasks
    assert report.clean


# A 200 that is not SWF's


def test_what_is_swfs_own_is_taken_at_once(endpoint: Endpoint, start_worker: Workers) -> None:
    """Status 200, a request id, and no body or JSON: the answer has arrived and is not repeated."""
    replies = {
        "no body": Reply(carried_out=True),
        "{}": Reply(b"{}", carried_out=True),
        "null": Reply(b"null", carried_out=True),
        "as text/html": Reply(content_type="text/html", carried_out=True),
        "of no type": Reply(b"{}", content_type=None, carried_out=True),
    }
    for reply in replies.values():
        endpoint.add(meets={ANSWERS: [reply]})
    worker = start_worker(endpoint.environment, concurrency=len(replies), loop=len(replies))
    report = worker.report()
    assert report.clean
    assert report.completed == endpoint.record.calls[COMPLETED] == len(replies)


def test_a_page_in_place_of_an_answer_is_no_acceptance(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """An answer is sent until SWF has it; a page with status 200 does not say that it has."""
    tokens = {name: endpoint.add(meets={ANSWERS: [page] * 2})[0] for name, page in PAGES.items()}
    (failed,) = endpoint.add(input="[", meets={ANSWERS: [PAGES["{} without a request id"]] * 2})
    worker = start_worker(endpoint.environment, concurrency=len(tokens) + 1)
    assert not not_completed(endpoint, tokens)
    record = endpoint.record
    endpoint.wait_for(lambda _: failed in record.answers)
    assert record.answers[failed].action == FAILED
    worker.stop()
    report = worker.report()
    assert (report.completed, report.failed, report.closed) == (len(tokens), 1, 0)
    assert report.clean


def test_a_page_in_place_of_a_heartbeat_is_no_acceptance(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """When nothing but pages has come for the declared heartbeat timeout the activity is told so.

    SWF has timed such a task out, and its retry may be running elsewhere.
    """
    tokens = {
        name: endpoint.add(name="watched", meets={HEARTBEATS: [page] * 1_000})[0]
        for name, page in PAGES.items()
    }
    worker = start_worker(endpoint.environment, concurrency=len(tokens))
    record = endpoint.record

    def going_on() -> set[str]:
        return {name for name, token in tokens.items() if token not in record.answers}

    with contextlib.suppress(AssertionError):
        endpoint.wait_for(lambda _: not going_on())
    print(sorted(going_on()))
    assert not going_on()
    told = {answer.body.get("reason", "")[:16] for answer in record.answers.values()}
    assert told == {reasons.HEARTBEAT_LOST}
    worker.stop()
    assert worker.report().failed == len(tokens)


def test_a_page_in_place_of_a_poll_is_no_empty_poll(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """SWF may have handed a task to it: it is in the report. It does not count for ``loop``."""
    pages = [
        *(replace(page, carried_out=True) for page in PAGES.values()),
        # Half of a task, and an answer that is too short for one.
        Reply(None, then="truncate", carried_out=True),
        Reply(None, then="truncate-head", carried_out=True),
        Reply(b"", carried_out=True),
        Reply(b"{}", carried_out=True),
        Reply(b"[]", carried_out=True),
        Reply(b'{"previousStartedEventId":0}', carried_out=True),
    ]
    endpoint.plan.script(POLLS, pages)
    endpoint.add(count=2 * len(pages))
    # It ends by itself after one turn for each task that comes.
    worker = start_worker(endpoint.environment, concurrency=20, loop=len(pages))
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.handed) == 2 * len(pages) and not record.open)
    report = worker.report()
    assert len(record.lost) == len(pages)
    assert report.completed == len(pages)
    assert len(report.polls_lost) == len(pages)


def test_polls_that_meet_pages_come_ever_more_seldom(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """Pauses begin at a quarter of a second at least and double, and all heals after.

    The fourth poll of a poller, which at least one of ten has sent when 31 were sent, is 1.75 s
    after its first.
    """
    pollers = 10
    pages = list(itertools.islice(itertools.cycle(PAGES.values()), 1_000))
    worker = start_worker(endpoint.environment, concurrency=pollers, pollers=pollers)
    record, (poll,) = endpoint.record, POLLS
    endpoint.wait_for(lambda e: len(e.polls) == pollers)
    endpoint.plan.script(POLLS, pages)
    before, released_at = record.calls[poll], time.monotonic()
    endpoint.release_polls()
    endpoint.wait_for(lambda _: record.calls[poll] >= before + 3 * pollers + 1)
    assert time.monotonic() - released_at > 1.5
    endpoint.plan.script(POLLS, [])
    tokens = endpoint.add(count=pollers)
    endpoint.wait_for(lambda _: set(tokens) <= record.answers.keys())
    worker.stop()
    report = worker.report()
    assert len(report.polls_lost) == len(record.replied)
    assert report.completed == pollers


def not_completed(endpoint: Endpoint, tokens: dict[str, str]) -> dict[str, str]:
    """Wait until all are completed; return those that are not, by name, and what they are."""
    record = endpoint.record

    def others() -> dict[str, str]:
        return {
            name: what_became_of(record, token)
            for name, token in tokens.items()
            if what_became_of(record, token) != COMPLETED
        }

    with contextlib.suppress(AssertionError):
        endpoint.wait_for(lambda _: not others())
    for name, became in others().items():
        print(f"{name}: {became}")
    return others()


def what_became_of(record: Record, token: str) -> str:
    """Return the action that closed the task, with the reason of a failure."""
    answer = record.answers.get(token)
    if answer is None:
        return "open"
    return f"{answer.action} {answer.body.get('reason', '')}".strip()
