"""RADAR (Fernandez, Kveton, Rossi, Lan and Wang, ICLR 2026, arXiv:2509.25426): item response theory of configurations.

A configuration g (a model and a reasoning budget) has an ability theta_g, a query with embedding e a discrimination
a = w_a . e and a difficulty b = w_b . e:

    p(g, x) = sigmoid(a (theta_g - b))

The choice is argmax_g w p - (1 - w) c, or the Chebyshev one, argmin_g max(w |1 - p|, (1 - w) c), which also reaches
points of a front that is not concave. The cost c is scaled to [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.rules.arrays import sigmoid

ROWS_AT_ONCE = 512  # their tables fit into the cache of a core


@dataclass(frozen=True)
class ItemResponse:
    """A fitted model.

    Args:
        ability: theta, ``(points,)``.
        discrimination: w_a, ``(width,)``.
        difficulty: w_b, ``(width,)``.
    """

    ability: Floats
    discrimination: Floats
    difficulty: Floats

    def success(self, embeddings: Floats) -> Floats:
        """Return p(g, x), ``(queries, points)``."""
        a, b = embeddings @ self.discrimination, embeddings @ self.difficulty
        return sigmoid(a[:, None] * (self.ability - b[:, None]))


def fit(embeddings: Floats, quality: Floats, *, ridge: float = 1.0, rounds: int = 200) -> ItemResponse:
    """Minimise the cross-entropy of logged qualities plus a ridge penalty, by L-BFGS from equal queries.

    Args:
        embeddings: with a constant column, so that queries may differ in level, ``(queries, width)``.
        quality: in [0, 1], NaN where nothing was logged, ``(queries, points)``.
        ridge: weight of the squared distance from the start, over the number of logged cells.
        rounds: most iterations.
    """
    from scipy.optimize import minimize

    logged = ~np.isnan(quality)
    target, cells = np.where(logged, quality, 0.0), max(int(logged.sum()), 1)
    points, width = quality.shape[1], embeddings.shape[1]
    constant = np.linalg.lstsq(embeddings, np.ones(len(embeddings)), rcond=None)[0]
    mean = np.clip(target.sum(0) / np.maximum(logged.sum(0), 1), 0.02, 0.98)
    start = np.concatenate([np.log(mean / (1 - mean)), constant, np.zeros(width)])
    blocks = [slice(first, first + ROWS_AT_ONCE) for first in range(0, len(embeddings), ROWS_AT_ONCE)]

    def loss(values: Floats) -> tuple[float, Floats]:
        theta, w_a, w_b = values[:points], values[points : points + width], values[points + width :]
        a, b = embeddings @ w_a, embeddings @ w_b
        by_a, by_b, by_theta = np.empty_like(a), np.empty_like(b), np.zeros(points)
        away = values - start
        total = ridge / 2 * float(away @ away)
        for rows in blocks:
            gap = theta - b[rows, None]
            logits = a[rows, None] * gap
            small = np.exp(-np.abs(logits))  # shared by the chance of success and its logarithm, which cost most
            error = np.where(logits >= 0, 1.0, small) / (1 + small) - target[rows]
            terms = np.maximum(logits, 0.0) + np.log(1 + small) - target[rows] * logits
            error *= logged[rows]
            terms *= logged[rows]
            total += float(terms.sum())
            by_a[rows], by_b[rows] = (error * gap).sum(1), -(error.sum(1) * a[rows])
            by_theta += a[rows] @ error
        slope = np.concatenate([by_theta, embeddings.T @ by_a, embeddings.T @ by_b])
        return total / cells, (slope + ridge * away) / cells

    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": rounds}).x
    return ItemResponse(best[:points], best[points : points + width], best[points + width :])


def scaled_cost(cost: Floats) -> Floats:
    """Scale costs to [0, 1] over all queries and points; 0 where all are equal."""
    low, span = cost.min(), np.ptp(cost)
    return (cost - low) / span if span > 0 else np.zeros_like(cost)


def choose(success: Floats, cost: Floats, weight: float, *, chebyshev: bool = False) -> Indices:
    """Return the choice at a weight of success in [0, 1], the first of equals: ``(queries,)``.

    Args:
        success: p(g, x), ``(queries, points)``.
        cost: scaled to [0, 1], ``(queries, points)``.
        weight: w.
        chebyshev: minimise the greater of the two weighted losses instead of their sum.
    """
    if chebyshev:
        return np.maximum(weight * np.abs(1 - success), (1 - weight) * cost).argmin(1)
    return (weight * success - (1 - weight) * cost).argmax(1)


def ability_of_new(a: Floats, b: Floats, right: Floats, *, prior_deviation: float = 10.0) -> float:
    """Return the most likely ability of a new configuration from a few queries, by Newton's method.

    Args:
        a: discrimination of the queries, ``(queries,)``.
        b: difficulty of the queries, ``(queries,)``.
        right: outcomes in [0, 1], ``(queries,)``.
        prior_deviation: of a normal prior around 0, which keeps the answer finite when all outcomes agree.
    """
    theta, precision = 0.0, prior_deviation**-2
    for _ in range(100):
        p = sigmoid(a * (theta - b))
        step = (a @ (right - p) - precision * theta) / (a**2 @ (p * (1 - p)) + precision)
        theta += float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-12:
            break
    return theta
