"""Means of points by empirical Bayes, from the logged cells of a panel alone.

The means are drawn to their common mean by s^2 / t^2 runs, s^2 the variance within points and t^2 that of their true
means (Morris, "Parametric empirical Bayes inference: theory and applications", Journal of the American Statistical
Association 78(381), 1983, doi:10.1080/01621459.1983.10477920). What labels or features of the queries add at all points
alike is to be taken off first: points met different queries.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices

NEVER = 1e9  # a strength at which slopes vanish
LEAST_PRIOR_RUNS = 0.05
BISECTIONS = 50


@dataclass(frozen=True)
class Cells:
    """The logged cells of a panel.

    Args:
        query: row of each cell, ``(cells,)``.
        point: its column, ``(cells,)``.
        value: the figure, ``(cells,)``.
        weight: of the squared error, about 1 on average, ``(cells,)``.
        points: number of points.
    """

    query: Indices
    point: Indices
    value: Floats
    weight: Floats
    points: int

    @staticmethod
    def of(values: Floats, weight: Floats) -> Cells:
        """Collect the cells with a weight above 0 of tables ``(queries, points)``."""
        query, point = np.nonzero(weight > 0)
        return Cells(query, point, values[query, point], weight[query, point], values.shape[1])

    def minus(self, of_query: Floats) -> Cells:
        """Take a figure of every query off the values."""
        return replace(self, value=self.value - of_query[self.query])

    def take(self, keep: NDArray[np.bool_]) -> Cells:
        """Keep some cells."""
        return replace(
            self, query=self.query[keep], point=self.point[keep], value=self.value[keep], weight=self.weight[keep]
        )


@dataclass(frozen=True)
class PointMeans:
    """Means of the points by empirical Bayes.

    Args:
        mean: shrunk to the mean of all, ``(points,)``.
        error: posterior variance of each, ``(points,)``.
        prior_runs: s^2 / t^2.
    """

    mean: Floats
    error: Floats
    prior_runs: float


def shared_effects(cells: Cells, figures: Floats, strength: float) -> Floats:
    """Estimate what figures of the query add at all points alike, within points, by ridge regression, ``(figures,)``.

    Args:
        cells: the logged ones.
        figures: ``(queries, figures)``, with means of 0.
        strength: of the penalty.
    """
    if not figures.shape[1]:
        return np.zeros(0)
    x, w = figures[cells.query], cells.weight
    size = np.maximum(np.bincount(cells.point, w, cells.points), 1e-300)
    means = np.stack([np.bincount(cells.point, w * column, cells.points) for column in x.T], axis=1) / size[:, None]
    x = x - means[cells.point]
    y = cells.value - (np.bincount(cells.point, w * cells.value, cells.points) / size)[cells.point]
    penalty = strength * np.eye(x.shape[1])
    return np.linalg.solve(x.T @ (w[:, None] * x) + penalty, x.T @ (w * y)).astype(np.float64)


def point_means(cells: Cells) -> PointMeans:
    """Estimate the points' means by empirical Bayes, from moments."""
    size = np.bincount(cells.point, cells.weight, cells.points)
    square = np.bincount(cells.point, cells.weight**2, cells.points)
    total = np.bincount(cells.point, cells.weight * cells.value, cells.points)
    count = np.divide(size**2, square, out=np.zeros_like(size), where=square > 0)  # effective runs (Kish, 1965)
    overall = float(total.sum() / size.sum())
    own = np.divide(total, size, out=np.full(cells.points, overall), where=size > 0)
    seen = count > 0
    within = float((cells.weight * (cells.value - own[cells.point]) ** 2).sum() / size.sum())
    within *= count.sum() / max(count.sum() - seen.sum(), 1.0)
    between = _between(own[seen], within / count[seen])
    prior = max(within / between, LEAST_PRIOR_RUNS) if between > 0 else np.inf
    if not np.isfinite(prior):
        return PointMeans(np.full(cells.points, overall), np.full(cells.points, within / count.sum()), NEVER)
    centre = float((count / (count + prior) * own).sum() / (count / (count + prior)).sum())
    return PointMeans((count * own + prior * centre) / (count + prior), within / (count + prior), prior)


def _between(means: Floats, variance: Floats) -> float:
    """Estimate the variance t^2 of true means with known errors: sum_j (mean_j - mu)^2 / (t^2 + e_j) = points - 1.

    Each point counts about once (Paule and Mandel, "Consensus values and weighting factors", Journal of Research of the
    National Bureau of Standards 87(5), 1982, doi:10.6028/jres.087.022); weighted by runs, one point with most of the
    log would decide alone.

    Args:
        means: of the points, ``(points,)``.
        variance: of their errors, above 0 unless all outcomes are equal.
    """

    def excess(between: float) -> float:
        weight = 1 / np.maximum(between + variance, 1e-300)
        centre = float((weight * means).sum() / weight.sum())
        return float((weight * (means - centre) ** 2).sum()) - (len(means) - 1)

    low, high = 0.0, float(((means - means.mean()) ** 2).sum())
    if len(means) < 2 or not high > 0 or excess(low) <= 0:
        return 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2
