"""Ridge regression of every point's quality and log cost on the features, each point for itself.

Ridge is due to Hoerl and Kennard (1970); linear models that predict a call's utility are among the routers compared by
Li (2025, arXiv:2505.12601).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.routers.base import Asked, Predict, Training
from paretoroute.evaluation.routers.cross_validation import best_settings
from paretoroute.fitting.methods import ridge
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class Ridge:
    """Ridge per point; its strength is chosen inside the training runs, among those of the package's ridge heads."""

    name: str = "ridge"

    def fit(self, training: Training) -> Predict:
        """Choose the strengths for quality and for cost, and fit."""
        features, quality, cost = training.features, training.quality, training.cost_usd

        def inside(rows: Mask, asked: Mask) -> tuple[Floats, Floats]:
            return forecasts(features[rows], quality[rows], cost[rows], features[asked])

        by_quality, by_cost = best_settings(training, inside)

        def predict(asked: Asked) -> Forecast:
            found = forecasts(features, quality, cost, asked.features)
            return Forecast(found[0][by_quality], found[1][by_cost])

        return predict


def forecasts(features: Floats, quality: Floats, cost_usd: Floats, asked: Floats) -> tuple[Floats, Floats]:
    """Fit on the known cells and forecast.

    Args:
        features: ``(queries, width)``.
        quality: ``(queries, points)``, NaN where unknown.
        cost_usd: ``(queries, points)``, NaN where unknown.
        asked: features of the queries to forecast, ``(asked, width)``.

    Returns:
        Quality in [0, 1] and cost in USD by every strength, ``(strengths, asked, points)`` each. Mean cost is
        exp(forecast log) times a factor per point, mean logged cost over mean exp(fitted) (smearing, Duan, 1983).
    """
    slopes, intercepts = fitted(features, quality)
    by_quality = np.clip(np.einsum("qf,sfp->sqp", asked, slopes) + intercepts[:, None], 0.0, 1.0)
    known = ~np.isnan(cost_usd)
    positive = cost_usd[known & (cost_usd > 0)]
    floor = 0.5 * positive.min() if positive.size else 1.0
    logs = np.where(known, np.log(np.maximum(np.where(known, cost_usd, 1.0), floor)), np.nan)
    low, high = np.nanmin(logs) - np.log(2), np.nanmax(logs) + np.log(2)
    slopes, intercepts = fitted(features, logs)

    def unit(vectors: Floats) -> Floats:
        return np.exp(np.clip(np.einsum("qf,sfp->sqp", vectors, slopes) + intercepts[:, None], low, high))

    logged = np.where(known, cost_usd, 0.0).sum(0)
    smear = logged / np.where(known, unit(features), 0.0).sum(1)
    return by_quality, unit(asked) * smear[:, None]


def fitted(features: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Fit each column on its known rows.

    Returns:
        Slopes ``(strengths, width, columns)`` and intercepts ``(strengths, columns)``.
    """
    known = ~np.isnan(targets)
    strengths, columns = len(ridge.STRENGTHS), targets.shape[1]
    slopes = np.zeros((strengths, features.shape[1], columns))
    intercepts = np.zeros((strengths, columns))
    # Columns that miss the same rows share one decomposition.
    patterns, pattern = np.unique(known, axis=1, return_inverse=True)
    for k in range(patterns.shape[1]):
        rows, same = patterns[:, k], np.flatnonzero(pattern.ravel() == k)
        if rows.any():
            sums = ridge.moments(features[rows], targets[np.ix_(rows, same)])
            slopes[:, :, same], intercepts[:, same] = ridge.coefficients(sums)
    return slopes, intercepts
