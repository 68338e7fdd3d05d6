"""A client each call of which raises the same fault, as boto3 raises it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from botocore.exceptions import ClientError

from flowy.swf.client import SWFClient


class FaultingLayer1:
    """An object with a client's methods.

    Args:
        code: SWF's code for the fault.
        message: what SWF says besides.
        status: the HTTP status.
        retries: how often the client has repeated each call before.
        operation: the action that failed; None for the one that was called.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int = 400,
        retries: int = 0,
        operation: str | None = None,
    ) -> None:
        self._response: Any = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": retries},
        }
        self._operation = operation
        #: The methods called, in order.
        self.methods: list[str] = []

    def __getattr__(self, method: str) -> Callable[..., NoReturn]:
        if method.startswith("_") or method == "meta":
            raise AttributeError(method)

        def call(**_: Any) -> NoReturn:
            self.methods.append(method)
            action = "".join(word.capitalize() for word in method.split("_"))
            raise ClientError(self._response, self._operation or action)

        return call

    def client(self) -> SWFClient:
        """Return a client of ours that calls this object."""
        return SWFClient(self, self)
