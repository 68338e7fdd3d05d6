"""Registers activity types, and compares them with those that are registered already.

A type never changes at SWF: a second registration gets a TypeAlreadyExistsFault, even with the same
values, and workflows go on with the defaults of the first. So a type that exists is described and
compared, and every difference is an error before the first poll.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from ..concurrency.clock import SYSTEM_CLOCK, Clock
from ..concurrency.retry import Backoff, Deadline
from ..concurrency.stop import StopFlag
from ..exception import (
    AlreadyExistsError,
    CredentialsError,
    DeprecatedError,
    LimitExceededError,
    RegistrationError,
    SWFError,
    TransientError,
    UnknownResourceError,
)
from ..safe_logging import get_logger
from .client import SWFClient
from .client.errors import is_about_setup
from .client.setup_errors import refuses_every_call
from .values import ActivityDefaults, ActivityImplementation, ActivityType

logger = get_logger(__name__)

#: How long registration retries throttled and broken calls, for all types together, in seconds.
PATIENCE_SECONDS = 30.0


def register(
    client: SWFClient,
    domain: str,
    implementations: Iterable[ActivityImplementation],
    *,
    required: bool = False,
    patience_seconds: float = PATIENCE_SECONDS,
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Register each type in *domain*; compare those that exist already.

    Throttled calls are tried again for *patience_seconds*; types that are not compared by then
    are named in one warning, or in an error if *required*.

    Raises:
        RegistrationError: a type differs from the registered one or is deprecated, the domain does
            not exist, or SWF refuses a call. The error lists everything that is wrong.
        TransientError: with *required*, types could not be registered or compared in time.
    """
    registration = _Registration(client, domain, patience_seconds, clock)
    for implementation in implementations:
        registration.settle(implementation)
        if registration.hopeless:
            break
    if problems := registration.problems():
        raise RegistrationError(
            f"Cannot register the activities in domain {domain!r}:\n"
            + "\n".join(f"- {problem}" for problem in problems),
            problems,
        )
    if registration.unsettled and required:
        raise registration.interrupted()
    if registration.unsettled:
        logger.warning(
            "Not registered or compared, because SWF did not answer: %s. The worker starts; "
            "workflows cannot schedule a type that is not registered.",
            ", ".join(registration.unsettled),
        )


def compare(
    client: SWFClient, domain: str, implementations: Iterable[ActivityImplementation]
) -> Mapping[ActivityType, Sequence[str] | None]:
    """Compare types with those that are registered in *domain*, without registering any.

    Returns:
        For each type its differences, one sentence each; None for a type that is not registered.

    Raises:
        UnknownResourceError: the domain does not exist.
        SWFError: SWF refuses to list its types, or cannot be reached.
    """
    compared: dict[ActivityType, Sequence[str] | None] = {}
    registered = {each.type for each in client.list_activity_types(domain)}
    for implementation in implementations:
        type_ = implementation.type
        compared[type_] = None
        if type_ in registered:
            held, deprecated = client.describe_activity_type(domain, type_)
            compared[type_] = _differences(client, implementation, domain, held, deprecated)
    return compared


def _differences(
    client: SWFClient,
    implementation: ActivityImplementation,
    domain: str,
    held: ActivityDefaults,
    deprecated: bool,
) -> list[str]:
    """Return why a registered type cannot be served as the code declares it."""
    type_, found = implementation.type, []
    if deprecated:
        found.append(
            "it is deprecated at SWF. Use another version, or revive it: "
            + shlex.join(("flowy", "types", "undeprecate", "--domain", domain, *type_))
        )
    if differences := implementation.defaults.differences(held):
        found.append(
            f"{'; '.join(differences)}. A type never changes at SWF: use a new version, or "
            f"start with reg_remote=False to serve it as it is registered{_afresh(client)}"
        )
    return found


def _afresh(client: SWFClient) -> str:
    """Return how to start a local SWF without its types; empty for any other SWF."""
    if not client.is_on_this_machine:
        return ""
    return (
        ". This SWF is on this machine: to start afresh, stop it, delete its state file if it has "
        "one (flowy local --state FILE), and start it again"
    )


def _not_allowed(error: CredentialsError) -> str:
    said = str(error).rstrip(".")
    if is_about_setup(error):
        return said  # AWS has refused nothing
    return (
        f"{said}. Check the credentials, the region and the permissions swf:RegisterActivityType "
        "and swf:DescribeActivityType, or start with reg_remote=False"
    )


class _Registration:
    def __init__(
        self, client: SWFClient, domain: str, patience_seconds: float, clock: Clock
    ) -> None:
        self._client = client
        self._domain = domain
        self._pauses = StopFlag(clock)  # never raised
        self._deadline = Deadline(patience_seconds, clock=clock)
        self._backoff = Backoff(first_seconds=0.5, cap_seconds=5.0)
        self._trouble: TransientError | None = None  # the latest
        self._pauses_logged = False
        self._tried = 0  # types
        # Each problem with its types; with none if it is not about a type.
        self._problems: list[tuple[str, list[ActivityImplementation]]] = []
        self._refused: dict[str, list[ActivityImplementation]] = {}
        self.unsettled: list[str] = []
        self.hopeless = False  # whether all other types would be refused, too

    def settle(self, implementation: ActivityImplementation) -> None:
        """Register or compare one type; try again after transient errors."""
        if self.unsettled and self._deadline.passed:
            self.unsettled.append(str(implementation.type))
            return
        self._tried += 1
        while True:
            try:
                self._register_or_compare(implementation)
                self._backoff.reset()
                return
            except LimitExceededError as error:
                # Not a throttle here: the domain has as many types as SWF allows.
                self._refusal(implementation, str(error))
                return
            except TransientError as error:
                self._trouble = error
                pause = self._backoff.next_seconds()
                if pause > (self._deadline.remaining_seconds() or 0.0):
                    self._deadline.shorten(0.0)
                    self.unsettled.append(str(implementation.type))
                    return
                self._log_pause(error, pause)
                self._pauses.wait(pause)
            except UnknownResourceError as error:
                self._give_up(self._no_domain(error))
                return
            except CredentialsError as error:
                self._give_up(_not_allowed(error))
                return
            except SWFError as error:
                said = f"{str(error).rstrip('.')}.{self._client.place}"
                if refuses_every_call(error):
                    self._give_up(said)
                else:
                    self._refusal(implementation, said)
                return

    def _no_domain(self, error: UnknownResourceError) -> str:
        return (
            f"the domain does not exist in this region ({error.fault}).{self._client.place} "
            "Check its name and the region, or register it: aws swf register-domain --name "
            f"{self._domain} --workflow-execution-retention-period-in-days 7"
        )

    def _log_pause(self, error: TransientError, pause_seconds: float) -> None:
        """Log why the registration waits, with text and endpoint the first time."""
        why, place = f"{str(error).rstrip('.')}.", self._client.place
        if place.strip() not in why:
            why += place
        logger.info(
            "Registration waits %.1f s (%s)%s",
            pause_seconds,
            error.fault,
            "." if self._pauses_logged else f": {why}",
        )
        self._pauses_logged = True

    def interrupted(self) -> TransientError:
        """Return the error for types that were not settled."""
        trouble = self._trouble
        assert trouble is not None  # only trouble leaves types unsettled
        error = TransientError(
            f"Cannot register or compare everything in domain {self._domain!r}: "
            f"{', '.join(self.unsettled)} not done. {str(trouble).rstrip('.')}. Try again later.",
            fault=trouble.fault,
        )
        error.__cause__ = trouble
        return error

    def _register_or_compare(self, implementation: ActivityImplementation) -> None:
        type_, defaults = implementation.type, implementation.defaults
        try:
            self._client.register_activity_type(
                self._domain, type_, defaults, implementation.description
            )
        except (AlreadyExistsError, DeprecatedError):
            held, deprecated = self._client.describe_activity_type(self._domain, type_)
        else:
            logger.info("Registered activity type %s in domain %s.", type_, self._domain)
            return
        for difference in _differences(
            self._client, implementation, self._domain, held, deprecated
        ):
            self._problem(implementation, difference)

    def problems(self) -> list[str]:
        """Return what was found, one sentence each."""
        return [self._told(text, types) for text, types in self._problems]

    def _told(self, text: str, types: Sequence[ActivityImplementation]) -> str:
        if not types:
            return text
        if len(types) > 1 and len(types) == self._tried:
            return f"all {len(types)} types: {text}"
        return f"{', '.join(f'{each.type} at {each.place}' for each in types)}: {text}"

    def _problem(self, implementation: ActivityImplementation, text: str) -> None:
        self._problems.append((text, [implementation]))

    def _refusal(self, implementation: ActivityImplementation, text: str) -> None:
        """Add a type that was refused; what was said of several types is one problem."""
        if text not in self._refused:
            self._refused[text] = []
            self._problems.append((text, self._refused[text]))
        self._refused[text].append(implementation)

    def _give_up(self, text: str) -> None:
        """Add a problem of all types; those that are left would be refused for it, too."""
        self.hopeless = True
        self._problems.append((text, []))
