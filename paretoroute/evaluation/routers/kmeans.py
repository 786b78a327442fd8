"""k-means: a point's mean over the logged queries of the same cluster.

As in "Universal Model Routing for Efficient LLM Inference" (Jitkrittum et al., 2025, arXiv:2502.08773), where a model
is described by its errors on clusters of queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.cross_validation import Candidates, best_settings
from paretoroute.evaluation.routers.methods.clusters import assign, cluster_centres, cluster_means
from paretoroute.evaluation.routers.priced import PricedStrategies, priced
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class KMeans:
    """Averages over k-means clusters of the features; cross-validation chooses their number.

    Args:
        sizes: numbers of clusters to choose from, one for quality and one for cost.
        name: in tables.
    """

    sizes: tuple[int, ...] = (10, 30, 60)
    name: str = "kmeans"

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
