"""CARROT: A Cost Aware Rate Optimal Router (Somerstep et al., 2025, arXiv:2502.03261).

Quality and cost are forecast separately; with a trade-off mu in [0, 1] the choice is

    argmax_a (1 - mu) Q_a(x) - mu C_a(x)

The authors' research code takes C in USD, their hosted router in hundredths of a USD (:data:`HOSTED_SCALE`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.evaluation.routers.rules.arrays import mean_logged, nearest, unit, weighted_mean

HOSTED_SCALE = 100.0


def choose(quality: Floats, cost_usd: Floats, mu: float, *, cost_scale: float = 1.0) -> Indices:
    """Return argmax of (1 - mu) quality - mu x cost_scale x cost, the first of equals: ``(queries,)``."""
    return ((1 - mu) * quality - mu * cost_scale * cost_usd).argmax(1)


def token_cost_usd(prompt_tokens: Floats, kilotokens: Floats, usd_per_million: Floats) -> Floats:
    """Price forecast output lengths, ``(queries, points)``.

    Args:
        prompt_tokens: ``(queries,)``.
        kilotokens: output in thousands of tokens, ``(queries, points)``.
        usd_per_million: of prompt and output tokens, ``(points, 2)``.
    """
    prompt = prompt_tokens[:, None] * usd_per_million[:, 0]
    return (prompt + 1000 * kilotokens * usd_per_million[:, 1]) / 1e6


@dataclass(frozen=True)
class QualityAndCost:
    """Forecasts or outcomes, ``(queries, points)`` each."""

    quality: Floats
    cost_usd: Floats


@dataclass(frozen=True)
class Calibration:
    """The trade-off whose realised mean cost is nearest to a target.

    Args:
        mu: in [0, 1].
        cost_usd: realised mean cost there.
    """

    mu: float
    cost_usd: float


@dataclass(frozen=True)
class SweepPoint:
    """Realised means at one value of the knob."""

    cost_usd: float
    quality: float


def sweep(forecast: QualityAndCost, realised: QualityAndCost, grid: Floats) -> tuple[SweepPoint, ...]:
    """Realise the rule at every mu of a grid."""
    rows = np.arange(len(realised.quality))
    choices = (choose(forecast.quality, forecast.cost_usd, float(mu)) for mu in grid)
    return tuple(
        SweepPoint(float(realised.cost_usd[rows, c].mean()), float(realised.quality[rows, c].mean())) for c in choices
    )


def calibrate(
    forecast: QualityAndCost, realised: QualityAndCost, target_usd: float, *, steps: int = 1001
) -> Calibration:
    """Return the mu of an even grid on [0, 1] whose realised mean cost is nearest to a target, the first of equals.

    Args:
        forecast: of the calibration queries.
        realised: their outcomes.
        target_usd: mean cost per query.
        steps: values of mu to try.
    """
    grid = np.linspace(0, 1, steps)
    costs = np.array([point.cost_usd for point in sweep(forecast, realised, grid)])
    best = int(np.abs(costs - target_usd).argmin())
    return Calibration(float(grid[best]), float(costs[best]))


def takes_small(quality_of_small: Floats, alpha: float) -> Mask:
    """Return the queries that the small of two models answers: forecast quality >= alpha, ``(queries,)``."""
    return quality_of_small >= alpha


def knn(logged: Floats, table: Floats, asked: Floats, k: int) -> Floats:
    """Average a table over the k nearest logged queries by cosine, leaving out NaN: ``(queries, points)``.

    Where none of the neighbours was logged at a point, the point's mean stands.
    """
    return _averaged(table, nearest(unit(asked) @ unit(logged).T, k))


def best_k(logged: Floats, table: Floats, sizes: Sequence[int], *, folds: int = 5) -> int:
    """Return the k with the best mean R-squared over folds of consecutive rows, the first of equals.

    R-squared is averaged over the points, then over the folds. Sizes beyond the training rows are not tried.
    """
    by_fold = []
    for part in np.array_split(np.arange(len(logged)), folds):
        train = np.setdiff1d(np.arange(len(logged)), part)
        if not len(part):
            by_fold.append([-np.inf] * len(sizes))
            continue
        rows = nearest(unit(logged[part]) @ unit(logged[train]).T, max(sizes))
        by_fold.append(
            [
                _r_squared(table[part], _averaged(table[train], rows[:, :k])) if k <= len(train) else -np.inf
                for k in sizes
            ]
        )
    return sizes[int(np.mean(by_fold, axis=0).argmax())]


def _averaged(table: Floats, rows: Indices) -> Floats:
    """Average a table over the given rows of every query, leaving out NaN; the point's mean where all are."""
    means = weighted_mean(table[rows], np.ones(rows.shape))
    return np.where(np.isnan(means), mean_logged(table), means)


def _r_squared(truth: Floats, forecast: Floats) -> float:
    """Return the mean R-squared of the columns; a constant column counts 1 if it is met exactly, else 0."""
    error = np.nansum((truth - forecast) ** 2, axis=0)
    spread = np.nansum((truth - mean_logged(truth)) ** 2, axis=0)
    exact = np.where(error == 0, 1.0, 0.0)
    return float((1 - np.divide(error, spread, out=1 - exact, where=spread > 0)).mean())
