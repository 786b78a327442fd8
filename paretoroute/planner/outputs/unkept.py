"""The sentence about a call that no point can answer within its limits: which limit fails, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Mask
from paretoroute.limits import CallLimit, Forbid, Limit, Require
from paretoroute.planner.admission import Unkept
from paretoroute.planner.query_forecast import QueryForecast
from paretoroute.planner.request import Request
from paretoroute.price import rounded_usd


@dataclass(frozen=True, kw_only=True)
class NearestCall:
    """The nearest call to a limit that no point keeps.

    Args:
        column: of the point that is called.
        name: of that point, with a remark if it was never logged.
        request: the call, with its limits.
        forecast: of every point.
        priced: which points are priced by tokens, bool ``(points,)``.
        names: of all points.
        limits: of the policy.
    """

    column: int
    name: str
    request: Request
    forecast: QueryForecast
    priced: Mask
    names: tuple[str, ...]
    limits: tuple[Limit, ...]


def unkept_text(unkept: Unkept, call: NearestCall) -> str:
    """Return a sentence without its full stop: the limit that no point keeps, and the point that comes nearest."""
    text = _text(unkept, call)
    follows_a_sentence = not call.forecast.is_read or call.forecast.amounts.unfamiliar
    return text[0].upper() + text[1:] if follows_a_sentence else text


def _text(unkept: Unkept, call: NearestCall) -> str:
    point = "no point" if unkept.is_first else "no point that keeps the limits before it"
    if unkept.limit == "policy":
        own = [
            limit for limit in call.limits if isinstance(limit, CallLimit) and not isinstance(limit, Forbid | Require)
        ]
        return f"no point keeps the policy's limits ({'; '.join(map(str, own))}); {call.name} comes nearest"
    if unkept.limit == "cost":
        reached = f"at {rounded_usd(call.forecast.cost_usd[call.column], 4)}"
        return f"{_cost_text(unkept, call)}; {call.name} comes nearest, {reached}"
    if unkept.limit == "quality":
        reached = f"with {call.forecast.quality[call.column]:.3g}"
        return (
            f"{point} is forecast to reach quality {call.request.min_quality:.6g}; {call.name} comes nearest, {reached}"
        )
    return f"{point} is forecast to answer within {call.request.max_latency_s:.6g} s; {_latency_text(unkept, call)}"


def _cost_text(unkept: Unkept, call: NearestCall) -> str:
    if not call.priced[unkept.among].any():
        return "a hard limit on cost needs points that are priced by tokens, and none is"
    return f"the cost of no point can be held under {rounded_usd(call.request.max_cost_usd or 0.0)} for certain"


def _latency_text(unkept: Unkept, call: NearestCall) -> str:
    unknown = [call.names[j] for j in np.flatnonzero(unkept.among & np.isnan(call.forecast.latency_s))]
    beside = f"the latency of {', '.join(unknown)} was not logged" if unknown else ""
    reached = float(call.forecast.latency_s[call.column])
    if np.isnan(reached):
        return f"{beside}, and {call.name} is called"
    return f"{call.name} comes nearest, at {_seconds(reached)} s" + (f"; {beside}" if beside else "")


def _seconds(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
