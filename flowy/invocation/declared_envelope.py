"""The envelope that a class declares, and the one that a scheduler brings.

``flowy.envelope`` is imported only for classes that declare one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ..exception import CodecError, UnavailableError
from ..texts import cut_end
from .scheduler import Scheduler
from .sealing import Sealing

if TYPE_CHECKING:
    from ..envelope import Envelope

#: The most characters that the details of a heartbeat may have.
_MAX_BEAT_CHARS = 2_048


class Declaring(Protocol):
    """A class that says how its texts travel."""

    codecs: ClassVar[Any]
    claims: ClassVar[Any]
    hide_reasons: ClassVar[bool]
    require_encryption: ClassVar[bool]


def envelope_of(activity: type[Declaring]) -> Envelope | None:
    """Return the envelope that a class declares; None if it declares none.

    Raises:
        ValueError: what it declares is neither a codec nor a store.
    """
    declared = (
        activity.codecs, activity.claims, activity.hide_reasons, activity.require_encryption
    )  # fmt: skip
    if not any(declared):
        return None
    from ..envelope import Envelope

    return Envelope(*declared)


def filled(own: Envelope | None, others: Envelope | None) -> Envelope | None:
    """Return *own*, with the parts of *others* that it has none of."""
    return own or others if own is None or others is None else own.filled_from(others)


def envelope_by(activity: type[Declaring] | None, others: Envelope | None) -> Envelope | None:
    """Return how whoever answers for a task seals it: as its class, if known, or *others* say.

    Raises:
        ValueError: reasons are to be hidden, and no codec encrypts.
    """
    found = filled(None if activity is None else envelope_of(activity), others)
    if found is not None:
        found.check()
    return found


def sealing_of(scheduler: Scheduler, activity: type[Declaring]) -> Sealing | None:
    """Return what seals the texts of a task: the worker's, or what the class declares."""
    if hasattr(scheduler, "sealing"):
        found: Sealing | None = scheduler.sealing
        return found
    return envelope_of(activity)


def details_for(scheduler: Scheduler, activity: type[Declaring], text: str | None) -> str | None:
    """Return the details of a heartbeat for *scheduler*: a worker's seals them by itself."""
    if text is None or hasattr(scheduler, "sealing") or not activity.codecs:
        return text
    envelope = envelope_of(activity)
    assert envelope is not None
    try:
        return envelope.sealed_details(text, _MAX_BEAT_CHARS, cut_end)
    except (CodecError, UnavailableError):
        return None
