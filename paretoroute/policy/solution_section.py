"""The solution section of a policy file: status, prices, and each limit with its cost in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from paretoroute.calibration.coupled.calibrate import LimitedCalibration
from paretoroute.calibration.intervals import LEAST_EFFECTIVE
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.calibration.single import Calibrated
from paretoroute.limits import CallLimit, Forbid, Limit, MaxCostOf, MaxShare, MinQualityOf, PopulationLimit, Require
from paretoroute.policy import schema as doc
from paretoroute.policy.codec import mixture_entry, target_entry
from paretoroute.policy.eligibility import EligibleForecast
from paretoroute.policy.sections import readable
from paretoroute.price import rounded_usd
from paretoroute.solver.solution import Status, meaning
from paretoroute.targets import BestTrade, MinQuality, Target

Answer = Calibrated | LimitedCalibration
LEAST_KEPT = 0.5  # of the logged queries: limits on calls that fewer of them can keep are not kept


@dataclass(frozen=True)
class Solved:
    """A target with limits, solved on a calibration sample.

    Args:
        answer: of the solver.
        outcomes: of the sample, with the forecasts that the answer chooses by.
        target: the target that was asked for; its point is given by name.
        nearest: the nearest target that can be met, likewise, or None.
        limits: all limits, on calls and on the population.
        eligible: the points that limits on calls leave.
        context_free: whether every query is forecast at the points' means.
    """

    answer: Answer
    outcomes: LoggedOutcomes
    target: Target
    nearest: Target | None
    limits: tuple[Limit, ...]
    eligible: EligibleForecast
    context_free: bool

    @property
    def status(self) -> Status:
        """Status of the target.

        Infeasible where most logged queries have no point within the limits on calls; unsupported where it is met as
        far as is forecast, and the log is too thin to tell.
        """
        if self.eligible.share_kept < LEAST_KEPT or self.answer.status == "infeasible":
            return "infeasible"
        return "unsupported" if self.answer.estimate.quality_low is None else self.answer.status


def solution_section(solved: Solved) -> doc.SolutionEntry:
    """Write the solution down, with exact figures for the rule."""
    answer = solved.answer
    if isinstance(answer, LimitedCalibration):
        price, split, gap, mixture = answer.shadow_price, 0.0, answer.gap, mixture_entry(answer.estimate.rule)
    else:
        rule = answer.estimate.rule
        price, split, gap, mixture = rule.price, rule.split, solved.outcomes.gap(rule), None
    return doc.SolutionEntry(
        status=solved.status,
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
    """Describe the status; where limits on calls leave some queries without a point, that comes first or is added."""
    share = solved.eligible.share_kept
    if share >= 1:
        return _target_meaning(solved)
    if share >= LEAST_KEPT:
        return f"{_target_meaning(solved)}; {_unkept_share(solved)} no point keeps the limits on calls"
    beside = f"; {_target_meaning(solved)}" if solved.answer.status == "infeasible" else ""
    return f"the limits on calls cannot be kept: {_unkept_share(solved)} no point keeps them{beside}"


def _unkept_share(solved: Solved) -> str:
    share = solved.eligible.share_kept
    percent = f"{100 * (1 - share):.3g}"
    return f"at {'over 99.9' if share and percent == '100' else percent}% of the logged queries"


def _target_meaning(solved: Solved) -> str:
    answer = solved.answer
    if solved.status == "unsupported":
        effective, queries = answer.estimate.effective or 0.0, len(solved.outcomes.quality)
        more = queries * (LEAST_EFFECTIVE / max(effective, 1.0) - 1)
        return (
            f"the logged runs that agree with the policy's choices count as {effective:.0f}, too few for an interval; "
            f"{LEAST_EFFECTIVE:.0f} are needed: about {more:.0f} more runs logged like these, or {LEAST_EFFECTIVE:.0f} "
            "at the points that it calls"
        )
    facts = answer.facts(has_limits=bool(solved.limits))
    if isinstance(answer, LimitedCalibration) and answer.relaxed:
        relaxed = "; ".join(str(named.limit) for named in answer.relaxed)
        several = sum(isinstance(limit, PopulationLimit) for limit in solved.limits) > 1
        subject = "the limits cannot be kept together" if several else "the limit cannot be kept"
        beside = f"; {meaning('infeasible', solved.target, solved.nearest, facts)}" if solved.nearest else ""
        return f"{subject}; the nearest that can: {relaxed}{beside}"
    return meaning(answer.status, solved.target, solved.nearest, facts)


def _limit_entry(limit: Limit, solved: Solved) -> doc.LimitEntry:
    """Write a limit down with what it costs."""
    name, answer = str(limit), solved.answer
    if isinstance(limit, CallLimit):
        return doc.LimitEntry(limit=name, used=None, shadow_price=0.0, meaning=_call_limit_meaning(limit, solved))
    assert isinstance(answer, LimitedCalibration), "a limit on the population couples the queries"
    names = [constraint.name for constraint in answer.constraints]
    price = answer.shadow_prices[name]
    if answer.status == "infeasible":
        relaxed = [str(named.limit) for named in answer.relaxed if named.name == name]
        text = f"cannot be kept; the nearest that can: {relaxed[0]}" if relaxed else "kept"
    elif price > 0:
        text = limit_meaning(limit, price, target=solved.target)
    else:
        text = "does not bind"
    used = abs(float(answer.used[names.index(name)]))
    return doc.LimitEntry(limit=name, used=readable(used), shadow_price=readable(price), meaning=text)


def _call_limit_meaning(limit: CallLimit, solved: Solved) -> str:
    kept, eligible = "kept at every logged query", solved.eligible
    if isinstance(limit, Forbid | Require):  # a rule on models that leaves nothing to call is an error
        labels = (solved.outcomes.forecast.labels or {}).get(limit.by) if limit.of else None
        if limit.of and (labels is None or limit.of not in labels):
            return f"no logged query has the {limit.by} {limit.of}: the rule counts for planned queries that have it"
        return kept
    unknown = eligible.unknown.get(str(limit), ())
    if unknown and eligible.share_kept >= 1:
        names = f"{', '.join(unknown[:3])}{' and others' if len(unknown) > 3 else ''}"
        return f"{kept}, without the prompts of {names}, which are not forecast: a planner counts each by its bytes"
    if str(limit) not in eligible.nearest:
        return f"{kept}, and does not bind: every point keeps it"
    if eligible.share_kept >= 1:
        return kept
    raised, others = eligible.nearest[str(limit)], ", the others raised alike" if len(eligible.nearest) > 1 else ""
    nearest = "" if raised is None else f"; the nearest that is kept at every query{others}: {raised}"
    return f"{_unkept_share(solved)} no point keeps the limits on calls, and the nearest is called{nearest}"


def limit_meaning(limit: PopulationLimit, price: float, *, target: Target) -> str:
    """Describe what a limit that binds costs, at the margin.

    Args:
        limit: the limit.
        price: of a unit of its number, in the unit of the objective: quality, USD per query if the target is a quality
            and cost is minimised, or quality net of cost for the best trade.
        target: beside the limit.

    Example:
        >>> from paretoroute.targets import MaxCost
        >>> limit_meaning(MaxShare(0.2, "big"), 0.05, target=MaxCost(0.004))
        'one more percent of calls to big buys 0.05 quality points (of 100), at the margin'
    """
    step, unit, costs = 1.0, "one more second of mean latency", False
    if isinstance(limit, MaxShare):
        step, unit = 0.01, f"one more percent of calls to {limit.of}"
    elif isinstance(limit, MaxCostOf):
        step, unit = 1e-5, f"one more cent per 1,000 queries of {limit.by} {limit.of}"
    elif isinstance(limit, MinQualityOf):
        step, unit, costs = 0.01, f"one more quality point of {limit.by} {limit.of}", True
    elif limit.of is not None:
        unit = f"{unit} of {limit.by} {limit.of}"
    if isinstance(target, MinQuality):
        amount = f"{'costs' if costs else 'saves'} {rounded_usd(1000 * price * step, 2)} per 1,000 queries"
    else:
        net = ", net of cost" if isinstance(target, BestTrade) else ""
        amount = f"{'costs' if costs else 'buys'} {100 * price * step:.2g} quality points (of 100){net}"
    return f"{unit} {amount}, at the margin"
