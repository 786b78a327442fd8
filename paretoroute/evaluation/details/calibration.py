"""Calibration of the default's forecasts: what was forecast out of fold beside what was logged, in bins.

Each bin holds about as many logged cells (a query at a point) as the others. Its interval is that of the mean of values
that come in groups of queries (:mod:`paretoroute.calibration.off_policy.clusters`), by Student's t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.calibration.intervals import Interval
from paretoroute.calibration.off_policy.clusters import mean_error, t90
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.data import logged_means
from paretoroute.forecast import Forecast

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Cells of similar forecasts.

    Args:
        forecast: their mean forecast.
        outcome: their mean outcome in the log; where all cells are of one group of queries, nothing tells
            how others would come out, and the interval reaches from 0 to the most that was logged (for quality, 1).
        cells: number of them.
    """

    forecast: float
    outcome: Interval
    cells: int


@dataclass(frozen=True)
class CalibrationCheck:
    """Forecasts beside outcomes.

    Args:
        quality: bins of quality, in [0, 1].
        cost_usd: bins of the cost of one call.
        quality_bias: mean forecast minus mean outcome, in quality points of 100.
        quality_error: mean distance between forecast and outcome over the bins, weighted by cells, in quality points.
        cost_ratio: mean logged over mean forecast cost; None where all forecasts are 0.
    """

    quality: tuple[Bin, ...]
    cost_usd: tuple[Bin, ...]
    quality_bias: float
    quality_error: float
    cost_ratio: float | None


def calibration_of(study: Study, forecast: Forecast) -> CalibrationCheck:
    """Compare out-of-fold forecasts with the logged means, at every point where something was logged.

    Args:
        study: the log.
        forecast: of all queries, each by the fit without its fold.
    """
    logged = logged_means(study.runs, study.grid)
    quality = _bins(forecast.quality, logged.quality, study.groups, most=1.0)
    most_usd = float(np.nan_to_num(logged.cost_usd).max(initial=0.0))
    cost = _bins(forecast.cost_usd, logged.cost_usd, study.groups, most=most_usd)
    cells = np.array([one.cells for one in quality])
    off = np.array([one.forecast - one.outcome.value for one in quality])
    paid = sum(one.outcome.value * one.cells for one in cost)
    expected = sum(one.forecast * one.cells for one in cost)
    return CalibrationCheck(
        quality=quality,
        cost_usd=cost,
        quality_bias=float(100 * np.average(off, weights=cells)),
        quality_error=float(100 * np.average(np.abs(off), weights=cells)),
        cost_ratio=paid / expected if expected > 0 else None,
    )


def _bins(forecast: Floats, outcome: Floats, groups: Indices, *, most: float) -> tuple[Bin, ...]:
    """Sort logged cells into bins of rising forecasts; equal forecasts share a bin."""
    row, column = np.nonzero(~np.isnan(outcome))
    expected, logged, group = forecast[row, column], outcome[row, column], groups[row]
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, expected, side="left")
    return tuple(
        Bin(float(expected[here].mean()), _clustered_mean(logged[here], group[here], most=most), int(here.sum()))
        for here in (place == number for number in np.unique(place))
    )


def _clustered_mean(values: Floats, groups: Indices, *, most: float) -> Interval:
    """Average values with their interval; from 0 to ``most`` where all are of one group."""
    names, numbers = np.unique(groups, return_inverse=True)
    mean = float(values.mean())
    if len(names) < 2:
        return Interval(mean, 0.0, most)
    margin = t90(len(names) - 1) * mean_error(values, numbers)
    return Interval(mean, mean - margin, mean + margin)
