"""The sentence that explains a decision."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from paretoroute.price import UNIT, rounded_usd

Decision = Reason = Any  # their module loads this one


class Figures(NamedTuple):
    """A point, with its expected quality and cost, both calibrated."""

    point: str
    expected_quality: float
    expected_cost_usd: float


def why(decision: Decision) -> str:
    """Return the reason of a decision: what the reader has to know first, why this point, and what the next one is."""
    reason, runner_up = decision.reason, decision.runner_up
    sentence = reason.stated or _explained(reason)
    if not reason.is_compared:
        return sentence
    if runner_up is None:
        return f"{_remarks(decision)}{sentence}."
    chosen = Figures(decision.point.name, decision.expected_quality, decision.expected_cost_usd)
    return f"{_remarks(decision)}{sentence}; {against(chosen, runner_up)}."


def _remarks(decision: Decision) -> str:
    """Return sentences that the reader has to know before the reason, each with a space after it."""
    reason, remarks = decision.reason, ""
    if not reason.is_read:
        remarks = "Nothing of the query could be read, and the means of the log stand for it. "
    elif reason.is_unfamiliar:
        remarks = "The query is unlike the logged ones. "
    if reason.held_usd is not None:
        cap, limit = decision.output_cap_tokens, rounded_usd(reason.held_usd)
        remarks += f"The output is capped at {cap} tokens, so that the call costs at most {limit}. "
    return remarks


def _explained(reason: Reason) -> str:
    """Return why a point was chosen, in a sentence without its full stop."""
    name = reason.name
    if reason.is_safe_point:
        return f"{name} is the safe point for such queries"
    if reason.stays:
        return f"{name} stays with the model of the previous call, since a change is not worth its price"
    if reason.explored_share is not None:
        share = f"{100 * reason.explored_share:.3g}%"
        return f"{name} is called to learn about it, since {share} of the calls explore beside the policy's choice"
    among = "" if reason.choices == reason.points else " of the points that keep the limits"
    if reason.choices == 1:
        return f"{name} is the only point that may be called"
    if reason.is_drawn and reason.is_mixture:
        return f"{name} was drawn at random, since the policy mixes several choices to keep its target and limits"
    if reason.is_drawn:
        return f"{name} was drawn at random, since several points tie at the policy's price"
    if reason.usd_per_quality is None:
        return f"{name} is worth the most at the policy's prices{among}"
    if math.isinf(reason.usd_per_quality):
        return f"{name} has the highest forecast quality{among}"
    worth = f"where a right answer in place of a wrong one is worth {rounded_usd(reason.usd_per_quality, 3)}"
    return f"{name} is the best trade of quality and cost{among}, {worth}"


def against(chosen: Figures, runner_up: Figures) -> str:
    """Compare a point with the next best one."""
    quality = 100 * (chosen.expected_quality - runner_up.expected_quality)
    cost = 1000 * (chosen.expected_cost_usd - runner_up.expected_cost_usd)
    signed = f"{'-' if cost < 0 else '+'}{rounded_usd(abs(cost), 3)}"
    return f"against {runner_up.point}: {quality:+.1f} quality points, {signed} {UNIT}"
