"""The decision: the point to call, its expected quality and cost, the reason, and the arguments of the request.

A planner decides much more often than anyone reads a reason, so that a decision holds the facts, and its sentence is
written when it is read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from paretoroute.grid import Budget, Point

if TYPE_CHECKING:
    from paretoroute.planner.outputs.fallback_call import FallbackCall
    from paretoroute.planner.outputs.telemetry import Attribute
    from paretoroute.planner.repeated_calls import RepeatedCalls

FALLBACKS = 3


@dataclass(frozen=True, slots=True)
class Alternative:
    """A point that may be called, with its expected quality and cost, both calibrated."""

    point: str
    expected_quality: float
    expected_cost_usd: float


class Reason(NamedTuple):
    """The facts behind a decision, of which :attr:`Decision.why` is the sentence.

    Args:
        name: of the point, with a remark if it was never logged.
        choices: number of points that keep the limits.
        points: number of points of the grid.
        usd_per_quality: the cost that a right answer in place of a wrong one is worth, calibrated; infinite where cost
            does not count, and None where other prices count too.
        is_drawn: whether the point was drawn from several.
        is_mixture: whether the policy mixes several sets of prices, and not one price with ties.
        explored_share: share of the calls that explores, if this one does; else None.
        is_safe_point: whether the point is the safe one, since the query is unfamiliar.
        stays: whether the point is of the previous call's model, and the policy alone would never have called it.
        is_read: whether the query could be read.
        is_unfamiliar: whether it could not, or is unlike the logged ones.
        held_usd: the limit on cost that the output cap was lowered to keep; None: it was not.
        stated: a sentence, without its full stop, in place of one from these facts, or None.
        is_compared: whether a comparison with the runner-up follows.
    """

    name: str
    choices: int
    points: int
    usd_per_quality: float | None
    is_drawn: bool = False
    is_mixture: bool = False
    explored_share: float | None = None
    is_safe_point: bool = False
    stays: bool = False
    is_read: bool = True
    is_unfamiliar: bool = False
    held_usd: float | None = None
    stated: str | None = None
    is_compared: bool = True


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
        propensity: probability with which this point was chosen; below 1 where it was drawn from several, and where
            the planner explores.
        status: ``met``, ``slack`` or ``infeasible`` as the policy is; ``infeasible`` also when no point keeps the
            limits of this call; ``capped``: the output cap was lowered to keep a cost limit; ``unfamiliar``: the query
            is unlike the logged ones; ``fallback``: it could not be read, and the context-free means decided.
        reason: the facts behind the decision.
        runner_up: the next best point, or None.
        fallbacks: points to try if the call fails, best first.
        interpolated: whether the point was never logged; its figures are interpolated between two that were.
        keeps_limits: whether the point keeps every limit of this call, and the policy's limits on calls.
        explores: whether the point is called to learn about it, and the policy itself would not have called it.
        most_cost_usd: cost of the call at most, kept for certain while the output cap is sent and prompts are built as
            in the log and fees are at most the largest logged one; None where nothing bounds it: the point has no token
            price, or the query no text, or it holds an image, audio or a file.
        unfamiliar: whether the query is unlike the logged ones or could not be read, whatever the status.
        at_safe_point: whether the planner's safe point was taken for that reason.
        stays: whether the point is of the previous call's model, and the policy alone would never have called it.
        fallback_points: the points of ``fallbacks``.
        fallback_caps_tokens: the output cap of each, as ``output_cap_tokens``.
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
    reason: Reason
    runner_up: Alternative | None
    fallbacks: tuple[str, ...]
    interpolated: bool = False
    keeps_limits: bool = True
    explores: bool = False
    most_cost_usd: float | None = None
    unfamiliar: bool = False
    at_safe_point: bool = False
    stays: bool = False
    fallback_points: tuple[Point, ...] = ()
    fallback_caps_tokens: tuple[int | None, ...] = ()

    @property
    def why(self) -> str:
        """The reason in a sentence or two, with a comparison with the runner-up."""
        from paretoroute.planner.outputs.reasons import why  # loaded only where a reason is read

        return why(self)

    @property
    def model(self) -> str:
        """Name of the model to call."""
        return self.point.model

    @property
    def budget(self) -> Budget:
        """Test-time compute to call it with."""
        return self.point.budget

    @property
    def fallback_calls(self) -> tuple[FallbackCall, ...]:
        """Calls to try in order if that of the point fails, each with request arguments of its own."""
        from paretoroute.planner.outputs.fallback_call import FallbackCall  # loaded only where a call fails

        return tuple(map(FallbackCall, self.fallback_points, self.fallback_caps_tokens))

    def request_kwargs(self, dialect: str) -> dict[str, Any]:
        """Return the arguments with which a client calls exactly this point; never messages or keys.

        Args:
            dialect: ``anthropic``, ``gemini``, ``litellm``, ``mistral``, ``openai`` (chat completions),
                ``openai_responses`` or ``vllm``.

        Raises:
            DialectError: the dialect cannot express the point.
        """
        from paretoroute.planner.dialects import request_kwargs  # loaded only where a dialect is used

        return request_kwargs(dialect, self.point, output_cap_tokens=self.output_cap_tokens)

    def repeated_calls(self, dialect: str) -> RepeatedCalls:
        """Return the calls of this point: one, or as many as it has samples where one call cannot hold them.

        Args:
            dialect: as for :meth:`request_kwargs`.

        Raises:
            DialectError: the dialect cannot express the point.
        """
        from paretoroute.planner.repeated_calls import repeated_calls  # loaded only where it is used

        return repeated_calls(dialect, self.point, output_cap_tokens=self.output_cap_tokens)

    def otel_attributes(self, *, answered_by: str | None = None) -> dict[str, Attribute]:
        """Return attributes for an OpenTelemetry span of the call, named ``gen_ai.*`` and ``paretoroute.*``.

        Set them where the call is made; of repeated calls, on the span that holds them all.

        Args:
            answered_by: as for :meth:`to_row`.

        Raises:
            GridError: that is no fallback of this decision.
        """
        from paretoroute.planner.outputs.telemetry import attributes  # loaded only where it is used

        return attributes(self.to_row(answered_by=answered_by), self)

    def to_row(self, *, answered_by: str | None = None) -> dict[str, Any]:
        """Return a flat row to log; with the quality and the tokens added, ``read_runs`` reads it as a run.

        Args:
            answered_by: the fallback that answered where the call of the point failed: the row is then that of the
                fallback, without a propensity, since no draw chose it.

        Raises:
            GridError: that is no fallback of this decision.
        """
        row = {
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
        if answered_by is None:
            return row
        from paretoroute.planner.outputs.fallback_call import answered_row  # loaded only where a call failed

        return answered_row(row, self.fallback_calls, answered_by=answered_by)

    def to_json(self) -> dict[str, Any]:
        """Return the row of :meth:`to_row` with the reason, the runner-up and the fallbacks: plain values for JSON."""
        return self.to_row() | {
            "why": self.why,
            "keeps_limits": self.keeps_limits,
            "runner_up": None if self.runner_up is None else asdict(self.runner_up),
            "fallbacks": list(self.fallbacks),
            "unfamiliar": self.unfamiliar,
        }
