"""What a scenario found, as a table for people and as JSON for programs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .contest import Result


@dataclass(frozen=True)
class Check:
    """One figure and the target that it is held to."""

    what: str
    value: float
    relation: str  #: ``<=`` or ``>=``.
    target: float
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.value <= self.target if self.relation == "<=" else self.value >= self.target

    def __str__(self) -> str:
        mark = "reached" if self.reached else "MISSED"
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"  {mark:8} {self.what}: {_number(self.value)}{unit} "
            f"(target {self.relation} {_number(self.target)}{unit})"
        )


@dataclass
class Finding:
    """What a scenario found: a table, and figures with their targets."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Any]]
    checks: list[Check]
    notes: list[str] = field(default_factory=list)
    rounds: int = 1
    scenario: str = ""
    load: tuple[float, float] = (0.0, 0.0)  #: Of the machine, before it and after it.

    def __str__(self) -> str:
        cells = [list(self.columns)]
        cells += [[_number(cell) for cell in row] for row in self.rows]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.columns))]
        lines = [f"{self.title}  [median of {self.rounds}]"]
        for row in cells:
            first, *others = zip(row, widths, strict=True)
            lines.append(
                f"  {first[0]:<{first[1]}}" + "".join(f"  {cell:>{w}}" for cell, w in others)
            )
        lines += [str(check) for check in self.checks]
        lines += [f"  {note}" for note in self.notes]
        lines.append("  load of the machine: {:.1f} before, {:.1f} after".format(*self.load))
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-serializable values."""
        checks = [{**asdict(check), "reached": check.reached} for check in self.checks]
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {
            "scenario": self.scenario,
            "title": self.title,
            "rounds": self.rounds,
            "load": self.load,
            "rows": rows,
            "checks": checks,
            "notes": self.notes,
        }


#: The columns of ``result_row``.
RESULT_COLUMNS = ("", "CPU ms/task", "tasks/s", "p50 ms", "p99 ms", "stub, % of a core")


def result_row(name: str, results: Sequence[Result]) -> Sequence[Any]:
    """Return a row of medians."""
    return (
        name,
        middle(results, lambda r: None if r.cpu_per_task is None else r.cpu_per_task * 1e3),
        middle(results, lambda r: r.rate),
        middle(results, lambda r: r.p50 * 1e3),
        middle(results, lambda r: r.p99 * 1e3),
        middle(results, lambda r: r.stub_share * 100),
    )


def middle(results: Sequence[Result], of: Callable[[Result], float | None]) -> float | None:
    """Return the median of something over the rounds; None if it was not measured."""
    values = [of(result) for result in results]
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def ratio(
    ours: Sequence[Result], theirs: Sequence[Result], of: Callable[[Result], float | None]
) -> float:
    """Return the median of the rounds' ratios; nan if it was not measured."""
    pairs = [(of(our), of(their)) for our, their in zip(ours, theirs, strict=True)]
    known = [our / their for our, their in pairs if our is not None and their]
    return statistics.median(known) if known else math.nan


def _number(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)
