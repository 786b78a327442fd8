"""Limits in words: reading one back from what it prints, and finding the points it names in a grid."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from paretoroute.errors import TargetError
from paretoroute.grid import Grid
from paretoroute.limits import (
    ContextLength,
    Forbid,
    Limit,
    MaxCallCost,
    MaxCallLatency,
    MaxCostOf,
    MaxMeanLatency,
    MaxShare,
    MinQualityOf,
    Require,
)

_NUMBER = r"(?P<number>[0-9.eE+-]+)"
_GROUP = r"(?: of (?P<by>tag|tenant|step) (?P<of>.+?))?"
_FORMS: tuple[tuple[str, Callable[..., Limit], str], ...] = (
    (rf"share of (?P<of>.+) at most {_NUMBER}", lambda number, of: MaxShare(number, of), "share of MODEL at most 0.2"),
    (
        rf"mean latency{_GROUP} at most {_NUMBER} s",
        lambda number, of, by: MaxMeanLatency(number, of, by or "tag"),
        "mean latency [of tag TAG] at most 5 s",
    ),
    (
        rf"mean cost of (?P<by>tag|tenant|step) (?P<of>.+) at most \$?{_NUMBER}(?: per query)?",
        lambda number, of, by: MaxCostOf(number, of, by),
        "mean cost of tenant NAME at most $0.01 per query",
    ),
    (
        rf"mean quality of (?P<by>tag|tenant|step) (?P<of>.+) at least {_NUMBER}",
        lambda number, of, by: MinQualityOf(number, of, by),
        "mean quality of tag TAG at least 0.8",
    ),
    (
        rf"latency of a call at most {_NUMBER} s(?: at quantile (?P<quantile>[0-9.]+))?",
        lambda number, quantile: MaxCallLatency(number, float(quantile or 0.95)),
        "latency of a call at most 30 s at quantile 0.95",
    ),
    (
        rf"cost of a call at most \$?{_NUMBER}(?: at quantile (?P<quantile>[0-9.]+))?",
        lambda number, quantile: MaxCallCost(number, float(quantile or 0.95)),
        "cost of a call at most $0.05 at quantile 0.95",
    ),
    (
        rf"context of (?P<of>.+) at most {_NUMBER} tokens",
        lambda number, of: ContextLength(int(number), of),
        "context of MODEL at most 128000 tokens",
    ),
    (
        rf"never (?P<models>.+?){_GROUP}",
        lambda models, of, by: Forbid(tuple(models.split(", ")), of, by or "tag"),
        "never MODEL, MODEL [of tag TAG]",
    ),
    (
        rf"only (?P<models>.+?){_GROUP}",
        lambda models, of, by: Require(tuple(models.split(", ")), of, by or "tag"),
        "only MODEL, MODEL [of tag TAG]",
    ),
)


def parse_limit(words: str) -> Limit:
    """Read a limit from the words it prints.

    Raises:
        TargetError: the words are of no known form; the forms are listed.

    Example:
        >>> parse_limit("share of big-model at most 0.2")
        MaxShare(share=0.2, of='big-model')
        >>> str(parse_limit("mean quality of tag code at least 0.8"))
        'mean quality of tag code at least 0.8'
    """
    for pattern, build, _ in _FORMS:
        found = re.fullmatch(pattern, words.strip())
        if found:
            parts: dict[str, Any] = found.groupdict()
            if "number" in parts:
                try:
                    parts["number"] = float(parts["number"])
                except ValueError:
                    raise TargetError(f"limit {words!r}: {parts['number']!r} is no number") from None
            return build(**parts)
    forms = "; ".join(form for *_, form in _FORMS)
    raise TargetError(f"limit {words!r} is of no known form; write one of: {forms}")


def on_grid(limit: Limit, grid: Grid) -> Limit:
    """Look the models of a limit up in a grid.

    Raises:
        TargetError: the grid has no such model or point; the near ones are listed.
    """
    if isinstance(limit, MaxShare):
        return replace(limit, columns=_matching(str(limit.of), grid)) if isinstance(limit.of, str) else limit
    if isinstance(limit, ContextLength):
        _matching(limit.of, grid)
    if isinstance(limit, Forbid | Require):
        for name in limit.models:
            _matching(name, grid)
    return limit


def columns_of(names: Sequence[str], grid: Grid) -> tuple[int, ...]:
    """Find the columns of models, points and providers (``"openai/*"``) in a grid.

    Raises:
        TargetError: the grid has no such model or point; the near ones are listed.
    """
    return tuple(sorted({column for name in names for column in _matching(name, grid)}))


def _matching(name: str, grid: Grid) -> tuple[int, ...]:
    if name.endswith("*"):
        found = [j for j, point in enumerate(grid.points) if point.model.startswith(name[:-1])]
    else:
        found = [j for j, point in enumerate(grid.points) if name in (point.model, point.name)]
    if not found:
        known = [*grid.models, *grid.names]
        near = difflib.get_close_matches(name, known, n=5, cutoff=0.3) or known[:5]
        raise TargetError(f"no model or point is called {name!r}; near: {', '.join(repr(other) for other in near)}")
    return tuple(found)
