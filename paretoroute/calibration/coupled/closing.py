"""Close the duality gap of a target with limits that are met on logged outcomes.

A mixture of candidates keeps the constraints on the log, but its candidates are optimal at different multipliers, so
that the forecasts allow more at the same use of every constraint. The optimum of the relaxation is optimal instead
at one set of multipliers for whatever right-hand sides it is given, and its logged sums change with them continuously
but for ties. Between right-hand sides at which these sums keep the constraints and others at which they do not lies a
pair that differs by as little as one likes (bisection); all its components are optimal at the same multipliers up to
that difference, and so is a mixture of them that meets the constraints on the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.coupled.candidates import LimitedProblem, logged_sum
from paretoroute.calibration.coupled.choice_pool import TOLERANCE, CandidatePool
from paretoroute.solver.constraints import Multipliers
from paretoroute.solver.coupled.master_problem import MasterSolution
from paretoroute.solver.coupled.relaxation import CoupledProblem, Mixture

LEAST_GAP = 1e-6  # a target is met only with a smaller duality gap
_SOUGHT = 1e-7  # of the gap at which to stop
_ROUNDS, _STEPS, _BISECTIONS = 3, 12, 40
_EXACT = 1e-11  # of the gap of a single optimum


@dataclass(frozen=True)
class Closed:
    """A mixture of choices that are optimal at one set of multipliers.

    Args:
        pool: of its candidates.
        mixed: their weights.
        prices: the multipliers.
        scaled_prices: those over the scales of constraints and objective, ``(constraints,)``.
        gap: relative duality gap on the forecasts.
        violation: of each constraint on the log, ``(constraints,)``; 0 unless the forecasts rule out what keeps it.
    """

    pool: CandidatePool
    mixed: MasterSolution
    prices: Multipliers
    scaled_prices: Floats
    gap: float
    violation: Floats


@dataclass(frozen=True)
class _At:
    """The optimum at some right-hand sides, and its excess over the constraints on the log, scaled."""

    aims: Floats
    mixture: Mixture
    excess: Floats

    @property
    def is_kept(self) -> bool:
        return bool((self.excess <= TOLERANCE).all())


Solver = Callable[[Floats], _At | None]


def close_gap(problem: LimitedProblem, pool: CandidatePool, mixed: MasterSolution) -> Closed | None:
    """Compute a mixture without a gap near one that keeps the constraints; None if there is no optimum near it.

    Args:
        problem: the target with its limits.
        pool: candidates that can keep all constraints.
        mixed: their best mixture.

    Returns:
        The mixture of the highest value that keeps the constraints on the log; if only choices that the forecasts rule
        out keep them, the one that violates them least.
    """
    rhs, scale = pool.attainable_rhs(), pool.scale
    used, logged = pool.total(mixed, pool.forecast_use), pool.total(mixed, pool.use)

    def at(aims: Floats) -> _At | None:
        mixture = problem.relaxation.optimum(aims, gap=_EXACT)
        if not mixture.feasible:
            return None
        sums = np.array([logged_sum(constraint, mixture, problem.logged) for constraint in problem.constraints])
        return _At(aims, mixture, (sums - rhs) / scale)

    room = np.where(mixed.prices > 0, 0.0, np.maximum(rhs - logged, 0.0))
    start, best = _kept(at, used + room, scale), None
    if start is None or not start.is_kept:
        return None if start is None else _mixed(problem, pool, [start.mixture])
    kept = start
    for _ in range(_ROUNDS):
        kept, broken = _raised(at, kept, scale)
        closed, is_last = None, broken is None
        for _ in range(_BISECTIONS):
            if broken is None:
                break
            closed = _mixed(problem, pool, [kept.mixture, broken.mixture])
            if closed.gap <= _SOUGHT and not closed.violation.any():
                break
            middle = at((kept.aims + broken.aims) / 2)
            if middle is None:
                break
            kept, broken = (middle, broken) if middle.is_kept else (kept, middle)
        if closed is None or closed.gap > LEAST_GAP or closed.violation.any():
            closed = _mixed(problem, pool, [kept.mixture])
        best = _better(best, closed)
        if is_last:
            break
    return best


def _better(one: Closed | None, other: Closed) -> Closed | None:
    """Return the mixture with the higher value among those without a gap."""
    some = [closed for closed in (one, other) if closed is not None and closed.gap <= LEAST_GAP]
    return max(some, key=lambda closed: float(closed.pool.total(closed.mixed, closed.pool.value)), default=None)


def _kept(at: Solver, aims: Floats, scale: Floats) -> _At | None:
    """Move right-hand sides by the log's excess; return the best place that keeps the constraints, or the nearest.

    Steps first go both ways, so that a constraint that binds is used up; after half of them only downwards.
    """
    here, best, nearest = at(aims), None, None
    for step in range(2 * _STEPS):
        if here is None:
            break
        if here.is_kept and (best is None or here.mixture.value > best.mixture.value):
            best = here
        if nearest is None or here.excess.max() < nearest.excess.max():
            nearest = here
        if step >= _STEPS and best is not None:
            break
        moves = (here.mixture.scaled_prices > 0) | (here.excess > 0) if step < _STEPS else here.excess > 0
        factor = 1.0 if step < _STEPS // 2 else 0.5 if step < _STEPS else 1.5 ** (step - _STEPS)
        change = np.where(moves, here.excess, 0.0)
        if not (np.abs(change) > TOLERANCE).any():
            break
        here = at(here.aims - factor * change * scale)
    return nearest if best is None else best


def _raised(at: Solver, kept: _At, scale: Floats) -> tuple[_At, _At | None]:
    """Raise the right-hand sides that bind on the forecasts and not on the log, until that breaks a constraint."""
    for _ in range(_STEPS):
        room = np.where((kept.mixture.scaled_prices > 0) & (kept.excess < -TOLERANCE), -kept.excess, 0.0)
        here = at(kept.aims + room * scale) if room.any() else None
        if here is None or not here.is_kept:
            return kept, here
        kept = here
    return kept, None


def _mixed(problem: LimitedProblem, pool: CandidatePool, mixtures: list[Mixture]) -> Closed:
    """Mix the components of some optima for the highest value that violates the constraints least on the log."""
    some = CandidatePool(pool.forecast, pool.logged, pool.objective, pool.constraints, pool.group, pool.groups)
    weights: dict[int, Floats] = {}
    for mixture in mixtures:
        for component in mixture.components:
            some.add(component.prices, component.choice)
            place = some.place(component.prices)
            weights[place] = weights.get(place, 0.0) + component.weight
    # A component is optimal for the groups that draw from it, and need not be for others.
    drawn = np.stack([weights[t] for t in range(len(some.candidates))]) > 0
    asked = pool.attainable_rhs()
    violation = some.least_violation(asked, drawn=drawn).violation
    mixed = some.best(some.value, asked + violation * some.scale, drawn=drawn)
    gaps = [(duality_gap(problem.relaxation, some, mixed, each.prices), each) for each in mixtures]
    gap, nearest = min(gaps, key=lambda pair: pair[0])
    over = np.where(violation > TOLERANCE, violation * some.scale, 0.0)
    return Closed(some, mixed, nearest.prices, nearest.scaled_prices, gap, over)


def duality_gap(relaxation: CoupledProblem, pool: CandidatePool, mixed: MasterSolution, prices: Multipliers) -> float:
    """Compute the relative duality gap of a mixture on the forecasts, at its own use of the constraints.

    With U the use, sum_i max_j (f - sum_k l_k a_k) + sum_k l_k U_k bounds the objective for any multipliers l >= 0.
    """
    value, used = float(pool.total(mixed, pool.value)), pool.total(mixed, pool.forecast_use)
    best = pool.candidate(prices, relaxation.choose(prices))
    bound = float(best.value.sum()) + float(prices.limits @ (used - best.forecast_use.sum(axis=0)))
    return max(bound - value, 0.0) / max(abs(value), abs(bound), np.finfo(float).tiny)
