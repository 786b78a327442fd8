"""Fill the holes of points with few runs from what their few runs tell, by the text and by the other points' outcomes.

Where a model was added to a log of thousands of queries with runs for fifty of them, a low-rank model fills nearly all
of its cells with nearly nothing, and the heads then learn that. So the cells of such a point are forecast by regression
on its own runs, as a Gaussian process (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006):

    y_i = base + g(x_i) + noise,   k(x, x') = 1 + (1 - s) x_text . x'_text + s x_others . x'_others

with x_text the query's features and x_others the principal components of what the well-logged points did on it. The
share s and the noise are those with the least error on runs left out, which has a closed form; without an error below
that of the mean alone nothing is changed.

The out-of-fold forecasts of the logged cells of such points are made here too, since the filled cells of their
neighbours know of their own run: by the text alone, which is all that a planner has, and without that run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.fitting.methods.matrix_completion import PRIOR_RUNS, Completed

FEW_SHARE = 0.5  # a point with runs for a smaller share of the queries is filled; with a larger one it fills others
LEAST_RUNS = 20
MOST_RUNS = 500  # of which the regression is made; its cost grows with their third power
OTHERS = 6  # principal components of the other points
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
NOISES = np.geomspace(0.03, 30, 9)


@dataclass(frozen=True)
class Filled:
    """A completed panel, and forecasts of the logged cells of points with few runs, each without its own run.

    Args:
        completed: the panel, every cell known or filled.
        left_out: ``(queries, points)``, NaN elsewhere.
    """

    completed: Completed
    left_out: Floats


def fill(completed: Completed, cells: Floats, count: Floats, features: Floats) -> Filled:
    """Fill the cells of points with few runs anew.

    Args:
        completed: by the low-rank model.
        cells: logged means, ``(queries, points)``, NaN where nothing was logged.
        count: how many trials each rests on, ``(queries, points)``.
        features: of the queries, ``(queries, features)``.
    """
    known = count > 0
    share = known.mean(axis=0)
    left_out = np.full(cells.shape, np.nan)
    few = (share < FEW_SHARE) & (known.sum(axis=0) >= LEAST_RUNS)
    if not few.any() or not (share >= FEW_SHARE).any():
        return Filled(completed, left_out)
    logged = np.where(known, completed.residual, 0.0)[:, share >= FEW_SHARE]
    blocks = _scaled(features - features.mean(axis=0)), _scaled(_components(logged))
    base, residual = completed.base.copy(), completed.residual.copy()
    for columns in _alike(known, np.flatnonzero(few)):
        rows = np.flatnonzero(known[:, columns[0]])
        own = cells[np.ix_(rows, columns)] - completed.base[columns]
        found = _regress(blocks, rows, own)
        if found is None:
            continue
        forecast, without_own = found
        values = completed.base[columns] + forecast
        values[rows] = cells[np.ix_(rows, columns)]
        runs = len(rows)
        base[columns] = (runs * values.mean(axis=0) + PRIOR_RUNS * completed.base[columns]) / (runs + PRIOR_RUNS)
        residual[:, columns] = values - base[columns]
        left_out[np.ix_(rows, columns)] = completed.base[columns] + without_own
    return Filled(Completed(base, residual), left_out)


def _components(logged: Floats) -> Floats:
    """Principal components of the well-logged points' outcomes: ``(queries, components)``."""
    values, directions = np.linalg.eigh(logged.T @ logged)
    return logged @ directions[:, np.argsort(-values)[:OTHERS]]


def _scaled(block: Floats) -> Floats:
    """Bring a block of predictors to mean square length 1."""
    return block / (np.sqrt((block**2).sum(axis=1).mean()) or 1.0)


def _alike(known: NDArray[np.bool_], columns: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Group points that were logged at the same queries."""
    _, group = np.unique(known[:, columns], axis=1, return_inverse=True)
    return [columns[group.ravel() == g] for g in range(int(group.max()) + 1)]


def _regress(blocks: tuple[Floats, Floats], rows: NDArray[np.intp], own: Floats) -> tuple[Floats, Floats] | None:
    """Regress a point's residuals on the predictors of its rows.

    Args:
        blocks: text and other points, ``(queries, width)`` each.
        rows: queries with a run of the points.
        own: their residuals, ``(rows, points)``.

    Returns:
        Forecasts of all queries, ``(queries, points)``, and of the rows by the text without their own run,
        ``(rows, points)``; or None where none beats the mean of the other rows.
    """
    used = np.linspace(0, len(rows) - 1, min(len(rows), MOST_RUNS)).astype(int)
    y, at = own[used], rows[used]
    missed = (y - y.mean(axis=0)) * len(y) / (len(y) - 1)
    best, least = None, float((missed**2).mean())
    by_text = np.broadcast_to(y.mean(axis=0), own.shape).copy(), y - missed
    for share in SHARES:
        kernel = 1.0 + (1 - share) * blocks[0] @ blocks[0][at].T + share * blocks[1] @ blocks[1][at].T
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
                if share == 0:
                    by_text = best[rows], y - missed
    if best is None:
        return None
    left_out, left_out[used] = by_text
    return best, left_out
