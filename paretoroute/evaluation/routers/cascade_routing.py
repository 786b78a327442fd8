"""Cascade routing (Dekoninck et al., ICML 2025, arXiv:2410.10347); its rule is :mod:`~.rules.cascade_routing`.

Quality before a call is a ridge forecast; after it, a linear regression on that forecast and the answer's ``score``,
per point. The deviations of both are those of the training residuals. The knob is lambda, quality per USD.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.cross_validation import out_of_fold
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.candidates import candidates, require_scores
from paretoroute.evaluation.routers.methods.regression import forecast_quality
from paretoroute.evaluation.routers.methods.ridge_forecast import ridge_forecast
from paretoroute.evaluation.routers.plans import STOP, Seen
from paretoroute.evaluation.routers.priced import prices
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rules.cascade_routing import CascadeRouting, Estimates
from paretoroute.forecast import Forecast

SAMPLES = 64
STRENGTH = 1  # position among the ridge strengths, for the out-of-fold forecasts that scores are calibrated on


@dataclass(frozen=True)
class Calibration:
    """Quality after an answer, a + b x forecast + c x score, per point.

    Args:
        coefficients: a, b, c, ``(points, 3)``.
        deviation_before: of quality around its forecast, ``(points,)``.
        deviation_after: of quality around the calibrated value, ``(points,)``.
    """

    coefficients: Floats
    deviation_before: Floats
    deviation_after: Floats

    def after(self, before: Floats, score: Floats) -> Floats:
        """Return the quality after the answers, the forecast where a score is unknown: ``(queries, points)``."""
        a, b, c = self.coefficients.T
        return np.where(np.isnan(score), before, np.clip(a + b * before + c * np.nan_to_num(score), 0.0, 1.0))


def calibrate(before: Floats, score: Floats, quality: Floats) -> Calibration:
    """Regress quality on forecast and score by least squares at every point, on the cells that have both."""
    coefficients, deviations = [], []
    for point in range(quality.shape[1]):
        rows = ~np.isnan(score[:, point]) & ~np.isnan(quality[:, point])
        x = np.column_stack([np.ones(rows.sum()), before[rows, point], score[rows, point]])
        y = quality[rows, point]
        fitted = np.linalg.lstsq(x, y, rcond=None)[0] if rows.sum() > 3 else np.array([0.0, 1.0, 0.0])
        coefficients.append(fitted)
        deviations.append([_deviation(y - x[:, 1]), _deviation(y - x @ fitted)])
    first, second = np.array(deviations).T
    return Calibration(np.array(coefficients), first, second)


def _deviation(residual: Floats) -> float:
    return float(np.sqrt((residual**2).mean())) if len(residual) else 0.5


@dataclass(frozen=True)
class _Plan:
    points: Indices
    forecast: Forecast
    calibration: Calibration
    normal: dict[int, Floats]
    lam: float

    def next_call(self, seen: Seen) -> Indices:
        """Return the first model of the best superset that has not run, STOP where none is left."""
        order = [tuple(np.flatnonzero(row).tolist()) for row in seen.called[:, self.points]]
        following = CascadeRouting(self._estimates(seen)).step(order, self.lam)
        return np.array([STOP if model is None else self.points[model] for model in following])

    def answer(self, seen: Seen) -> Indices:
        """Return the called point of greatest estimated quality."""
        called = seen.called[:, self.points]
        return self.points[np.where(called, self._estimates(seen).after, -np.inf).argmax(1)]

    def _estimates(self, seen: Seen) -> Estimates:
        before, cost = self.forecast.quality[:, self.points], self.forecast.cost_usd[:, self.points]
        after = self.calibration.after(before, seen.score[:, self.points])
        c = self.calibration
        return Estimates(before, after, c.deviation_before, c.deviation_after, cost, self.normal)


@dataclass(frozen=True)
class _AtLambda:
    strategies: _Strategies
    lam: float

    def plan(self, batch: QueryBatch) -> _Plan:
        """Plan with the forecasts of the batch."""
        s = self.strategies
        return _Plan(s.points, s.predict(batch), s.calibration, s.normal, self.lam)


@dataclass(frozen=True)
class _Strategies:
    points: Indices
    predict: Remembered[Forecast]
    calibration: Calibration
    normal: dict[int, Floats]
    knobs: Floats

    def at(self, knob: float) -> _AtLambda:
        """Return the strategy at a lambda."""
        return _AtLambda(self, knob)


@dataclass(frozen=True)
class CascadeRouter:
    """The knob is lambda, quality per USD.

    Args:
        points: most points; the sets of them are searched, so that the time doubles with each.
        name: in tables.
    """

    points: int = 4
    name: str = "cascade-routing"

    def fit(self, training: Training) -> _Strategies:
        """Fit the forecasts and calibrate the scores on out-of-fold forecasts.

        Raises:
            NotApplicable: the log has no scores.
        """
        require_scores(training)
        columns = candidates(training, self.points)
        quality = fill_missing(training.quality)[:, columns]

        def held_out(rows: np.ndarray, asked: np.ndarray) -> Floats:
            return forecast_quality(training.features[rows], quality[rows], training.features[asked])[STRENGTH]

        before = out_of_fold(training, held_out, columns=len(columns))
        calibration = calibrate(before, training.score[:, columns], training.quality[:, columns])
        rng = np.random.default_rng(training.seed)
        normal = {size: rng.standard_normal((SAMPLES, size)) for size in range(1, len(columns) + 1)}
        return _Strategies(columns, Remembered(ridge_forecast(training)), calibration, normal, prices(training, 24))
