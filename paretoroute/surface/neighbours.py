"""The logged queries nearest to a new one.

Two measures of nearness, cosine in the text part of the features and cosine in all of them, and three sizes of
neighbourhood give six weightings. A constant coordinate makes queries without a text neighbours of one another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Floats32, Indices

SIZES = (10, 40, 150)
MEASURES = 2
HEADS = MEASURES * len(SIZES)
CONSTANT = 0.05
LEAST_SIMILARITY = 1e-3
EXCLUDED = -2.0  # similarity that marks a query of the same group: below any cosine


@dataclass(frozen=True, slots=True)
class Nearest:
    """The logged queries nearest to one query under one measure, nearest first.

    Args:
        rows: their positions, ``(at most 150,)``.
        similarity: cosine similarity to the query, ``(at most 150,)``.
    """

    rows: Indices
    similarity: Floats


@dataclass(frozen=True)
class Neighbours:
    """The logged queries kept for look-up.

    Args:
        features: their features, float16 ``(queries, width)``.
        by_text: unit vectors of the text part, float32 ``(queries, rank + 1)``.
        by_all: unit vectors of all features, float32 ``(queries, width + 1)``.
    """

    features: NDArray[np.float16]
    by_text: NDArray[np.float32]
    by_all: NDArray[np.float32]

    def nearest(self, vector: Floats, rank: int) -> list[Nearest]:
        """Return the neighbours of one query, one entry per measure.

        One query at a time, always by the same operations, so that a plan never depends on what else is in a batch.

        Args:
            vector: features, ``(width,)``.
            rank: how many of them are of the text.
        """
        parts = ((self.by_text, vector[:rank]), (self.by_all, vector))
        return [_top(units @ _unit(part[None, :])[0]) for units, part in parts]


def index(features: NDArray[np.floating], rank: int) -> Neighbours:
    """Index the logged queries' features, ``(queries, width)``, for look-up.

    They are rounded to float16 first, so that a stored index is the same after reading it back.
    """
    kept = features.astype(np.float16)
    wide = kept.astype(np.float64)
    return Neighbours(kept, _unit(wide[:, :rank]), _unit(wide))


def _unit(vectors: Floats) -> NDArray[np.float32]:
    wide = np.concatenate([vectors, np.full((len(vectors), 1), CONSTANT)], axis=1)
    return (wide / np.sqrt(np.einsum("qf,qf->q", wide, wide))[:, None]).astype(np.float32)


def _top(similarity: Floats32) -> Nearest:
    size = min(SIZES[-1], len(similarity))
    if size < len(similarity):
        chosen = np.argpartition(-similarity, size - 1)[:size]
    else:
        chosen = np.arange(size)
    chosen = chosen[np.argsort(-similarity[chosen], kind="stable")]
    return Nearest(chosen, similarity[chosen].astype(np.float64))


def weights(similarity: Floats, size: int) -> Floats:
    """Weigh the ``size`` nearest of ``(..., neighbours)`` by squared similarity; sums to 1 over the last axis."""
    near = np.maximum(similarity[..., :size], LEAST_SIMILARITY) ** 2
    return near / near.sum(axis=-1, keepdims=True)


def averages(nearest: list[Nearest], targets: Floats) -> Floats:
    """Average the neighbours' targets, ``(queries, components)``, in six ways: ``(6, components)``."""
    return np.stack([weights(near.similarity, size) @ targets[near.rows[:size]] for near in nearest for size in SIZES])


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of queries that must not be neighbours of one another.

    Args:
        train: of the candidate neighbours, ``(train,)``.
        test: of the queries to forecast, ``(test,)``.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def averages_between(
    train: Floats,
    targets: Floats,
    test: Floats,
    rank: int,
    *,
    groups: Groups | None = None,
) -> Floats:
    """Average targets over neighbours for many queries at once, for fitting.

    Args:
        train: features of the candidate neighbours, ``(train, width)``.
        targets: their targets, ``(train, components)``.
        test: features of the queries to forecast, ``(test, width)``.
        rank: how many features are of the text.
        groups: a query has no neighbour of its own group; None: no restriction.

    Returns:
        ``(6, test, components)``.
    """
    out = np.zeros((HEADS, len(test), targets.shape[1]))
    for measure, part in enumerate((slice(0, rank), slice(None))):
        units, query_units = _unit(train[:, part]), _unit(test[:, part])
        for start in range(0, len(test), 1024):
            rows = slice(start, start + 1024)
            similarity = query_units[rows] @ units.T
            if groups is not None:
                similarity[groups.test[rows, None] == groups.train[None, :]] = EXCLUDED
            near = _nearest_rows(similarity)
            for head, count in enumerate(SIZES):
                share = weights(near.similarity, count)
                if groups is not None:
                    share = np.where(near.similarity[:, :count] > -1.5, share, 0.0)
                    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
                out[measure * len(SIZES) + head, rows] = _weighted(share, targets, near.rows[:, :count])
    return out


def _nearest_rows(similarity: Floats32) -> Nearest:
    """Return the nearest of each row, nearest first, ``(test, at most 150)``."""
    size = min(SIZES[-1], similarity.shape[1])
    chosen = np.argpartition(-similarity, size - 1, axis=1)[:, :size]
    near = np.take_along_axis(similarity, chosen, axis=1)
    order = np.argsort(-near, axis=1, kind="stable")
    return Nearest(np.take_along_axis(chosen, order, 1), np.take_along_axis(near, order, 1).astype(np.float64))


def _weighted(share: Floats, targets: Floats, rows: Indices) -> Floats:
    """Sum targets by shares, one neighbour at a time: all at once would not fit in memory."""
    total = np.zeros((len(rows), targets.shape[1]))
    for step in range(rows.shape[1]):
        total += share[:, step : step + 1] * targets[rows[:, step]]
    return total
