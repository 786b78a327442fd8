"""Targets as claims about a mean loss in [0, 1], the form in which they can be tested.

    quality at least tau              L = 1 - q                                  mean at most 1 - tau
    quality at least rho x point j    L = (1 - q + rho q_j) / (1 + rho)          mean at most 1 / (1 + rho)
    cost at most b                    L = min(c, cap) / cap                      mean at most b / cap

In the second both sides are of the same query, so that a paired difference is tested and no noise of the reference is
left out. In the third cost has to be bounded to be tested at all: the cap is the largest bill of a query of the
training side, at the points that the rule calls, under the output caps that the planner sends with every request. An
outcome that was not logged counts as the worst: quality 0 (of the reference: 1), and the whole cap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import TargetError
from paretoroute.evaluation.certificate.held_out import HeldOutRuns
from paretoroute.evaluation.certificate.p_values import Method
from paretoroute.planner.cost_cap import CostCap
from paretoroute.policy.policy import Policy
from paretoroute.price import rounded_usd
from paretoroute.solver.rules import Rule
from paretoroute.surface.surface import Amounts
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target


@dataclass(frozen=True)
class Claim:
    """A claim about the mean loss of one rule.

    Args:
        text: in words.
        table: loss of calling each point, ``(queries, points)``, in [0, 1].
        limit: that the mean loss is not to exceed, in [0, 1].
        cap_usd: of a cost target, else None.
    """

    text: str
    table: Floats
    limit: float
    cap_usd: float | None = None


def check_target(target: Target) -> None:
    """Refuse a target that states no threshold.

    Raises:
        TargetError: it is the best trade.
    """
    if isinstance(target, BestTrade):
        raise TargetError(
            "the best trade has no threshold that could be certified; give --min-quality, --min-quality-of or "
            "--max-cost (target=)"
        )


def default_method(target: Target) -> Method:
    """Return the test of a target where none is asked for.

    Quality of yes and no is tested exactly. Paired differences and capped costs vary far less than yes and no of the
    same mean, and only betting gains from that.
    """
    return "binomial" if isinstance(target, MinQuality) and target.quality is not None else "betting"


def claim_of(target: Target, rule: Rule, policy: Policy, held_out: HeldOutRuns) -> Claim | None:
    """Write a target as a claim about a rule; None where no cap bounds the cost of a call.

    Args:
        target: of quality or cost; its point is given by name.
        rule: whose choices are tested.
        policy: for the caps, and the reference point.
        held_out: the outcomes.
    """
    if isinstance(target, MaxCost):
        return _claim_of_cost(target, rule, policy, held_out)
    assert isinstance(target, MinQuality), "the best trade is refused"
    shortfall = 1 - np.nan_to_num(held_out.quality)
    if target.quality is not None:
        return Claim(f"mean quality at least {target.quality:.6g}", shortfall, 1 - target.quality)
    ratio = float(target.ratio or 1.0)
    reference = np.nan_to_num(held_out.quality[:, policy.grid.index(str(target.of))], nan=1.0)
    table = (shortfall + ratio * reference[:, None]) / (1 + ratio)
    return Claim(f"mean quality at least {ratio:.6g} times that of {target.of}", table, 1 / (1 + ratio))


def _claim_of_cost(target: MaxCost, rule: Rule, policy: Policy, held_out: HeldOutRuns) -> Claim | None:
    unbounded = [point.model in held_out.bills.beyond_tokens for point in policy.grid.points]
    cap = cost_cap_usd(rule, policy, unbounded=np.array(unbounded, bool))
    if not np.isfinite(cap):
        return None
    table = np.clip(np.nan_to_num(held_out.cost_usd, nan=cap), 0.0, cap) / max(cap, target.usd * 1e-9)
    text = (
        f"mean of min(cost, {rounded_usd(cap, 4)}) at most {rounded_usd(target.usd, 6)} per query, if requests carry "
        "the planner's output caps"
    )
    return Claim(text, table, min(target.usd / cap, 1.0) if cap > 0 else 1.0, cap)


def cost_cap_usd(rule: Rule, policy: Policy, *, unbounded: Mask) -> float:
    """Return the largest bill of a call that a rule makes for a query of the calibration sample, under output caps.

    Args:
        rule: whose choices are billed.
        policy: for prices and caps.
        unbounded: points whose bills hold more than tokens, ``(points,)``.

    Returns:
        In USD; NaN if the rule calls such a point, or one that is not priced by tokens: no output cap bounds its bill.
    """
    sample, grid, outcomes = policy.calibration_sample, policy.grid, policy.outcomes
    unknown = np.full(sample.quality.shape, np.nan)
    amounts = Amounts(
        quality=sample.quality.astype(np.float64),
        quality_se=unknown,
        amount=sample.amount.astype(np.float64),
        prompt_tokens=sample.prompt_tokens.astype(np.float64),
        latency_s=unknown,
    )
    prices, fee = grid.token_prices, grid.most_fee_usd
    tokens = CostCap(grid, policy.surface, None).caps(amounts)
    bill = amounts.prompt_tokens * prices.prompt + tokens * prices.completion + fee
    bill[:, unbounded] = np.nan
    rows = np.arange(len(bill))
    largest = 0.0
    for weight, point in rule.action_probabilities(outcomes.forecast):
        called = np.broadcast_to(np.asarray(weight) > 0, point.shape)
        if called.any():
            largest = max(largest, float(bill[rows, point][called].max()))
            if np.isnan(bill[rows, point][called]).any():
                return float("nan")
    return largest
