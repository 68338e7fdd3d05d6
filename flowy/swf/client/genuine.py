"""Checks whether an answer is SWF's own.

A proxy or a load balancer may answer 200 with a page of its own, and botocore reads any body that
it cannot parse as an empty answer. That would count as an accepted result or an empty poll, and a
task would be lost. SWF's answers have status 200, a request id, and a body that is absent or JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .errors import REQUEST_ID_HEADER, ForeignBodyError


def is_genuine(answer: object) -> bool:
    """Return whether an answer is SWF's, as far as its client shows that.

    Clients other than botocore's show neither status nor headers; their answers count as SWF's.
    """
    if not isinstance(answer, Mapping):
        return answer is None
    metadata = answer.get("ResponseMetadata")
    if not isinstance(metadata, Mapping) or "HTTPStatusCode" not in metadata:
        return True
    headers = metadata.get("HTTPHeaders")
    if not isinstance(headers, Mapping) or REQUEST_ID_HEADER not in headers:
        return False
    if metadata["HTTPStatusCode"] != 200:
        return False
    # If nothing was read from the body, it must have been empty. (A client that was passed in is
    # not checked by `check_bodies`.) SWF sends the length of its answers.
    length = str(headers.get("content-length", "0"))
    return len(answer) > 1 or (length.isdigit() and int(length) <= len("null"))


def check_bodies(client: Any) -> None:
    """Let a botocore client raise ``ForeignBodyError`` for a body that is not JSON."""
    client.meta.events.register("response-received.swf", _check_body)


def _check_body(
    response_dict: Mapping[str, Any] | None = None,
    parsed_response: Mapping[str, Any] | None = None,
    **_: Any,
) -> None:
    if not response_dict or response_dict.get("status_code") != 200:
        return
    if parsed_response and len(parsed_response) > 1:
        return  # botocore has read more from the body than ResponseMetadata, so it is JSON
    body = response_dict.get("body") or b""
    if body.strip():
        try:
            json.loads(body)
        except ValueError:
            raise ForeignBodyError("the body is not JSON") from None
