"""Selects the executions that the four actions list or count, and cuts lists into pages.

What SWF does, according to its API reference (ListOpenWorkflowExecutions,
ListClosedWorkflowExecutions, and the two that count), and moto does not:

- "closeStatusFilter, executionFilter, typeFilter and tagFilter are mutually exclusive" (moto knows
  three of them). Exactly one of the two time filters must be given.
- "By default the results are returned in descending order of the start or the close time", and
  ``reverseOrder`` reverses it (moto fails).
- Results come in pages; "use nextPageToken to obtain further pages".

A token names the last item of its page by the item's place in the order. So the next page continues
after that item, whatever was added or removed meanwhile: a program that lists a page, terminates
the executions on it and asks for the next page reaches every execution.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from moto.swf.exceptions import SWFValidationException

from .execution import LocalExecution

#: How many items are on a page by default, and at most.
PAGE_SIZE = 1000

#: The place of an item in its list: the same types of values for every item of the list.
Place = tuple["float | str", ...]


class ListItem(NamedTuple):
    """One item of a list.

    Attributes:
        place: its place in the list.
        make: makes the item for the answer.
    """

    place: Place
    make: Callable[[], dict[str, Any]]


_FILTERS = ("executionFilter", "typeFilter", "tagFilter", "closeStatusFilter")


def select(executions: Iterable[LocalExecution], parameters: dict[str, Any]) -> list[ListItem]:
    """Select executions by the filters of a request.

    Args:
        executions: all open executions of a domain, or all closed ones.
        parameters: the parameters of the request, validated.

    Raises:
        SWFValidationException: filters exclude each other, or a time filter is missing.
    """
    if sum(name in parameters for name in _FILTERS) > 1:
        raise SWFValidationException(
            "Cannot specify more than one exclusive filters in the same query: "
            + ", ".join(name for name in _FILTERS if name in parameters)
        )
    if ("startTimeFilter" in parameters) == ("closeTimeFilter" in parameters):
        raise SWFValidationException(
            "Must specify one time filter: startTimeFilter or closeTimeFilter"
        )
    by_close = "closeTimeFilter" in parameters
    return [
        ListItem((when, execution.number), execution.to_list_dict)
        for execution in executions
        if (when := execution.close_timestamp if by_close else execution.start_timestamp)
        is not None
        and _in_time(when, parameters["closeTimeFilter" if by_close else "startTimeFilter"])
        and _matches(execution, parameters)
    ]


def page(
    items: list[ListItem], parameters: dict[str, Any], *, descending: bool
) -> tuple[list[ListItem], str | None]:
    """Cut out one page of a list.

    Args:
        items: the whole list, in any order.
        parameters: the parameters of the request, which name the page.
        descending: whether the list begins with the last place.

    Returns:
        The items on the page, and the token of the next page; None if this is the last one.

    Raises:
        SWFValidationException: the request's token was not made here.
    """
    size, token = parameters.get("maximumPageSize") or PAGE_SIZE, parameters.get("nextPageToken")
    try:
        if token is not None:
            last = _place(token)
            items = [
                each for each in items if (each.place < last if descending else each.place > last)
            ]
    except (ValueError, TypeError, RecursionError):
        raise SWFValidationException("Invalid token") from None
    items = sorted(items, key=lambda each: each.place, reverse=descending)
    found = items[:size]
    return found, _token(found[-1].place) if len(items) > size else None


def _token(place: Place) -> str:
    # Standard base64: it has no hyphen, which separates the parts of other tokens.
    return base64.b64encode(json.dumps(place, ensure_ascii=False).encode()).decode()


def _place(token: str) -> Place:
    """Return the place in a token.

    Raises:
        ValueError: the token was not made here.
    """
    found = json.loads(base64.b64decode(token, validate=True))
    if not isinstance(found, list) or _token(tuple(found)) != token:
        raise ValueError("not a token")
    return tuple(found)


def _in_time(when: float, wanted: dict[str, Any]) -> bool:
    latest: float = wanted.get("latestDate", float("inf"))
    oldest: float = wanted["oldestDate"]
    return oldest <= when <= latest


def _matches(execution: LocalExecution, parameters: dict[str, Any]) -> bool:
    if "executionFilter" in parameters:
        return bool(execution.workflow_id == parameters["executionFilter"]["workflowId"])
    if "typeFilter" in parameters:
        wanted, found = parameters["typeFilter"], execution.workflow_type
        return found.name == wanted["name"] and wanted.get("version") in (None, found.version)
    if "tagFilter" in parameters:
        return parameters["tagFilter"]["tag"] in execution.tag_list
    if "closeStatusFilter" in parameters:
        return bool(execution.close_status == parameters["closeStatusFilter"]["status"])
    return True
