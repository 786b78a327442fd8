"""Solve a target together with limits on the population: one constraint for the target and one per limit.

If target and limits conflict, the limits win and the target is relaxed: the nearest target is the best one that the
limits leave. Limits that conflict with each other are listed, each with the least change that makes them feasible.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast, Tables, in_range
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, PopulationLimit
from paretoroute.solver.constraints import Constraint, Formulation, Multipliers, Objective, constraint_of, formulate
from paretoroute.solver.coupled.relaxation import Mixture, optimise
from paretoroute.solver.solution import Status, binding, nearest_quality, quality_per_usd
from paretoroute.targets import MaxCost, MinQuality, Target

_BINDS = 1e-9
MOST_GAP = 1e-6  # relative: a target is not met with a larger one


@dataclass(frozen=True)
class LimitedSolution:
    """Solution of a target with limits. Where it is infeasible, all other fields are about the nearest feasible one.

    Args:
        status: ``met``; ``slack`` when the target itself does not bind; ``infeasible``.
        target: as given.
        limits: side conditions on the population, as given.
        nearest: the target closest to it that the limits leave; None where it is met, if need be with ``relaxed``.
        relaxed: where the limits conflict, those that have to change, each changed as little as possible.
        mixture: the optimal mixture of choices.
        constraints: the target's, if it has one, and the limits', in order.
        choice: one draw, ``(queries,)``.
        expected_quality: mean quality of the relaxation.
        expected_cost_usd: mean cost per query of the relaxation.
        shadow_prices: by limit, per unit of the number that states it: quality, or USD where cost is minimised;
            ``cost`` and ``quality`` are the target's own, as in :class:`~paretoroute.solver.solution.Solution`.
        gap: duality gap, relative to the objective.
    """

    status: Status
    target: Target
    limits: tuple[PopulationLimit, ...]
    nearest: Target | None
    relaxed: tuple[PopulationLimit, ...]
    mixture: Mixture
    constraints: tuple[Constraint, ...]
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
        forecast: of the queries, with the latencies and labels that the limits need.
        target: to meet on the mean of these queries.
        limits: side conditions on the population.
        seed: of the draw ``choice``.

    Raises:
        TargetError: a limit needs figures that the forecast does not have, names a label that no query has, or applies
            to single calls; or the figures differ by so many orders of magnitude that the optimum cannot be computed to
            a relative 1e-6.
    """
    for limit in limits:
        if not isinstance(limit, PopulationLimit):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers err
            raise TargetError(f"{limit}: a limit on single calls; give it as the forecast's callable mask")
    with_latency = any(isinstance(limit, MaxMeanLatency) for limit in limits)
    forecast = in_range(require_latency(forecast, limits), with_latency=with_latency)
    case = _Case(forecast, formulate(target, forecast), _limits_in(forecast, limits))
    outcome = _accurate(case) or _outcome(case, is_exact=True)
    if not (error := _error(outcome)) <= MOST_GAP:
        raise TargetError(
            f"the optimum is known to {error:.1g} only, since the forecast's figures differ by too many orders of "
            "magnitude; mark points that a limit rules out by far as not callable"
        )
    nearest, own = None, case.formulation.constraint
    if not outcome.feasible and own and outcome.constraints[0].rhs > own.rhs:
        total = outcome.mixture.cost if own.cost else outcome.mixture.quality
        nearest = nearest_target(target, forecast, total / forecast.quality.shape[0])
    return _solution(outcome, target, tuple(limits), nearest=nearest, seed=seed)


def _accurate(case: _Case) -> _Outcome | None:
    """Solve with the tolerances of HiGHS; return None where they hide the optimum, or HiGHS reaches none."""
    with contextlib.suppress(ArithmeticError):
        outcome = _outcome(case, is_exact=False)
        if _error(outcome) <= MOST_GAP:
            return outcome
    return None


def _error(outcome: _Outcome) -> float:
    """Return the gap of an optimum, or a larger violation of a constraint relative to its own number."""
    mixture = outcome.mixture
    over = [
        (used - one.rhs) / abs(one.rhs)
        for one, used in zip(outcome.constraints, mixture.used.tolist(), strict=True)
        if one.rhs
    ]
    return max([_gap(mixture), *over])


def _gap(mixture: Mixture) -> float:
    """Return the duality gap of a mixture, relative to the objective."""
    return abs(mixture.bound - mixture.value) / max(abs(mixture.bound), abs(mixture.value), np.finfo(float).tiny)


def require_latency(forecast: Forecast, limits: Sequence[PopulationLimit]) -> Forecast:
    """Mark points without a latency as not callable where a limit is on latency."""
    latency = forecast.latency_s
    if latency is None or not any(isinstance(limit, MaxMeanLatency) for limit in limits):
        return forecast
    finite = np.isfinite(latency)
    if finite.all():
        return forecast
    mask = finite if forecast.callable is None else forecast.callable & finite
    return replace(forecast, callable=mask, latency_s=np.where(finite, latency, 0.0))


@dataclass(frozen=True)
class _Limit:
    """A limit and its constraint."""

    limit: PopulationLimit
    constraint: Constraint


def _limits_in(forecast: Forecast, limits: Sequence[PopulationLimit]) -> list[_Limit]:
    return [_Limit(limit, constraint_of(limit, forecast)) for limit in limits]


@dataclass(frozen=True)
class _Outcome:
    """A mixture, the constraints that it keeps, and which limits were relaxed for it."""

    feasible: bool
    constraints: tuple[Constraint, ...]
    mixture: Mixture
    relaxed: tuple[PopulationLimit, ...] = ()


@dataclass(frozen=True)
class _Case:
    """What is solved: figures, the target as a formulation, and the limits."""

    tables: Tables
    formulation: Formulation
    limits: Sequence[_Limit]

    def optimise(self, objective: Objective, constraints: Sequence[Constraint], *, is_exact: bool) -> Mixture:
        """Compute the optimal mixture of an objective under some constraints."""
        return optimise(self.tables, objective, constraints, is_exact=is_exact)


def _outcome(case: _Case, *, is_exact: bool) -> _Outcome:
    """Meet the target within the limits; or else keep the limits, relaxed where they conflict, and come near to it."""
    objective, own = case.formulation
    constraints = _with_target(own, [limit.constraint for limit in case.limits])
    mixture = case.optimise(objective, constraints, is_exact=is_exact)
    if mixture.feasible:
        return _Outcome(True, constraints, mixture)
    return _relax_to_feasible(case, is_exact=is_exact)


def _relax_to_feasible(case: _Case, *, is_exact: bool) -> _Outcome:
    """Keep the limits, relaxed where they conflict, and come as near to the target as they allow."""
    objective, own = case.formulation
    constraints = [limit.constraint for limit in case.limits]
    relaxed: list[PopulationLimit] = []
    if constraints:
        violation = case.optimise(objective, constraints, is_exact=is_exact).violation
        for k, one in enumerate(case.limits):
            if violation[k] > 0:
                rhs = one.constraint.rhs + violation[k] * (1 + _BINDS)
                constraints[k] = replace(one.constraint, rhs=rhs)
                relaxed.append(relax(one.limit, float(violation[k]) / one.constraint.size))
    if own is None or relaxed:
        everything = _with_target(own, constraints)
        mixture = case.optimise(objective, everything, is_exact=is_exact)
        if own is None or mixture.feasible:
            return _Outcome(False, everything, mixture, tuple(relaxed))
    reached = case.optimise(nearest_objective(own), constraints, is_exact=is_exact)
    total = own.cost * reached.cost + own.quality * reached.quality
    everything = _with_target(replace(own, rhs=total), constraints)
    return _Outcome(False, everything, add_target_constraint(reached, total), tuple(relaxed))


def _with_target(own: Constraint | None, constraints: Sequence[Constraint]) -> tuple[Constraint, ...]:
    return (*([own] if own else []), *constraints)


def add_target_constraint(mixture: Mixture, used: float) -> Mixture:
    """Rewrite a mixture that optimised the figure of the target's constraint as one that has a price for it.

    The weight of its objective becomes the price of the constraint, and the target's own objective has none.

    Args:
        mixture: of the other constraints.
        used: sum of the target's constraint.
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
    """Return the objective that comes nearest to a target's constraint: the least cost, or the most quality."""
    return Objective(0.0, 1.0) if own.cost else Objective(1.0, 0.0)


def relax(limit: PopulationLimit, by: float) -> PopulationLimit:
    """Relax a limit's number by a violation of its mean."""
    if isinstance(limit, MaxShare):
        return replace(limit, share=min(limit.share + by, 1.0))
    if isinstance(limit, MaxMeanLatency):
        return replace(limit, seconds=limit.seconds + by)
    if isinstance(limit, MaxCostOf):
        return replace(limit, usd=limit.usd + by)
    return replace(limit, quality=max(limit.quality - by, 0.0))


def nearest_target(target: Target, tables: Tables, reached: float) -> Target:
    """Return the target of the same kind that asks for the mean cost or quality that was reached."""
    return nearest_quality(target, tables, reached) if isinstance(target, MinQuality) else MaxCost(usd=reached)


def _solution(
    outcome: _Outcome,
    target: Target,
    limits: tuple[PopulationLimit, ...],
    *,
    nearest: Target | None,
    seed: int,
) -> LimitedSolution:
    mixture, constraints = outcome.mixture, outcome.constraints
    queries = len(mixture.group)
    prices = mixture.prices.limits * np.array([constraint.size for constraint in constraints]) / queries
    binds = mixture.scaled_prices > _BINDS
    slack = bool(constraints) and constraints[0].is_target and not binds[0]
    return LimitedSolution(
        status="infeasible" if not outcome.feasible else "slack" if slack else "met",
        target=target,
        limits=limits,
        nearest=nearest,
        relaxed=outcome.relaxed,
        mixture=mixture,
        constraints=constraints,
        choice=draw(mixture, np.random.default_rng(seed).random(queries)),
        expected_quality=mixture.quality / queries,
        expected_cost_usd=mixture.cost / queries,
        shadow_prices={
            constraint.name: float(p) * bool(b) for constraint, p, b in zip(constraints, prices, binds, strict=True)
        },
        gap=_gap(mixture),
    )


def draw(mixture: Mixture, chance: Floats) -> NDArray[np.int32]:
    """Draw one choice of every query from a mixture.

    Args:
        mixture: to draw from.
        chance: numbers in [0, 1), ``(queries,)``.
    """
    components = mixture.components
    choice = components[0].choice.copy()
    # Nearly all queries choose the same point in every component.
    differs = np.zeros(len(choice), bool)
    for component in components[1:]:
        differs |= component.choice != choice
    rows = np.flatnonzero(differs)
    weights = np.stack([component.weight for component in components])[:, mixture.group[rows]]
    place: Indices = (chance[rows] >= np.cumsum(weights, axis=0)).sum(axis=0)
    # Rounding may leave the last cumulative weight below 1: a chance above it takes the heaviest component.
    place = np.where(place == len(components), weights.argmax(axis=0), place)
    choice[rows] = np.stack([component.choice[rows] for component in components])[place, np.arange(len(rows))]
    return choice
