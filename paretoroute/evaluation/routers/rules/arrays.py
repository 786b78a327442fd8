"""Array functions that several rules share: unit vectors, nearest rows, sigmoid, min-max scaling, means without NaN."""

from __future__ import annotations

import numpy as np

from paretoroute._arrays import Floats, Indices


def sigmoid(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def log_sigmoid(x: Floats) -> Floats:
    """Return log(1 / (1 + exp(-x))) without overflow."""
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


def log_softmax(x: Floats) -> Floats:
    """Return the log of softmax over the last axis."""
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def softmax(x: Floats) -> Floats:
    """Return softmax over the last axis."""
    weights = np.exp(x - x.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def unit(vectors: Floats) -> Floats:
    """Scale the rows to length 1; a row of zeros stays."""
    length = np.sqrt((vectors * vectors).sum(-1, keepdims=True))
    return vectors / np.where(length > 0, length, 1.0)


def nearest(similarity: Floats, k: int) -> Indices:
    """Return the columns of highest similarity, the first of equals first: ``(rows, min(k, columns))``."""
    return np.argsort(-similarity, axis=1, kind="stable")[:, :k]


def min_max(table: Floats) -> Floats:
    """Scale each row to [0, 1], leaving NaN; a row of equal values becomes 1."""
    low = np.fmin.reduce(table, axis=1, keepdims=True)
    span = np.fmax.reduce(table, axis=1, keepdims=True) - low
    scaled = np.divide(table - low, span, out=np.ones_like(table), where=span > 0)
    return np.where(np.isnan(table), np.nan, scaled)


def mean_logged(table: Floats, empty: float = np.nan) -> Floats:
    """Average over the rows without NaN, ``(columns,)``; a column of NaN alone becomes ``empty``."""
    logged = ~np.isnan(table)
    count = logged.sum(0)
    total = np.where(logged, table, 0.0).sum(0)
    return np.divide(total, count, out=np.full(total.shape, empty), where=count > 0)


def weighted_mean(tables: Floats, weight: Floats, empty: float = np.nan) -> Floats:
    """Average ``(queries, rows, columns)`` with weights ``(queries, rows)`` over the rows without NaN.

    Returns:
        ``(queries, columns)``; ``empty`` where nothing with a positive weight was logged.
    """
    logged = ~np.isnan(tables)
    mass = np.einsum("qr,qrc->qc", weight, logged)
    total = np.einsum("qr,qrc->qc", weight, np.where(logged, tables, 0.0))
    return np.divide(total, mass, out=np.full(total.shape, empty), where=mass > 0)
