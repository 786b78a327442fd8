"""Stacking: non-negative weights of the heads for each component of a panel, pooled over components.

A panel's residuals are written in an orthonormal basis V (points, components). Each head h forecasts component k of
query i out of fold, s_hik. The forecast is

    y_ij = b_j + sum_k V_jk sum_h w_hk s_hik,      w >= 0,

and the weights minimise the squared error of the logged cells (Brier, 1950: proper for probabilities) plus
tau_k sum_h (w_hk - w_h)^2, where w_h are the weights that all components but the first share. The first component is
overall difficulty; it shifts all points alike and so decides little, and its weights do not suit the others.
Stacking: Wolpert, 1992; non-negative weights: Breiman, 1996; active-set solver: Lawson and Hanson, 1974.

Each fold's rows are reduced to the triangle of their QR factorisation; several folds are their triangles, stacked.
That keeps the precision of the rows, which a Gram matrix would halve, and costs one pass over them.

Heads that are linearly dependent on the log have no unique shared weights. Nothing is added to make them unique: the
solver returns a minimiser in which few heads have a weight, and all minimisers forecast the logged queries alike.
A component that holds only rounding errors, as in a panel of lower rank, counts as zero: it has no weights and no part
in the shared ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from paretoroute._arrays import Floats

POOL_QUERIES = 100.0  # the shared weights count as so many queries
ROUNDING = 1e-20  # of the largest component's sum of squares; a component below it holds only rounding errors


def stack(forecasts: Floats, targets: Floats, query_weight: Floats, fold: NDArray[np.int64], *, folds: int) -> Floats:
    """Fit the heads' weights on all queries and, for each fold, without it.

    Args:
        forecasts: out-of-fold forecasts, ``(heads, queries, components)``.
        targets: components to forecast, ``(queries, components)``.
        query_weight: weight of each query, such as the share of the points that were logged, ``(queries,)``.
        fold: fold of each query, ``(queries,)``.
        folds: number of folds.

    Returns:
        Weights ``(folds + 1, heads, components)``: entry f leaves out fold f, the last leaves out none.
    """
    triangles = [_triangles(forecasts[:, fold == f], targets[fold == f], query_weight[fold == f]) for f in range(folds)]
    sizes = [float(query_weight[fold == f].sum()) for f in range(folds)]
    weights = []
    for left_out in range(folds + 1):
        kept = [f for f in range(folds) if f != left_out]
        systems = np.concatenate([triangles[f] for f in kept], axis=1)
        weights.append(_pooled(systems, sum(sizes[f] for f in kept)))
    return np.stack(weights)


def cross_fitted(forecasts: Floats, weights: Floats, fold: NDArray[np.int64]) -> Floats:
    """Mix every query's forecasts by the weights fitted without its fold: ``(queries, components)``.

    Args:
        forecasts: out of fold, ``(heads, queries, components)``.
        weights: as :func:`stack` returns them, ``(folds + 1, heads, components)``.
        fold: fold of each query, ``(queries,)``.
    """
    mixed = np.zeros(forecasts.shape[1:])
    for f in range(len(weights) - 1):
        inside = fold == f
        mixed[inside] = np.einsum("hik,hk->ik", forecasts[:, inside], weights[f])
    return mixed


def _triangles(forecasts: Floats, targets: Floats, query_weight: Floats) -> Floats:
    """Reduce a fold's weighted rows ``[forecasts | target]`` to triangles, ``(components, rows, heads + 1)``."""
    rows = np.concatenate([forecasts.transpose(2, 1, 0), targets.T[:, :, None]], axis=2)
    return np.asarray(np.linalg.qr(np.sqrt(query_weight)[:, None] * rows, mode="r"))


def _pooled(systems: Floats, size: float) -> Floats:
    """Solve for the weights of one training set, ``(heads, components)``.

    Args:
        systems: rows ``[forecasts | target]`` of every component, ``(components, rows, heads + 1)``.
        size: the sum of the query weights in it.
    """
    heads = systems.shape[2] - 1
    energy = (systems[:, :, heads] ** 2).sum(axis=1)
    systems = np.where((energy > ROUNDING * energy.max())[:, None, None], systems, 0.0)
    shared = _nonnegative(np.concatenate(systems[1:] if len(systems) > 1 else systems))
    head_scale = (systems[:, :, :heads] ** 2).sum(axis=(1, 2)) / max(size * heads, 1e-12)
    pull = np.sqrt(POOL_QUERIES * head_scale)[:, None, None] * np.column_stack([np.eye(heads), shared])
    return np.stack([_nonnegative(rows) for rows in np.concatenate([systems, pull], axis=1)], axis=1)


def _nonnegative(rows: Floats) -> Floats:
    """Minimise ``||A w - b||`` over ``w >= 0`` for rows ``[A | b]``, ``(rows, heads + 1)``; 0 without rows."""
    if not len(rows):  # as where one fold holds all queries: nnls would return what lies in memory
        return np.zeros(rows.shape[1] - 1)
    return nnls(rows[:, :-1], rows[:, -1])[0]
