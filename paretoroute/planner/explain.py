"""Explain a decision in a sentence."""

from __future__ import annotations

from paretoroute.planner.decision import Alternative


def explain(name: str, chosen: Alternative, runner_up: Alternative | None, *, status: str, is_drawn: bool) -> str:
    """Return why a point was chosen, and how it compares with the next best one.

    Args:
        name: of the point chosen, with a remark if it was never logged.
        chosen: its expected quality and cost.
        runner_up: the next best point, or None.
        status: of the decision.
        is_drawn: whether it was drawn from several points.
    """
    if status == "infeasible":
        reason = f"no point keeps the limits; {name} comes nearest"
    elif is_drawn:
        reason = f"{name} was drawn at random, since several points tie at the policy's prices"
    else:
        reason = f"{name} has the most quality for its cost"
    if runner_up is None:
        return f"{reason}." if status == "infeasible" else f"{reason}; no other point may be called."
    quality = 100 * (chosen.expected_quality - runner_up.expected_quality)
    cost = 1000 * (chosen.expected_cost_usd - runner_up.expected_cost_usd)
    return f"{reason}; against {runner_up.point}: {quality:+.1f} quality points, {_signed_usd(cost)} per 1,000 queries."


def _signed_usd(usd: float) -> str:
    return f"{'-' if usd < 0 else '+'}${abs(usd):.3g}"
