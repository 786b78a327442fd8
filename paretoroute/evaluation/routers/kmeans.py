"""Clusters: a point's mean over the logged queries of the same k-means cluster.

As in "Universal Model Routing for Efficient LLM Inference" (Jitkrittum et al., 2025, arXiv:2502.08773), where a model
is described by its errors on clusters of queries.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.routers.base import Asked, Predict, Training
from paretoroute.evaluation.routers.cross_validation import best_settings
from paretoroute.evaluation.routers.data import filled
from paretoroute.forecast import Forecast

ROUNDS = 100


@dataclass(frozen=True)
class Clusters:
    """Averages over k-means clusters of the features; their number is chosen inside the training runs.

    Args:
        sizes: numbers of clusters to choose from, one for quality and one for cost.
        name: in tables.
    """

    sizes: tuple[int, ...] = (10, 30, 60)
    name: str = "k-means"

    def fit(self, training: Training) -> Predict:
        """Cluster the queries, which needs no outcome, and choose the number of clusters."""
        features = training.features
        centres = [k_means(features, size, seed=training.seed) for size in self.sizes]
        members = [assigned(features, found) for found in centres]

        def inside(rows: Mask, asked: Mask) -> tuple[Floats, Floats]:
            def by_size(values: Floats) -> Floats:
                tables = zip(members, centres, strict=True)
                return np.stack([means(m[rows], values[rows], len(c))[m[asked]] for m, c in tables])

            return by_size(training.quality), by_size(training.cost_usd)

        by_quality, by_cost = best_settings(training, inside)
        quality = means(members[by_quality], training.quality, len(centres[by_quality]))
        cost = means(members[by_cost], training.cost_usd, len(centres[by_cost]))

        def predict(asked: Asked) -> Forecast:
            return Forecast(
                quality[assigned(asked.features, centres[by_quality])], cost[assigned(asked.features, centres[by_cost])]
            )

        return predict


def means(member: NDArray[np.intp], values: Floats, clusters: int) -> Floats:
    """Average values ``(queries, points)`` over clusters: ``(clusters, points)``.

    NaN is left out, and where all is NaN the mean over all queries stands.
    """
    known = ~np.isnan(values)
    total, count = np.zeros((clusters, values.shape[1])), np.zeros((clusters, values.shape[1]))
    np.add.at(total, member, np.where(known, values, 0.0))
    np.add.at(count, member, known)
    return np.where(count > 0, total / np.maximum(count, 1), filled(values).mean(0))


def assigned(vectors: Floats, centres: Floats) -> NDArray[np.intp]:
    """Find the nearest centre of every vector, the first of equals: ``(queries,)``."""
    return ((centres * centres).sum(1) - 2 * vectors @ centres.T).argmin(axis=1)


def k_means(vectors: Floats, clusters: int, *, seed: int) -> Floats:
    """Compute k-means centres: ``(clusters, width)``.

    Lloyd's algorithm (1982) from the starts of k-means++ (Arthur and Vassilvitskii, 2007).

    Args:
        vectors: ``(queries, width)``.
        clusters: their number; there are never more than different vectors.
        seed: of the starts.
    """
    from scipy.cluster.vq import kmeans2

    different = len(np.unique(vectors, axis=0))  # k-means++ cannot draw more starts
    with warnings.catch_warnings():
        # A centre that loses all its vectors stays where it is; the mean of all queries then stands for its cluster.
        warnings.filterwarnings("ignore", "One of the clusters is empty", UserWarning)
        chance = np.random.default_rng(seed)
        return kmeans2(vectors, min(clusters, different), iter=ROUNDS, minit="++", missing="warn", rng=chance)[0]
