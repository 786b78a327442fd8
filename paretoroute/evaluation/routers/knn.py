"""Nearest neighbours: a point's mean over the most similar logged queries.

Reported to match or beat learned routers in "Rethinking Predictive Modeling for LLM Routing: When Simple kNN Beats
Complex Learned Routers" (Li, 2025, arXiv:2505.12601).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Mask
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.cross_validation import Candidates, best_settings
from paretoroute.evaluation.routers.methods.neighbours import averages
from paretoroute.evaluation.routers.priced import PricedStrategies, priced
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class NearestNeighbours:
    """Averages the k nearest queries by cosine of all features; cross-validation chooses k.

    Args:
        sizes: the k to choose from, one for quality and one for cost.
        name: in tables.
    """

    sizes: tuple[int, ...] = (20, 40, 100)
    name: str = "knn"

    def fit(self, training: Training) -> PricedStrategies:
        """Choose k and keep the training queries."""
        features, values = training.features, np.hstack([training.quality, training.cost_usd])
        points = training.quality.shape[1]

        def forecast(rows: Mask, held_out: Mask) -> Candidates:
            means = averages(features[rows], values[rows], features[held_out], self.sizes)
            return Candidates(means[..., :points], means[..., points:])

        best = best_settings(training, forecast)
        sizes = (self.sizes[best.quality], self.sizes[best.cost_usd])

        def predict(batch: QueryBatch) -> Forecast:
            by_quality, by_cost = averages(features, values, batch.features, sizes)
            return Forecast(by_quality[:, :points], by_cost[:, points:])

        return priced(training, predict)
