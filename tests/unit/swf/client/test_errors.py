"""What a client raised, as one of our errors: over the wire, and from any object."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable

import botocore.exceptions
import pytest

from flowy.exception import (
    AlreadyExistsError,
    CredentialsError,
    DeprecatedError,
    LimitExceededError,
    RefusedError,
    SWFError,
    TransientError,
    UnknownResourceError,
    ValidationError,
)
from flowy.swf.client import SWFClient
from flowy.swf.client.errors import translated
from tests.unit.scripted_swf import ONE_ATTEMPT, Says, ScriptedSWF, says_fault
from tests.unit.stand_ins import THROTTLE, ScriptedLayer1, fault
from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.faulting import FaultingLayer1

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (says_fault("UnknownResourceFault", "Unknown activity"), UnknownResourceError, None),
        (says_fault("TypeAlreadyExistsFault"), AlreadyExistsError, None),
        (says_fault("DomainAlreadyExistsFault"), AlreadyExistsError, None),
        (says_fault("WorkflowExecutionAlreadyStartedFault"), AlreadyExistsError, None),
        (says_fault("TypeDeprecatedFault"), DeprecatedError, None),
        (says_fault("DomainDeprecatedFault"), DeprecatedError, None),
        (says_fault("LimitExceededFault"), LimitExceededError, None),
        (says_fault("LimitExceededException"), LimitExceededError, None),
        (says_fault("OperationNotPermittedFault"), CredentialsError, None),
        (says_fault("UnrecognizedClientException"), CredentialsError, None),
        (says_fault("ExpiredTokenException"), CredentialsError, None),
        (says_fault("AccessDeniedException", status=403), CredentialsError, None),
        (says_fault("ThrottlingException", "Rate exceeded"), TransientError, None),
        (says_fault("RequestLimitExceeded", status=503), TransientError, None),
        (says_fault("SomethingNew", status=429), TransientError, None),
        (says_fault("SomethingNew", status=500), TransientError, None),
        (says_fault("SomethingNew"), TransientError, None),
        (says_fault("SomethingNewFault"), RefusedError, None),
        (says_fault("ValidationException", "SECRET"), ValidationError, None),
        (says_fault("SerializationException"), ValidationError, None),
        (Says("<html>bad gateway</html>", 502), TransientError, "502"),
        (Says("", 503), TransientError, "503"),
        (Says("<html>teapot</html>", 418), TransientError, "418"),
        (Says("<html>forbidden</html>", 403), TransientError, "403"),
        (Says({}, then="drop"), TransientError, "ConnectionClosedError"),
    ],
)
def test_faults(
    make_client: MakeClient, says: Says, kind: type[SWFError], code: str | None
) -> None:
    """Whatever comes back over the wire is one of our errors, with SWF's own code."""
    with ScriptedSWF(says) as swf:
        client = make_client(swf.url, **ONE_ATTEMPT)
        with pytest.raises(SWFError) as caught:
            SWFClient(client, client).respond_activity_task_completed("token", "1")
    assert type(caught.value) is kind
    assert caught.value.fault == (code or says.body["__type"].rpartition("#")[2])
    assert str(caught.value).startswith("Cannot respond_activity_task_completed: ")
    assert "SECRET" not in str(caught.value)
    assert len(swf.requests) == 1


def test_a_traceback_shows_no_value_that_was_refused(make_client: MakeClient) -> None:
    """SWF's ValidationException and botocore's own check repeat what they refuse."""
    secret = "SECRET" * 300
    says = says_fault("ValidationException", f"Value '{secret}' at 'taskToken' failed")
    with ScriptedSWF(says) as swf:
        client = make_client(swf.url, **ONE_ATTEMPT)
        ours = SWFClient(client, client)
        calls: list[Callable[[], object]] = [
            lambda: ours.respond_activity_task_completed(secret, "1"),
            lambda: ours.respond_activity_task_completed({secret}, "1"),  # type: ignore[arg-type]
        ]
        for call in calls:
            with pytest.raises(RefusedError) as caught:
                call()
            shown = traceback.format_exception(caught.value)
            assert "SECRET" not in "".join(shown)


def test_no_answer_in_time(make_client: MakeClient) -> None:
    """A read timeout decides nothing: the same call may work later."""
    with ScriptedSWF(Says(then="hang")) as swf:
        client = make_client(swf.url, read_timeout=0.1, retries={"total_max_attempts": 1})
        with pytest.raises(TransientError, match=r"no answer from SWF \(ReadTimeoutError\)"):
            SWFClient(client, client).poll_for_activity_task("domain", "list", "me")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionResetError("SECRET"), TransientError),
        (TimeoutError(), TransientError),
        (ValueError("SECRET"), RefusedError),
        (AttributeError("SECRET"), RefusedError),
    ],
)
def test_clients_of_other_making(error: Exception, kind: type[SWFError]) -> None:
    """What any object raises is an error of ours, with its cause, and without its text."""
    with pytest.raises(SWFError) as caught:
        ScriptedLayer1(error).client().poll_for_activity_task("domain", "list", "me")
    assert type(caught.value) is kind
    assert caught.value.fault == type(error).__name__
    assert caught.value.__cause__ is error
    assert "SECRET" not in str(caught.value)


class Mute(Exception):
    """Has a response that cannot be looked at."""

    @property
    def response(self) -> object:
        raise ValueError("SECRET")


class Odd(Exception):
    """Has a response of its own making."""

    def __init__(self, metadata: object, code: object = "UnknownResourceFault") -> None:
        self.response = {"Error": {"Code": code}, "ResponseMetadata": metadata}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Mute(), RefusedError),
        (Odd({"HTTPStatusCode": []}, code=""), RefusedError),
        (Odd({}, code=["ValidationException"]), TransientError),
        (Odd(None), UnknownResourceError),
        (Odd([]), UnknownResourceError),
        (Odd({"HTTPHeaders": 7}), UnknownResourceError),
        (Odd({"RetryAttempts": None}), UnknownResourceError),
    ],
)
def test_exceptions_with_odd_attributes(error: Exception, kind: type[SWFError]) -> None:
    """An exception may have anything in place of botocore's attributes, without another error."""
    with pytest.raises(SWFError) as caught:
        ScriptedLayer1(error).client().respond_activity_task_completed("token", "1")
    assert type(caught.value) is kind
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_a_keyboard_interrupt_is_not_caught() -> None:
    """What ends the program goes up as it is."""
    with pytest.raises(KeyboardInterrupt):
        ScriptedLayer1(KeyboardInterrupt()).client().poll_for_activity_task("d", "l", "me")


# Whether SWF may have acted on it

URL = "http://swf.test"


@pytest.mark.parametrize(
    ("error", "may_have"),
    [
        (botocore.exceptions.ReadTimeoutError(endpoint_url=URL), True),
        (botocore.exceptions.ConnectionClosedError(endpoint_url=URL), True),
        (botocore.exceptions.ResponseStreamingError(error="cut"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (botocore.exceptions.EndpointConnectionError(endpoint_url=URL), False),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url=URL), False),
        (botocore.exceptions.ProxyConnectionError(proxy_url=URL), False),
        (botocore.exceptions.SSLError(endpoint_url=URL, error=OSError("expired")), False),
        (ConnectionRefusedError(), False),
        (THROTTLE, False),
        (fault("RequestLimitExceeded", status=503), False),
    ],
)
def test_a_call_that_may_have_arrived(error: Exception, may_have: bool) -> None:
    """It was sent and its answer never came; one that never went out, or was refused, has not."""
    ours = translated(error, "poll_for_activity_task")
    assert isinstance(ours, TransientError)
    assert ours.may_have_arrived is may_have


@pytest.mark.parametrize("status", [200, 403, 503])
@pytest.mark.parametrize("body", [b"un caf\xe9", b"[1, 2]", b'{"__type": 7}', b"\x00" * 9])
def test_what_botocore_cannot_read(make_client: MakeClient, status: int, body: bytes) -> None:
    """A proxy's page in another encoding refuses nothing, whatever botocore makes of it."""
    with ScriptedSWF(Says(body, status)) as swf:
        client = make_client(swf.url, **ONE_ATTEMPT)
        with pytest.raises(TransientError):
            SWFClient(client, client).respond_activity_task_completed("token", "1")


# Whose verdict it is


JUDGED = ["ValidationException", "SerializationException", "UnknownResourceFault"]


@pytest.mark.parametrize("code", [*JUDGED, "LimitExceededFault", "TypeDeprecatedFault"])
def test_a_verdict_without_a_request_id(make_client: MakeClient, code: str) -> None:
    """A firewall that takes the request for an attack is not SWF: the call may be repeated."""
    says = dataclasses.replace(says_fault(code), request_id=False)
    with ScriptedSWF(says) as swf:
        client = make_client(swf.url, **ONE_ATTEMPT)
        with pytest.raises(TransientError) as caught:
            SWFClient(client, client).respond_activity_task_completed("token", "1")
    assert type(caught.value) is TransientError
    assert caught.value.fault == code


@pytest.mark.parametrize("code", JUDGED)
def test_a_verdict_on_another_call(code: str) -> None:
    """The client may ask STS for credentials first: what that answers is not about the task."""
    layer1 = FaultingLayer1(code, operation="AssumeRole")
    with pytest.raises(TransientError, match=f"AssumeRole answered {code}"):
        layer1.client().respond_activity_task_completed("token", "1")


def test_credentials_may_be_refused_by_anybody() -> None:
    """STS and the front doors of AWS speak for the caller's permission as SWF does."""
    layer1 = FaultingLayer1("AccessDenied", operation="AssumeRole")
    with pytest.raises(CredentialsError, match="AssumeRole answered AccessDenied"):
        layer1.client().respond_activity_task_completed("token", "1")


@pytest.mark.parametrize(("retries", "repeated"), [(0, False), (1, True), (3, True)])
def test_a_closed_task_after_a_repeated_call(retries: int, repeated: bool) -> None:
    """The client has sent the call before: SWF may have taken it then."""
    layer1 = FaultingLayer1("UnknownResourceFault", retries=retries)
    with pytest.raises(UnknownResourceError) as caught:
        layer1.client().respond_activity_task_completed("token", "1")
    assert caught.value.repeated is repeated


def test_memory_may_be_short_for_a_moment() -> None:
    """Another thread's activity may have used it up."""
    with pytest.raises(TransientError):
        ScriptedLayer1(MemoryError()).client().respond_activity_task_completed("token", "1")


@pytest.mark.parametrize(
    ("status", "may_have"), [(500, False), (502, True), (503, False), (504, True)]
)
def test_an_answer_that_a_gateway_lost(
    make_client: MakeClient, status: int, may_have: bool
) -> None:
    """A gateway that got no answer has passed the call on; SWF's own errors have not acted."""
    with ScriptedSWF(Says("<html>gateway</html>", status)) as swf:
        client = make_client(swf.url, **ONE_ATTEMPT)
        with pytest.raises(TransientError) as caught:
            SWFClient(client, client).poll_for_activity_task("domain", "list", "me")
    assert caught.value.may_have_arrived is may_have


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (botocore.exceptions.UnauthorizedSSOTokenError(), CredentialsError, "Log in again"),
        (
            botocore.exceptions.CredentialRetrievalError(provider="role", error_msg="SECRET"),
            CredentialsError,
            "cannot be retrieved",
        ),
        (
            botocore.exceptions.RefreshWithMFAUnsupportedError(),
            CredentialsError,
            "Use a role without MFA",
        ),
        (
            botocore.exceptions.UnsupportedSignatureVersionError(signature_version="v9"),
            RefusedError,
            "not supported: v9",
        ),
        (botocore.exceptions.NoRegionError(), RefusedError, "Set AWS_DEFAULT_REGION"),
        (botocore.exceptions.ParamValidationError(report="SECRET"), RefusedError, "not valid"),
    ],
)
def test_what_botocore_says_before_any_call(
    error: Exception, kind: type[SWFError], said: str
) -> None:
    """Credentials may be renewed, the rest is set up wrongly; each text says what to do."""
    ours = translated(error, "poll_for_activity_task")
    assert type(ours) is kind
    assert said in str(ours)
    assert "SECRET" not in str(ours)
    assert ours.fault == type(error).__name__
