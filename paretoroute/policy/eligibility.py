"""Limits on single calls: the points that a query may be sent to, by quantiles of its tokens, cost and latency.

The same formula serves the calibration sample, ``(queries, points)``, and the planner's single query, ``(points,)``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid, cost_usd
from paretoroute.limits import (
    CallLimit,
    ContextLength,
    Forbid,
    Limit,
    MaxCallCost,
    MaxCallLatency,
    MaxMeanLatency,
    Require,
    columns_of,
)
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import CalibrationSample

COMPLETION_QUANTILE = 0.99  # of the completion that has to fit into a context beside the prompt


@dataclass(frozen=True)
class CallFigures:
    """Forecast figures of calls, ``(..., points)`` each.

    Args:
        amount: completion tokens (USD at points that are not priced by tokens).
        prompt_tokens: NaN if unknown.
        latency_s: mean latency, or None without a forecast.
        least_prompt_tokens: least size of the prompt, whatever the forecast; counts for the context length.
    """

    amount: Floats
    prompt_tokens: Floats
    latency_s: Floats | None
    least_prompt_tokens: float = 0.0


@dataclass(frozen=True)
class Eligibility:
    """The points that may be called.

    Args:
        mask: bool ``(..., points)``; at least one point of every query.
        within_limits: whether these points keep the limits; if not, they are the nearest ones, bool ``(...,)``.
        excess: the largest figure of the nearest point over its limit, ``(...,)``; at most 1 where the limits are kept.
    """

    mask: Mask
    within_limits: Mask
    excess: Floats


@dataclass(frozen=True)
class EligibleForecast:
    """A forecast restricted by limits on calls.

    Args:
        forecast: with its ``callable`` mask.
        share_kept: share of the queries that have a point within every limit, in [0, 1].
        nearest: the limits on the figures of calls, by the text of each that excludes a point anywhere: their numbers
            raised, by one factor, to where every query has a point within all of them; None where no number is enough.
        unknown: by the text of a limit on a context, those of its points whose prompts are not forecast, so that they
            count as no tokens here; a planner counts the bytes of each prompt.
    """

    forecast: Forecast
    share_kept: float = 1.0
    nearest: Mapping[str, CallLimit | None] = field(default_factory=dict[str, CallLimit | None])
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def restrict(
    forecast: Forecast, limits: Sequence[Limit], *, sample: CalibrationSample, surface: Surface, grid: Grid
) -> EligibleForecast:
    """Restrict the forecast of a calibration sample to the points that limits allow, query by query.

    Limits on calls rule out points by their figures; a limit on mean latency those whose latency was not logged. Of the
    points that are left, those that the log supports for the query are taken if there are any, as in a planner.

    Args:
        forecast: of the sample, priced; its ``callable`` are the points that the log supports.
        limits: of the policy.
        sample: the sample.
        surface: provides the quantiles of tokens and latency.
        grid: points and prices.
    """
    on_calls = [limit for limit in limits if isinstance(limit, CallLimit)]
    has_latency = None
    if forecast.latency_s is not None and any(isinstance(limit, MaxMeanLatency) for limit in limits):
        has_latency = np.isfinite(forecast.latency_s)
    if not on_calls and (has_latency is None or has_latency.all()):
        return EligibleForecast(forecast)
    figures = CallFigures(sample.amount.astype(np.float64), sample.prompt_tokens.astype(np.float64), forecast.latency_s)
    eligible = may_call(
        on_calls,
        figures,
        forecast.labels or {},
        surface=surface,
        grid=grid,
        callable=has_latency,
        supported=forecast.callable,
    )
    factor = max(float(eligible.excess.max()), 1.0)
    return EligibleForecast(
        forecast=replace(forecast, callable=eligible.mask),
        share_kept=float(eligible.within_limits.mean()),
        nearest={
            str(limit): _raised(limit, factor)
            for limit in on_calls
            if not isinstance(limit, Forbid | Require) and (_relative(limit, figures, surface, grid) > 1).any()
        },
        unknown={
            str(limit): names
            for limit in on_calls
            if isinstance(limit, ContextLength) and (names := _without_prompts(limit, figures, grid))
        },
    )


def _without_prompts(limit: ContextLength, figures: CallFigures, grid: Grid) -> tuple[str, ...]:
    """Return the points of a limit whose prompts are not forecast, since their cost is logged."""
    columns = columns_of([limit.of], grid)
    return tuple(
        grid.names[j]
        for j in columns
        if not grid.token_prices.priced[j] and not np.nan_to_num(figures.prompt_tokens[..., j]).any()
    )


def _raised(limit: MaxCallLatency | MaxCallCost | ContextLength, factor: float) -> CallLimit | None:
    """Raise the number of a limit by a factor, rounded up to three significant digits; None if that is infinite."""
    if not math.isfinite(factor):
        return None
    if isinstance(limit, MaxCallLatency):
        return replace(limit, seconds=_rounded_up(limit.seconds * factor))
    if isinstance(limit, MaxCallCost):
        return replace(limit, usd=_rounded_up(limit.usd * factor))
    return replace(limit, tokens=math.ceil(_rounded_up(limit.tokens * factor)))


def _rounded_up(value: float) -> float:
    """Round a positive number up to three significant digits."""
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.ceil(value / step * (1 - 1e-9)) * step:.3g}")


def may_call(
    limits: Sequence[CallLimit],
    figures: CallFigures,
    labels: Mapping[str, NDArray[np.str_] | str],
    *,
    surface: Surface,
    grid: Grid,
    callable: Mask | None = None,
    supported: Mask | None = None,
) -> Eligibility:
    """Determine the points that keep every limit on calls.

    If no point keeps them all, the nearest one stays: that with the smallest excess over a limit, among the points that
    no rule on models forbids. Of the points that are left the supported ones are taken, if there are any.

    Args:
        limits: limits on calls.
        figures: forecasts of the calls.
        labels: label of each query ``(...,)``, by kind.
        surface: provides the quantiles of tokens and latency.
        grid: points and prices.
        callable: points to choose among, bool ``(..., points)``; None: all.
        supported: points that the log can speak for, bool ``(..., points)``; None: all.

    Raises:
        TargetError: a limit needs a latency and none is forecast, or the rules on models leave no point.
    """
    shape = figures.amount.shape
    allowed = np.ones(shape, bool) if callable is None else np.array(np.broadcast_to(callable, shape))
    rules = [limit for limit in limits if isinstance(limit, Forbid | Require)]
    for rule in rules:
        allowed &= _follows(rule, labels, grid, shape[:-1])
    if not allowed.any(axis=-1).all():
        conflict = "; ".join(map(str, rules))
        raise TargetError(f"no point may be called: {conflict}; allow at least one model for every label")
    excess = np.zeros(shape)  # the largest figure over its limit
    for limit in limits:
        if not isinstance(limit, Forbid | Require):
            excess = np.maximum(excess, _relative(limit, figures, surface, grid))
    kept = allowed & (excess <= 1)
    within: Mask = np.asarray(kept.any(axis=-1))
    excess = np.where(allowed, excess, np.inf)
    least = excess.min(axis=-1)
    nearest = allowed & (excess <= least[..., None])
    mask = np.where(within[..., None], kept, nearest)
    return Eligibility(mask if supported is None else _where_any(mask & supported, mask), within, least)


def _where_any(preferred: Mask, allowed: Mask) -> Mask:
    """Return the preferred points of each query that has any, and the allowed ones of the others, ``(..., points)``."""
    return np.where(preferred.any(axis=-1, keepdims=True), preferred, allowed)


def _follows(
    rule: Forbid | Require, labels: Mapping[str, NDArray[np.str_] | str], grid: Grid, shape: tuple[int, ...]
) -> Mask:
    """Return which points of which queries follow a rule on models, bool ``(..., points)``."""
    named = np.isin(np.arange(len(grid.points)), columns_of(rule.models, grid))
    counts = np.ones(shape, bool)
    if rule.of is not None:
        counts = np.broadcast_to(np.asarray(labels.get(rule.by, "")) == rule.of, shape)
    return ~counts[..., None] | (named if isinstance(rule, Require) else ~named)


def _relative(
    limit: MaxCallLatency | MaxCallCost | ContextLength, figures: CallFigures, surface: Surface, grid: Grid
) -> Floats:
    """Divide each point's figure by its limit, ``(..., points)``."""
    if isinstance(limit, MaxCallLatency):
        if surface.latency is None or figures.latency_s is None:
            raise TargetError(f"{limit}: no latency is forecast; log latency_s")
        latency = surface.latency.at_quantile(figures.latency_s, limit.quantile)
        return _ratio(np.nan_to_num(latency, nan=np.inf), limit.seconds)
    if isinstance(limit, MaxCallCost):
        amount = surface.amount.at_quantile(figures.amount, limit.quantile)
        return _ratio(cost_usd(amount, figures.prompt_tokens, grid), limit.usd)
    largest = np.nan_to_num(surface.bounds.most_completion_tokens)  # of points whose tokens are not forecast
    completion = np.where(
        grid.token_prices.priced, surface.amount.at_quantile(figures.amount, COMPLETION_QUANTILE), largest
    )
    named = np.isin(np.arange(len(grid.points)), columns_of([limit.of], grid))
    prompt = np.maximum(np.nan_to_num(figures.prompt_tokens), figures.least_prompt_tokens)
    return np.where(named, (prompt + completion) / limit.tokens, 0.0)


def _ratio(figure: Floats, limit: float) -> Floats:
    with np.errstate(over="ignore"):  # infinitely far above a limit such as 1e-320
        return figure / limit
