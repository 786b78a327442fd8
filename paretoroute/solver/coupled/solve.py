"""A target with limits on the population: a row for the target and each limit, solved together.

Where not everything can be had, the limits come first and the target gives way: the nearest target is the best one that
the limits leave. Limits that cannot be kept together are named, with how far each has to move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast, Tables
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, PopulationLimit
from paretoroute.solver.constraints import Constraint, Multipliers, Objective, constraint_of, formulate
from paretoroute.solver.coupled.relaxation import Mixture, optimise
from paretoroute.solver.solution import Status, binding, nearest_quality, quality_per_usd
from paretoroute.targets import MaxCost, MinQuality, Target

_BINDS = 1e-9


@dataclass(frozen=True)
class LimitedSolution:
    """The solver's answer to a target with limits. Where it is infeasible all of it is about what is nearest.

    Args:
        status: ``met``; ``slack`` when the target itself does not bind; ``infeasible``.
        target: what was asked for.
        limits: component conditions on the population.
        nearest: the target closest to it that the limits leave; None where it is met, if need be with ``relaxed``.
        relaxed: where the limits cannot be kept together, those that have to move, moved as little as possible.
        mixture: the choices that are mixed.
        rows: the target's row, if it has one, and the limits', in order.
        choice: one draw, ``(queries,)``.
        expected_quality: mean quality of the relaxation.
        expected_cost_usd: mean cost per query of the relaxation.
        shadow_prices: by limit, per unit of the number that states it: quality, or USD where cost is minimised;
            ``cost`` and ``quality`` are the target's own, as in :class:`~paretoroute.solver.solution.Solution`.
        gap: distance between the objective and its dual bound, relative to the objective.
    """

    status: Status
    target: Target
    limits: tuple[PopulationLimit, ...]
    nearest: Target | None
    relaxed: tuple[PopulationLimit, ...]
    mixture: Mixture
    rows: tuple[Constraint, ...]
    choice: NDArray[np.int32]
    expected_quality: float
    expected_cost_usd: float
    shadow_prices: dict[str, float]
    gap: float

    @property
    def shadow_price(self) -> float:
        """Quality that one more USD per query buys; 0 where the target does not bind."""
        return quality_per_usd(self.target, self.shadow_prices)

    @property
    def binds(self) -> tuple[str, ...]:
        """Names of the limits that bind."""
        return binding(self.shadow_prices)


def solve_limited(
    forecast: Forecast, target: Target, limits: Sequence[PopulationLimit], *, seed: int = 0
) -> LimitedSolution:
    """Choose a point for every query so that the target and all limits are met, at the optimum of the relaxation.

    Args:
        forecast: of the queries, with latencies and labels where limits speak of them.
        target: what to meet over the mean of these queries.
        limits: component conditions on the population.
        seed: of the draw ``choice``.

    Raises:
        TargetError: a limit speaks of what the forecast does not have, or of a call and not of the population.
    """
    for limit in limits:
        if not isinstance(limit, PopulationLimit):
            raise TargetError(f"{limit}: a limit on single calls; give it as the forecast's callable mask")
    forecast = require_latency(forecast, limits)
    found = [(limit, row) for limit in limits if (row := constraint_of(limit, forecast)) is not None]
    objective, own = formulate(target, forecast)
    rows = (*([own] if own else []), *(row for _, row in found))
    mixture = optimise(forecast, objective, rows)
    status: Status = "met"
    nearest, relaxed = None, ()
    if not mixture.feasible:
        status = "infeasible"
        rows, mixture, relaxed = _keep_limits(forecast, objective, own, found)
        if own and rows[0].rhs > own.rhs:
            nearest = nearest_target(
                target, forecast, (mixture.cost if own.cost else mixture.quality) / forecast.quality.shape[0]
            )
    elif own and mixture.scaled_prices[0] <= _BINDS:
        status = "slack"
    return _written(forecast, target, tuple(limits), status, nearest, relaxed, rows, mixture, seed)


def require_latency(forecast: Forecast, limits: Sequence[PopulationLimit]) -> Forecast:
    """Rule out points without a latency where a limit speaks of it."""
    latency = forecast.latency_s
    if latency is None or not any(isinstance(limit, MaxMeanLatency) for limit in limits):
        return forecast
    known = np.isfinite(latency)
    if known.all():
        return forecast
    mask = known if forecast.callable is None else forecast.callable & known
    return replace(forecast, callable=mask, latency_s=np.where(known, latency, 0.0))


def _keep_limits(
    forecast: Forecast,
    objective: Objective,
    own: Constraint | None,
    found: Sequence[tuple[PopulationLimit, Constraint]],
) -> tuple[tuple[Constraint, ...], Mixture, tuple[PopulationLimit, ...]]:
    """Keep the limits, moved where they have to be, and come as near to the target as they allow."""
    rows, relaxed = [row for _, row in found], []
    if rows:
        least = optimise(forecast, objective, rows)
        for k, (limit, row) in enumerate(found):
            if least.violation[k] > 0:
                rows[k] = replace(row, rhs=row.rhs + least.violation[k] * (1 + _BINDS))
                relaxed.append(relax(limit, float(least.violation[k]) / row.size))
    if own is None or relaxed:
        found_rows = tuple([own, *rows] if own else rows)
        mixture = optimise(forecast, objective, found_rows)
        if own is None or mixture.feasible:
            return found_rows, mixture, tuple(relaxed)
    reached = optimise(forecast, nearest_objective(own), rows)
    total = own.cost * reached.cost + own.quality * reached.quality
    return (replace(own, rhs=total), *rows), add_target_constraint(reached, total), tuple(relaxed)


def add_target_constraint(mixture: Mixture, used: float) -> Mixture:
    """Write a mixture that went for the figure of a target's row as one with prices for that row as well.

    What was its objective is the price of the row, and the target's own objective counts nothing.

    Args:
        mixture: of the other rows.
        used: what the target's row sums up to.
    """

    def widened(prices: Multipliers) -> Multipliers:
        return Multipliers(0.0, np.concatenate([[prices.objective], prices.limits]))

    return replace(
        mixture,
        components=tuple(replace(component, prices=widened(component.prices)) for component in mixture.components),
        prices=widened(mixture.prices),
        applies=np.hstack([np.ones((len(mixture.applies), 1), bool), mixture.applies]),
        scaled_prices=np.concatenate([[0.0], mixture.scaled_prices]),
        used=np.concatenate([[used], mixture.used]),
        violation=np.concatenate([[0.0], mixture.violation]),
    )


def nearest_objective(own: Constraint) -> Objective:
    """Say what brings the figure of a target's row nearest to it: the least cost, or the most quality."""
    return Objective(0.0, 1.0) if own.cost else Objective(1.0, 0.0)


def relax(limit: PopulationLimit, by: float) -> PopulationLimit:
    """Move a limit's number by so much that it can be kept."""
    if isinstance(limit, MaxShare):
        return replace(limit, share=min(limit.share + by, 1.0))
    if isinstance(limit, MaxMeanLatency):
        return replace(limit, seconds=limit.seconds + by)
    if isinstance(limit, MaxCostOf):
        return replace(limit, usd=limit.usd + by)
    return replace(limit, quality=max(limit.quality - by, 0.0))


def nearest_target(target: Target, forecast: Tables, reached: float) -> Target:
    """State the mean cost or quality that was reached in the terms of a target."""
    return nearest_quality(target, forecast, reached) if isinstance(target, MinQuality) else MaxCost(usd=reached)


def _written(
    forecast: Forecast,
    target: Target,
    limits: tuple[PopulationLimit, ...],
    status: Status,
    nearest: Target | None,
    relaxed: tuple[PopulationLimit, ...],
    rows: tuple[Constraint, ...],
    mixture: Mixture,
    seed: int,
) -> LimitedSolution:
    queries = forecast.quality.shape[0]
    prices = mixture.prices.limits * np.array([row.size for row in rows]) / queries
    binding = mixture.scaled_prices > _BINDS
    bound = abs(mixture.bound - mixture.value)
    return LimitedSolution(
        status=status,
        target=target,
        limits=limits,
        nearest=nearest,
        relaxed=relaxed,
        mixture=mixture,
        rows=rows,
        choice=draw(mixture, np.random.default_rng(seed).random(queries)),
        expected_quality=mixture.quality / queries,
        expected_cost_usd=mixture.cost / queries,
        shadow_prices={row.name: float(p) * bool(b) for row, p, b in zip(rows, prices, binding, strict=True)},
        gap=bound / max(abs(mixture.bound), abs(mixture.value), np.finfo(float).tiny),
    )


def draw(mixture: Mixture, chance: Floats) -> NDArray[np.int32]:
    """Draw one choice of every query from a mixture.

    Args:
        mixture: what is mixed.
        chance: numbers in [0, 1), ``(queries,)``.
    """
    choice = mixture.components[0].choice.copy()
    # Nearly all queries get the same point whichever component is drawn.
    differs = np.zeros(len(choice), bool)
    for component in mixture.components[1:]:
        differs |= component.choice != choice
    rows = np.flatnonzero(differs)
    ends = np.cumsum([component.weight for component in mixture.components], axis=0)[:, mixture.group[rows]]
    place = (chance[rows] >= ends).sum(axis=0)
    # Rounding may leave the last end below 1: what lies beyond it goes to the heaviest component.
    heaviest = np.argmax([component.weight for component in mixture.components], axis=0)[mixture.group[rows]]
    place = np.where(place == len(mixture.components), heaviest, place)
    choice[rows] = np.stack([component.choice[rows] for component in mixture.components])[place, np.arange(len(rows))]
    return choice
