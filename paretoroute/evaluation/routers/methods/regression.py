"""Ridge regression of quality and log cost on features, one model per point, under every strength.

Ridge is due to Hoerl and Kennard (1970); the strengths are those of the package's own ridge heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.fitting.methods import ridge


@dataclass(frozen=True)
class Coefficients:
    """Ridge models under every strength.

    Args:
        slopes: ``(strengths, width, columns)``.
        intercepts: ``(strengths, columns)``.
    """

    slopes: Floats
    intercepts: Floats

    def predict(self, vectors: Floats) -> Floats:
        """Evaluate at features ``(queries, width)``: ``(strengths, queries, columns)``."""
        return vectors @ self.slopes + self.intercepts[:, None]


def forecast_quality(features: Floats, quality: Floats, batch: Floats) -> Floats:
    """Fit quality and forecast it in [0, 1] under every strength: ``(strengths, batch, points)``.

    Args:
        features: ``(queries, width)``.
        quality: ``(queries, points)``, NaN where nothing was logged.
        batch: features of the queries to forecast, ``(batch, width)``.
    """
    return np.clip(fit_columns(features, quality).predict(batch), 0.0, 1.0)


def forecast_cost(features: Floats, cost_usd: Floats, batch: Floats) -> Floats:
    """Fit log cost and forecast mean cost in USD under every strength: ``(strengths, batch, points)``.

    Mean cost is exp(forecast log cost) times a smearing factor per point: mean logged cost over mean exp(fitted log
    cost) (Duan, 1983).

    Args:
        features: ``(queries, width)``.
        cost_usd: ``(queries, points)``, NaN where it is unknown.
        batch: features of the queries to forecast, ``(batch, width)``.
    """
    logged = ~np.isnan(cost_usd)
    positive = cost_usd[logged & (cost_usd > 0)]
    floor = 0.5 * positive.min() if positive.size else 1.0  # a free call has no logarithm
    logs = np.where(logged, np.log(np.maximum(np.where(logged, cost_usd, 1.0), floor)), np.nan)
    low, high = np.nanmin(logs) - np.log(2), np.nanmax(logs) + np.log(2)
    model = fit_columns(features, logs)

    def unscaled(vectors: Floats) -> Floats:
        return np.exp(np.clip(model.predict(vectors), low, high))

    total = np.where(logged, cost_usd, 0.0).sum(0)
    smearing = total / np.where(logged, unscaled(features), 0.0).sum(1)
    return unscaled(batch) * smearing[:, None]


def fit_columns(features: Floats, targets: Floats) -> Coefficients:
    """Fit each column of ``(queries, columns)`` on the rows where it is not NaN."""
    logged = ~np.isnan(targets)
    strengths, columns = len(ridge.STRENGTHS), targets.shape[1]
    slopes = np.zeros((strengths, features.shape[1], columns))
    intercepts = np.zeros((strengths, columns))
    # Columns that miss the same rows share one decomposition.
    patterns, pattern = np.unique(logged, axis=1, return_inverse=True)
    for k in range(patterns.shape[1]):
        rows, same = patterns[:, k], np.flatnonzero(pattern.ravel() == k)
        if rows.any():
            sums = ridge.moments(features[rows], targets[np.ix_(rows, same)])
            slopes[:, :, same], intercepts[:, same] = ridge.coefficients(sums)
    return Coefficients(slopes, intercepts)
