"""Logistic regression with an L2 penalty: of the point that was logged, or of each point by itself.

With features x and labels of a query (one-hot), logits z = b + W'x and targets y, minimise over b and W

    sum_i loss(y_i, z_i) + strength / 2 |W|^2,

where the loss is that of the multinomial model, log sum_j exp(z_j) - sum_j y_j z_j, or of independent binary ones,
sum_j log(1 + exp(z_j)) - y_j z_j (Hastie, Tibshirani and Friedman, "The elements of statistical learning", 2nd edition,
2009, section 4.4). The intercept is not penalised. The problem is convex and solved by L-BFGS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from paretoroute._arrays import Floats, Indices, Mask

MOST_STEPS = 200
GRADIENT_TOLERANCE = 1e-6  # of the mean loss of a query
LOSS_TOLERANCE = 1e-7  # relative change of the mean loss between steps, far below what chances can differ by


@dataclass(frozen=True)
class Design:
    """The explanatory variables of some queries.

    Args:
        features: ``(queries, width)``.
        labels: one-hot, ``(queries, labels)``.
    """

    features: Floats
    labels: csr_array

    def take(self, rows: Mask | Indices) -> Design:
        """Keep some queries."""
        return Design(self.features[rows], self.labels[rows])


@dataclass(frozen=True)
class Coefficients:
    """Of the logits of every point.

    Args:
        intercept: ``(points,)``.
        features: ``(width, points)``.
        labels: ``(labels, points)``.
    """

    intercept: Floats
    features: Floats
    labels: Floats

    def logits(self, design: Design) -> Floats:
        """Return the logits of every point, ``(queries, points)``."""
        return self.intercept + design.features @ self.features + design.labels @ self.labels


def fit(
    design: Design, targets: Floats, *, strength: float, multinomial: bool, start: Coefficients | None = None
) -> Coefficients:
    """Fit the coefficients.

    Args:
        design: of the queries.
        targets: in [0, 1], ``(queries, points)``; rows sum to 1 if ``multinomial``.
        strength: of the penalty, above 0, in numbers of queries.
        multinomial: whether one point is logged per query; else each point by itself.
        start: where to begin; the solution does not depend on it.
    """
    queries, points = targets.shape
    transposed = csr_array(design.labels.T)
    width, labels = design.features.shape[1], len(transposed.indptr) - 1

    def split(flat: Floats) -> Coefficients:
        table = flat.reshape(1 + width + labels, points)
        return Coefficients(table[0], table[1 : 1 + width], table[1 + width :])

    def objective(flat: Floats) -> tuple[float, Floats]:
        own = split(flat)
        loss, residual = _loss(own.logits(design), targets, multinomial=multinomial)
        slope = np.concatenate([own.features, own.labels])
        loss += strength / 2 * float((slope * slope).sum())
        to_features, to_labels = design.features.T @ residual, transposed @ residual
        gradient = np.concatenate([residual.sum(0)[None], to_features, to_labels])
        gradient[1:] += strength * slope
        return loss / queries, gradient.ravel() / queries

    first = np.zeros((1 + width + labels, points)) if start is None else _stacked(start)
    options = {"maxiter": MOST_STEPS, "gtol": GRADIENT_TOLERANCE, "ftol": LOSS_TOLERANCE}
    return split(minimize(objective, first.ravel(), jac=True, method="L-BFGS-B", options=options).x)


def _stacked(coefficients: Coefficients) -> Floats:
    return np.concatenate([coefficients.intercept[None], coefficients.features, coefficients.labels])


def _loss(logits: Floats, targets: Floats, *, multinomial: bool) -> tuple[float, Floats]:
    """Return the loss, and its derivative by the logits, ``(queries, points)``."""
    if multinomial:
        logits = logits - logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        total = odds.sum(axis=1, keepdims=True)
        return float(np.log(total).sum() - (targets * logits).sum()), odds / total - targets
    loss = float(np.logaddexp(0.0, logits).sum() - (targets * logits).sum())
    return loss, 1 / (1 + np.exp(-np.clip(logits, -500, 500))) - targets
