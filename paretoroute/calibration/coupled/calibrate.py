"""Meet a target with limits on the population on logged outcomes.

As with a single constraint (see :mod:`paretoroute.calibration.single`), the optimum of the forecasts costs more and
gives less than it predicts. Three steps correct that:

1. Collect candidate choices on both sides of every limit (:mod:`paretoroute.calibration.coupled.candidates`).
2. Limits that conflict on logged outcomes are relaxed by as little as possible, and everything is solved once more.
3. Mix the candidates for the highest forecast objective at which the logged sums keep the target and every limit. If
   the target cannot be met, the mixture comes as near to it as the limits allow.

Logged outcomes decide only whether constraints are kept, and forecasts decide the rest, so that noise in the log is
not mistaken for quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from paretoroute._arrays import Floats, Mask, beyond
from paretoroute.calibration.coupled.candidates import (
    AFTER_TARGET,
    LimitedProblem,
    NamedLimit,
    collect_candidates,
    formulate_limited,
)
from paretoroute.calibration.coupled.choice_pool import TOLERANCE, CandidatePool, magnitude
from paretoroute.calibration.coupled.closing import LEAST_GAP, Closed, close_gap, duality_gap
from paretoroute.calibration.coupled.promise import Luck
from paretoroute.calibration.estimate import Evidence, PolicyValue, estimate_value, least_variance
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.errors import TargetError
from paretoroute.limits import MaxCostOf, MaxShare, MinQualityOf, PopulationLimit
from paretoroute.solver.constraints import Constraint, Multipliers
from paretoroute.solver.coupled.master_problem import KEPT, MasterSolution
from paretoroute.solver.coupled.solve import nearest_target, relax
from paretoroute.solver.rules import MixtureRule
from paretoroute.solver.solution import Facts, Status, binding, quality_per_usd
from paretoroute.targets import MinQuality, Target

_OPEN = (
    "the duality gap of this target with its limits could not be closed to 1e-6: its figures differ by too many orders "
    "of magnitude; leave out points that the limits rule out anyway, or change a limit"
)
_RELAX_EXTRA = 1e-4  # a relaxed limit moves this much further, so that it can then be kept


@dataclass(frozen=True)
class LimitedCalibration:
    """A target and limits met on logged outcomes. If infeasible, the estimate belongs to the nearest feasible answer.

    Args:
        status: ``met``, ``slack`` (the target itself does not bind) or ``infeasible``.
        target: the target that was asked for.
        nearest: the closest target that the limits allow, or None.
        relaxed: limits that had to move, each by as little as possible.
        estimate: the rule to follow and its value.
        constraints: the target's, if it has one, and the limits'.
        used: means of the constraints' left-hand sides on logged outcomes, ``(constraints,)``.
        shadow_prices: by constraint, per unit of the number that states it, on the forecasts.
        gap: relative duality gap on the forecasts: at most this much more at the same use of every constraint.
        is_best: whether a floor of quality is the highest mean quality that the limits allow.
    """

    status: Status
    target: Target
    nearest: Target | None
    relaxed: tuple[NamedLimit, ...]
    estimate: PolicyValue[MixtureRule]
    constraints: tuple[Constraint, ...]
    used: Floats
    shadow_prices: dict[str, float]
    gap: float
    is_best: bool = False

    @property
    def shadow_price(self) -> float:
        """Quality that one more USD per query buys, in calibrated USD; 0 if the target does not bind."""
        return quality_per_usd(self.target, self.shadow_prices) / self.estimate.cost_ratio

    @property
    def binds(self) -> tuple[str, ...]:
        """Names of the constraints that bind."""
        return binding(self.shadow_prices)

    def facts(self, *, has_limits: bool = True) -> Facts:
        """Return what a sentence states; ``has_limits``: whether limits left out some choices."""
        return Facts(shadow_price=self.shadow_price, is_best=self.is_best, has_limits=has_limits)


def calibrate_limited(
    outcomes: LoggedOutcomes, target: Target, limits: Sequence[PopulationLimit]
) -> LimitedCalibration:
    """Compute the mixture of choices whose logged outcomes meet the target and keep every limit.

    Args:
        outcomes: out-of-fold forecasts, and logged values with missing cells imputed.
        target: the target to meet; a relative one refers to the logged quality of its column.
        limits: limits on the population, models resolved to columns.

    Raises:
        TargetError: a limit needs a label or a latency that was not logged.
    """
    named = [NamedLimit(str(limit), limit) for limit in limits]
    luck = Luck.of(outcomes)
    if luck is None:
        return _calibrate(outcomes, target, named)
    return _promised(_calibrate(outcomes, luck.lucky(target, outcomes.tables), named), luck, outcomes, target)


def _promised(answer: LimitedCalibration, luck: Luck, outcomes: LoggedOutcomes, target: Target) -> LimitedCalibration:
    """Take luck off what an answer promises, and state it for the target that was asked for."""
    value, nearest = answer.estimate, answer.nearest
    estimate = _estimate(outcomes, value.rule, luck=luck.added_at(value.cost_usd))
    if nearest is not None and isinstance(target, MinQuality):
        nearest = nearest_target(target, outcomes.tables, estimate.quality)
    return replace(answer, target=target, estimate=estimate, nearest=nearest)


def _calibrate(outcomes: LoggedOutcomes, target: Target, limits: Sequence[NamedLimit]) -> LimitedCalibration:
    problem = formulate_limited(outcomes, target, limits)
    pool = collect_candidates(problem)
    relaxed = _relaxed(problem, pool)
    if relaxed:
        limit_of = {moved.name: moved.limit for moved in relaxed}
        moved = [replace(named, limit=limit_of.get(named.name, named.limit)) for named in limits]
        again = _calibrate(outcomes, target, moved)
        return replace(again, status="infeasible", relaxed=(*relaxed, *again.relaxed))
    blend = _blend(problem, pool)
    if blend.status == "infeasible" or duality_gap(problem.relaxation, pool, blend.mixed, blend.prices) <= LEAST_GAP:
        return _answer(problem, pool, blend)
    closed = close_gap(problem, pool, blend.mixed)
    if closed is None:
        raise TargetError(_OPEN)
    answer = _answer(problem, closed.pool, _closed_blend(problem, closed, is_best=blend.is_best))
    return replace(answer, relaxed=_moved(problem, closed.violation[problem.of_limits]))


def _closed_blend(problem: LimitedProblem, closed: Closed, *, is_best: bool) -> _Blend:
    """Write a mixture without a gap as a blend; what the forecasts rule out is infeasible."""
    own, mixed, pool = problem.own, closed.mixed, closed.pool
    if closed.violation.any():
        nearest = None
        if own and closed.violation[0]:
            reached = float(pool.total(mixed, pool.cost_usd if own.cost else pool.quality))
            nearest = nearest_target(problem.target, problem.logged, reached / len(problem.logged.quality))
        return _Blend(mixed, closed.prices, np.zeros(len(pool.constraints), bool), "infeasible", nearest)
    binds = closed.scaled_prices > KEPT
    status: Status = "slack" if own and not binds[0] else "met"
    return _Blend(mixed, closed.prices, binds, status, is_best=status == "met" and is_best)


def _relaxed(problem: LimitedProblem, pool: CandidatePool) -> tuple[NamedLimit, ...]:
    """Relax the limits that conflict, by as little as possible; none if they can be kept together."""
    which = problem.of_limits
    if not problem.limits or pool.feasible(which):
        return ()
    violation = pool.least_violation(pool.rhs, which).violation
    return _moved(problem, np.where(violation > TOLERANCE / 10, violation, 0.0) * pool.scale[which])


def _moved(problem: LimitedProblem, violation: Floats) -> tuple[NamedLimit, ...]:
    """Relax the limits that are violated, by as much and a little more; ``(limits,)``."""
    over = violation * (1 + _RELAX_EXTRA)
    return tuple(
        NamedLimit(
            named.name,
            _printed(relax(named.limit, float(over[k]) / problem.constraints[problem.of_limits][k].size)),
        )
        for k, named in enumerate(problem.limits)
        if violation[k] > 0
    )


def _printed(limit: PopulationLimit) -> PopulationLimit:
    """Round the number of a relaxed limit to six digits, to the side that can be kept."""
    if isinstance(limit, MinQualityOf):
        return replace(limit, quality=beyond(limit.quality, up=False))
    if isinstance(limit, MaxShare):
        return replace(limit, share=min(beyond(limit.share, up=True), 1.0))
    if isinstance(limit, MaxCostOf):
        return replace(limit, usd=beyond(limit.usd, up=True))
    return replace(limit, seconds=beyond(limit.seconds, up=True))


@dataclass(frozen=True)
class _Blend:
    """The final mixture of candidates.

    Args:
        mixed: weights of the candidates.
        prices: multipliers at the optimum; of an infeasible target, those of the heaviest candidate.
        binds: which constraints bind, ``(constraints,)``.
        status: of the target.
        nearest: the closest target that can be met, if the target is infeasible.
        is_best: whether a floor of quality is the highest mean quality that the limits allow.
    """

    mixed: MasterSolution
    prices: Multipliers
    binds: Mask
    status: Status
    nearest: Target | None = None
    is_best: bool = False


def _blend(problem: LimitedProblem, pool: CandidatePool) -> _Blend:
    """Mix the candidates so that the logged sums keep the constraints; if they cannot, relax the target."""
    own = problem.own
    if own is None or pool.feasible():
        mixed = pool.best(pool.value, pool.attainable_rhs())
        binds = mixed.prices > KEPT
        prices = Multipliers(1.0, mixed.prices * magnitude(pool.value) / pool.scale)
        status: Status = "slack" if own and not binds[0] else "met"
        return _Blend(mixed, prices, binds, status, is_best=status == "met" and _is_highest(problem, pool))
    mixed = pool.best(pool.nearness(), pool.rhs + TOLERANCE * pool.scale, AFTER_TARGET)
    reached = float(pool.total(mixed, pool.cost_usd if own.cost else pool.quality)) / len(problem.logged.quality)
    return _Blend(
        mixed=mixed,
        prices=pool.components(mixed)[0].prices,
        binds=np.zeros(len(pool.constraints), bool),
        status="infeasible",
        nearest=nearest_target(problem.target, problem.logged, reached),
    )


def _is_highest(problem: LimitedProblem, pool: CandidatePool) -> bool:
    """Return whether the target is a floor of quality above which the limits leave nothing."""
    if not isinstance(problem.target, MinQuality):
        return False
    highest = pool.best(pool.nearness(), pool.attainable_rhs(), AFTER_TARGET)
    return bool(float(pool.total(highest, pool.quality)) <= -pool.rhs[0] + 2 * TOLERANCE * pool.scale[0])


def _answer(problem: LimitedProblem, pool: CandidatePool, blend: _Blend) -> LimitedCalibration:
    constraints = problem.constraints
    scopes = [*([None] if problem.own else []), *(named.limit.group for named in problem.limits)]
    applies = problem.relaxation.applies
    rule = MixtureRule(problem.objective, constraints, scopes, blend.prices, applies, pool.components(blend.mixed))
    size = np.array([constraint.size for constraint in constraints])
    shadow_price = np.where(blend.binds, blend.prices.limits, 0.0) * size / len(problem.outcomes.quality)
    return LimitedCalibration(
        status=blend.status,
        target=problem.target,
        nearest=blend.nearest,
        relaxed=(),
        estimate=_estimate(problem.outcomes, rule),
        constraints=constraints,
        used=pool.total(blend.mixed, pool.use) / size,
        shadow_prices={one.name: float(price) for one, price in zip(constraints, shadow_price, strict=True)},
        gap=0.0 if blend.status == "infeasible" else duality_gap(problem.relaxation, pool, blend.mixed, blend.prices),
        is_best=blend.is_best,
    )


def _estimate(outcomes: LoggedOutcomes, rule: MixtureRule, *, luck: float = 0.0) -> PolicyValue[MixtureRule]:
    """Estimate the value of a rule; ``luck``: to take off its mean logged quality."""
    logged = outcomes.chosen(rule)
    return estimate_value(
        rule,
        logged=logged,
        forecast=outcomes.chosen_forecast(rule),
        mean_quality=max(float(logged.quality.mean()) - luck, 0.0),
        mean_cost_usd=float(logged.cost_usd.mean()),
        evidence=Evidence(outcomes.logged_calls(rule), least_variance(outcomes.logged_quality)),
        luck=luck,
    )
