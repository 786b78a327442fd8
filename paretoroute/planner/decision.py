"""The decision: the point to call, its expected quality and cost, the reason, and the arguments of the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paretoroute.grid import Budget, Point


@dataclass(frozen=True, slots=True)
class Alternative:
    """A point that may be called, with its expected quality and cost, both calibrated."""

    point: str
    expected_quality: float
    expected_cost_usd: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The point to call for one query.

    Args:
        id: of this decision, to join it with its outcome.
        query_id: the caller's, or None.
        policy_sha256: of the policy file that decided; ``""`` for a policy that was never saved.
        point: the point to call.
        expected_quality: mean, in [0, 1], calibrated.
        expected_quality_se: its standard error.
        expected_cost_usd: mean cost of the call, calibrated.
        expected_latency_s: mean latency, or None where none was logged.
        output_cap_tokens: most completion tokens to allow, hidden reasoning included; None where unknown.
        propensity: probability with which this point was chosen; below 1 where it was drawn from several.
        status: ``met``, ``slack`` or ``infeasible`` as the policy is; ``infeasible`` also when no point keeps the
            limits of this call; ``capped``: the output cap was lowered to keep a cost limit; ``unfamiliar``: the query
            is unlike the logged ones; ``fallback``: it could not be read, and the context-free means decided.
        why: one sentence.
        runner_up: the next best point, or None.
        fallbacks: points to try if the call fails, best first.
        interpolated: whether the point was never logged; its figures are interpolated between two that were.
    """

    id: str
    query_id: str | None
    policy_sha256: str
    point: Point
    expected_quality: float
    expected_quality_se: float
    expected_cost_usd: float
    expected_latency_s: float | None
    output_cap_tokens: int | None
    propensity: float
    status: str
    why: str
    runner_up: Alternative | None
    fallbacks: tuple[str, ...]
    interpolated: bool = False

    @property
    def model(self) -> str:
        """Name of the model to call."""
        return self.point.model

    @property
    def budget(self) -> Budget:
        """Test-time compute to call it with."""
        return self.point.budget

    def request_kwargs(self, dialect: str) -> dict[str, Any]:
        """Return the arguments with which a client calls exactly this point; never messages or keys.

        Args:
            dialect: ``openai`` (chat completions) or ``litellm``.

        Raises:
            DialectError: the dialect cannot express the point.
        """
        from paretoroute.planner.dialects import request_kwargs  # loaded only where a dialect is used

        return request_kwargs(dialect, self.point, output_cap_tokens=self.output_cap_tokens)

    def to_row(self) -> dict[str, Any]:
        """Return a flat row to log; with the quality and the tokens added, ``read_runs`` reads it as a run."""
        return {
            "query_id": self.query_id,
            "model": self.model,
            "budget_kind": self.budget.kind,
            "budget_label": self.budget.label,
            "budget": self.budget.amount,
            "expected_quality": self.expected_quality,
            "expected_cost_usd": self.expected_cost_usd,
            "expected_latency_s": self.expected_latency_s,
            "output_cap_tokens": self.output_cap_tokens,
            "propensity": self.propensity,
            "status": self.status,
            "decision_id": self.id,
            "policy_sha256": self.policy_sha256,
        }


def explain(name: str, chosen: Alternative, runner_up: Alternative | None, *, status: str, is_drawn: bool) -> str:
    """Return a sentence: why a point was chosen, and how it compares with the next best one.

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
