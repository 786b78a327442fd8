"""Limits: conditions on single calls, and on means and shares over all queries, that hold beside a target.

Each limit reads back from the text it prints, which is the text of the command line and of a policy file: ``FORM`` and
``PATTERN`` stand beside ``__str__``.

A limit on calls rules out points query by query, before anything is solved; a limit on the population couples the
queries, and the solver prices each of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any, ClassVar, Literal, NamedTuple, get_args, overload

import numpy as np

from paretoroute.errors import TargetError, close_names, did_you_mean, expect, expect_items, one_line, shown
from paretoroute.grid import Grid
from paretoroute.targets import fraction, positive, real

By = Literal["tag", "tenant", "step"]
_BY = get_args(By)

# The groups of a pattern are named as the fields they fill. Patterns take time linear in the text without line breaks.
_NUMBER = r"[0-9.eE+-]+"
_QUANTILE = r"(?: at quantile (?P<quantile>[0-9.]+))?"
_LABEL = r"(?P<by>tag|tenant|step) (?P<of>.+)"
_LABEL_IF_ANY = r"(?: of (?P<by>tag|tenant|step) (?P<of>.+?))?"


class LabelGroup(NamedTuple):
    """The queries of one label, to which a limit is confined: its kind (``tag``, ``tenant``, ``step``) and its name."""

    by: By
    of: str


def _check_label(subject: str, label: str | None, by: str) -> None:
    if not isinstance(by, str) or by not in _BY:
        raise TargetError(f"{subject} is by {shown(by)}; use one of {', '.join(_BY)}")
    if label is not None and not (isinstance(label, str) and label):
        raise TargetError(f"{subject} needs the name of a {by}, got {shown(label)}")


def _quantile(value: float) -> float:
    if not 0.5 <= (number := real("a quantile", value)) < 1:
        raise TargetError(f"a quantile must lie in [0.5, 1), got {number:.12g}")
    return number


def _whole(name: str, value: float) -> int:
    if not (number := positive(name, value)).is_integer():
        raise TargetError(f"{name} must be a whole number, got {number:.12g}")
    return int(number)


@dataclass(frozen=True, slots=True)
class MaxShare:
    """At most a share of all calls may go to a model or a point; a rate limit over the rate of traffic is such a share.

    Args:
        share: in [0, 1].
        of: a model, a point (``model@label``), or columns when solving a bare forecast. A model's name counts all its
            points; a name that ends in ``*`` all models that begin so (a provider: ``"openai/*"``).
        columns: what ``of`` means on a grid, filled in by :func:`on_grid`.
    """

    FORM: ClassVar = "share of MODEL at most 0.2"
    PATTERN: ClassVar = rf"share of (?P<of>.+) at most (?P<share>{_NUMBER})"

    share: float
    of: str | tuple[int, ...]
    columns: tuple[int, ...] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", fraction("a share", self.share))
        if not isinstance(self.of, str):
            expect_items("the columns of MaxShare", self.of, Integral, TargetError)
            object.__setattr__(self, "columns", tuple(self.of))

    def __str__(self) -> str:
        return f"share of {self.of if isinstance(self.of, str) else list(self.of)} at most {_written(self.share)}"

    @property
    def group(self) -> None:
        """None: a share counts the calls of all queries."""
        return None


@dataclass(frozen=True, slots=True)
class MaxMeanLatency:
    """Mean forecast latency of the calls at most ``seconds``, over all queries or over those of one label."""

    FORM: ClassVar = "mean latency [of tag TAG] at most 5 s"
    PATTERN: ClassVar = rf"mean latency{_LABEL_IF_ANY} at most (?P<seconds>{_NUMBER}) s"

    seconds: float
    of: str | None = None
    by: By = "tag"

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", positive("a mean latency", self.seconds))
        _check_label("a mean latency", self.of, self.by)

    def __str__(self) -> str:
        return f"mean latency{_of(self.of, self.by)} at most {_written(self.seconds)} s"

    @property
    def group(self) -> LabelGroup | None:
        """The queries that count; None: all."""
        return None if self.of is None else LabelGroup(self.by, self.of)


@dataclass(frozen=True, slots=True)
class MaxCostOf:
    """Mean cost per query of one tag, tenant or step at most ``usd``; the target's total is shared by all."""

    FORM: ClassVar = "mean cost of tenant NAME at most $0.01 per query"
    PATTERN: ClassVar = rf"mean cost of {_LABEL} at most \$?(?P<usd>{_NUMBER})(?: per query)?"

    usd: float
    of: str
    by: By = "tag"

    def __post_init__(self) -> None:
        object.__setattr__(self, "usd", positive("a mean cost", self.usd))
        _check_label("a mean cost", self.of, self.by)

    def __str__(self) -> str:
        return f"mean cost{_of(self.of, self.by)} at most ${_written(self.usd)} per query"

    @property
    def group(self) -> LabelGroup:
        """The queries that count."""
        return LabelGroup(self.by, self.of)


@dataclass(frozen=True, slots=True)
class MinQualityOf:
    """Mean quality of one tag, tenant or step at least ``quality``, whatever the mean over all queries is."""

    FORM: ClassVar = "mean quality of tag TAG at least 0.8"
    PATTERN: ClassVar = rf"mean quality of {_LABEL} at least (?P<quality>{_NUMBER})"

    quality: float
    of: str
    by: By = "tag"

    def __post_init__(self) -> None:
        object.__setattr__(self, "quality", fraction("a floor of quality", self.quality))
        _check_label("a floor of quality", self.of, self.by)

    def __str__(self) -> str:
        return f"mean quality{_of(self.of, self.by)} at least {_written(self.quality)}"

    @property
    def group(self) -> LabelGroup:
        """The queries that count."""
        return LabelGroup(self.by, self.of)


@dataclass(frozen=True, slots=True)
class MaxCallLatency:
    """Only points whose latency stays under ``seconds`` in a share ``quantile`` of calls like this one."""

    FORM: ClassVar = "latency of a call at most 30 s at quantile 0.95"
    PATTERN: ClassVar = rf"latency of a call at most (?P<seconds>{_NUMBER}) s{_QUANTILE}"

    seconds: float
    quantile: float = 0.95

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", positive("a call's latency", self.seconds))
        object.__setattr__(self, "quantile", _quantile(self.quantile))

    def __str__(self) -> str:
        return f"latency of a call at most {_written(self.seconds)} s at quantile {_written(self.quantile)}"


@dataclass(frozen=True, slots=True)
class MaxCallCost:
    """Only points whose cost stays under ``usd`` in a share ``quantile`` of calls like this one."""

    FORM: ClassVar = "cost of a call at most $0.05 at quantile 0.95"
    PATTERN: ClassVar = rf"cost of a call at most \$?(?P<usd>{_NUMBER}){_QUANTILE}"

    usd: float
    quantile: float = 0.95

    def __post_init__(self) -> None:
        object.__setattr__(self, "usd", positive("a call's cost", self.usd))
        object.__setattr__(self, "quantile", _quantile(self.quantile))

    def __str__(self) -> str:
        return f"cost of a call at most ${_written(self.usd)} at quantile {_written(self.quantile)}"


@dataclass(frozen=True, slots=True)
class ContextLength:
    """A model takes at most so many tokens, prompt and completion together: longer calls go elsewhere."""

    FORM: ClassVar = "context of MODEL at most 128000 tokens"
    PATTERN: ClassVar = rf"context of (?P<of>.+) at most (?P<tokens>{_NUMBER}) tokens"

    tokens: int
    of: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", _whole("a context length", self.tokens))
        expect("the model of ContextLength", self.of, str, TargetError)

    def __str__(self) -> str:
        return f"context of {self.of} at most {self.tokens} tokens"


@dataclass(frozen=True, slots=True)
class Forbid:
    """Never call these models, for any query or for those of one label."""

    FORM: ClassVar = "never MODEL, MODEL [of tag TAG]"
    PATTERN: ClassVar = rf"never (?P<models>.+?){_LABEL_IF_ANY}"

    models: tuple[str, ...]
    of: str | None = None
    by: By = "tag"

    def __post_init__(self) -> None:
        _check_models(self)

    def __str__(self) -> str:
        return f"never {', '.join(self.models)}{_of(self.of, self.by)}"


@dataclass(frozen=True, slots=True)
class Require:
    """Call nothing but these models, for any query or for those of one label."""

    FORM: ClassVar = "only MODEL, MODEL [of tag TAG]"
    PATTERN: ClassVar = rf"only (?P<models>.+?){_LABEL_IF_ANY}"

    models: tuple[str, ...]
    of: str | None = None
    by: By = "tag"

    def __post_init__(self) -> None:
        _check_models(self)

    def __str__(self) -> str:
        return f"only {', '.join(self.models)}{_of(self.of, self.by)}"


PopulationLimit = MaxShare | MaxMeanLatency | MaxCostOf | MinQualityOf
CallLimit = MaxCallLatency | MaxCallCost | ContextLength | Forbid | Require
Limit = PopulationLimit | CallLimit
_KINDS: tuple[type[Limit], ...] = get_args(PopulationLimit) + get_args(CallLimit)


def _written(value: float) -> str:
    """Write a number without an exponent, so that it reads back as the same."""
    return np.format_float_positional(float(value), trim="-")


def _of(label: str | None, by: str) -> str:
    return "" if label is None else f" of {by} {label}"


def _check_models(limit: Forbid | Require) -> None:
    kind = type(limit).__name__
    if isinstance(limit.models, str):
        raise TargetError(
            f"{kind} needs a list of models, got the text {shown(limit.models)}; write [{shown(limit.models)}]"
        )
    expect_items(f"the models of {kind}", limit.models, str, TargetError)
    if not limit.models:
        raise TargetError(f"{kind} names no model; name at least one")
    object.__setattr__(limit, "models", tuple(limit.models))
    _check_label(kind, limit.of, limit.by)


def parse_limit(text: str) -> Limit:
    """Read a limit from the text it prints.

    Raises:
        TargetError: no limit is written so (the forms are listed), or a number in it is out of range.

    Example:
        >>> parse_limit("share of big-model at most 0.2")
        MaxShare(share=0.2, of='big-model')
        >>> str(parse_limit("mean quality of tag code at least 0.8"))
        'mean quality of tag code at least 0.8'
    """
    expect("a limit", text, str, TargetError)
    for kind in _KINDS:
        if "\n" not in text.strip() and (match := re.fullmatch(kind.PATTERN, text.strip())):
            parts = {name: part for name, part in match.groupdict().items() if part is not None}
            try:
                return kind(**{name: _field(name, part) for name, part in parts.items()})
            except TargetError as error:
                raise TargetError(f"limit {one_line(repr(text))}: {error}") from None
    near = "; ".join(close_names(text, [kind.FORM for kind in _KINDS], most=3, cutoff=0.0))
    start = f"limit {one_line(repr(text))} is of no known form; nearest: {near}"
    raise TargetError(f"{start}. All forms are listed by paretoroute fit --help")


def _field(name: str, text: str) -> Any:
    """Convert the part of a limit's text that fills a field."""
    if name in ("of", "by"):
        return text
    if name == "models":
        return tuple(text.split(", "))
    try:
        return float(text)
    except ValueError:
        raise TargetError(f"{shown(text)} is no number") from None


@overload
def on_grid(limit: PopulationLimit, grid: Grid) -> PopulationLimit: ...
@overload
def on_grid(limit: Limit, grid: Grid) -> Limit: ...
def on_grid(limit: Limit, grid: Grid) -> Limit:
    """Resolve the models of a limit on a grid.

    Raises:
        TargetError: the grid has no such model or point; the near ones are listed.
    """
    if isinstance(limit, MaxShare):
        return replace(limit, columns=_columns(limit.of, grid)) if isinstance(limit.of, str) else limit
    if isinstance(limit, ContextLength | Forbid | Require):
        columns_of([limit.of] if isinstance(limit, ContextLength) else limit.models, grid)
    return limit


def columns_of(names: Sequence[str], grid: Grid) -> tuple[int, ...]:
    """Return the columns of models, points and providers (``"openai/*"``); a `TargetError` names near ones."""
    return tuple(sorted({column for name in names for column in _columns(name, grid)}))


def _columns(name: str, grid: Grid) -> tuple[int, ...]:
    if name.endswith("*"):
        columns = [j for j, point in enumerate(grid.points) if point.model.startswith(name[:-1])]
    else:
        columns = [j for j, point in enumerate(grid.points) if name in (point.model, point.name)]
    if columns:
        return tuple(columns)
    raise TargetError(f"no model or point is called {shown(name)}; {did_you_mean(name, [*grid.models, *grid.names])}")
