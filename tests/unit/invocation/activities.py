"""Activities for ``invoke``, which needs no more of them than a ``run`` and its transport."""

from __future__ import annotations

from typing import Any, ClassVar

from flowy.invocation import Answer, Failed, StatusRecord, invoke
from flowy.task import Activity
from flowy.transport import decode_input, encode_result


class Plain:
    """What ``invoke`` calls of an activity, without a ``run``."""

    def run(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    _serialize_result = staticmethod(encode_result)
    _deserialize_arguments = staticmethod(decode_input)
    _serialize_failure = staticmethod(Activity._serialize_failure)
    _fetched = Activity._fetched
    _decoding_blocks: ClassVar[bool] = False


def running(body: Any, **more: Any) -> Plain:
    """Return an activity whose ``run`` is *body*, with *more* in its class."""
    made: Plain = type("Running", (Plain,), {"run": body, **more})()
    return made


def raising(error: BaseException) -> Plain:
    """Return an activity that raises."""

    def body(self: Plain) -> None:
        raise error

    return running(body)


def invoked(
    activity: Plain, input: str | None = "[[], {}]", status: StatusRecord | None = None
) -> Answer:
    """Return the answer of one run."""
    return invoke(activity, input, status or StatusRecord())


def failed(answer: Answer) -> tuple[str, str]:
    """Return the reason and the details of an answer that must be *failed*."""
    assert isinstance(answer, Failed)
    return answer.reason, answer.details or ""
