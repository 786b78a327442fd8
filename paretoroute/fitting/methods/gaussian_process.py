"""Impute sparsely logged points with a Gaussian process, from the text and the other points' outcomes.

Where a model was added to a log of thousands of queries with runs for fifty of them, a low-rank model fills nearly all
of its cells with almost no information, and the heads then learn that. So the cells of such a point are forecast by
regression on its own runs, as a Gaussian process (Rasmussen and Williams, Gaussian Processes for Machine Learning,
2006):

    y_i = base + g(x_i) + noise,   k(x, x') = 1 + (1 - s) x_text . x'_text + s x_others . x'_others

with x_text the query's features and x_others the principal components of the well-logged points' outcomes on it. The
share s and the noise minimise the leave-one-out error, which has a closed form; if that is not below the error of the
mean alone, the cells stay as they are.

The imputed cells of a query's neighbours depend on its own run, so that forecasts out of fold need cells which were
imputed without the fold: :mod:`paretoroute.fitting.points.few_runs`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.fitting.methods.matrix_completion import PRIOR_RUNS, Completed

FEW_SHARE = 0.5  # a point with runs for a smaller share of the queries is imputed; the others are its predictors
LEAST_RUNS = 20
MOST_RUNS = 500  # runs in the regression; its cost grows with their third power
OTHERS = 6  # principal components of the other points
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
NOISES = np.geomspace(0.03, 30, 9)


@dataclass(frozen=True)
class _Blocks:
    """Predictors of every query, each block of mean square length 1.

    Args:
        text: features, ``(queries, width)``.
        others: principal components of the well-logged points, ``(queries, components)``.
    """

    text: Floats
    others: Floats

    def kernel(self, rows: Indices, share: float) -> Floats:
        """Compute the covariance of all queries with some of them, ``(queries, rows)``, at one share s."""
        return 1.0 + (1 - share) * self.text @ self.text[rows].T + share * self.others @ self.others[rows].T


def with_few_runs(count: Floats) -> Mask:
    """Return which points are imputed, ``(points,)``: with few runs, in a log that has points with many.

    Args:
        count: number of trials behind each cell, ``(queries, points)``.
    """
    share = (count > 0).mean(axis=0)
    few = (share < FEW_SHARE) & ((count > 0).sum(axis=0) >= LEAST_RUNS)
    return few & bool((share >= FEW_SHARE).any())


def fill(completed: Completed, cells: Floats, count: Floats, features: Floats, *, few: Mask) -> Completed:
    """Impute the missing cells of points with few runs.

    Args:
        completed: the panel completed by the low-rank model.
        cells: logged means, ``(queries, points)``, NaN in missing cells.
        count: number of trials behind each, ``(queries, points)``.
        features: of the queries, ``(queries, features)``.
        few: the points to impute, ``(points,)``.
    """
    is_logged = count > 0
    if not few.any():
        return completed
    others = np.where(is_logged, completed.residual, 0.0)[:, is_logged.mean(axis=0) >= FEW_SHARE]
    blocks = _Blocks(_scaled(features - features.mean(axis=0)), _scaled(_components(others)))
    base, residual = completed.base.copy(), completed.residual.copy()
    for columns in _alike(is_logged, np.flatnonzero(few)):
        rows = np.flatnonzero(is_logged[:, columns[0]])
        logged = cells[np.ix_(rows, columns)]
        forecast = _regress(blocks, rows, logged - completed.base[columns]) if len(rows) > 1 else None
        if forecast is None:
            continue
        values = completed.base[columns] + forecast
        values[rows] = logged
        runs = len(rows)
        base[columns] = (runs * values.mean(axis=0) + PRIOR_RUNS * completed.base[columns]) / (runs + PRIOR_RUNS)
        residual[:, columns] = values - base[columns]
    return Completed(base, residual)


def _components(logged: Floats) -> Floats:
    """Compute the principal components of the well-logged points' outcomes: ``(queries, components)``."""
    values, directions = np.linalg.eigh(logged.T @ logged)
    return logged @ directions[:, np.argsort(-values)[:OTHERS]]


def _scaled(block: Floats) -> Floats:
    """Bring a block of predictors to mean square length 1."""
    return block / (np.sqrt((block**2).sum(axis=1).mean()) or 1.0)


def _alike(is_logged: Mask, columns: Indices) -> list[Indices]:
    """Group points that were logged at the same queries."""
    _, group = np.unique(is_logged[:, columns], axis=1, return_inverse=True)
    return [columns[group.ravel() == g] for g in range(int(group.max()) + 1)]


def _regress(blocks: _Blocks, rows: Indices, own: Floats) -> Floats | None:
    """Regress a group of points' residuals on the predictors of their logged queries.

    Args:
        blocks: predictors of all queries.
        rows: queries with a run of the points.
        own: their residuals, ``(rows, points)``.

    Returns:
        Forecasts of all queries, ``(queries, points)``; None if no share and noise beat the mean of the other rows.
    """
    used = np.linspace(0, len(rows) - 1, min(len(rows), MOST_RUNS)).astype(int)
    y, at = own[used], rows[used]
    missed = (y - y.mean(axis=0)) * len(y) / (len(y) - 1)
    best, least = None, float((missed**2).mean())
    for share in SHARES:
        kernel = blocks.kernel(at, share)
        values, vectors = np.linalg.eigh(kernel[at])
        values = np.maximum(values, 0.0)
        for noise in NOISES:
            weights = vectors @ ((vectors.T @ y) / (values + noise)[:, None])
            # Leave-one-out residuals of a linear smoother H = K (K + noise)^-1: (y - Hy) / (1 - h), and 1 - h and
            # y - Hy are both noise times parts of (K + noise)^-1.
            missed = weights / (vectors**2 @ (1 / (values + noise)))[:, None]
            error = float((missed**2).mean())
            if error < least:
                best, least = kernel @ weights, error
    return best
