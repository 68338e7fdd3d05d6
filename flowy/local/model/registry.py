"""Registers domains and types, and adds each change to the journal.

What SWF does, according to its API reference, and moto does not:

- "Deprecating a domain also deprecates all activity and workflow types registered in the domain";
  a deprecated domain "cannot be used to create new workflow executions or register new types"
  (DeprecateDomain).
- "Prior to deletion, activity types must first be deprecated"; "activities that started before the
  type was deleted will continue to run" (DeleteActivityType; DeleteWorkflowType alike).
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
)

from ..clock import Clock
from ..journal import Journal
from ..long_polls import LongPolls
from ..quotas import Quotas
from ..throttle import Throttle
from ..timeout_queue import TimeoutQueue
from ..wire_faults import model_fault
from .domain import LocalDomain, Shared
from .registered_types import TYPES, LocalType
from .tags import TaggedResources, check_tags
from .task_tokens import TaskTokens

#: The account in every ARN.
ACCOUNT_ID = "123456789012"


class Registry(TaggedResources):
    """The domains and types of one local SWF, and what the domains share."""

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
        self.lock = threading.RLock()
        self.polls = LongPolls(self.lock, max_pollers=quotas.pollers)
        self.clock = clock or Clock()
        self.journal = journal or Journal(None)
        self.timeouts: TimeoutQueue[Any] = TimeoutQueue()
        self.shared = Shared(
            clock=self.clock,
            polls=self.polls,
            journal=self.journal,
            tokens=TaskTokens(secrets.token_bytes(16)),
            quotas=quotas,
            throttle=throttle or Throttle(False, self.clock),
            timeouts=self.timeouts,
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
        check_tags({tag["Key"] for tag in tags or ()})
        domain = LocalDomain(
            name,
            workflow_execution_retention_period_in_days,
            self.account_id,
            self.region_name,
            description,
            shared=self.shared,
        )
        self.domains.append(domain)
        domain.save()
        if tags:
            self.tagger.tag_resource(domain.to_short_dict()["arn"], tags)

    def deprecate_domain(self, name: str) -> None:
        super().deprecate_domain(name)
        domain = self.own_domain(name)
        domain.save()
        for kind in TYPES:
            for each in domain.find_types(kind, "REGISTERED"):
                self.deprecate_type(kind, name, each.name, each.version)

    def undeprecate_domain(self, name: str) -> None:
        super().undeprecate_domain(name)
        self.own_domain(name).save()

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
        """Add a type with the settings it was registered with."""
        made: LocalType = TYPES[kind](name, version, **given)
        made.given, made.created = given, created
        domain.add_type(made)
        self._save_type(domain, made)
        return made

    def deprecate_type(self, kind: str, domain_name: str, name: str, version: str) -> None:
        super().deprecate_type(kind, domain_name, name, version)
        self._status_changed(kind, domain_name, name, version)

    def undeprecate_type(self, kind: str, domain_name: str, name: str, version: str) -> None:
        super().undeprecate_type(kind, domain_name, name, version)
        self._status_changed(kind, domain_name, name, version)

    def delete_type(self, kind: str, domain_name: str, name: str, version: str) -> None:
        """Delete a deprecated type; open executions and activity tasks of the type go on.

        Raises:
            JsonRESTError: the type does not exist or is not deprecated.
        """
        domain = self.own_domain(domain_name)
        found: Any = domain.get_type(kind, name, version)
        if found.status != "DEPRECATED":
            shown = f"{type(found).__name__}=[name={name}, version={version}]"
            raise SWFClientError(model_fault("TypeNotDeprecatedFault"), shown)
        self.remove_type(domain, kind, name, version)

    def remove_type(self, domain: LocalDomain, kind: str, name: str, version: str) -> None:
        """Remove a type from its domain."""
        del domain.types[kind][name][version]
        self.journal.add("type_deleted", domain.name, kind, name, version)

    def _status_changed(self, kind: str, domain_name: str, name: str, version: str) -> None:
        domain = self.own_domain(domain_name)
        changed: Any = domain.get_type(kind, name, version)
        changed.deprecated = self.clock.now() if changed.status == "DEPRECATED" else None
        self._save_type(domain, changed)

    def _save_type(self, domain: LocalDomain, changed: LocalType) -> None:
        self.journal.add("type", domain.name, *changed.record())

    def has_history(self) -> bool:
        """Return whether anything has a time stamp: a type or an execution."""
        return any(
            domain.runs or domain.types["activity"] or domain.types["workflow"]
            for domain in self.own_domains()
        )

    def own_domain(self, name: str) -> LocalDomain:
        """Return the domain with this name.

        Raises:
            SWFUnknownResourceFault: the domain does not exist.
        """
        domain = self._get_domain(name)
        assert isinstance(domain, LocalDomain)
        return domain

    def own_domains(self) -> Iterator[LocalDomain]:
        """Yield every domain."""
        for domain in self.domains:
            assert isinstance(domain, LocalDomain)
            yield domain
