"""One request to a local SWF: its parameters, its backend, and paged answers.

SWF returns lists in pages (``maximumPageSize``, ``nextPageToken``); moto returns all at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from moto.swf.responses import SWFResponse

from .backend import LocalBackend
from .listing import ListItem, page


class LocalRequest(SWFResponse):
    """A request, in the form that moto's actions read.

    Args:
        backend: carries out the request.
        parameters: the parameters, validated.
        poll_seconds: how long a poll stays open, in seconds.
        gone: returns whether the client has hung up.
    """

    def __init__(
        self,
        backend: LocalBackend,
        parameters: dict[str, Any],
        *,
        poll_seconds: float,
        gone: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._backend = backend
        self._parameters = parameters
        self._poll_seconds = poll_seconds
        self._gone = gone

    @property
    def swf_backend(self) -> LocalBackend:
        return self._backend

    @property
    def _params(self) -> dict[str, Any]:
        return self._parameters

    @property
    def _reverse(self) -> bool:
        return bool(self._parameters.get("reverseOrder"))

    def _page(
        self,
        name: str,
        items: list[ListItem],
        parameters: dict[str, Any] | None = None,
        *,
        descending: bool | None = None,
        suffix: str = "",
        answer: dict[str, Any] | None = None,
    ) -> str:
        """Return the JSON text of one page of a list.

        Args:
            name: the key of the list.
            items: the items; only those on the page are made.
            parameters: name the page; None for those of the request.
            descending: whether the list begins with the last item; None to follow the request's
                ``reverseOrder``.
            suffix: follows the place in nextPageToken.
            answer: the other keys of the answer.
        """
        found, token = page(
            items,
            self._parameters if parameters is None else parameters,
            descending=self._reverse if descending is None else descending,
        )
        answer = {**(answer or {}), name: [item.make() for item in found]}
        if token is not None:
            answer["nextPageToken"] = f"{token}-{suffix}" if suffix else token
        return json.dumps(answer)


def event_items(events: Iterable[Any]) -> list[ListItem]:
    """Return the events of a history, as items of a list."""
    return [ListItem((event.event_id,), event.to_dict) for event in events]
