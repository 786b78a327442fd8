"""From requests to decisions: forecast, drop the points that break a limit, draw one of the best, state the facts.

Requests that differ in their queries alone are decided together, in tables of (queries, points). Of each query only
what its decision holds becomes Python objects.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.planner.admission import Admission, Admitted, DecidedCall, Tally, status_of
from paretoroute.planner.cost_cap import CostCap
from paretoroute.planner.decision import FALLBACKS, Alternative, Decision, Reason
from paretoroute.planner.query_forecast import Forecaster, QueryForecast
from paretoroute.planner.request import Request
from paretoroute.policy.codec import rule_of, target_of
from paretoroute.policy.policy import Policy
from paretoroute.solver.argmax import scored
from paretoroute.solver.rules import Draw, PointProbability, PriceRule, Rule, Stream, draw_from

if TYPE_CHECKING:
    from paretoroute.planner.exploration import Explorer


class Decider:
    """Decides on requests, and counts the decisions.

    Args:
        policy: to follow.
        forecaster: of queries.
        cost_cap: bounds the cost of calls.
        seed: of the draws for queries without an id, in this process; None: from the operating system.
        safe_column: of the point for unfamiliar queries, or None.
        explorer: of a share of the calls, or None.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        forecaster: Forecaster,
        cost_cap: CostCap,
        seed: int | None,
        safe_column: int | None,
        explorer: Explorer | None,
    ) -> None:
        self._policy, self._forecaster, self._cost_cap = policy, forecaster, cost_cap
        self._stream, self._seed = Stream(seed), policy.document.coin_seed.encode() + b":"
        self._safe_column, self.explorer = safe_column, explorer
        self.rule = rule_of(policy.document, policy.population_limits, policy.grid)
        self.admission, self.tally = Admission(policy, cost_cap), Tally()
        share = None if explorer is None else explorer.share
        self._writer = _DecisionWriter(policy, explored_share=share, cost_cap=cost_cap)

    def decide(self, requests: Sequence[Request]) -> list[Decision]:
        """Decide on requests that differ in their queries alone."""
        forecasts, labels, stay = self._forecaster.at_each(requests), requests[0].labels, requests[0].stay
        rule, own_figures = self._rule(requests[0]), forecasts.rule_figures
        if stay is not None:
            ratio = self._policy.document.solution.cost_ratio
            forecasts = forecasts.less(stay.saved_usd(forecasts.amounts.prompt_tokens, ratio), ratio)
        admitted = self.admission.admit_each(requests, forecasts, self._cost_cap.caps(forecasts.amounts))
        callable = _masks(admitted)
        own = distributions = rule.distributions(*own_figures, labels=labels, callable=callable)
        figures = own_figures if stay is None else forecasts.rule_figures
        if stay is not None:
            target = target_of(self._policy.document.target)
            calls = stay.calls(rule, target, labels=labels, callable=callable, figures=own_figures)
            distributions = stay.kept(own, calls, discounted=figures)
        ranked = _ranked(scored(*figures, rule.weights(labels)), callable)
        rows = map(forecasts.row, range(len(requests)))
        decided = list(map(self._called, requests, rows, admitted, distributions, own, ranked))
        self.tally.add(decided)
        return self._writer.write_each(decided, rule)

    def _called(
        self,
        request: Request,
        forecast: QueryForecast,
        admitted: Admitted,
        distribution: Sequence[PointProbability],
        own: Sequence[PointProbability],
        ranked: Sequence[int],
    ) -> DecidedCall:
        """Take the safe point for an unfamiliar query, if there is one that keeps the limits; else draw a point."""
        safe = self._safe_column
        if safe is not None and forecast.is_unfamiliar and not request.takes_cheapest:
            if admitted.is_feasible and admitted.callable[safe]:
                draw = Draw(safe, 1.0, is_random=False)
                return DecidedCall(request, forecast, admitted, draw, ranked, at_safe_point=True)
        draw = self._draw(request, forecast, admitted, distribution)
        stays = distribution is not own and not draw.explores and all(draw.column != one.point for one in own)
        return DecidedCall(request, forecast, admitted, draw, ranked, stays=stays)

    def _rule(self, request: Request) -> Rule:
        return self.rule if request.price is None else self.rule.at_price(request.price)

    def _draw(
        self,
        request: Request,
        forecast: QueryForecast,
        admitted: Admitted,
        distribution: Sequence[PointProbability],
    ) -> Draw:
        """Draw one of the points that the rule may take, or in a share of the calls another one, to explore."""
        draw = draw_from(distribution, lambda: self._uniform(request.query_id))
        if self.explorer is None or not admitted.is_feasible:
            return draw
        rule = self._rule(request)
        call = self.explorer.call(request, forecast, admitted, rule=rule, distribution=distribution)
        return self.explorer.redraw(draw, call, self._uniform(request.query_id, b"explore"))

    def _uniform(self, query_id: str | None, purpose: bytes = b"") -> float:
        """Return a number in [0, 1): a hash of the policy's seed and the id, or without an id the next random one."""
        if query_id is None:
            return self._stream.next()
        key = self._seed + query_id.encode("utf-8", "replace")
        return int.from_bytes(hashlib.blake2b(key, digest_size=8, person=purpose).digest(), "big") / 2**64


def _masks(admitted: Sequence[Admitted]) -> Mask:
    """Return the points among which each call is decided, ``(calls, points)``."""
    first = admitted[0].callable
    if all(one.callable is first for one in admitted):
        return first[None] if len(admitted) == 1 else np.broadcast_to(first, (len(admitted), len(first)))
    return np.stack([one.callable for one in admitted])


def _ranked(scores: Floats, callable: Mask) -> list[list[int]]:
    """Return the columns of the best admitted points of each query, best score first: one more than fallbacks."""
    best = np.where(callable, -scores, np.inf).argsort(axis=1, kind="stable")[:, : FALLBACKS + 1]
    return [row[:count] for row, count in zip(best.tolist(), callable.sum(axis=1).tolist(), strict=True)]


class _DecisionWriter:
    """Writes decisions, with the facts behind them.

    Args:
        policy: that decides.
        explored_share: share of the calls that explores; None: none.
        cost_cap: bounds the cost of calls.
    """

    def __init__(self, policy: Policy, *, explored_share: float | None, cost_cap: CostCap) -> None:
        self._policy, self._grid, self._explored_share, self._cost_cap = policy, policy.grid, explored_share, cost_cap
        self._status, self._cost_ratio = policy.document.solution.status, policy.document.solution.cost_ratio
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
        tables, row = forecast.tables, forecast.query
        latency, caps = tables.amounts.latency_s.item(row, column), admitted.output.tokens.tolist()
        fallbacks, names, points = others[:FALLBACKS], self._grid.names, self._grid.points
        runner_up = None
        if others:
            next_best = others[0]
            figures = tables.quality.item(row, next_best), tables.cost_usd.item(row, next_best)
            runner_up = Alternative(names[next_best], *figures)
        return Decision(
            id=id,
            query_id=request.query_id,
            policy_sha256=self._policy.sha256,
            point=points[column],
            expected_quality=tables.quality.item(row, column),
            expected_quality_se=tables.amounts.quality_se.item(row, column),
            expected_cost_usd=tables.cost_usd.item(row, column),
            expected_latency_s=None if math.isnan(latency) else latency,
            output_cap_tokens=_whole(caps[column]),
            propensity=draw.propensity,
            status=status_of(forecast, admitted, column, of_policy=self._status),
            reason=self._reason(call, rule),
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

    def _reason(self, call: DecidedCall, rule: Rule) -> Reason:
        """Return the facts behind a decision; where no point keeps a limit, the sentence about that limit."""
        request, forecast, admitted, draw, _, at_safe_point, stays = call
        worth = rule.usd_per_quality * self._cost_ratio
        is_lowered = admitted.is_feasible and admitted.output.is_lowered[draw.column]
        return Reason(
            name=self._named[draw.column],
            choices=int(np.count_nonzero(admitted.callable)),
            points=len(self._named),
            usd_per_quality=None if math.isnan(worth) else worth,
            is_drawn=draw.is_random,
            is_mixture=not isinstance(rule, PriceRule),
            explored_share=self._explored_share if draw.explores else None,
            is_safe_point=at_safe_point,
            stays=stays,
            is_read=forecast.is_read,
            is_unfamiliar=forecast.is_unfamiliar,
            held_usd=request.max_cost_usd if is_lowered else None,
            stated=None if admitted.is_feasible else self._unkept_text(call),
        )

    def _unkept_text(self, call: DecidedCall) -> str:
        from paretoroute.planner.outputs.unkept import NearestCall, unkept_text  # loaded only where no point keeps all

        unkept, column = call.admitted.unkept, call.draw.column
        assert unkept is not None
        nearest = NearestCall(
            column=column,
            name=self._named[column],
            request=call.request,
            forecast=call.forecast,
            priced=self._cost_cap.priced,
            names=self._grid.names,
            limits=self._policy.limits,
        )
        return unkept_text(unkept, nearest)


def _whole(tokens: float) -> int | None:
    return int(tokens) if math.isfinite(tokens) else None
