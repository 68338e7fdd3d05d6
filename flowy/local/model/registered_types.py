"""Activity types and workflow types, with attributes that moto does not keep.

These are the times of registration and deprecation, and the default priority of an activity type.
"""

from __future__ import annotations

from typing import Any

from moto.swf.models import activity_type, workflow_type
from moto.swf.models.generic_type import GenericType

from .events import Untracked


class LocalType(Untracked, GenericType):
    """A registered type.

    Attributes:
        created: when the type was registered, in seconds since the epoch.
        deprecated: when it was last deprecated, in seconds since the epoch; None if it is not.
        given: the settings it was registered with.
    """

    created: float
    deprecated: float | None = None
    given: dict[str, Any]

    def record(self) -> list[Any]:
        """Return the values of the journal record that restores the type."""
        return [self.kind, self.name, self.version, self.given, self.created, self.deprecated]

    def to_medium_dict(self) -> dict[str, Any]:
        dates = {"creationDate": self.created}
        if self.status == "DEPRECATED" and self.deprecated is not None:
            dates["deprecationDate"] = self.deprecated
        return {**super().to_medium_dict(), **dates}


# moto's faults show the name of the class, which is ActivityType or WorkflowType at SWF.


class ActivityType(LocalType, activity_type.ActivityType):
    """An activity type."""

    @property
    def _configuration_keys(self) -> list[str]:
        return [*super()._configuration_keys, "defaultTaskPriority"]


class WorkflowType(LocalType, workflow_type.WorkflowType):
    """A workflow type."""


#: The class of each kind of type.
TYPES: dict[str, type[LocalType]] = {"activity": ActivityType, "workflow": WorkflowType}
