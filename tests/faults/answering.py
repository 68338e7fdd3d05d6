"""What the endpoint answers to calls other than polls, as SWF would."""

from __future__ import annotations

import json
from collections.abc import Callable

from .record import Call, Record

#: The HTTP status and the body of an answer.
Said = tuple[int, bytes]


class Answers:
    """Heartbeats, answers and types, by the record of what has happened.

    Args:
        record: returns the record that is in use.
    """

    def __init__(self, record: Callable[[], Record]) -> None:
        #: The tokens whose next heartbeats say that a cancellation is requested.
        self.cancel: set[str] = set()
        self._record = record
        self._actions: dict[str, Callable[[Call], Said]] = {
            "RecordActivityTaskHeartbeat": self._heartbeat,
            "RespondActivityTaskCompleted": self._respond,
            "RespondActivityTaskFailed": self._respond,
            "RespondActivityTaskCanceled": self._respond,
            "RegisterActivityType": self._register,
            "DescribeActivityType": self._describe,
        }

    def to(self, call: Call) -> Said:
        """Carry out a call, and return its answer."""
        return self._actions[call.action](call)

    def _heartbeat(self, call: Call) -> Said:
        record, token = self._record(), call.body["taskToken"]
        if not record.is_open(token):
            record.refused.append((token, call.as_answer()))
            return _unknown(token)
        record.beats.setdefault(token, []).append(call.as_answer())
        return 200, b'{"cancelRequested":%s}' % (b"true" if token in self.cancel else b"false")

    def _respond(self, call: Call) -> Said:
        record, token = self._record(), call.body["taskToken"]
        if not record.is_open(token):
            record.refused.append((token, call.as_answer()))
            return _unknown(token)
        record.answers[token] = call.as_answer()
        return 200, b""

    def _register(self, call: Call) -> Said:
        types, key = self._record().types, (call.body["name"], call.body["version"])
        if key in types:
            return _fault("TypeAlreadyExistsFault", f"{key}")
        types[key] = call.body
        return 200, b""

    def _describe(self, call: Call) -> Said:
        type_ = call.body["activityType"]
        held = self._record().types.get((type_["name"], type_["version"]))
        if held is None:
            return _fault("UnknownResourceFault", f"Unknown type: {type_}")
        defaults = {key: value for key, value in held.items() if key.startswith("default")}
        info = {"activityType": type_, "status": "REGISTERED", "creationDate": 0}
        return 200, json.dumps({"typeInfo": info, "configuration": defaults}).encode()


def _fault(code: str, message: str) -> Said:
    said = {"__type": f"com.amazonaws.swf.base.model#{code}", "message": message}
    return 400, json.dumps(said).encode()


def _unknown(token: str) -> Said:
    return _fault("UnknownResourceFault", f"Unknown activity, scheduledEventId = {token}")
