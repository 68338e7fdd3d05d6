"""The settings of an execution that a decision starts: the decision's, else its type's defaults.

Continuing as new and starting a child have the same settings. If neither the decision nor the type
gives one of them, the decision fails with a cause that names it (API reference, Decision). moto
knows neither decision.
"""

from __future__ import annotations

from typing import Any

from moto.core.utils import camelcase_to_underscores

#: The settings that the decision or the workflow type must give.
_SETTINGS = (
    "executionStartToCloseTimeout",
    "taskStartToCloseTimeout",
    "taskList",
    "childPolicy",
)


def settings_of(found: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the new execution; None for those that are not set.

    Args:
        found: the workflow type; None if it does not exist.
        attributes: the attributes of the decision.
    """
    given = {**attributes, "taskList": attributes.get("taskList", {}).get("name")}
    settings: dict[str, Any] = {}
    for name in _SETTINGS if found else ():
        snake = camelcase_to_underscores(name)
        default = snake if name == "taskList" else f"default_{snake}"
        settings[snake] = given.get(name) or getattr(found, default)
    return settings


def settings_problem(found: Any, settings: dict[str, Any]) -> str | None:
    """Return SWF's name for the reason why no execution can start so; None if one can."""
    if not found:
        return "WORKFLOW_TYPE_DOES_NOT_EXIST"
    if found.status == "DEPRECATED":
        return "WORKFLOW_TYPE_DEPRECATED"
    missing = (name for name in settings if not settings[name])
    return next((f"DEFAULT_{name.upper()}_UNDEFINED" for name in missing), None)
