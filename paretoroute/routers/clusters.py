"""Clusters: a point's mean over the logged queries of the same k-means cluster.

As in "Universal Model Routing for Efficient LLM Inference" (Jitkrittum et al., 2025, arXiv:2502.08773), where a model
is described by its errors on clusters of queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute.forecast import Forecast
from paretoroute.routers.interface import Asked, Floats, Predict, Training
from paretoroute.routers.preparing import filled
from paretoroute.routers.tuning import Rows, best_settings

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
        centres = [lloyd(features, starts(features, size, seed=training.seed)) for size in self.sizes]
        members = [assigned(features, found) for found in centres]

        def inside(rows: Rows, asked: Rows) -> tuple[Floats, Floats]:
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


def starts(vectors: Floats, clusters: int, *, seed: int) -> Floats:
    """Pick the first centres far apart, at random by squared distance: ``(clusters, width)``.

    k-means++ (Arthur and Vassilvitskii, 2007); at most as many centres as there are different vectors.
    """
    chance = np.random.default_rng(seed)
    centres = [vectors[chance.integers(len(vectors))]]
    away = ((vectors - centres[0]) ** 2).sum(1)
    while len(centres) < clusters and away.any():
        centres.append(vectors[chance.choice(len(vectors), p=away / away.sum())])
        away = np.minimum(away, ((vectors - centres[-1]) ** 2).sum(1))
    return np.stack(centres)


def lloyd(vectors: Floats, centres: Floats) -> Floats:
    """Move centres to the means of their vectors until none changes cluster (Lloyd, 1982): ``(clusters, width)``.

    A centre that loses all its vectors stays where it is.
    """
    member = np.full(len(vectors), -1)
    for _ in range(ROUNDS):
        nearest = assigned(vectors, centres)
        if np.array_equal(nearest, member):
            break
        member = nearest
        count = np.bincount(member, minlength=len(centres))
        total = np.zeros_like(centres)
        np.add.at(total, member, vectors)
        centres = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], centres)
    return centres
