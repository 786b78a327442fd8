"""The decision: the point to call, its expected quality and cost, the reason, and the arguments of the request."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from paretoroute.grid import Budget, Point
from paretoroute.planner.admission import DecidedCall, remark, status_of
from paretoroute.price import UNIT, rounded_usd
from paretoroute.solver.rules import PriceRule, Rule

if TYPE_CHECKING:
    from paretoroute.planner.cost_cap import CostCap
    from paretoroute.planner.outputs.fallback_call import FallbackCall
    from paretoroute.planner.outputs.telemetry import Attribute
    from paretoroute.planner.query_forecast import QueryForecast
    from paretoroute.planner.repeated_calls import RepeatedCalls
    from paretoroute.policy.policy import Policy

FALLBACKS = 3


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
        propensity: probability with which this point was chosen; below 1 where it was drawn from several, and where
            the planner explores.
        status: ``met``, ``slack`` or ``infeasible`` as the policy is; ``infeasible`` also when no point keeps the
            limits of this call; ``capped``: the output cap was lowered to keep a cost limit; ``unfamiliar``: the query
            is unlike the logged ones; ``fallback``: it could not be read, and the context-free means decided.
        why: the reason in a sentence or two, with a comparison with the runner-up.
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
    why: str
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


class DecisionWriter:
    """Writes decisions, with their reasons.

    Args:
        policy: that decides.
        explored_share: share of the calls that explores.
        cost_cap: bounds the cost of calls.
    """

    def __init__(self, policy: Policy, *, explored_share: float, cost_cap: CostCap) -> None:
        self._policy, self._grid, self._explored_share, self._cost_cap = policy, policy.grid, explored_share, cost_cap
        self._status = policy.document.solution.status
        between = policy.grid.between
        self._interpolated = [point in between for point in policy.grid.points]
        self._named = [
            f"{point.name} (never logged: forecast between {between[point].below} and {between[point].above})"
            if point in between
            else point.name
            for point in policy.grid.points
        ]

    def write_each(self, calls: Sequence[DecidedCall], rule: Rule) -> list[Decision]:
        """Write the decisions on calls that a rule decided."""
        ids = os.urandom(8 * len(calls)).hex()
        return [self._write(call, rule, id=ids[16 * i : 16 * i + 16]) for i, call in enumerate(calls)]

    def _write(self, call: DecidedCall, rule: Rule, *, id: str) -> Decision:
        request, forecast, admitted, draw, ranked, at_safe_point, stays = call
        column, others = draw.column, [j for j in ranked if j != draw.column]
        chosen = self._alternative(forecast, column)
        runner_up = self._alternative(forecast, others[0]) if others else None
        beside = f"; {against(chosen, runner_up)}." if runner_up else "."
        latency, caps = float(forecast.latency_s[column]), admitted.output.tokens.tolist()
        fallbacks, names, points = others[:FALLBACKS], self._grid.names, self._grid.points
        return Decision(
            id=id,
            query_id=request.query_id,
            policy_sha256=self._policy.sha256,
            point=points[column],
            expected_quality=chosen.expected_quality,
            expected_quality_se=float(forecast.amounts.quality_se[column]),
            expected_cost_usd=chosen.expected_cost_usd,
            expected_latency_s=None if math.isnan(latency) else latency,
            output_cap_tokens=_whole(caps[column]),
            propensity=draw.propensity,
            status=status_of(forecast, admitted, column, of_policy=self._status),
            why=remark(request, forecast, admitted, column=column) + self._reason(call, rule) + beside,
            runner_up=runner_up,
            fallbacks=tuple([names[j] for j in fallbacks]),
            interpolated=self._interpolated[column],
            keeps_limits=admitted.is_feasible,
            explores=draw.explores,
            most_cost_usd=self._cost_cap.most_usd(request, forecast, column=column, tokens=caps[column]),
            unfamiliar=forecast.is_unfamiliar,
            at_safe_point=at_safe_point,
            stays=stays,
            fallback_points=tuple([points[j] for j in fallbacks]),
            fallback_caps_tokens=tuple([_whole(caps[j]) for j in fallbacks]),
        )

    def _alternative(self, forecast: QueryForecast, column: int) -> Alternative:
        return Alternative(self._grid.names[column], float(forecast.quality[column]), float(forecast.cost_usd[column]))

    def _reason(self, call: DecidedCall, rule: Rule) -> str:
        """Return why the point is called, or which limit no point keeps."""
        request, forecast, admitted, draw, _, at_safe_point, stays = call
        name = self._named[draw.column]
        if at_safe_point:
            return f"{name} is the safe point for such queries"
        if stays and admitted.unkept is None:
            return f"{name} stays with the model of the previous call, since a change is not worth its price"
        if admitted.unkept is None:
            grounds = Grounds(
                is_drawn=draw.is_random,
                explored_share=self._explored_share if draw.explores else None,
                is_mixture=not isinstance(rule, PriceRule),
                choices=int(np.count_nonzero(admitted.callable)),
                points=len(self._grid.points),
                usd_per_quality=rule.usd_per_quality * self._policy.document.solution.cost_ratio,
            )
            return explain(name, grounds)
        from paretoroute.planner.unkept import NearestCall, unkept_text  # loaded only where no point keeps the limits

        nearest = NearestCall(
            column=draw.column,
            name=name,
            request=request,
            forecast=forecast,
            priced=self._cost_cap.priced,
            names=self._grid.names,
            limits=self._policy.limits,
        )
        return unkept_text(admitted.unkept, nearest)


class Grounds(NamedTuple):
    """The facts behind a choice among points that keep every limit.

    Args:
        is_drawn: whether the point was drawn from several.
        is_mixture: whether the policy mixes several sets of prices, and not one price with ties.
        choices: number of points that keep the limits.
        points: number of points of the grid.
        usd_per_quality: the cost that a right answer in place of a wrong one is worth, calibrated; infinite where cost
            does not count, and NaN where other prices count too.
        explored_share: share of the calls that explores, if this one does; else None.
    """

    is_drawn: bool
    is_mixture: bool
    choices: int
    points: int
    usd_per_quality: float
    explored_share: float | None = None


@lru_cache(1024)
def explain(name: str, grounds: Grounds) -> str:
    """Return why a point was chosen, in a sentence without its full stop.

    Args:
        name: of the point chosen, with a remark if it was never logged.
        grounds: the facts.
    """
    if grounds.explored_share is not None:
        share = f"{100 * grounds.explored_share:.3g}%"
        return f"{name} is called to learn about it, since {share} of the calls explore beside the policy's choice"
    among = "" if grounds.choices == grounds.points else " of the points that keep the limits"
    if grounds.choices == 1:
        return f"{name} is the only point that may be called"
    if grounds.is_drawn and grounds.is_mixture:
        return f"{name} was drawn at random, since the policy mixes several choices to keep its target and limits"
    if grounds.is_drawn:
        return f"{name} was drawn at random, since several points tie at the policy's price"
    if math.isnan(grounds.usd_per_quality):
        return f"{name} is worth the most at the policy's prices{among}"
    if math.isinf(grounds.usd_per_quality):
        return f"{name} has the highest forecast quality{among}"
    worth = f"where a right answer in place of a wrong one is worth {rounded_usd(grounds.usd_per_quality, 3)}"
    return f"{name} is the best trade of quality and cost{among}, {worth}"


def against(chosen: Alternative, runner_up: Alternative) -> str:
    """Compare a point with the next best one."""
    quality = 100 * (chosen.expected_quality - runner_up.expected_quality)
    cost = 1000 * (chosen.expected_cost_usd - runner_up.expected_cost_usd)
    signed = f"{'-' if cost < 0 else '+'}{rounded_usd(abs(cost), 3)}"
    return f"against {runner_up.point}: {quality:+.1f} quality points, {signed} {UNIT}"


def _whole(tokens: float) -> int | None:
    return int(tokens) if math.isfinite(tokens) else None
