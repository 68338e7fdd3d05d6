"""The envelopes of a worker's activities: what each class declares, else what the worker does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ...exception import ScanError
from ...invocation import filled
from ..values import ActivityImplementation, ActivityType

if TYPE_CHECKING:
    from ...envelope import Envelope


def with_envelopes(
    activities: Mapping[ActivityType, ActivityImplementation], workers: Envelope | None
) -> Mapping[ActivityType, ActivityImplementation]:
    """Return the implementations with the envelopes by which their tasks travel.

    A class's codecs and its store hold before the worker's, each by itself. What the worker
    requires is required of all.

    Args:
        activities: the implementations, with what their classes declare.
        workers: what the worker's options say, or None.

    Raises:
        ScanError: something must be encrypted, and no codec encrypts.
    """
    found = {
        type_: replace(each, envelope=envelope)
        for type_, each in activities.items()
        if (envelope := filled(each.envelope, workers)) is not None
    }
    for each in found.values():
        try:
            each.envelope.check()
        except ValueError as error:
            raise ScanError(f"Cannot serve {each.class_name} at {each.place}: {error}") from None
    return {**activities, **found}
