"""Registering activity types, and comparing them with those that SWF holds already.

A type never changes at SWF: registering it a second time draws TypeAlreadyExistsFault, even with
the same values, and whatever the code says by then, workflows go on using the defaults of the
first time. So what is there is described and compared, and every difference is said before the
first poll.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ..exception import (
    AlreadyExistsError,
    CredentialsError,
    DeprecatedError,
    LimitExceededError,
    OutOfReachError,
    RegistrationError,
    SWFError,
    UnknownResourceError,
)
from ..retry import Backoff, Deadline
from ..shutdown import StopFlag
from .client import SWFClient
from .values import ActivityImplementation

logger = logging.getLogger(__name__)

#: How long throttles and a bad connection are waited out, for all types together, in seconds.
PATIENCE_SECONDS = 30.0


def register(
    client: SWFClient,
    domain: str,
    implementations: Iterable[ActivityImplementation],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Register each type in *domain*; compare those that are there already.

    A throttle is waited out for *patience_seconds*; types that are still not compared then are
    named in one warning, and that is all.

    Raises:
        RegistrationError: all that is wrong, at once: a type that differs from the one SWF
            holds, one that is deprecated, no such domain, or a refusal.
    """
    registration = _Registration(client, domain, Deadline(patience_seconds))
    for implementation in implementations:
        registration.settle(implementation)
        if registration.hopeless:
            break
    if registration.problems:
        raise RegistrationError(
            f"Cannot register the activities in domain {domain!r}:\n"
            + "\n".join(f"- {problem}" for problem in registration.problems),
            registration.problems,
        )
    if registration.unsettled:
        logger.warning(
            "Not registered or compared, for SWF did not answer: %s. Going on without; workflows "
            "cannot schedule a type that SWF does not hold.",
            ", ".join(registration.unsettled),
        )


class _Registration:
    def __init__(self, client: SWFClient, domain: str, deadline: Deadline) -> None:
        self._client = client
        self._domain = domain
        self._deadline = deadline
        self._backoff = Backoff(first_seconds=0.5, cap_seconds=5.0)
        self.problems: list[str] = []
        self.unsettled: list[str] = []
        self.hopeless = False  # all other types would be refused as this one was

    def settle(self, implementation: ActivityImplementation) -> None:
        """Register or compare one type, waiting out what passes."""
        if self.unsettled and self._deadline.passed:
            self.unsettled.append(str(implementation.type))
            return
        while True:
            try:
                self._register_or_compare(implementation)
                return
            except LimitExceededError as error:
                # Not a throttle here: the domain holds as many types as SWF allows.
                self._problem(implementation, str(error))
                return
            except OutOfReachError as error:
                pause = self._backoff.next_seconds()
                if pause > (self._deadline.remaining_seconds() or 0.0):
                    self._deadline.shorten(0.0)
                    self.unsettled.append(str(implementation.type))
                    return
                logger.info("Registration waits %.1f s (%s).", pause, error.fault)
                StopFlag().wait(pause)
            except UnknownResourceError as error:
                self.hopeless = True
                self.problems.append(
                    f"the domain does not exist in this region ({error.fault}). Check its name "
                    "and the region, or register it: aws swf register-domain --name "
                    f"{self._domain} --workflow-execution-retention-period-in-days 7"
                )
                return
            except CredentialsError as error:
                self.hopeless = True
                self.problems.append(
                    f"{str(error).rstrip('.')}. Check the credentials, the region and the "
                    "permissions swf:RegisterActivityType and swf:DescribeActivityType, or start "
                    "with reg_remote=False"
                )
                return
            except SWFError as error:
                self._problem(implementation, str(error))
                return

    def _register_or_compare(self, implementation: ActivityImplementation) -> None:
        type_, defaults = implementation.type, implementation.defaults
        try:
            self._client.register_activity_type(self._domain, type_, defaults)
        except (AlreadyExistsError, DeprecatedError):
            held, deprecated = self._client.describe_activity_type(self._domain, type_)
        else:
            logger.info("Registered activity type %s in domain %s.", type_, self._domain)
            return
        if deprecated:
            self._problem(
                implementation,
                "it is deprecated at SWF. Use another version, or revive it: aws swf "
                f"undeprecate-activity-type --domain {self._domain} --activity-type "
                f"name={type_.name},version={type_.version}",
            )
        if differences := defaults.differences(held):
            self._problem(
                implementation,
                f"{'; '.join(differences)}. A type never changes at SWF: use a new version, or "
                "start with reg_remote=False to serve it as SWF holds it",
            )

    def _problem(self, implementation: ActivityImplementation, text: str) -> None:
        self.problems.append(f"{implementation.type} at {implementation.place}: {text}")
