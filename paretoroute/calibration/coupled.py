"""A target with limits on the population, met on what was logged.

As with a single limit (see :mod:`paretoroute.calibration.single`), the optimum of the forecasts costs more and gives
less than it promises. So every limit is aimed at with a margin: the solver is asked again and again, each time with the
totals moved by what the logged outcomes of its last answer missed them by. Its answers lie on both sides of every
limit; they are then mixed anew, with the highest forecast objective at which the logged sums keep every limit, and what
the queries choose at the prices of that mixture is added, until it changes no more. What was logged decides about the
limits only, and forecasts about the rest, so that luck is not mistaken for merit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.choice_pool import HAIR, Figures, LoggedPool, figures
from paretoroute.calibration.estimate import PolicyValue, estimate_value
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.forecast import Forecast, Tables
from paretoroute.limits import PopulationLimit
from paretoroute.solver.constraints import Constraint, Multipliers, constraint_of, formulate
from paretoroute.solver.coupled.master_problem import KEPT, MasterSolution
from paretoroute.solver.coupled.relaxation import CoupledProblem, Mixture
from paretoroute.solver.coupled.solve import (
    add_target_constraint,
    nearest_objective,
    nearest_target,
    relax,
    require_latency,
)
from paretoroute.solver.rules import MixtureRule
from paretoroute.solver.solution import Status
from paretoroute.targets import MinQuality, Target

MOST_ROUNDS = 6
MOST_REFINEMENTS = 12
NEAR = 1e-6  # gap of a round's optimum: far below the noise of what was logged
_FARTHER = 1e-4  # a limit that has to move moves this much farther, so that it can be kept then
CLOSE = 1e-3  # a limit hit within this share of its total needs no further round


@dataclass(frozen=True)
class LimitedCalibration:
    """A target and limits met on what was logged. Where that is infeasible, the estimate is about what is nearest.

    Args:
        status: ``met``, ``slack`` (the target itself does not bind) or ``infeasible``.
        target: what was asked for.
        nearest: the target closest to it that the limits leave, or None.
        relaxed: limits that had to move: in words, and moved as little as possible.
        estimate: the rule to go by, and what it gives.
        rows: the target's row, if it has one, and the limits'.
        used: what the rows' means come to on what was logged, ``(rows,)``.
        shadow_prices: by limit, per unit of the number that states it, on the forecasts.
        gap: how much more the forecasts would have given for the same use of every row, at most; relative.
    """

    status: Status
    target: Target
    nearest: Target | None
    relaxed: tuple[tuple[str, PopulationLimit], ...]
    estimate: PolicyValue
    rows: tuple[Constraint, ...]
    used: Floats
    shadow_prices: dict[str, float]
    gap: float

    @property
    def rule(self) -> MixtureRule:
        """What to go by."""
        return self.estimate.rule  # pyright: ignore[reportReturnType]  # of several limits

    @property
    def shadow_price(self) -> float:
        """Quality that one more USD per query buys, in calibrated USD; 0 where the target does not bind."""
        if isinstance(self.target, MinQuality):
            price = self.shadow_prices["quality"]
            return 1 / price / self.estimate.cost_ratio if price > 0 else 0.0
        return self.shadow_prices.get("cost", 0.0) / self.estimate.cost_ratio

    @property
    def binds(self) -> tuple[str, ...]:
        """Names of the limits that bind."""
        return tuple(name for name, price in self.shadow_prices.items() if price > 0)


def calibrate_limited(known: LoggedOutcomes, target: Target, limits: Sequence[PopulationLimit]) -> LimitedCalibration:
    """Find the mixture of choices whose logged outcomes meet the target and keep every limit.

    Args:
        known: out-of-fold forecasts, and what was logged with its holes filled.
        target: what to meet; a relative one is taken against the logged quality of its column.
        limits: side conditions on the population, models resolved to columns.

    Raises:
        TargetError: a limit speaks of a label or a latency that was not logged.
    """
    return _calibrated(known, target, [(limit, str(limit)) for limit in limits])


def _calibrated(
    known: LoggedOutcomes, target: Target, named: Sequence[tuple[PopulationLimit, str]]
) -> LimitedCalibration:
    """Calibrate; each limit goes by its name, since one that was moved keeps that of the limit asked for."""
    forecast = require_latency(known.forecast, [limit for limit, _ in named])
    logged = _logged(known, forecast)
    objective, own = formulate(target, logged)
    found = [
        (limit, replace(row, name=name)) for limit, name in named if (row := constraint_of(limit, forecast)) is not None
    ]
    rows = (*([own] if own else []), *(row for _, row in found))
    whole = CoupledProblem(forecast, objective, rows)
    pool = LoggedPool(forecast, logged, objective, rows, whole.group, len(whole.applies))
    _aim(whole, pool)
    _refine(whole, pool, _prices_of_all)
    if own and not pool.feasible(pool.totals, slice(None)):
        # The target has to give way: look where the limits alone would go.
        _aim(CoupledProblem(forecast, nearest_objective(own), rows[1:]), pool, widened=True)
        _refine(whole, pool, _prices_towards_target)
    relaxed = _relaxed(pool, found, slice(1 if own else 0, None))
    if relaxed:
        again = _calibrated(known, target, [(relaxed.get(name, limit), name) for limit, name in named])
        return replace(again, status="infeasible", relaxed=(*relaxed.items(), *again.relaxed))
    blend = _blend(pool, target, own, logged)
    groups = [*([None] if own else []), *(limit.group for limit, _ in found)]
    prices = _prices(pool, blend)
    rule = MixtureRule(objective, rows, groups, prices, whole.applies, pool.sides(blend.mixed))
    binds = blend.prices > KEPT
    size = np.array([row.size for row in rows])
    worth = np.where(binds, prices.limits, 0.0) * size / len(known.quality)
    return LimitedCalibration(
        status="slack" if blend.status == "met" and own and not binds[0] else blend.status,
        target=target,
        nearest=blend.nearest,
        relaxed=(),
        estimate=_estimate(rule, known, forecast),
        rows=rows,
        used=pool.total(blend.mixed, pool.use) / size,
        shadow_prices={row.name: float(price) for row, price in zip(rows, worth, strict=True)},
        gap=_gap(whole, pool, blend.mixed, prices) if blend.status == "met" else 0.0,
    )


def _logged(known: LoggedOutcomes, forecast: Forecast) -> Tables:
    """Put what was logged in the place of the forecasts; estimates of single cells may be negative."""
    latency = forecast.latency_s if known.latency_s is None else known.latency_s
    return Tables(known.quality, known.cost_usd, latency)


def _aim(whole: CoupledProblem, pool: LoggedPool, *, widened: bool = False) -> None:
    """Solve with totals moved until the logged sums hit those asked for; all solutions go into the pool.

    Args:
        whole: what is solved.
        pool: where the choices go.
        widened: the programme goes for the figure of the pool's first row, and has prices for the others only.
    """
    rows = pool.rows[1:] if widened else pool.rows
    totals = np.array([row.rhs for row in rows])
    aims = totals.copy()
    # A share is of calls and not of outcomes: there is nothing to correct.
    judged = np.array([bool(row.quality or row.cost or row.latency) for row in rows], bool)
    for round_ in range(MOST_ROUNDS):
        mixture = whole.optimum(aims, gap=NEAR)
        for side in (add_target_constraint(mixture, 0.0) if widened else mixture).components:
            pool.add(side.prices, side.choice)
        used = np.array([_sum(row, mixture, pool.logged) for row in rows])
        binds = mixture.scaled_prices > KEPT
        off = np.where(judged & (binds | (used > totals)), used - totals, 0.0)
        if not (np.abs(off) > CLOSE * np.abs(totals)).any():
            return
        # Logged sums jump where many queries turn at one price: full steps swing to and fro.
        step = 1.0 if round_ < MOST_ROUNDS // 2 else 0.5
        aims = np.where(binds, aims, np.where(off > 0, mixture.used, aims)) - step * off


def _refine(whole: CoupledProblem, pool: LoggedPool, prices: Callable[[LoggedPool], Multipliers]) -> None:
    """Add what the queries choose at the prices that the logged mixture gives the rows, until nothing changes."""
    for _ in range(MOST_REFINEMENTS):
        found = prices(pool)
        if pool.knows(found):
            return
        pool.add(found, whole.choose(found))


def _prices_of_all(pool: LoggedPool) -> Multipliers:
    """Give the rows' prices in the best mixture, or in the one that exceeds them least."""
    everything = slice(None)
    objective = float(pool.feasible(pool.totals, everything))
    mixed = pool.best(pool.value, _eased(pool), everything, may_exceed=not objective)
    return Multipliers(objective, mixed.prices * (pool.unit if objective else 1.0) / pool.scale)


def _prices_towards_target(pool: LoggedPool) -> Multipliers:
    """Give the rows' prices in the mixture that comes nearest to the target's figure within the limits."""
    limits = slice(1, None)
    feasible = pool.feasible(pool.totals, limits)
    figure = _nearness(pool)
    mixed = pool.best(figure, pool.totals + HAIR * pool.scale, limits, may_exceed=not feasible)
    unit = float(np.abs(np.stack(figure)).max(axis=0).sum()) or 1.0
    limited = mixed.prices * (unit if feasible else 1.0) / pool.scale[limits]
    return Multipliers(0.0, np.concatenate([[float(feasible)], limited]))


def _nearness(pool: LoggedPool) -> Figures:
    """Give what is to be made large for the target's sake: the logged quality, or minus the logged cost."""
    return [-part for part in pool.cost] if pool.rows[0].cost else pool.quality


def _sum(row: Constraint, mixture: Mixture, table: Tables) -> float:
    """Sum a row up over a mixture's choices."""
    return float(sum(side.weight[mixture.group] @ figures(row, side.choice, table) for side in mixture.components))


def _relaxed(
    pool: LoggedPool, found: Sequence[tuple[PopulationLimit, Constraint]], limits: slice
) -> dict[str, PopulationLimit]:
    """Move the limits that cannot be kept together, by as little as possible; by name."""
    if not found or pool.feasible(pool.totals, limits):
        return {}
    excess = pool.best(pool.value, pool.totals, limits, may_exceed=True).violation
    over = excess * pool.scale[limits] * (1 + _FARTHER)
    return {
        row.name: relax(limit, float(over[k]) / row.size)
        for k, (limit, row) in enumerate(found)
        if excess[k] > HAIR / 10
    }


@dataclass(frozen=True)
class _Blend:
    """How the choices are mixed in the end, the scaled prices of the rows, and what that means for the target."""

    mixed: MasterSolution
    prices: Floats
    status: Status
    nearest: Target | None = None


def _blend(pool: LoggedPool, target: Target, own: Constraint | None, logged: Tables) -> _Blend:
    """Mix what was tried so that the logged sums keep the rows; where they cannot, the target gives way."""
    everything = slice(None)
    if own is None or pool.feasible(pool.totals, everything):
        mixed = pool.best(pool.value, _eased(pool), everything)
        return _Blend(mixed, mixed.prices, "met")
    mixed = pool.best(_nearness(pool), pool.totals + HAIR * pool.scale, slice(1, None))
    reached = float(pool.total(mixed, pool.cost if own.cost else pool.quality)) / logged.quality.shape[0]
    return _Blend(mixed, np.zeros(len(pool.rows)), "infeasible", nearest_target(target, logged, reached))


def _eased(pool: LoggedPool) -> Floats:
    """Leave the totals what rounding takes."""
    least = pool.best(pool.value, pool.totals, slice(None), may_exceed=True)
    return pool.totals + least.violation * pool.scale


def _prices(pool: LoggedPool, blend: _Blend) -> Multipliers:
    """Give the rows' prices in their own units; where nothing is met, those of the heaviest side."""
    if blend.status == "met":
        return Multipliers(1.0, blend.prices * pool.unit / pool.scale)
    return pool.sides(blend.mixed)[0][0]


def _gap(whole: CoupledProblem, pool: LoggedPool, mixed: MasterSolution, prices: Multipliers) -> float:
    """Bound what is lost on the forecasts: no choice that uses as much of every row has a higher objective than this.

    With U what the mixture uses, sum_i max_j (f - sum_k l_k a_k) + sum_k l_k U_k is that bound for any prices l.
    """
    value, used = float(pool.total(mixed, pool.value)), pool.total(mixed, pool.foreseen)
    lone = LoggedPool(pool.forecast, pool.forecast, pool.objective, pool.rows, pool.kind, pool.kinds)
    lone.add(prices, whole.choose(prices))
    best = float(lone.value[0].sum()) + float(prices.limits @ (used - lone.use[0].sum(axis=0)))
    return max(best - value, 0.0) / max(abs(value), abs(best), np.finfo(float).tiny)


def _estimate(rule: MixtureRule, known: LoggedOutcomes, forecast: Forecast) -> PolicyValue:
    record = replace(known, forecast=forecast)
    quality, cost, _ = record.chosen(rule)
    shape = forecast.quality.shape
    promised = [record.mean_of(rule, np.broadcast_to(table, shape)) for table in (forecast.quality, forecast.cost_usd)]
    return estimate_value(rule, (quality, float(quality.mean())), (cost, float(cost.mean())), promised[0], promised[1])
