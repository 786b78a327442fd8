"""Candidate choices around the place where a target and limits are met on logged outcomes.

*Aim*: solve the relaxation repeatedly, each time with the right-hand sides moved by the logged violation of the last
answer; the answers lie on both sides of every limit. *Refine*: mix the candidates for the highest forecast objective at
which the logged sums keep every limit, and add the choices at the multipliers of that mixture, until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from paretoroute.calibration.coupled.choice_pool import TOLERANCE, CandidatePool, contributions, magnitude
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.forecast import Tables
from paretoroute.limits import PopulationLimit
from paretoroute.solver.constraints import Constraint, Multipliers, Objective, constraint_of, formulate
from paretoroute.solver.coupled.master_problem import KEPT
from paretoroute.solver.coupled.relaxation import CoupledProblem, Mixture
from paretoroute.solver.coupled.solve import add_target_constraint, nearest_objective, require_latency
from paretoroute.targets import Target

MOST_ROUNDS = 6
MOST_REFINEMENTS = 12
ROUND_GAP = 1e-6  # duality gap of a round's optimum: far below the noise of the log
CLOSE = 1e-3  # a limit met within this share of its right-hand side needs no further round
AFTER_TARGET = slice(1, None)  # the constraints of the limits, if the target has one too


@dataclass(frozen=True)
class NamedLimit:
    """A limit under the name of the limit that was asked for, which it keeps when it is relaxed."""

    name: str
    limit: PopulationLimit


@dataclass(frozen=True)
class LimitedProblem:
    """A target with limits as a linear program.

    Args:
        outcomes: forecasts without the points whose latency a limit needs and the log lacks.
        target: the target that was asked for.
        limits: those that were asked for.
        objective: the objective to maximise.
        own: the target's constraint, if it has one.
        constraints: that one and the limits', in order.
        logged: the figures that constraints are summed on; single cells may be negative.
        relaxation: the program on the forecasts.
    """

    outcomes: LoggedOutcomes
    target: Target
    limits: tuple[NamedLimit, ...]
    objective: Objective
    own: Constraint | None
    constraints: tuple[Constraint, ...]
    logged: Tables
    relaxation: CoupledProblem

    @property
    def of_limits(self) -> slice:
        """The constraints of the limits, as a slice of ``constraints``."""
        return AFTER_TARGET if self.own else slice(0, None)


def formulate_limited(outcomes: LoggedOutcomes, target: Target, limits: Sequence[NamedLimit]) -> LimitedProblem:
    """Write a target and limits down as constraints on the forecasts and on logged outcomes.

    Raises:
        TargetError: a limit needs a label or a latency that was not logged.
    """
    forecast = require_latency(outcomes.forecast, [named.limit for named in limits])
    latency = forecast.latency_s if outcomes.latency_s is None else outcomes.latency_s
    if latency is not None:
        latency = np.nan_to_num(latency)  # of points without a logged latency, which a limit on it excludes
    logged = Tables(outcomes.quality, outcomes.cost_usd, latency)
    objective, own = formulate(target, logged)
    constraints = [own] if own else []
    constraints += [replace(constraint_of(named.limit, forecast), name=named.name) for named in limits]
    return LimitedProblem(
        outcomes=replace(outcomes, forecast=forecast),
        target=target,
        limits=tuple(limits),
        objective=objective,
        own=own,
        constraints=tuple(constraints),
        logged=logged,
        relaxation=CoupledProblem(forecast, objective, constraints),
    )


def collect_candidates(problem: LimitedProblem) -> CandidatePool:
    """Collect candidate choices: around the optimum, and towards the target if that is infeasible."""
    relaxation, forecast = problem.relaxation, problem.outcomes.forecast
    pool = CandidatePool(
        forecast=forecast,
        logged=problem.logged,
        objective=problem.objective,
        constraints=problem.constraints,
        group=relaxation.group,
        groups=len(relaxation.applies),
    )
    _aim(relaxation, pool)
    _refine(relaxation, pool, _prices_for_all)
    if problem.own and not pool.feasible():
        limits_only = CoupledProblem(forecast, nearest_objective(problem.own), problem.constraints[1:])
        _aim(limits_only, pool, without_target=True)
        _refine(relaxation, pool, _prices_towards_target)
    return pool


def _aim(relaxation: CoupledProblem, pool: CandidatePool, *, without_target: bool = False) -> None:
    """Solve with right-hand sides moved until the logged sums hit the original ones; all answers become candidates.

    Args:
        relaxation: the program to solve.
        pool: where the candidates go.
        without_target: the program lacks the target's constraint, the first of the pool, and optimises its figure.
    """
    constraints = pool.constraints[1:] if without_target else pool.constraints
    rhs = np.array([constraint.rhs for constraint in constraints])
    aims = rhs.copy()
    # A share is of calls and not of outcomes: there is nothing to correct.
    of_outcomes = np.array([bool(one.quality or one.cost or one.latency) for one in constraints], bool)
    for round_ in range(MOST_ROUNDS):
        mixture = relaxation.optimum(aims, gap=ROUND_GAP)
        for component in (add_target_constraint(mixture, 0.0) if without_target else mixture).components:
            pool.add(component.prices, component.choice)
        used = np.array([logged_sum(constraint, mixture, pool.logged) for constraint in constraints])
        binds = mixture.scaled_prices > KEPT
        error = np.where(of_outcomes & (binds | (used > rhs)), used - rhs, 0.0)
        if not (np.abs(error) > CLOSE * np.abs(rhs)).any():
            return
        # Logged sums jump where many queries change their point at one price: full steps oscillate.
        step = 1.0 if round_ < MOST_ROUNDS // 2 else 0.5
        aims = np.where(binds, aims, np.where(error > 0, mixture.used, aims)) - step * error


def logged_sum(constraint: Constraint, mixture: Mixture, logged: Tables) -> float:
    """Sum the left-hand side of a constraint over a mixture of choices."""
    return float(
        sum(one.weight[mixture.group] @ contributions(constraint, one.choice, logged) for one in mixture.components)
    )


def _refine(relaxation: CoupledProblem, pool: CandidatePool, prices_of: Callable[[CandidatePool], Multipliers]) -> None:
    """Add the choices at the multipliers of the best logged mixture until they are candidates already."""
    for _ in range(MOST_REFINEMENTS):
        prices = prices_of(pool)
        if pool.has(prices):
            return
        pool.add(prices, relaxation.choose(prices))


def _prices_for_all(pool: CandidatePool) -> Multipliers:
    """Return the multipliers of the best mixture, or of the one with the least violation."""
    if not pool.feasible():
        return Multipliers(0.0, pool.least_violation(pool.attainable_rhs()).prices / pool.scale)
    prices = pool.best(pool.value, pool.attainable_rhs()).prices
    return Multipliers(1.0, prices * magnitude(pool.value) / pool.scale)


def _prices_towards_target(pool: CandidatePool) -> Multipliers:
    """Return the multipliers of the mixture that comes nearest to the target within the limits."""
    rhs, scale = pool.rhs + TOLERANCE * pool.scale, pool.scale[AFTER_TARGET]
    if not pool.feasible(AFTER_TARGET):
        limits = pool.least_violation(rhs, AFTER_TARGET).prices / scale
        return Multipliers(0.0, np.concatenate([[0.0], limits]))
    nearness = pool.nearness()
    limits = pool.best(nearness, rhs, AFTER_TARGET).prices * magnitude(nearness) / scale
    return Multipliers(0.0, np.concatenate([[1.0], limits]))
