"""Selects the executions that the four actions list or count, and cuts lists into pages.

What SWF does, according to its API reference (ListOpenWorkflowExecutions,
ListClosedWorkflowExecutions, and the two that count), and moto does not:

- "closeStatusFilter, executionFilter, typeFilter and tagFilter are mutually exclusive" (moto knows
  three of them). There must be one of the two time filters, and only one.
- "By default the results are returned in descending order of the start or the close time", and
  ``reverseOrder`` reverses it (moto fails).
- Results come in pages; "use nextPageToken to obtain further pages".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.swf.exceptions import SWFValidationException

from .execution import LocalExecution

#: Items on a page if the request does not say; SWF allows no more.
PAGE_SIZE = 1000

_FILTERS = ("executionFilter", "typeFilter", "tagFilter", "closeStatusFilter")


def select(
    executions: Iterable[LocalExecution], parameters: dict[str, Any]
) -> list[LocalExecution]:
    """Select executions by the filters of a request, in the order it wants.

    Args:
        executions: all open executions of a domain, or all closed ones.
        parameters: the parameters of the request, validated.

    Raises:
        SWFValidationException: filters exclude each other, or there is no time filter.
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
    found = [
        (when, execution)
        for execution in executions
        if (when := (execution.close_timestamp if by_close else execution.start_timestamp) or 0)
        and _in_time(when, parameters["closeTimeFilter" if by_close else "startTimeFilter"])
        and _matches(execution, parameters)
    ]
    found.sort(key=lambda pair: pair[0], reverse=not parameters.get("reverseOrder", False))
    return [execution for _, execution in found]


def page(items: list[Any], parameters: dict[str, Any]) -> tuple[list[Any], str | None]:
    """Cut out one page of a list.

    Args:
        items: the whole list.
        parameters: the parameters of the request, which tell which page.

    Returns:
        The items on the page, and the token of the next page; None if this is the last one.

    Raises:
        SWFValidationException: the request's token was not made here.
    """
    size = parameters.get("maximumPageSize") or PAGE_SIZE
    token = parameters.get("nextPageToken") or "0"
    if not (token.isascii() and token.isdigit()):
        raise SWFValidationException("Invalid token")
    end = int(token) + size
    return items[int(token) : end], str(end) if end < len(items) else None


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
