"""Side conditions of a target, in the words of a user: which calls may be made, and what a population may use.

A limit on calls rules points out query by query (a mask). A limit on the population couples the queries: with x[i, :]
the choice of query i it reads sum_i sum_j a[i, j] x[i, j] <= total, where a is a weighted sum of quality, cost, latency
and a constant per point, over the queries of one label or over all. The solver sees nothing but these rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast

By = Literal["tag", "tenant", "step"]
_BY = get_args(By)


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
    """

    share: float
    of: str | tuple[int, ...]

    def __post_init__(self) -> None:
        _fraction("a share", self.share)

    def __str__(self) -> str:
        return f"share of {self.of if isinstance(self.of, str) else list(self.of)} at most {self.share:.6g}"


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
        return f"mean latency{_of(self.of, self.by)} at most {self.seconds:.6g} s"


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
        return f"mean cost{_of(self.of, self.by)} at most ${self.usd:.6g} per query"


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
        return f"mean quality{_of(self.of, self.by)} at least {self.quality:.6g}"


@dataclass(frozen=True, slots=True)
class MaxCallLatency:
    """Only points whose latency stays under ``seconds`` in a share ``quantile`` of calls like this one."""

    seconds: float
    quantile: float = 0.95

    def __post_init__(self) -> None:
        _positive("a call's latency", self.seconds)
        _quantile(self.quantile)

    def __str__(self) -> str:
        return f"latency of a call at most {self.seconds:.6g} s at quantile {self.quantile:g}"


@dataclass(frozen=True, slots=True)
class MaxCallCost:
    """Only points whose cost stays under ``usd`` in a share ``quantile`` of calls like this one."""

    usd: float
    quantile: float = 0.95

    def __post_init__(self) -> None:
        _positive("a call's cost", self.usd)
        _quantile(self.quantile)

    def __str__(self) -> str:
        return f"cost of a call at most ${self.usd:.6g} at quantile {self.quantile:g}"


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
CallLimit = MaxCallLatency | MaxCallCost | Forbid | Require
Limit = PopulationLimit | CallLimit


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


@dataclass(frozen=True)
class Row:
    """One limit on the population: sum over some queries of the chosen points' weighted figures, at most ``total``.

    Args:
        name: the limit in words.
        total: what the sum may reach.
        quality: weight of quality.
        cost: weight of cost.
        latency: weight of latency.
        points: constant per point, ``(points,)``, or None.
        queries: which queries count, bool ``(queries,)``; None: all.
        size: how many queries count.
    """

    name: str
    total: float
    size: int
    quality: float = 0.0
    cost: float = 0.0
    latency: float = 0.0
    points: NDArray[np.float64] | None = None
    queries: NDArray[np.bool_] | None = None


def row_of(limit: PopulationLimit, forecast: Forecast) -> Row | None:
    """Write a limit on the population as a row; None where it speaks of a label that no query has.

    Raises:
        TargetError: it needs latencies or labels that the forecast does not have, or a point that is no column.
    """
    queries, points = forecast.quality.shape
    name = str(limit)
    if isinstance(limit, MaxShare):
        columns = _columns(limit, points)
        counted = np.isin(np.arange(points), columns).astype(np.float64)
        return Row(name, limit.share * queries, queries, points=counted)
    members = None if limit.of is None else members_of(forecast, limit.of, limit.by, name)
    size = queries if members is None else int(members.sum())
    if size == 0:
        return None
    if isinstance(limit, MaxMeanLatency):
        if forecast.latency_s is None:
            raise TargetError(f"{name}: no latency is forecast; log latency_s, or give the forecast's latency_s")
        return Row(name, limit.seconds * size, size, latency=1.0, queries=members)
    if isinstance(limit, MaxCostOf):
        return Row(name, limit.usd * size, size, cost=1.0, queries=members)
    return Row(name, -limit.quality * size, size, quality=-1.0, queries=members)


def members_of(forecast: Forecast, label: str, by: str, name: str) -> NDArray[np.bool_]:
    """Tell which queries have a label, bool ``(queries,)``.

    Raises:
        TargetError: the forecast has no labels of this kind.
    """
    labels = (forecast.labels or {}).get(by)
    if labels is None:
        raise TargetError(f"{name}: no query has a {by}; log the column {by}, or give the forecast's labels[{by!r}]")
    return np.asarray(labels) == label


def _columns(limit: MaxShare, points: int) -> Sequence[int]:
    if isinstance(limit.of, str):
        raise TargetError(
            f"{limit}: a bare forecast needs columns of 0 to {points - 1}: resolve the name first, columns_of(grid, name)"
        )
    if not limit.of or not all(0 <= column < points for column in limit.of):
        raise TargetError(f"{limit}: columns must lie in 0 to {points - 1}")
    return limit.of
