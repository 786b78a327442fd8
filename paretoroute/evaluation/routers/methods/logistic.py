"""Logistic regression with soft labels and a ridge penalty, one output per point; L-BFGS for all points at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.rules.arrays import sigmoid

RIDGE = 3.0  # in numbers of queries, the middle strength of the package's ridge heads
ROUNDS = 60


@dataclass(frozen=True)
class Logistic:
    """Fitted coefficients.

    Args:
        slopes: ``(width, outputs)``.
        intercepts: ``(outputs,)``.
    """

    slopes: Floats
    intercepts: Floats

    def probability(self, features: Floats) -> Floats:
        """Return the probabilities, ``(queries, outputs)``."""
        return sigmoid(features @ self.slopes + self.intercepts)


def fit_logistic(features: Floats, labels: Floats, *, ridge: float = RIDGE, intercept: bool = True) -> Logistic:
    """Minimise the cross-entropy of labels in [0, 1] plus ridge / 2 times the squared slopes.

    Args:
        features: ``(queries, width)``.
        labels: NaN where unknown, ``(queries, outputs)``.
        ridge: strength.
        intercept: whether outputs have intercepts, which the penalty leaves alone.
    """
    from scipy.optimize import minimize

    logged = ~np.isnan(labels)
    target = np.where(logged, labels, 0.0)
    width, outputs = features.shape[1], labels.shape[1]
    mean = np.clip(target.sum(0) / np.maximum(logged.sum(0), 1), 0.01, 0.99)
    start = np.zeros((width + 1, outputs))
    start[-1] = np.log(mean / (1 - mean)) if intercept else 0.0
    scale = max(float(logged.sum()), 1.0)

    def loss(values: Floats) -> tuple[float, Floats]:
        table = values.reshape(width + 1, outputs)
        logits = features @ table[:-1] + table[-1]
        error = np.where(logged, sigmoid(logits) - target, 0.0)
        total = np.where(logged, np.logaddexp(0, logits) - target * logits, 0.0).sum()
        slope = np.concatenate([features.T @ error + ridge * table[:-1], error.sum(0)[None] * intercept])
        return (total + ridge / 2 * (table[:-1] ** 2).sum()) / scale, slope.ravel() / scale

    best = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS}).x
    table = best.reshape(width + 1, outputs)
    return Logistic(table[:-1], table[-1])
