"""Targets and limits on the population as objective and constraints of a linear program.

With x[i, :] the choice of query i, a constraint reads sum_i sum_j a[i, j] x[i, j] <= rhs, where a is a weighted sum of
quality, cost, latency and a constant per point, over the queries of one label or over all. This is all that the solver
uses of a limit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.errors import TargetError, did_you_mean
from paretoroute.forecast import LEAST, MOST, Forecast, Tables
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, MinQualityOf, PopulationLimit
from paretoroute.solver.argmax import Weights
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target

if TYPE_CHECKING:
    from paretoroute.solver.block_argmax import Sums


@dataclass(frozen=True)
class Constraint:
    """An upper bound ``rhs`` on the sum over some queries of the chosen points' weighted figures.

    Args:
        name: text of the limit; ``cost`` or ``quality`` for the target.
        rhs: upper bound of the sum.
        quality: weight of quality.
        cost: weight of cost.
        latency: weight of latency.
        points: constant per point, ``(points,)``, or None.
        queries: which queries count, bool ``(queries,)``; None: all.
        size: how many queries count.
        is_target: whether this is the target's own constraint and not a limit.
    """

    name: str
    rhs: float
    size: int
    quality: float = 0.0
    cost: float = 0.0
    latency: float = 0.0
    points: NDArray[np.float64] | None = None
    queries: NDArray[np.bool_] | None = None
    is_target: bool = False

    def total(self, sums: Sums) -> float:
        """Return the constraint's sum, from the sums over the queries that count."""
        constant = 0.0 if self.points is None else float(self.points @ sums.count)
        pairs = (self.quality, sums.quality), (self.cost, sums.cost), (self.latency, sums.latency)
        weighted = (weight * figure for weight, figure in pairs if weight)  # a latency that is not limited may be NaN
        return math.fsum((*weighted, constant))

    def magnitude(self, tables: Tables) -> Floats:
        """Compute the largest absolute value that the figures of each point can add up to, ``(queries, points)``."""
        figure = np.zeros(tables.quality.shape)
        for weight, table in self._weighted(tables):
            figure = figure + abs(weight) * table
        return figure if self.points is None else figure + np.abs(self.points)

    def chosen(self, tables: Tables, choice: NDArray[Any]) -> Floats:
        """Compute what each query's chosen point adds to the sum, ``(queries,)``, as if every query counted."""
        rows, figure = np.arange(len(choice)), np.zeros(len(choice))
        for weight, table in self._weighted(tables):
            figure = figure + weight * (table[rows, choice] if table.ndim == 2 else table[choice])
        return figure if self.points is None else figure + self.points[choice]

    def _weighted(self, tables: Tables) -> list[tuple[float, NDArray[Any]]]:
        pairs = (self.quality, tables.quality), (self.cost, tables.cost_usd), (self.latency, tables.latency_s)
        return [(weight, table) for weight, table in pairs if weight and table is not None]


def coefficients(limit: PopulationLimit, points: int) -> Constraint:
    """Return the weights of a limit's constraint, without right-hand side, size and queries.

    Raises:
        TargetError: a share refers to a column that does not exist.
    """
    name = str(limit)
    if isinstance(limit, MaxShare):
        return Constraint(name, 0.0, 0, points=np.isin(np.arange(points), _columns(limit, points)).astype(np.float64))
    if isinstance(limit, MaxMeanLatency):
        return Constraint(name, 0.0, 0, latency=1.0)
    if isinstance(limit, MaxCostOf):
        return Constraint(name, 0.0, 0, cost=1.0)
    return Constraint(name, 0.0, 0, quality=-1.0)


def constraint_of(limit: PopulationLimit, forecast: Forecast) -> Constraint:
    """Return the constraint of a limit on the population.

    Raises:
        TargetError: it needs latencies or labels that the forecast does not have, no query has its label, or it refers
            to a column that does not exist.
    """
    queries, points = forecast.quality.shape
    weights = coefficients(limit, points)
    if isinstance(limit, MaxShare):
        return replace(weights, rhs=limit.share * queries, size=queries)
    if isinstance(limit, MaxMeanLatency) and forecast.latency_s is None:
        raise TargetError(f"{limit}: no latency is forecast; log latency_s, or give the forecast's latency_s")
    members = None if limit.of is None else members_of(forecast, limit.of, limit.by, weights.name)
    size = queries if members is None else int(members.sum())
    if isinstance(limit, MinQualityOf):
        mean = -limit.quality
    else:
        mean = amount(weights.name, limit.usd if isinstance(limit, MaxCostOf) else limit.seconds)
    return replace(weights, rhs=mean * size, size=size, queries=members)


def amount(name: str, value: float) -> float:
    """Return the USD or the seconds of a target or a limit, at most 1e60: no figure that is priced is larger.

    Args:
        name: text of the target or the limit.
        value: positive.

    Raises:
        TargetError: it is below 1e-60.
    """
    if value < LEAST:
        raise TargetError(f"{name}: {value:g} is too small an amount to be priced; give at least {LEAST:g}")
    return min(value, MOST)


def trade_price(target: BestTrade) -> float:
    """Return the price of a target, in quality per USD.

    Raises:
        TargetError: its USD are beyond 1e-60 to 1e60.
    """
    if target.usd_per_quality > MOST:
        raise TargetError(
            f"{target.usd_per_quality:g} USD per quality is too large an amount to be priced; give at most {MOST:g}"
        )
    return 1.0 / amount("the USD per quality of BestTrade", target.usd_per_quality)


def members_of(forecast: Forecast, label: str, by: str, name: str) -> NDArray[np.bool_]:
    """Return which queries have a label, bool ``(queries,)``.

    Raises:
        TargetError: the forecast has no labels of this kind, or no query has this one.
    """
    labels = (forecast.labels or {}).get(by)
    if labels is None:
        raise TargetError(f"{name}: no query has a {by}; log the column {by}, or give the forecast's labels[{by!r}]")
    members: NDArray[np.bool_] = np.asarray(labels) == label
    if not members.any():
        near = did_you_mean(label, sorted(set(map(str, labels)) - {""}))
        raise TargetError(f"{name}: no query has the {by} {label!r}; {near}")
    return members


def _columns(limit: MaxShare, points: int) -> Sequence[int]:
    if limit.columns is None:
        raise TargetError(f"{limit}: a bare forecast needs columns of 0 to {points - 1}, such as of=(0, 2)")
    if not limit.columns or not all(0 <= column < points for column in limit.columns):
        raise TargetError(f"{limit}: columns must lie in 0 to {points - 1}")
    return limit.columns


@dataclass(frozen=True)
class Multipliers:
    """Lagrange multipliers of the constraints, at which queries choose.

    Args:
        objective: weight of the objective: 1, or 0 where only feasibility counts.
        limits: price of each constraint, objective per unit of its sum, ``(constraints,)``, not negative.
    """

    objective: float
    limits: Floats


@dataclass(frozen=True)
class Objective:
    """The objective, to maximise: quality x q - cost x c."""

    quality: float
    cost: float


class Formulation(NamedTuple):
    """A target as an objective and, except for :class:`~paretoroute.targets.BestTrade`, a constraint."""

    objective: Objective
    constraint: Constraint | None


def target_coefficients(target: Target) -> Formulation:
    """Return the objective of a target and the weights of its constraint, without right-hand side and size."""
    if isinstance(target, MaxCost):
        return Formulation(Objective(1.0, 0.0), Constraint("cost", 0.0, 0, cost=1.0, is_target=True))
    if isinstance(target, MinQuality):
        return Formulation(Objective(0.0, 1.0), Constraint("quality", 0.0, 0, quality=-1.0, is_target=True))
    return Formulation(Objective(1.0, trade_price(target)), None)


def formulate(target: Target, tables: Tables) -> Formulation:
    """Return the objective and the constraint of a target over the queries of a forecast.

    Raises:
        TargetError: a relative target names its point by text, or by a column that does not exist.
    """
    objective, constraint = target_coefficients(target)
    queries = tables.quality.shape[0]
    if isinstance(target, MaxCost) and constraint:
        constraint = replace(constraint, rhs=amount("the USD of MaxCost", target.usd) * queries, size=queries)
    elif isinstance(target, MinQuality) and constraint:
        from paretoroute.solver.solution import floor_of  # not above: a planner loads no solver

        constraint = replace(constraint, rhs=-floor_of(target, tables) * queries, size=queries)
    return Formulation(objective, constraint)


def weights_at(
    objective: Objective, constraints: Sequence[Constraint], prices: Multipliers, applies: NDArray[np.bool_]
) -> Weights:
    """Return the weights of a query's score in the Lagrangian.

    Args:
        objective: to maximise.
        constraints: the target's, if it has one, and the limits'.
        prices: of the constraints.
        applies: which constraints apply to the query, ``(constraints,)``.
    """
    priced = list(zip(np.where(applies, prices.limits, 0.0).tolist(), constraints, strict=True))
    constants = [price * constraint.points for price, constraint in priced if price and constraint.points is not None]
    return Weights(
        quality=prices.objective * objective.quality
        - math.fsum(price * constraint.quality for price, constraint in priced),
        cost=prices.objective * objective.cost + math.fsum(price * constraint.cost for price, constraint in priced),
        latency=math.fsum(price * constraint.latency for price, constraint in priced),
        points=np.sum(constants, axis=0) if constants else None,
    )
