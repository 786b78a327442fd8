"""Limits on single calls: which points a query may be sent to, by what its call would take at a quantile.

One formula serves the traffic, ``(queries, points)``, and the planner's one query, ``(points,)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid, cost_usd
from paretoroute.limits import CallLimit, ContextLength, Forbid, MaxCallCost, MaxCallLatency, Require, columns_of
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import CalibrationSample

COMPLETION_QUANTILE = 0.99  # of the completion that has to fit into a context beside the prompt


@dataclass(frozen=True)
class Eligible:
    """Forecasts with the points that limits on calls leave.

    Args:
        forecast: with its ``callable`` mask.
        share_kept: share of the queries at which some point keeps every limit, in [0, 1].
    """

    forecast: Forecast
    share_kept: float


def restricted(
    forecast: Forecast, surface: Surface, traffic: CalibrationSample, grid: Grid, limits: Sequence[CallLimit]
) -> Eligible:
    """Rule out points of the calibration sample query by query.

    Args:
        forecast: of the sample, as priced.
        surface: for the quantiles of tokens and latency.
        traffic: the sample.
        grid: points and prices.
        limits: side conditions on calls.
    """
    if not limits:
        return Eligible(forecast, 1.0)
    figures = traffic.amount.astype(np.float64), traffic.prompt_tokens.astype(np.float64), forecast.latency_s
    mask, kept = may_call(limits, surface, grid, figures, forecast.labels or {})
    return Eligible(replace(forecast, callable=mask), float(kept.mean()))


def may_call(
    limits: Sequence[CallLimit],
    surface: Surface,
    grid: Grid,
    figures: tuple[Floats, Floats, Floats | None],
    labels: Mapping[str, NDArray[np.str_] | str],
    *,
    callable: Mask | None = None,
    least_prompt_tokens: float = 0.0,
) -> tuple[Mask, Mask]:
    """Tell which points keep every limit on calls.

    Where no point keeps them all, those that no rule on models forbids are ordered by how far they exceed the limits,
    and the nearest one stays.

    Args:
        limits: side conditions on calls.
        surface: for the quantiles of tokens and latency.
        grid: points and prices.
        figures: forecast amount, prompt tokens and latency (or None), ``(..., points)`` each.
        labels: by kind, of each query ``(...,)``.
        callable: points to choose among, bool ``(..., points)``; None: all.
        least_prompt_tokens: what the prompt has at least, whatever is forecast; for the context.

    Returns:
        The points that may be called, bool ``(..., points)``, and whether they keep the limits, bool ``(...,)``.

    Raises:
        TargetError: no latency is forecast, or the rules on models leave no point.
    """
    shape = figures[0].shape
    allowed = np.ones(shape, bool) if callable is None else np.array(np.broadcast_to(callable, shape))
    for limit in limits:
        if isinstance(limit, Forbid | Require):
            named = np.isin(np.arange(shape[-1]), columns_of(limit.models, grid))
            concerned = _concerned(limit, labels, shape[:-1])
            allowed &= ~concerned[..., None] | (named if isinstance(limit, Require) else ~named)
    if not allowed.any(axis=-1).all():
        rules = "; ".join(str(limit) for limit in limits if isinstance(limit, Forbid | Require))
        raise TargetError(f"no point may be called: {rules}; allow at least one model for every label")
    # How many times its limit a figure comes to, the largest over the limits.
    times = np.zeros(shape)
    for limit in limits:
        if not isinstance(limit, Forbid | Require):
            times = np.maximum(times, _times(limit, surface, grid, figures, least_prompt_tokens))
    kept = allowed & (times <= 1)
    some: Mask = np.asarray(kept.any(axis=-1))
    nearest = np.where(allowed, times, np.inf)
    nearest = allowed & (nearest <= nearest.min(axis=-1, keepdims=True))
    return np.where(some[..., None], kept, nearest), some


def _concerned(limit: Forbid | Require, labels: Mapping[str, NDArray[np.str_] | str], shape: tuple[int, ...]) -> Mask:
    if limit.of is None:
        return np.ones(shape, bool)
    return np.broadcast_to(np.asarray(labels.get(limit.by, "")) == limit.of, shape)


def _times(
    limit: CallLimit, surface: Surface, grid: Grid, figures: tuple[Floats, Floats, Floats | None], least: float
) -> Floats:
    """Say how many times the limit each point's figure comes to, ``(..., points)``."""
    amount, prompt, latency = figures
    if isinstance(limit, MaxCallLatency):
        if surface.latency is None or latency is None:
            raise TargetError(f"{limit}: no latency is forecast; log latency_s")
        return np.nan_to_num(surface.latency.at_quantile(latency, limit.quantile), nan=np.inf) / limit.seconds
    if isinstance(limit, MaxCallCost):
        return cost_usd(surface.amount.at_quantile(amount, limit.quantile), prompt, grid) / limit.usd
    if isinstance(limit, ContextLength):
        completion = np.where(grid.token_prices.priced, surface.amount.at_quantile(amount, COMPLETION_QUANTILE), 0.0)
        named = np.isin(np.arange(amount.shape[-1]), columns_of([limit.of], grid))
        return np.where(named, (np.maximum(np.nan_to_num(prompt), least) + completion) / limit.tokens, 0.0)
    raise TargetError(f"{limit} is no limit on a call's figures")
