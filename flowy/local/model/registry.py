"""The registry: domains and their types, with what all of them share.

moto's types and domains, and a note in the journal of each that changes.

What SWF does, according to its API reference, and moto does not:

- "Deprecating a domain also deprecates all activity and workflow types registered in the
  domain"; it "cannot be used to create new workflow executions or register new types"
  (DeprecateDomain).
- "Prior to deletion, activity types must first be deprecated"; "activities that started
  before the type was deleted will continue to run" (DeleteActivityType; DeleteWorkflowType
  alike).
- "Amazon SWF supports a maximum of 50 tags per resource" (TagResource), and there are tags of
  what is there only.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from typing import Any

from moto.swf.exceptions import (
    SWFClientError,
    SWFDomainAlreadyExistsFault,
    SWFDomainDeprecatedFault,
    SWFTypeAlreadyExistsFault,
    SWFUnknownResourceFault,
)
from moto.swf.models import SWFBackend
from moto.utilities.tagging_service import TaggingService

from flowy.local.alarms import Alarms
from flowy.local.clock import Clock
from flowy.local.journal import Journal
from flowy.local.lines import WaitingLines
from flowy.local.model.domain import TYPES, LocalDomain, LocalType, Shared
from flowy.local.model.events import Tokens
from flowy.local.quotas import Quotas
from flowy.local.throttle import Throttle

#: The account that ARNs name.
ACCOUNT_ID = "123456789012"


#: "Maximum number of tags - 50 tags per resource" (developer guide, Amazon SWF Quotas).
_MOST_TAGS = 50


class Registry(SWFBackend):
    """The domains of one local SWF, and what they share."""

    def __init__(
        self,
        region_name: str,
        account_id: str = ACCOUNT_ID,
        *,
        clock: Clock | None = None,
        quotas: Quotas | None = None,
        throttle: Throttle | None = None,
        journal: Journal | None = None,
    ) -> None:
        super().__init__(region_name, account_id)
        quotas = quotas or Quotas()
        self.tagger = TaggingService()  # moto 5.1 has none
        self.lock = threading.RLock()
        self.lines = WaitingLines(self.lock, most=quotas.pollers)
        self.clock = clock or Clock()
        self.journal = journal or Journal(None)
        self.alarms: Alarms[Any] = Alarms()
        self.shared = Shared(
            clock=self.clock,
            lines=self.lines,
            journal=self.journal,
            tokens=Tokens(secrets.token_bytes(16)),
            quotas=quotas,
            throttle=throttle or Throttle(False, self.clock),
            alarms=self.alarms,
        )

    def register_domain(
        self,
        name: str,
        workflow_execution_retention_period_in_days: Any,
        description: str | None = None,
        tags: Any = None,
    ) -> None:
        if any(domain.name == name for domain in self.domains):
            raise SWFDomainAlreadyExistsFault(name)
        _check_tags({tag["Key"] for tag in tags or ()})
        domain = LocalDomain(
            name,
            workflow_execution_retention_period_in_days,
            self.account_id,
            self.region_name,
            description,
            shared=self.shared,
        )
        self.domains.append(domain)
        domain.note()
        if tags:
            self.tagger.tag_resource(domain.to_short_dict()["arn"], tags)

    def deprecate_domain(self, name: str) -> None:
        super().deprecate_domain(name)
        domain = self.own_domain(name)
        domain.note()
        for kind in TYPES:
            for each in domain.find_types(kind, "REGISTERED"):
                self.deprecate_type(kind, name, each.name, each.version)

    def undeprecate_domain(self, name: str) -> None:
        super().undeprecate_domain(name)
        self.own_domain(name).note()

    def register_type(
        self, kind: str, domain_name: str, name: str, version: str, **kwargs: Any
    ) -> None:
        domain = self.own_domain(domain_name)
        if domain.status == "DEPRECATED":
            raise SWFDomainDeprecatedFault(domain_name)
        found: Any = domain.get_type(kind, name, version, ignore_empty=True)
        if found:
            raise SWFTypeAlreadyExistsFault(found)
        given = {key: value for key, value in kwargs.items() if value is not None}
        self.add_type(domain, kind, name, version, given, self.clock.now())

    def add_type(
        self,
        domain: LocalDomain,
        kind: str,
        name: str,
        version: str,
        given: dict[str, Any],
        created: float,
    ) -> LocalType:
        """Add a type with the settings that were given for it."""
        made: LocalType = TYPES[kind](name, version, **given)
        made.given, made.created = given, created
        domain.add_type(made)
        self._note_type(domain, made)
        return made

    def deprecate_type(self, kind: str, domain_name: str, name: str, version: str) -> None:
        super().deprecate_type(kind, domain_name, name, version)
        self._status_changed(kind, domain_name, name, version)

    def undeprecate_type(self, kind: str, domain_name: str, name: str, version: str) -> None:
        super().undeprecate_type(kind, domain_name, name, version)
        self._status_changed(kind, domain_name, name, version)

    def delete_type(self, kind: str, domain_name: str, name: str, version: str) -> None:
        """Delete a type that is deprecated; what has begun with it goes on.

        Raises:
            JsonRESTError: it is not there, or not deprecated.
        """
        domain = self.own_domain(domain_name)
        found: Any = domain.get_type(kind, name, version)
        if found.status != "DEPRECATED":
            shown = f"{type(found).__name__}=[name={name}, version={version}]"
            raise _fault("TypeNotDeprecatedFault", shown)
        self.forget_type(domain, kind, name, version)

    def forget_type(self, domain: LocalDomain, kind: str, name: str, version: str) -> None:
        """Let a domain have a type no longer."""
        del domain.types[kind][name][version]
        self.journal.note("type_deleted", domain.name, kind, name, version)

    def _status_changed(self, kind: str, domain_name: str, name: str, version: str) -> None:
        domain = self.own_domain(domain_name)
        changed: Any = domain.get_type(kind, name, version)
        changed.deprecated = self.clock.now() if changed.status == "DEPRECATED" else None
        self._note_type(domain, changed)

    def _note_type(self, domain: LocalDomain, changed: LocalType) -> None:
        self.journal.note("type", domain.name, *changed.record())

    # -- tags --

    def tags(self, arn: str) -> dict[str, str]:
        """The tags of a domain.

        Raises:
            SWFUnknownResourceFault: there is no such domain.
        """
        if not any(domain.to_short_dict()["arn"] == arn for domain in self.domains):
            raise SWFUnknownResourceFault("resource", arn)
        found: dict[str, str] = self.tagger.get_tag_dict_for_resource(arn)
        return found

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        _check_tags({*self.tags(arn), *tags})
        self.tagger.tag_resource(arn, [{"Key": key, "Value": tags[key]} for key in tags])

    def untag_resource(self, arn: str, tag_keys: list[str]) -> None:
        self.tags(arn)
        self.tagger.untag_resource_using_names(arn, tag_keys)

    def own_domain(self, name: str) -> LocalDomain:
        """The domain of that name.

        Raises:
            SWFUnknownResourceFault: there is none.
        """
        domain = self._get_domain(name)
        assert isinstance(domain, LocalDomain)
        return domain

    def own_domains(self) -> Iterator[LocalDomain]:
        """Every domain."""
        for domain in self.domains:
            assert isinstance(domain, LocalDomain)
            yield domain


def _check_tags(keys: set[str]) -> None:
    if len(keys) > _MOST_TAGS:
        raise _fault("TooManyTagsFault", f"A resource has {_MOST_TAGS} tags at most")


def _fault(name: str, message: str) -> SWFClientError:
    return SWFClientError(f"com.amazonaws.swf.base.model#{name}", message)
