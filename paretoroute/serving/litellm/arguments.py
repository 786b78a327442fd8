"""The arguments of LiteLLM with which each point is called where no query is at hand: as a fallback, or by an alias."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretoroute.errors import DialectError, TargetError
from paretoroute.grid import Point
from paretoroute.planner.decision import Decision
from paretoroute.planner.dialects import request_kwargs
from paretoroute.planner.planner import Planner
from paretoroute.runs.importers.budgets import budget_of
from paretoroute.runs.importers.calls import Unusable

DIALECT = "litellm"
CAPS = ("max_tokens", "max_completion_tokens", "max_output_tokens")  # names of the cap on an answer's length
POINT_ARGUMENTS = ("reasoning_effort", "thinking", "n", "max_tokens", "max_completion_tokens")  # all that it may write
# What else would turn a call into that of another point, or drop its arguments on the way.
OTHER_WAYS = (
    "max_output_tokens",
    "reasoning",
    "output_config",
    "thinking_level",
    "thinking_budget",
    "drop_params",
    "additional_drop_params",
    "context_window_fallbacks",
    "content_policy_fallbacks",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingCall:
    """How a point is called whatever the query is.

    Args:
        point: the point.
        output_cap_tokens: most completion tokens to allow: those of the mean query at the 99th percentile, or the
            largest completion logged, whichever is more; None where unknown.
        arguments: of the call besides the model.
        decision: of the planner for a query of which nothing is known, were this the only point.
    """

    point: Point
    output_cap_tokens: int | None
    arguments: Mapping[str, Any]
    decision: Decision

    def under(self, callers_cap: int | None) -> dict[str, Any]:
        """Return the arguments besides the model, with the caller's output cap where it leaves room for the point."""
        return call_arguments(self.point, self.output_cap_tokens, callers_cap=callers_cap)


def call_arguments(point: Point, output_cap_tokens: int | None, *, callers_cap: int | None = None) -> dict[str, Any]:
    """Return the arguments of a point besides its model.

    Args:
        point: the point to call.
        output_cap_tokens: the planner's cap of the whole call, or None.
        callers_cap: the cap that the caller asked for, of one choice; it counts where it is lower and the point can
            be called under it.

    Raises:
        DialectError: the point cannot be called under the planner's cap.
    """
    samples = int(point.budget.amount or 1) if point.budget.kind == "samples" else 1
    if callers_cap is not None and (output_cap_tokens is None or callers_cap * samples < output_cap_tokens):
        try:
            return _without_model(request_kwargs(DIALECT, point, output_cap_tokens=callers_cap * samples))
        except DialectError:  # it leaves no room for the thinking that makes the point
            pass
    return _without_model(request_kwargs(DIALECT, point, output_cap_tokens=output_cap_tokens))


def lowest_cap(arguments: Mapping[str, Any]) -> int | None:
    """Return the lowest cap on the answer's length in a request, by any of its names, or None."""
    caps = [arguments.get(name) for name in CAPS]
    return min((cap for cap in caps if isinstance(cap, int) and not isinstance(cap, bool) and cap >= 1), default=None)


def is_call_of(standing: StandingCall, request: Mapping[str, Any]) -> bool:
    """Return whether the arguments of a request make a point, by whatever names they go.

    A cap on the answer's length makes a point only where it is the budget: others depend on the query.
    """
    try:
        if budget_of(request) != budget_of(standing.arguments):
            return False
    except Unusable:  # an effort and several samples at once
        return False
    if standing.point.budget.kind != "max_tokens":
        return True
    return lowest_cap(request) == lowest_cap(standing.arguments)


def _without_model(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name != "model"}


def standing_calls(planner: Planner) -> dict[str, StandingCall]:
    """Return how each point of a planner is called whatever the query is, by the point's name.

    A point that the policy never calls, by a limit such as ``never MODEL``, is left out.

    Raises:
        DialectError: LiteLLM cannot call a point.
    """
    points = planner.policy.grid.points
    calls: dict[str, StandingCall] = {}
    for j, point in enumerate(points):
        try:
            decision = planner.plan(None, callable=np.arange(len(points)) == j)
        except TargetError:
            continue
        cap = _cap(planner, decision, j)
        arguments = call_arguments(point, cap)
        calls[point.name] = StandingCall(point=point, output_cap_tokens=cap, arguments=arguments, decision=decision)
    return calls


def _cap(planner: Planner, decision: Decision, column: int) -> int | None:
    logged = float(planner.policy.surface.bounds.most_completion_tokens[column])
    caps = [decision.output_cap_tokens, int(logged) if math.isfinite(logged) else None]
    return max((cap for cap in caps if cap), default=None)
