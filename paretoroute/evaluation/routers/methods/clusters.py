"""k-means clusters of features, and means over them."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.data import fill_missing

ROUNDS = 50  # kmeans2 has no test of convergence; on logs of 1,000 to 6,000 queries nothing moved after 30 rounds


def cluster_means(member: NDArray[np.intp], values: Floats, clusters: int) -> Floats:
    """Average values ``(queries, points)`` over clusters: ``(clusters, points)``.

    NaN is left out; a cluster that has only NaN gets the mean over all queries.
    """
    logged = ~np.isnan(values)
    belongs = (np.arange(clusters)[:, None] == member).astype(np.float64)
    total, count = belongs @ np.where(logged, values, 0.0), belongs @ logged
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
