"""The points among which one call is decided: those that keep the limits of the policy and of the call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Mask
from paretoroute.limits import CallLimit, MaxMeanLatency
from paretoroute.planner.cost_cap import CappedOutput, CostCap
from paretoroute.planner.query_forecast import QueryForecast
from paretoroute.planner.request import Request
from paretoroute.policy.policy import Policy

BYTES_PER_TOKEN = 3.0  # of a prompt that has to fit into a context; ordinary text has about four


@dataclass(frozen=True)
class Admitted:
    """The points among which one call is decided.

    Args:
        callable: those that keep every limit; if none does, the nearest. Bool ``(points,)``.
        is_feasible: whether they keep every limit.
        output: the output caps.
        lacks_prices: whether the call has a hard limit on cost that no point can keep for want of token prices.
    """

    callable: Mask
    is_feasible: bool
    output: CappedOutput
    lacks_prices: bool


@dataclass(frozen=True)
class _PolicyLimits:
    """The points that the policy's own limits leave: ``callable`` is never empty, ``is_kept`` whether they keep all."""

    callable: Mask
    is_kept: bool


class Admission:
    """Applies the limits of a policy, and those of each call.

    Args:
        policy: whose limits hold for every call.
        cost_cap: for hard limits on the cost of a call.
    """

    def __init__(self, policy: Policy, cost_cap: CostCap) -> None:
        self._surface, self._grid, self._cost_cap = policy.surface, policy.grid, cost_cap
        self._call_limits = [limit for limit in policy.limits if isinstance(limit, CallLimit)]
        self._reads_latency = any(isinstance(limit, MaxMeanLatency) for limit in policy.limits)

    def admit(self, request: Request, forecast: QueryForecast) -> Admitted:
        """Return the points that keep every limit, or the nearest where none does.

        Raises:
            TargetError: the policy's rules on models leave no point.
        """
        output = self._cost_cap.under_limit(request, forecast)
        own = self._policy_limits(request, forecast)
        keeps = own.callable & output.keeps_limit & own.is_kept
        if request.min_quality is not None:
            keeps &= forecast.quality >= request.min_quality
        if request.max_latency_s is not None:
            keeps &= np.nan_to_num(forecast.latency_s, nan=np.inf) <= request.max_latency_s
        is_feasible = bool(keeps.any())
        return Admitted(
            callable=keeps if is_feasible else _nearest(request, forecast, own.callable, output.keeps_limit),
            is_feasible=is_feasible,
            output=output,
            lacks_prices=request.max_cost_usd is not None and not self._cost_cap.priced[own.callable].any(),
        )

    def within_cost(self, request: Request, forecast: QueryForecast) -> Mask:
        """Return the points that the policy's limits leave and that keep the request's limit on cost, ``(points,)``."""
        keeps_cost = self._cost_cap.under_limit(request, forecast).keeps_limit
        return keeps_cost & self._policy_limits(request, forecast).callable

    def _policy_limits(self, request: Request, forecast: QueryForecast) -> _PolicyLimits:
        """Apply the policy's limits. Where no point keeps those on a call's figures the nearest stays."""
        allowed = request.callable
        if self._reads_latency and (allowed & np.isfinite(forecast.latency_s)).any():
            allowed = allowed & np.isfinite(forecast.latency_s)
        if not self._call_limits:
            return _PolicyLimits(allowed, True)
        from paretoroute.policy.eligibility import CallFigures, may_call  # loaded only where a policy limits calls

        amounts = forecast.amounts
        figures = CallFigures(
            amounts.amount,
            amounts.prompt_tokens,
            amounts.latency_s,
            least_prompt_tokens=(request.text_bytes or 0) / BYTES_PER_TOKEN,
        )
        eligible = may_call(
            self._call_limits, figures, request.labels, surface=self._surface, grid=self._grid, callable=allowed
        )
        return _PolicyLimits(eligible.mask, bool(eligible.within_limits))


def _nearest(request: Request, forecast: QueryForecast, allowed: Mask, keeps_cost: Mask) -> Mask:
    """Return the points nearest to limits that no point keeps: cost comes first, then quality, then latency."""
    if not (allowed & keeps_cost).any():
        distance, among = forecast.cost_usd, allowed
    elif request.min_quality is not None:
        distance, among = -forecast.quality, allowed & keeps_cost
    else:
        distance, among = np.nan_to_num(forecast.latency_s, nan=np.inf), allowed & keeps_cost
    return among & (distance == distance[among].min())
