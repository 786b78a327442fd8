"""The value of a policy: its mean quality and cost on the logged queries, with 90% intervals.

Intervals are normal on per-query values; that of the cost is on the logarithm, because costs have a long right tail.
They are about the mean over queries like the logged ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import Z90
from paretoroute.calibration.outcomes import Chosen
from paretoroute.solver.rules import Rule

RuleT = TypeVar("RuleT", bound=Rule, covariant=True)
_LARGEST_LOG_RATIO = 50.0  # exp() of it is still far from overflow


@dataclass(frozen=True)
class PolicyValue(Generic[RuleT]):
    """Quality and cost of one rule on the logged queries.

    Args:
        rule: applied to the forecasts.
        quality: mean quality, in [0, 1].
        quality_low: lower end of its 90% interval.
        quality_high: upper end.
        cost_usd: mean cost per query.
        cost_usd_low: lower end of its 90% interval.
        cost_usd_high: upper end.
        quality_shift: to add to the forecast quality of a chosen point; shrunk towards 0 if noise explains it.
        cost_ratio: to multiply the forecast cost of a chosen point by.
    """

    rule: RuleT
    quality: float
    quality_low: float
    quality_high: float
    cost_usd: float
    cost_usd_low: float
    cost_usd_high: float
    quality_shift: float
    cost_ratio: float


def estimate_value(
    rule: RuleT, *, logged: Chosen, forecast: Chosen, mean_quality: float, mean_cost_usd: float
) -> PolicyValue[RuleT]:
    """Estimate the value of a rule from the logged outcomes of the points that it chooses.

    Args:
        rule: the rule that chose.
        logged: logged quality and cost of the chosen points.
        forecast: their forecasts.
        mean_quality: mean of the logged quality.
        mean_cost_usd: mean of the logged cost.
    """
    shift = mean_quality - float(forecast.quality.mean())
    noise = _standard_error(logged.quality - forecast.quality)
    margin, cost_error = Z90 * _standard_error(logged.quality), _standard_error(logged.cost_usd)
    factor = math.exp(min(Z90 * cost_error / mean_cost_usd, _LARGEST_LOG_RATIO)) if mean_cost_usd > 0 else 1.0
    forecast_cost = float(forecast.cost_usd.mean())
    return PolicyValue(
        rule=rule,
        quality=mean_quality,
        quality_low=max(mean_quality - margin, 0.0),
        quality_high=min(mean_quality + margin, 1.0),
        cost_usd=mean_cost_usd,
        cost_usd_low=mean_cost_usd / factor,
        cost_usd_high=mean_cost_usd * factor,
        quality_shift=shift * max(0.0, 1 - (noise / shift) ** 2) if shift else 0.0,
        cost_ratio=mean_cost_usd / forecast_cost if forecast_cost > 0 and mean_cost_usd > 0 else 1.0,
    )


def _standard_error(values: Floats) -> float:
    """Compute the standard error of a mean; a single value has an unknown spread, and its own size stands for it."""
    return float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else abs(float(values[0]))
