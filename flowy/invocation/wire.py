"""The two ends of a run: wire text becomes arguments, and the value becomes wire text.

A converter comes between the wire format and ``run``: after the arguments are decoded and bound,
and before the value is encoded.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from .. import reasons
from ..exception import ConversionError, ScanError, TooLongError
from ..safe_logging import get_logger
from ..writing import write
from .answer import Answer, Completed, Failed
from .failure import details_of, reason_of
from .sealing import Sealing, seal_result

if TYPE_CHECKING:  # a worker without a converter does not import it
    from ..convert import Converter, RunTypes

logger = get_logger(__name__)

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Invocable(Protocol):
    """What a run uses of an ``Activity``."""

    _decoding_blocks: ClassVar[bool]

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work."""

    def _serialize_result(self, result: Any) -> str: ...

    def _fetched(self, text: str) -> str: ...

    def _deserialize_arguments(self, input: str | None) -> tuple[Any, Any]: ...

    def _serialize_failure(
        self, error: BaseException | None, reason: str, details: str | None
    ) -> tuple[str, str | None]: ...


def fetched(activity: Invocable, input: str) -> str | Failed:
    """Return an input itself, if what travels only refers to it; or why it is unavailable."""
    try:
        return activity._fetched(input)
    except Exception as error:
        reason = reasons.INPUT_UNREADABLE + reason_of(error)
        return Failed(reason, details_of(error, run_by=_RUN_BY), error)


def arguments_of(
    activity: Invocable, input: str | None, converter: Converter | None
) -> Arguments | Failed:
    """Return ``(args, kwargs)`` for ``run``, or a failure if the input does not fit it."""
    try:
        args, kwargs = activity._deserialize_arguments(input)
        args, kwargs = tuple(args), dict(kwargs)
    except Exception as error:
        reason = reasons.INPUT_UNREADABLE + reason_of(error)
        return Failed(reason, details_of(error, run_by=_RUN_BY), error)
    types_: RunTypes | None = None
    try:
        if converter is not None:
            types_ = converter.types_of(type(activity))
        signature = _signature_of(activity.run) if types_ is None else types_.signature
        signature.bind(*args, **kwargs)
    except TypeError as error:
        reason = f"{reasons.INPUT_MISFIT}run() {reason_of(error)}"
        return Failed(reason, details_of(error, run_by=_RUN_BY), error)
    except ScanError as error:  # no scan has found this class, so none has refused it
        return Failed(reasons.INPUT_INVALID + reason_of(error), None, error)
    except ValueError:
        pass  # a callable without a signature: the call itself will tell
    return (args, kwargs) if types_ is None else _converted(types_, args, kwargs)


def answer_of_value(
    activity: Invocable, value: Any, converter: Converter | None, sealing: Sealing | None
) -> Answer:
    """Return the answer with the wire text of the value of ``run``, or why there is none."""
    try:
        if converter is not None:
            value = converter.types_of(type(activity)).result_to_wire(value)
        if sealing is None:
            text = activity._serialize_result(value)
        else:
            text = write(sealing, activity._serialize_result, value)
        if not isinstance(text, str):
            raise TypeError(
                f"_serialize_result returned {type(text).__name__}; it must return text"
            )
    except Exception as error:
        # Not `isinstance`, which also reads `__class__`: an author's error may raise there.
        too_long = issubclass(type(error), TooLongError)
        begin = reasons.RESULT_TOO_LONG if too_long else reasons.RESULT_NOT_SERIALIZABLE
        reason = begin + reason_of(error)
        if inspect.iscoroutine(value):
            value.close()  # or Python warns later, elsewhere, that it was never awaited
            reason = (
                f"{reasons.RESULT_NOT_SERIALIZABLE}run() returned a coroutine that was never "
                "awaited. Derive the class from flowy.task.AsyncActivity and write "
                "`async def run`, with `await` before the call."
            )
        return Failed(reason, _details_of(error), error)
    return Completed(text) if sealing is None else seal_result(sealing, text)


def on_wire(activity: Invocable, answer: Answer, sealing: Sealing | None) -> Answer:
    """Return *answer*; if it is a failure, as the activity's ``_serialize_failure`` writes it."""
    if not isinstance(answer, Failed):
        return answer
    try:
        reason, details = write(
            sealing, activity._serialize_failure, answer.error, answer.reason, answer.details
        )
        if not (isinstance(reason, str) and isinstance(details, str | None)):
            raise TypeError("not (text, text or None)")
    except Exception as error:  # the failure itself must reach SWF
        text = "%s._serialize_failure raised %s; SWF gets the failure as Flowy writes it."
        logger.error(text, type(activity).__qualname__, type(error).__qualname__)
        return answer
    return Failed(reason, details, answer.error, own_format=details is not answer.details)


def _converted(
    types_: RunTypes, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Arguments | Failed:
    try:
        return types_.from_wire(args, kwargs)
    except ConversionError as error:
        return Failed(reasons.INPUT_INVALID + str(error), _details_of(error), error)


def _details_of(error: Exception) -> str:
    if issubclass(type(error), ConversionError):  # its traceback has Flowy's frames alone
        return "\n".join(cast("ConversionError", error).problems)
    return details_of(error, run_by=_RUN_BY)


def _signature_of(run: Callable[..., Any]) -> inspect.Signature:
    function = getattr(run, "__func__", None)
    # A static method has no `__func__`, so its signature is not cached.
    return _signature(run) if function is None else _signature_of_method(function)


@functools.lru_cache(maxsize=1_000)
def _signature_of_method(function: Callable[..., Any]) -> inspect.Signature:
    # Binding leaves out `self`; any object will do.
    return _signature(types.MethodType(function, object()))


def _signature(run: Callable[..., Any]) -> inspect.Signature:
    # The signature of the wrapper: a decorator may pass other arguments to what it wraps.
    return inspect.signature(run, follow_wrapped=False)


#: The code that calls the author's code; the tracebacks for SWF leave its frames out.
_RUN_BY = frozenset({fetched.__code__, arguments_of.__code__, answer_of_value.__code__})
