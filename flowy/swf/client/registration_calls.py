"""SWF's actions about domains and types."""

from __future__ import annotations

from collections.abc import Iterator

from ..limits import timeout_from_text, timeout_text
from ..values import NOT_SET, ActivityDefaults, ActivityType, RegisteredType
from .caller import SWFCaller, present

#: The two statuses of a domain or a type; an action that lists takes one of them.
STATUSES = ("REGISTERED", "DEPRECATED")


class RegistrationCalls(SWFCaller):
    """One method for each action about domains and types."""

    def register_domain(self, name: str, retention_days: int) -> None:
        """Register a domain that keeps closed executions for 1 to 90 days."""
        self._call(
            self._answers,
            "register_domain",
            name=name,
            workflowExecutionRetentionPeriodInDays=str(retention_days),
        )

    def list_domains(self) -> Iterator[str]:
        """Yield the names of the domains, deprecated ones last."""
        for status in STATUSES:
            for info in self._listed("list_domains", "domainInfos", registrationStatus=status):
                yield info["name"]

    def register_activity_type(
        self,
        domain: str,
        type: ActivityType,
        defaults: ActivityDefaults,
        description: str | None = None,
    ) -> None:
        """Register a type with all its defaults."""
        priority = defaults.task_priority
        self._call(
            self._answers,
            "register_activity_type",
            domain=domain,
            name=type.name,
            version=type.version,
            defaultTaskList={"name": defaults.task_list},
            defaultTaskHeartbeatTimeout=timeout_text(defaults.heartbeat),
            defaultTaskScheduleToCloseTimeout=timeout_text(defaults.schedule_to_close),
            defaultTaskScheduleToStartTimeout=timeout_text(defaults.schedule_to_start),
            defaultTaskStartToCloseTimeout=timeout_text(defaults.start_to_close),
            **present(
                defaultTaskPriority=None if priority is None else str(priority),
                description=description,
            ),
        )

    def describe_activity_type(
        self, domain: str, type: ActivityType
    ) -> tuple[ActivityDefaults, bool]:
        """Return the registered defaults of a type, and whether it is deprecated."""
        answer = self._call(
            self._answers,
            "describe_activity_type",
            domain=domain,
            activityType={"name": type.name, "version": type.version},
        )
        held = answer.get("configuration", {})
        priority = held.get("defaultTaskPriority")
        defaults = ActivityDefaults(
            task_list=held.get("defaultTaskList", {}).get("name", ""),
            heartbeat=timeout_from_text(held.get("defaultTaskHeartbeatTimeout")),
            schedule_to_close=_registered_timeout(held.get("defaultTaskScheduleToCloseTimeout")),
            schedule_to_start=_registered_timeout(held.get("defaultTaskScheduleToStartTimeout")),
            start_to_close=_registered_timeout(held.get("defaultTaskStartToCloseTimeout")),
            task_priority=None if priority is None else int(priority),
        )
        return defaults, answer.get("typeInfo", {}).get("status") == "DEPRECATED"

    def list_activity_types(
        self, domain: str, *, status: str | None = None, name: str | None = None
    ) -> Iterator[RegisteredType]:
        """Yield the activity types of a domain.

        Args:
            domain: the domain.
            status: one of ``STATUSES``; None for both.
            name: only the versions of this name; None for all types.
        """
        return self._types("list_activity_types", "activity", domain, status, name)

    def list_workflow_types(
        self, domain: str, *, status: str | None = None, name: str | None = None
    ) -> Iterator[RegisteredType]:
        """Yield the workflow types of a domain, like ``list_activity_types``."""
        return self._types("list_workflow_types", "workflow", domain, status, name)

    def _types(
        self, method: str, kind: str, domain: str, status: str | None, name: str | None
    ) -> Iterator[RegisteredType]:
        for each in STATUSES if status is None else (status,):
            wanted = {"domain": domain, "registrationStatus": each, **present(name=name)}
            for info in self._listed(method, "typeInfos", **wanted):
                yield RegisteredType.from_info(kind, info)

    def deprecate_activity_type(self, domain: str, name: str, version: str) -> None:
        """Deprecate a type: no new tasks of it can be scheduled, but scheduled ones go on."""
        self._call(
            self._answers,
            "deprecate_activity_type",
            domain=domain,
            activityType={"name": name, "version": version},
        )

    def deprecate_workflow_type(self, domain: str, name: str, version: str) -> None:
        """Deprecate a type: no new executions of it can start, but open ones go on."""
        self._call(
            self._answers,
            "deprecate_workflow_type",
            domain=domain,
            workflowType={"name": name, "version": version},
        )

    def undeprecate_activity_type(self, domain: str, name: str, version: str) -> None:
        """Let tasks of a deprecated type be scheduled again."""
        self._call(
            self._answers,
            "undeprecate_activity_type",
            domain=domain,
            activityType={"name": name, "version": version},
        )

    def undeprecate_workflow_type(self, domain: str, name: str, version: str) -> None:
        """Let executions of a deprecated type be started again."""
        self._call(
            self._answers,
            "undeprecate_workflow_type",
            domain=domain,
            workflowType={"name": name, "version": version},
        )

    def register_workflow_type(self, domain: str, name: str, version: str) -> None:
        """Register a workflow type without defaults, because every start gives its own."""
        self._call(
            self._answers, "register_workflow_type", domain=domain, name=name, version=version
        )


def _registered_timeout(text: str | None) -> int | None:
    """Return a registered default timeout; NOT_SET if the type has none.

    If it has none, each decision must give that timeout. (Heartbeat timeouts are optional.)
    """
    return NOT_SET if text is None else timeout_from_text(text)
