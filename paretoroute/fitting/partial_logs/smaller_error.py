"""Estimated chances in place of logged ones, where logged ones leave too few effective runs.

Logged propensities are right, and may be useless: a logger that sends nearly all hard queries to strong points leaves
few runs of them at weak points, which then decide every mean with weights of hundreds. Chances estimated from the
query's features depend on these alone, and balance them with far more even weights (Hirano, Imbens and Ridder,
"Efficient estimation of average treatment effects using the estimated propensity score", Econometrica 71(4), 2003,
doi:10.1111/1468-0262.00442). They are off by what the logger knew beyond the features, and therefore count an error of
their own, which no number of runs makes smaller.

Both state an error: that of the mean of a point over the queries at which the log supports it, with N effective runs
(Kish, 1965), v / N, and for estimated chances the square of their own error more. Averaged over points, that of
estimated chances has to be less than half as large: logged ones are right, and are not given up for little.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import QUALITY_VARIANCE
from paretoroute.calibration.partial_logs.corrected import ESTIMATED_ERROR
from paretoroute.fitting.partial_logs.propensities import Propensities

MOST_VARIANCE = 0.25  # of the mean of figures in [0, 1]
LEAST_GAIN = 0.5  # of the variance by logged chances, that by estimated ones has to be less


def with_smaller_error(propensities: Propensities) -> Propensities:
    """Return the propensities, or estimated ones in place of logged ones if these state by far the larger error.

    Args:
        propensities: of a log. Only logged ones of a logger whose choices the features forecast are ever replaced.
    """
    if propensities.source != "logged" or not propensities.is_forecast:
        return propensities
    target = propensities.weight * propensities.probability
    weight = np.divide(target, propensities.reference, out=np.zeros_like(target), where=target > 0)
    is_supported = propensities.reference >= propensities.policy.least_chance
    logged, estimated = (_effective(np.where(is_supported, table, 0.0)) for table in (propensities.weight, weight))
    if _variance(estimated) + ESTIMATED_ERROR**2 >= LEAST_GAIN * _variance(logged):
        return propensities
    text = (
        f"the logged propensities leave {np.median(logged):.0f} effective runs of a point in the median, and those "
        f"estimated from the query's text, tag, tenant and step {np.median(estimated):.0f}: the estimated ones are used"
    )
    return replace(
        propensities,
        source="estimated",
        probability=propensities.reference,
        weight=weight,
        findings=(*propensities.findings, text),
    )


def _effective(weight: Floats) -> Floats:
    """Return the effective number of runs of every point, ``(points,)``."""
    square = (weight**2).sum(axis=0)
    return np.divide(weight.sum(axis=0) ** 2, square, out=np.zeros_like(square), where=square > 0)


def _variance(effective: Floats) -> float:
    """Return the mean over the points of the variance of a mean of so many runs."""
    return float(np.minimum(QUALITY_VARIANCE / np.maximum(effective, 1e-12), MOST_VARIANCE).mean())
