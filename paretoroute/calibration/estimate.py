"""What a rule gives on the logged queries, with intervals.

Intervals are 90% normal ones on per-query values, for cost on the logarithm, since costs have a long right tail. They
are about the mean over traffic like the logged one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import Z90
from paretoroute.solver.rules import Rule


@dataclass(frozen=True)
class PolicyValue:
    """What one rule gives on the logged queries.

    Args:
        rule: on the forecasts.
        quality: mean quality, with the ends of its 90% interval.
        cost_usd: mean cost per query, with the ends of its 90% interval.
        quality_shift: what to add to a forecast quality of a chosen point; shrunk towards 0 where noise explains it.
        cost_ratio: what to multiply a forecast cost of a chosen point by.
    """

    rule: Rule
    quality: float
    quality_low: float
    quality_high: float
    cost_usd: float
    cost_usd_low: float
    cost_usd_high: float
    quality_shift: float
    cost_ratio: float


def estimate_value(
    rule: Rule,
    quality: tuple[Floats, float],
    cost_usd: tuple[Floats, float],
    forecast_quality: Floats,
    forecast_cost_usd: Floats,
) -> PolicyValue:
    """Sum up what a rule gives.

    Args:
        rule: that chose.
        quality: logged quality of what it chose, ``(queries,)``, and its mean.
        cost_usd: logged cost, ``(queries,)``, and its mean.
        forecast_quality: of what it chose, ``(queries,)``.
        forecast_cost_usd: ``(queries,)``.
    """
    (per_query, mean_quality), (cost, mean_cost) = quality, cost_usd
    shift = mean_quality - float(forecast_quality.mean())
    noise = _error(per_query - forecast_quality)
    quality_reach, cost_error = Z90 * _error(per_query), _error(cost)
    factor = math.exp(min(Z90 * cost_error / mean_cost, 50.0)) if mean_cost > 0 else 1.0
    promised = float(forecast_cost_usd.mean())
    return PolicyValue(
        rule=rule,
        quality=mean_quality,
        quality_low=max(mean_quality - quality_reach, 0.0),
        quality_high=min(mean_quality + quality_reach, 1.0),
        cost_usd=mean_cost,
        cost_usd_low=mean_cost / factor,
        cost_usd_high=mean_cost * factor,
        quality_shift=shift * max(0.0, 1 - (noise / shift) ** 2) if shift else 0.0,
        cost_ratio=mean_cost / promised if promised > 0 and mean_cost > 0 else 1.0,
    )


def _error(value: Floats) -> float:
    """Compute the standard error of a mean; of a single query, the value itself, since nothing is known of it."""
    return float(value.std(ddof=1)) / math.sqrt(value.size) if value.size > 1 else abs(float(value[0]))
