"""Explain a decision in one sentence."""

from __future__ import annotations

from paretoroute.planner.decision import Alternative


def explain(name: str, other: Alternative | None, quality: float, cost: float, status: str, drawn: bool) -> str:
    """Explain a decision in one sentence."""
    if status == "infeasible":
        start = f"no point keeps the limits; {name} comes nearest"
    elif drawn:
        start = f"{name} by the coin, since several points tie at the policy's prices"
    else:
        start = f"{name} gives the most quality for its cost"
    if other is None and status == "infeasible":
        return f"{start}."
    if other is None:
        return f"{start}; no other point may be called."
    gain, extra = 100 * (quality - other.expected_quality), 1000 * (cost - other.expected_cost_usd)
    return f"{start}; against {other.point}: {gain:+.1f} quality points, {_money(extra)} per 1,000 queries."


def _money(usd: float) -> str:
    return f"{'-' if usd < 0 else '+'}${abs(usd):.3g}"
