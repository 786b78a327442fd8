"""k-means: a point's mean over the logged queries of the same cluster.

As in "Universal Model Routing for Efficient LLM Inference" (Jitkrittum et al., 2025, arXiv:2502.08773), where a model
is described by its errors on clusters of queries.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.cross_validation import Candidates, best_settings
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.priced import PricedStrategies, priced
from paretoroute.forecast import Forecast

ROUNDS = 50  # kmeans2 has no test of convergence; on logs of 1,000 to 6,000 queries nothing moved after 30 rounds


@dataclass(frozen=True)
class KMeans:
    """Averages over k-means clusters of the features; cross-validation chooses their number.

    Args:
        sizes: numbers of clusters to choose from, one for quality and one for cost.
        name: in tables.
    """

    sizes: tuple[int, ...] = (10, 30, 60)
    name: str = "k-means"

    def fit(self, training: Training) -> PricedStrategies:
        """Cluster the queries, which needs no outcome, and choose the number of clusters."""
        features = training.features
        centres = [cluster_centres(features, size, seed=training.seed) for size in self.sizes]
        members = [assign(features, centre) for centre in centres]

        def forecast(rows: Mask, held_out: Mask) -> Candidates:
            def by_size(values: Floats) -> Floats:
                tables = zip(members, centres, strict=True)
                return np.stack([cluster_means(m[rows], values[rows], len(c))[m[held_out]] for m, c in tables])

            return Candidates(by_size(training.quality), by_size(training.cost_usd))

        best = best_settings(training, forecast)
        quality_centres, cost_centres = centres[best.quality], centres[best.cost_usd]
        quality = cluster_means(members[best.quality], training.quality, len(quality_centres))
        cost = cluster_means(members[best.cost_usd], training.cost_usd, len(cost_centres))

        def predict(batch: QueryBatch) -> Forecast:
            return Forecast(
                quality[assign(batch.features, quality_centres)], cost[assign(batch.features, cost_centres)]
            )

        return priced(training, predict)


def cluster_means(member: NDArray[np.intp], values: Floats, clusters: int) -> Floats:
    """Average values ``(queries, points)`` over clusters: ``(clusters, points)``.

    NaN is left out; a cluster that has only NaN gets the mean over all queries.
    """
    logged = ~np.isnan(values)
    total, count = np.zeros((clusters, values.shape[1])), np.zeros((clusters, values.shape[1]))
    np.add.at(total, member, np.where(logged, values, 0.0))
    np.add.at(count, member, logged)
    return np.where(count > 0, total / np.maximum(count, 1), fill_missing(values).mean(0))


def assign(vectors: Floats, centres: Floats) -> NDArray[np.intp]:
    """Return the nearest centre of every vector, the first of equally near ones: ``(queries,)``."""
    return ((centres * centres).sum(1) - 2 * vectors @ centres.T).argmin(axis=1)


def cluster_centres(vectors: Floats, clusters: int, *, seed: int) -> Floats:
    """Compute k-means centres: ``(clusters, width)``.

    Lloyd's algorithm (1982) from the starts of k-means++ (Arthur and Vassilvitskii, 2007).

    Args:
        vectors: ``(queries, width)``.
        clusters: their number, at most the number of distinct vectors.
        seed: of the starts.
    """
    from scipy.cluster.vq import kmeans2

    distinct = len(np.unique(vectors, axis=0))  # k-means++ cannot draw more starts
    with warnings.catch_warnings():
        # A centre that loses all its vectors stays where it is; the mean of all queries then stands for its cluster.
        warnings.filterwarnings("ignore", "One of the clusters is empty", UserWarning)
        rng = np.random.default_rng(seed)
        return kmeans2(vectors, min(clusters, distinct), iter=ROUNDS, minit="++", missing="warn", rng=rng)[0]
