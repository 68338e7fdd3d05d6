"""What comes back over a real socket, and is taken: by both ways alike."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.lean.behaviours import closes, goes_on, says
from tests.unit.swf.client.lean.raw_server import (
    EMPTY,
    OWN,
    RawServer,
    answer,
    error_of,
    poll,
)

#: Answers with the body of an empty poll, and whether the connection is used again after them.
WHOLE: dict[str, tuple[bytes, bool]] = {
    "SWF's own": (answer(), True),
    "without a reason": (answer().replace(b" OK", b""), True),
    "with white space": (answer(headers=OWN + b"X-Empty:\r\nX-Tabs:\t a \t\r\n"), True),
    "with keep-alive": (answer(headers=OWN + b"Connection: Keep-Alive\r\n"), True),
    "in chunks": (
        b"HTTP/1.1 200 OK\r\n" + OWN + b"Transfer-Encoding: chunked\r\n\r\n"
        b"2;extension=1\r\n" + EMPTY[:2] + b"\r\n12\r\n" + EMPTY[2:] + b"\r\n0\r\n\r\n",
        False,
    ),
    "in chunks with trailers": (
        b"HTTP/1.1 200 OK\r\n" + OWN + b"Transfer-Encoding: chunked\r\n\r\n"
        b"14\r\n" + EMPTY + b"\r\n0\r\nX-Check: 1\r\nX-Other: 2\r\n\r\n",
        False,
    ),
    "after 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(), False),
    "after two of them with headers": (
        b"HTTP/1.1 100 Continue\r\nX-Wait: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + answer(),
        False,
    ),
    "after 103 Early Hints": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + answer(),
        False,
    ),
    "HTTP/1.0": (answer().replace(b"1.1", b"1.0"), False),
    "the same length twice": (answer(headers=OWN + b"Content-Length: 20 \r\n"), False),
    "a header twice": (answer(headers=OWN + b"Via: a\r\nvia: b\r\n"), False),
    "a folded header": (answer(headers=OWN + b"X-Long: a\r\n b\r\n"), False),
    "bare line feeds": (answer().replace(b"\r\n", b"\n"), False),
}


#: Those that botocore's own way does not read: it takes any answer but 100 for the final one.
LEAN_ALONE = {"after 103 Early Hints"}


@pytest.mark.parametrize("name", [name for name in WHOLE if name not in LEAN_ALONE])
def test_whole_answers(either: MakeClient, name: str) -> None:
    """Each shape of HTTP in which an answer may come is read, by both ways alike."""
    data, _ = WHOLE[name]
    with RawServer(says(data, then=goes_on)) as server:
        answered = poll(either(server.url))
    assert answered["startedEventId"] == 0
    assert answered["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", WHOLE)
def test_which_connections_are_used_again(lean: MakeClient, name: str) -> None:
    """Those whose answer was as SWF sends it; any other is spent."""
    data, reused = WHOLE[name]
    with RawServer(says(data, then=goes_on)) as server:
        client = lean(server.url)
        for _ in range(3):
            poll(client)
    assert server.connections == (1 if reused else 3)
    assert len(server.requests) == 3


def test_repeated_headers_are_joined(either: MakeClient) -> None:
    """As HTTP says that they mean."""
    data = answer(headers=OWN + b"Via: a\r\nvia: b\r\n")
    with RawServer(says(data, then=goes_on)) as server:
        headers = poll(either(server.url))["ResponseMetadata"]["HTTPHeaders"]
    assert headers["via"] == "a, b"


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n" + OWN, b"HTTP/1.0 200 OK\r\n" + OWN])
def test_a_body_that_ends_with_the_connection(either: MakeClient, head: bytes) -> None:
    """Without a length the end of the connection is the end of the body."""
    with RawServer(says(head + b"Connection: close\r\n\r\n" + EMPTY, then=closes)) as server:
        assert poll(either(server.url))["startedEventId"] == 0


@pytest.mark.parametrize("data", [WHOLE["SWF's own"][0], WHOLE["in chunks with trailers"][0]])
def test_byte_by_byte(either: MakeClient, data: bytes) -> None:
    """A slow answer is read to its end: a read timeout counts from one byte to the next."""
    parts = [bytes([byte]) for byte in data]
    with RawServer(says(*parts, then=goes_on)) as server:
        assert poll(either(server.url))["startedEventId"] == 0


def test_a_large_body(either: MakeClient) -> None:
    """A page of a history has megabytes."""
    text = "x" * 3_000_000
    body = b'{"taskToken":"t","startedEventId":1,"input":"%s"}' % text.encode()
    with RawServer(says(answer(body), then=goes_on)) as server:
        client = either(server.url)
        assert poll(client)["input"] == text
        assert poll(client)["input"] == text
    assert server.connections == 1


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(either: MakeClient, status: int) -> None:
    """They have none, whatever length is said."""
    data = answer(length=7, body=b"").replace(b"200 OK", b"%d X" % status)
    with RawServer(says(data)) as server:
        client = either(server.url)
        try:
            metadata = poll(client)["ResponseMetadata"]
        except ClientError as error:
            metadata = error.response["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == status


@pytest.mark.parametrize("status", [400, 500])
def test_errors(either: MakeClient, status: int) -> None:
    """Faults are ClientErrors, and the connection lives on."""
    body = b'{"__type":"com.amazonaws.swf.base.model#UnknownResourceFault","message":"no"}'
    fault = answer(body).replace(b"200 OK", b"%d Bad" % status)
    with RawServer(says(fault, then=goes_on)) as server:
        client = either(server.url)
        for _ in range(2):
            error = error_of(client)
            assert isinstance(error, ClientError)
            assert error.response["Error"] == {"Code": "UnknownResourceFault", "Message": "no"}
    assert server.connections == 1
