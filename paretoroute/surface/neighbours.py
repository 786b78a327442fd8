"""The logged queries nearest to a new one.

Two measures of nearness, cosine in the text part of the features and cosine in all of them, and three sizes of
neighbourhood give six weightings. A constant coordinate makes queries without a text neighbours of one another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

SIZES = (10, 40, 150)
MEASURES = 2
HEADS = MEASURES * len(SIZES)
CONSTANT = 0.05
LEAST_SIMILARITY = 1e-3


@dataclass(frozen=True)
class Neighbours:
    """The logged queries kept for looking up.

    Args:
        features: theirs, float16 ``(queries, width)``.
        by_text: unit vectors of the text part, float32 ``(queries, rank + 1)``.
        by_all: unit vectors of all features, float32 ``(queries, width + 1)``.
    """

    features: NDArray[np.float16]
    by_text: NDArray[np.float32]
    by_all: NDArray[np.float32]

    def nearest(self, vector: Floats, rank: int) -> list[tuple[NDArray[np.intp], Floats]]:
        """Find the neighbours of one query under each measure.

        One query at a time, always by the same operations, so that a plan never depends on what else is in a batch.

        Args:
            vector: features, ``(width,)``.
            rank: how many of them are of the text.

        Returns:
            For each measure the neighbours' positions and similarities, nearest first, ``(at most 150,)``.
        """
        parts = ((self.by_text, vector[:rank]), (self.by_all, vector))
        return [_top(units @ _unit(part[None, :])[0]) for units, part in parts]


def index(features: NDArray[np.floating], rank: int) -> Neighbours:
    """Lay out the logged queries' features, ``(queries, width)``, for looking up neighbours.

    They are rounded to float16 first, so that an index that was stored and read back is the same.
    """
    kept = features.astype(np.float16)
    wide = kept.astype(np.float64)
    return Neighbours(kept, _unit(wide[:, :rank]), _unit(wide))


def _unit(vectors: Floats) -> NDArray[np.float32]:
    wide = np.concatenate([vectors, np.full((len(vectors), 1), CONSTANT)], axis=1)
    return (wide / np.sqrt(np.einsum("qf,qf->q", wide, wide))[:, None]).astype(np.float32)


def _top(similarity: NDArray[np.float32]) -> tuple[NDArray[np.intp], Floats]:
    size = min(SIZES[-1], len(similarity))
    if size < len(similarity):
        chosen = np.argpartition(-similarity, size - 1)[:size]
    else:
        chosen = np.arange(size)
    chosen = chosen[np.argsort(-similarity[chosen], kind="stable")]
    return chosen, similarity[chosen].astype(np.float64)


def weights(similarity: Floats, size: int) -> Floats:
    """Weigh the ``size`` nearest by squared similarity; sums to 1 along the last axis."""
    near = np.maximum(similarity[..., :size], LEAST_SIMILARITY) ** 2
    return near / near.sum(axis=-1, keepdims=True)


def averages(found: list[tuple[NDArray[np.intp], Floats]], targets: Floats) -> Floats:
    """Average the neighbours' targets, ``(queries, components)``, in six ways: ``(6, components)``."""
    return np.stack([weights(near, size) @ targets[chosen[:size]] for chosen, near in found for size in SIZES])


def averages_between(
    train: Floats,
    targets: Floats,
    test: Floats,
    rank: int,
    *,
    apart: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> Floats:
    """Average targets over neighbours for many queries at once, for fitting.

    Args:
        train: features of the possible neighbours, ``(train, width)``.
        targets: theirs, ``(train, components)``.
        test: features of the queries that ask, ``(test, width)``.
        rank: how many features are of the text.
        apart: groups of both, ``(train,)`` and ``(test,)``: a query has no neighbour of its own group.

    Returns:
        ``(6, test, components)``.
    """
    out = np.zeros((HEADS, len(test), targets.shape[1]))
    for measure, part in enumerate((slice(0, rank), slice(None))):
        units, asking = _unit(train[:, part]), _unit(test[:, part])
        for start in range(0, len(test), 1024):
            rows = slice(start, start + 1024)
            similarity = asking[rows] @ units.T
            if apart is not None:
                similarity[apart[1][rows, None] == apart[0][None, :]] = -2.0
            chosen, near = _nearest_rows(similarity)
            for head, count in enumerate(SIZES):
                share = weights(near, count)
                if apart is not None:
                    share = np.where(near[:, :count] > -1.5, share, 0.0)
                    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
                out[measure * len(SIZES) + head, rows] = _weighted(share, targets, chosen[:, :count])
    return out


def _nearest_rows(similarity: NDArray[np.float32]) -> tuple[NDArray[np.intp], Floats]:
    """Find the nearest of each row, nearest first: positions and similarities."""
    size = min(SIZES[-1], similarity.shape[1])
    chosen = np.argpartition(-similarity, size - 1, axis=1)[:, :size]
    near = np.take_along_axis(similarity, chosen, axis=1)
    order = np.argsort(-near, axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1), np.take_along_axis(near, order, 1).astype(np.float64)


def _weighted(share: Floats, targets: Floats, chosen: NDArray[np.intp]) -> Floats:
    """Sum targets by shares, one neighbour at a time: all at once would not fit in memory."""
    total = np.zeros((len(chosen), targets.shape[1]))
    for step in range(chosen.shape[1]):
        total += share[:, step : step + 1] * targets[chosen[:, step]]
    return total
