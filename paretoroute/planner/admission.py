"""The points among which one call is decided: those that keep the limits of the policy and of the call.

The status of a decision follows from them, and decisions are counted by it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import TargetError
from paretoroute.planner.cost_cap import CappedOutput, CostCap
from paretoroute.planner.query_forecast import QueryForecast, QueryForecasts
from paretoroute.planner.request import Request
from paretoroute.policy.policy import Policy

if TYPE_CHECKING:
    from paretoroute.limits import CallLimit
    from paretoroute.solver.rules import Draw

BYTES_PER_TOKEN = 3.0  # of a prompt that has to fit into a context; ordinary text has about four


LimitOfCall = Literal["policy", "cost", "quality", "latency"]


@dataclass(frozen=True)
class Unkept:
    """The first limit that no point keeps, in the order policy, cost, quality, latency.

    Args:
        limit: what it limits; ``policy`` stands for the policy's own limits on calls.
        among: the points that keep the limits before it, bool ``(points,)``.
        is_first: whether no other limit of the call restricted them.
    """

    limit: LimitOfCall
    among: Mask
    is_first: bool


class Admitted(NamedTuple):
    """The points among which one call is decided.

    Args:
        callable: those that keep every limit; if none does, the nearest. Bool ``(points,)``.
        output: the output caps.
        unkept: the limit that no point keeps; None: all are kept.
    """

    callable: Mask
    output: CappedOutput
    unkept: Unkept | None

    @property
    def is_feasible(self) -> bool:
        """Whether the points keep every limit."""
        return self.unkept is None


class DecidedCall(NamedTuple):
    """One call that is decided, with all that a decision states.

    Args:
        request: the call.
        forecast: of every point.
        admitted: the points that keep the limits, and the output caps.
        draw: the point to call.
        ranked: the columns of the best admitted points, best first, more of them than there are fallbacks.
        at_safe_point: whether the point is the safe one, since the query is unfamiliar.
        stays: whether the point is of the previous call's model, and the policy alone would never have called it.
    """

    request: Request
    forecast: QueryForecast
    admitted: Admitted
    draw: Draw
    ranked: Sequence[int]
    at_safe_point: bool = False
    stays: bool = False


@dataclass(frozen=True)
class _CallLimit:
    """A limit of one call.

    Args:
        limit: what it limits.
        kept: the points that keep it, bool ``(points,)``.
        distance: orders the points by how far they are from keeping it, ``(points,)``.
    """

    limit: LimitOfCall
    kept: Mask
    distance: Floats


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
        self._call_limits: list[CallLimit] = []
        self._reads_latency = False
        if policy.limits:
            from paretoroute.limits import CallLimit, MaxMeanLatency  # loaded only where there are limits

            self._call_limits = [limit for limit in policy.limits if isinstance(limit, CallLimit)]
            self._reads_latency = any(isinstance(limit, MaxMeanLatency) for limit in policy.limits)
        self._has_latency = bool(policy.calibration_sample.latency_known(policy.grid).any())

    def admit_each(self, requests: Sequence[Request], forecasts: QueryForecasts, caps: Floats) -> list[Admitted]:
        """Return :meth:`admit` of requests that differ in their queries alone.

        Args:
            requests: the calls.
            forecasts: of every point.
            caps: the usual output caps, ``(requests, points)``.

        Raises:
            TargetError: as of :meth:`admit`.
        """
        shared = requests[0]
        if self._call_limits or shared.has_limits:
            rows = [forecasts.row(i) for i in range(len(requests))]
            return [self.admit(*call) for call in zip(requests, rows, caps, strict=True)]
        usual, amounts = self._cost_cap.usual, forecasts.amounts
        if amounts.supported is None and not self._reads_latency:
            return [Admitted(shared.callable, usual(own), None) for own in caps]
        allowed = np.broadcast_to(shared.callable, caps.shape)
        if self._reads_latency:
            allowed = _where_any(allowed & np.isfinite(amounts.latency_s), allowed)
        if amounts.supported is not None:
            allowed = _where_any(allowed & amounts.supported, allowed)
        return [Admitted(mask, usual(own), None) for mask, own in zip(allowed, caps, strict=True)]

    def admit(self, request: Request, forecast: QueryForecast, caps: Floats | None = None) -> Admitted:
        """Return the points that keep every limit, or the nearest where none does.

        Args:
            request: the call.
            forecast: of every point.
            caps: the usual output caps, ``(points,)``; None: compute them.

        Raises:
            TargetError: the policy's rules on models leave no point; or the call limits latency, and none was logged.
        """
        if request.max_latency_s is not None and not self._has_latency:
            raise TargetError(
                "max_latency_s: latency was not logged, or at fewer than 20 runs, so that no point's latency is "
                "forecast; log latency_s and fit again, or leave the limit out"
            )
        output = self._cost_cap.under_limit(request, forecast, caps=caps)
        own = self._policy_limits(request, forecast)
        kept, unkept = own.callable, None if own.is_kept else Unkept("policy", request.callable, True)
        for one in _limits_of(request, forecast, output):
            if (kept & one.kept).any():
                kept = kept & one.kept
                continue
            unkept = unkept or Unkept(one.limit, kept, bool((kept == own.callable).all()))
            kept = kept & (one.distance == one.distance[kept].min())
        return Admitted(kept, output, unkept)

    def within_cost(self, request: Request, forecast: QueryForecast) -> Mask:
        """Return the points that the policy's limits leave and that keep the request's limit on cost, ``(points,)``."""
        keeps_cost = self._cost_cap.under_limit(request, forecast).keeps_limit
        return keeps_cost & self._policy_limits(request, forecast).callable

    def _policy_limits(self, request: Request, forecast: QueryForecast) -> _PolicyLimits:
        """Apply the policy's limits. Where no point keeps those on a call's figures the nearest stays."""
        allowed, supported = request.callable, forecast.amounts.supported
        if self._reads_latency and (allowed & np.isfinite(forecast.latency_s)).any():
            allowed = allowed & np.isfinite(forecast.latency_s)
        if not self._call_limits:
            if supported is not None and (allowed & supported).any():
                allowed = allowed & supported
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
            self._call_limits,
            figures,
            request.labels,
            surface=self._surface,
            grid=self._grid,
            callable=allowed,
            supported=supported,
        )
        return _PolicyLimits(eligible.mask, bool(eligible.within_limits))


def _where_any(preferred: Mask, allowed: Mask) -> Mask:
    """Return the preferred points of each query that has any, and the allowed ones of the others."""
    return np.where(preferred.any(axis=1, keepdims=True), preferred, allowed)


def _limits_of(request: Request, forecast: QueryForecast, output: CappedOutput) -> list[_CallLimit]:
    """List the limits of a call in the order in which they win over one another."""
    limits: list[_CallLimit] = []
    if request.max_cost_usd is not None:
        limits.append(_CallLimit("cost", output.keeps_limit, forecast.cost_usd))
    if request.min_quality is not None:
        limits.append(_CallLimit("quality", forecast.quality >= request.min_quality, -forecast.quality))
    if request.max_latency_s is not None:
        latency = np.nan_to_num(forecast.latency_s, nan=np.inf)
        limits.append(_CallLimit("latency", latency <= request.max_latency_s, latency))
    return limits


def status_of(forecast: QueryForecast, admitted: Admitted, column: int, *, of_policy: str) -> str:
    """Return the status of a decision for a point; ``of_policy`` is that of the policy's solution."""
    if not admitted.is_feasible:
        return "infeasible"
    if not forecast.is_read:
        return "fallback"
    if admitted.output.is_lowered[column]:
        return "capped"
    return "unfamiliar" if forecast.is_unfamiliar else of_policy


class DecisionCounts(NamedTuple):
    """Decisions of a planner since it was made; one decision may count in several.

    Args:
        decisions: all of them.
        unfamiliar: on queries that are unlike the logged ones or could not be read.
        at_safe_point: of these, those that took the safe point.
        infeasible: no point kept the limits of the call.
        capped: the output cap was lowered to keep a limit on cost.
        explored: the point was called to learn about it.
    """

    decisions: int = 0
    unfamiliar: int = 0
    at_safe_point: int = 0
    infeasible: int = 0
    capped: int = 0
    explored: int = 0


class Tally:
    """Counts decisions of several threads; copies and forked processes count from 0."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._counts, self._lock, self._process = DecisionCounts(), threading.Lock(), os.getpid()

    def __reduce__(self) -> tuple[type[Tally], tuple[()]]:
        return Tally, ()

    def add(self, calls: Iterable[DecidedCall]) -> None:
        """Count the decisions on calls."""
        if self._process != os.getpid():  # the lock may have been taken when the process was forked
            self._begin()
        decisions = unfamiliar = safe = infeasible = capped = explored = 0
        for _, forecast, admitted, draw, _, at_safe_point, _ in calls:
            decisions += 1
            unfamiliar += forecast.is_unfamiliar
            safe += at_safe_point
            infeasible += not admitted.is_feasible
            capped += admitted.is_feasible and bool(admitted.output.is_lowered[draw.column])
            explored += draw.explores
        counted = DecisionCounts(decisions, unfamiliar, safe, infeasible, capped, explored)
        with self._lock:
            self._counts = DecisionCounts(*map(int.__add__, self._counts, counted))

    def read(self) -> DecisionCounts:
        """Return the counts of one moment."""
        if self._process != os.getpid():
            self._begin()
        return self._counts
