"""The actions about domains, types and tags.

What SWF does, according to its API reference, and moto does not: lists of domains and types come in
pages, an activity type may have a default priority, types can be deleted, and domains have tags.
"""

from __future__ import annotations

import json

from moto.core.utils import camelcase_to_underscores

from .listing import ListItem
from .request import LocalRequest

#: The settings of an activity type, except its name, version and task list.
_ACTIVITY_SETTINGS = (
    "description",
    "defaultTaskHeartbeatTimeout",
    "defaultTaskPriority",
    "defaultTaskScheduleToCloseTimeout",
    "defaultTaskScheduleToStartTimeout",
    "defaultTaskStartToCloseTimeout",
)


class RegistrationActions(LocalRequest):
    """Requests about domains, types and tags."""

    def register_domain(self) -> str:
        parameters = self._parameters
        tags = parameters.get("tags", [])
        self._backend.register_domain(
            parameters["name"],
            parameters["workflowExecutionRetentionPeriodInDays"],
            parameters.get("description"),
            [{"Key": each["key"], "Value": each.get("value", "")} for each in tags],
        )
        return ""

    def list_domains(self) -> str:
        found = self._backend.list_domains(self._parameters["registrationStatus"])
        return self._page(
            "domainInfos", [ListItem((each.name,), each.to_short_dict) for each in found]
        )

    def register_activity_type(self) -> str:
        parameters = self._parameters
        settings = {
            camelcase_to_underscores(key): parameters.get(key) for key in _ACTIVITY_SETTINGS
        }
        self._backend.register_type(
            "activity",
            parameters["domain"],
            parameters["name"],
            parameters["version"],
            task_list=parameters.get("defaultTaskList", {}).get("name"),
            **settings,
        )
        return ""

    def delete_activity_type(self) -> str:
        return self._delete_type("activity")

    def delete_workflow_type(self) -> str:
        return self._delete_type("workflow")

    def _delete_type(self, kind: str) -> str:
        wanted = self._parameters[f"{kind}Type"]
        self._backend.delete_type(
            kind, self._parameters["domain"], wanted["name"], wanted["version"]
        )
        return ""

    def _list_types(self, kind: str) -> str:
        parameters = self._parameters
        found = self._backend.list_types(
            kind, parameters["domain"], parameters["registrationStatus"]
        )
        wanted = parameters.get("name")
        return self._page(
            "typeInfos",
            [
                ListItem((each.name, each.version), each.to_medium_dict)
                for each in found
                if wanted in (None, each.name)
            ],
        )

    def list_tags_for_resource(self) -> str:
        tags = self._backend.tags(self._parameters["resourceArn"])
        return json.dumps({"tags": [{"key": key, "value": tags[key]} for key in tags]})

    def tag_resource(self) -> str:
        tags = {each["key"]: each.get("value", "") for each in self._parameters["tags"]}
        self._backend.tag_resource(self._parameters["resourceArn"], tags)
        return ""

    def untag_resource(self) -> str:
        self._backend.untag_resource(self._parameters["resourceArn"], self._parameters["tagKeys"])
        return ""
