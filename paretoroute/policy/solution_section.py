"""The solution section of a policy file: status, prices, and each limit with its cost in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from paretoroute.calibration.coupled import LimitedCalibration
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.calibration.single import Calibrated
from paretoroute.limits import CallLimit, Limit, MaxCostOf, MaxMeanLatency, MaxShare, PopulationLimit
from paretoroute.policy import schema as doc
from paretoroute.policy.codec import mixture_entry, target_entry
from paretoroute.policy.sections import readable
from paretoroute.solver.solution import meaning
from paretoroute.targets import MinQuality, Target

Answer = Calibrated | LimitedCalibration


@dataclass(frozen=True)
class Solved:
    """A target with limits, solved on a calibration sample.

    Args:
        answer: of the solver.
        outcomes: of the sample, with the forecasts that the answer chooses by.
        target: the target that was asked for; its point is given by name.
        nearest: the nearest target that can be met, likewise, or None.
        limits: all limits, on calls and on the population.
        share_kept: share of the queries that have a point within the limits on calls, in [0, 1].
        context_free: whether every query is forecast at the points' means.
    """

    answer: Answer
    outcomes: LoggedOutcomes
    target: Target
    nearest: Target | None
    limits: tuple[Limit, ...]
    share_kept: float
    context_free: bool


def solution_section(solved: Solved) -> doc.SolutionEntry:
    """Write the solution down, with exact figures for the rule."""
    answer = solved.answer
    if isinstance(answer, LimitedCalibration):
        price, split, gap, mixture = answer.shadow_price, 0.0, answer.gap, mixture_entry(answer.estimate.rule)
    else:
        rule = answer.estimate.rule
        price, split, gap, mixture = rule.price, rule.split, solved.outcomes.gap(rule), None
    return doc.SolutionEntry(
        status=answer.status,
        quality_per_usd=float(price),
        split=float(split),
        quality_shift=float(answer.estimate.quality_shift) + 0.0,  # never -0
        cost_ratio=float(answer.estimate.cost_ratio),
        gap=float(gap),
        meaning=_meaning(solved),
        prompt_blind=solved.context_free,
        nearest=None if solved.nearest is None else target_entry(solved.nearest),
        binds=answer.binds,
        limits=tuple(_limit_entry(limit, solved) for limit in solved.limits),
        mixture=mixture,
    )


def _meaning(solved: Solved) -> str:
    answer = solved.answer
    if isinstance(answer, LimitedCalibration) and answer.relaxed:
        relaxed = "; ".join(str(named.limit) for named in answer.relaxed)
        return f"the limits cannot be kept together; the nearest that can: {relaxed}"
    return meaning(answer.status, solved.target, solved.nearest, answer.shadow_price)


def _limit_entry(limit: Limit, solved: Solved) -> doc.LimitEntry:
    """Write a limit down with what it costs."""
    name, answer = str(limit), solved.answer
    if isinstance(limit, CallLimit):
        return doc.LimitEntry(limit=name, used=None, shadow_price=0.0, meaning=_call_limit_meaning(solved.share_kept))
    constraints = answer.constraints if isinstance(answer, LimitedCalibration) else ()
    names = [constraint.name for constraint in constraints]
    if not isinstance(answer, LimitedCalibration) or name not in names:
        return doc.LimitEntry(limit=name, used=None, shadow_price=0.0, meaning="no logged query has this label")
    price = answer.shadow_prices[name]
    if answer.status == "infeasible":
        relaxed = [str(named.limit) for named in answer.relaxed if named.name == name]
        text = f"cannot be kept; the nearest that can: {relaxed[0]}" if relaxed else "kept"
    elif price > 0:
        text = limit_meaning(limit, price, minimises_cost=isinstance(solved.target, MinQuality))
    else:
        text = "does not bind"
    used = abs(float(answer.used[names.index(name)]))
    return doc.LimitEntry(limit=name, used=readable(used), shadow_price=readable(price), meaning=text)


def _call_limit_meaning(share_kept: float) -> str:
    if share_kept < 1:
        share = f"{100 * (1 - share_kept):.3g}% of the logged queries"
        return f"at {share} no point keeps the limits on calls, and the nearest is called"
    return "kept at every logged query"


def limit_meaning(limit: PopulationLimit, price: float, *, minimises_cost: bool) -> str:
    """Describe what a limit that binds costs.

    Args:
        limit: the limit.
        price: of a unit of its number, in quality, or in USD per query if cost is minimised.
        minimises_cost: whether the target is a quality, and cost is minimised.

    Example:
        >>> limit_meaning(MaxShare(0.2, "big"), 0.05, minimises_cost=False)
        'one more percent of calls to big buys 0.05 quality points (of 100)'
    """
    step, unit, costs = 1.0, "one more second of mean latency", False
    if isinstance(limit, MaxShare):
        step, unit = 0.01, f"one more percent of calls to {limit.of}"
    elif isinstance(limit, MaxCostOf):
        step, unit = 1e-5, f"one more cent per 1,000 queries of {limit.by} {limit.of}"
    elif not isinstance(limit, MaxMeanLatency):
        step, unit, costs = 0.01, f"one more quality point of {limit.by} {limit.of}", True
    if minimises_cost:
        return f"{unit} {'costs' if costs else 'saves'} ${1000 * price * step:.2g} per 1,000 queries"
    return f"{unit} {'costs' if costs else 'buys'} {100 * price * step:.2g} quality points (of 100)"
