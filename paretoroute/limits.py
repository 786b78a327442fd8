"""Side conditions of a target, in the words of a user: which calls may be made, and what a population may use.

Each limit reads back from the words it prints, which are those of the command line and of a policy file.

A limit on calls rules points out query by query, before anything is solved; a limit on the population couples the
queries, and the solver gives each of them a price.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from paretoroute.errors import TargetError
from paretoroute.grid import Grid

By = Literal["tag", "tenant", "step"]
_BY = get_args(By)

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


def _positive(what: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise TargetError(f"{what} must be a positive number, got {value}")


def _fraction(what: str, value: float) -> None:
    if not 0 <= value <= 1:
        hint = " Percent? Divide by 100." if 1 < value <= 100 else ""
        raise TargetError(f"{what} must lie in [0, 1], got {value}.{hint}")


def _label(what: str, label: str | None, by: str) -> None:
    if by not in _BY:
        raise TargetError(f"{what} is by {by!r}; use one of {', '.join(_BY)}")
    if label is not None and not (isinstance(label, str) and label):
        raise TargetError(f"{what} needs the name of a {by}, got {label!r}")


@dataclass(frozen=True, slots=True)
class MaxShare:
    """At most a share of all calls may go to a model or a point; a rate limit over the rate of traffic is such a share.

    Args:
        share: in [0, 1].
        of: a model, a point (``model@label``), or columns when solving a bare forecast. A model's name counts all its
            points; a name that ends in ``*`` all models that begin so (a provider: ``"openai/*"``).
        columns: what ``of`` means on a grid, filled in by :func:`on_grid`.
    """

    share: float
    of: str | tuple[int, ...]
    columns: tuple[int, ...] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        _fraction("a share", self.share)
        if not isinstance(self.of, str):
            object.__setattr__(self, "columns", tuple(self.of))

    def __str__(self) -> str:
        return f"share of {self.of if isinstance(self.of, str) else list(self.of)} at most {_number(self.share)}"


@dataclass(frozen=True, slots=True)
class MaxMeanLatency:
    """Mean forecast latency of the calls at most ``seconds``, over all queries or over those of one label."""

    seconds: float
    of: str | None = None
    by: By = "tag"

    def __post_init__(self) -> None:
        _positive("a mean latency", self.seconds)
        _label("a mean latency", self.of, self.by)

    def __str__(self) -> str:
        return f"mean latency{_of(self.of, self.by)} at most {_number(self.seconds)} s"


@dataclass(frozen=True, slots=True)
class MaxCostOf:
    """Mean cost per query of one tag, tenant or step at most ``usd``; the target's total is shared by all."""

    usd: float
    of: str
    by: By = "tag"

    def __post_init__(self) -> None:
        _positive("a mean cost", self.usd)
        _label("a mean cost", self.of, self.by)

    def __str__(self) -> str:
        return f"mean cost{_of(self.of, self.by)} at most ${_number(self.usd)} per query"


@dataclass(frozen=True, slots=True)
class MinQualityOf:
    """Mean quality of one tag, tenant or step at least ``quality``, whatever the mean over all queries is."""

    quality: float
    of: str
    by: By = "tag"

    def __post_init__(self) -> None:
        _fraction("a floor of quality", self.quality)
        _label("a floor of quality", self.of, self.by)

    def __str__(self) -> str:
        return f"mean quality{_of(self.of, self.by)} at least {_number(self.quality)}"


@dataclass(frozen=True, slots=True)
class MaxCallLatency:
    """Only points whose latency stays under ``seconds`` in a share ``quantile`` of calls like this one."""

    seconds: float
    quantile: float = 0.95

    def __post_init__(self) -> None:
        _positive("a call's latency", self.seconds)
        _quantile(self.quantile)

    def __str__(self) -> str:
        return f"latency of a call at most {_number(self.seconds)} s at quantile {_number(self.quantile)}"


@dataclass(frozen=True, slots=True)
class MaxCallCost:
    """Only points whose cost stays under ``usd`` in a share ``quantile`` of calls like this one."""

    usd: float
    quantile: float = 0.95

    def __post_init__(self) -> None:
        _positive("a call's cost", self.usd)
        _quantile(self.quantile)

    def __str__(self) -> str:
        return f"cost of a call at most ${_number(self.usd)} at quantile {_number(self.quantile)}"


@dataclass(frozen=True, slots=True)
class ContextLength:
    """A model takes at most so many tokens, prompt and completion together: longer calls go elsewhere."""

    tokens: int
    of: str

    def __post_init__(self) -> None:
        _positive("a context length", self.tokens)

    def __str__(self) -> str:
        return f"context of {self.of} at most {self.tokens} tokens"


@dataclass(frozen=True, slots=True)
class Forbid:
    """Never call these models, for any query or for those of one label."""

    models: tuple[str, ...]
    of: str | None = None
    by: By = "tag"

    def __post_init__(self) -> None:
        _models(self, "Forbid")

    def __str__(self) -> str:
        return f"never {', '.join(self.models)}{_of(self.of, self.by)}"


@dataclass(frozen=True, slots=True)
class Require:
    """Call nothing but these models, for any query or for those of one label."""

    models: tuple[str, ...]
    of: str | None = None
    by: By = "tag"

    def __post_init__(self) -> None:
        _models(self, "Require")

    def __str__(self) -> str:
        return f"only {', '.join(self.models)}{_of(self.of, self.by)}"


PopulationLimit = MaxShare | MaxMeanLatency | MaxCostOf | MinQualityOf
CallLimit = MaxCallLatency | MaxCallCost | ContextLength | Forbid | Require
Limit = PopulationLimit | CallLimit


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _of(label: str | None, by: str) -> str:
    return "" if label is None else f" of {by} {label}"


def _quantile(value: float) -> None:
    if not 0.5 <= value < 1:
        raise TargetError(f"a quantile must lie in [0.5, 1), got {value}")


def _models(limit: Forbid | Require, what: str) -> None:
    if isinstance(limit.models, str):
        raise TargetError(f"{what} needs a list of models, got the text {limit.models!r}; write [{limit.models!r}]")
    if not limit.models:
        raise TargetError(f"{what} names no model; name at least one")
    object.__setattr__(limit, "models", tuple(limit.models))
    _label(what, limit.of, limit.by)


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
