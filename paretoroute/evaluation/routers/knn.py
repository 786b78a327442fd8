"""Nearest neighbours: a point's mean over the most similar logged queries.

Reported to match or beat learned routers in "Rethinking Predictive Modeling for LLM Routing: When Simple kNN Beats
Complex Learned Routers" (Li, 2025, arXiv:2505.12601).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.routers.base import Asked, Predict, Training
from paretoroute.evaluation.routers.cross_validation import best_settings
from paretoroute.evaluation.routers.data import filled
from paretoroute.forecast import Forecast

_BLOCK = 256  # queries at a time: their neighbours' outcomes are held in memory at once


@dataclass(frozen=True)
class NearestNeighbours:
    """Averages the k nearest queries by cosine of all features; k is chosen inside the training runs.

    Args:
        sizes: the k to choose from, one for quality and one for cost.
        name: in tables.
    """

    sizes: tuple[int, ...] = (20, 40, 100)
    name: str = "kNN"

    def fit(self, training: Training) -> Predict:
        """Choose k, and keep the training queries."""
        features, values = training.features, np.hstack([training.quality, training.cost_usd])
        points = training.quality.shape[1]

        def inside(rows: Mask, asked: Mask) -> tuple[Floats, Floats]:
            found = averages(features[rows], values[rows], features[asked], self.sizes)
            return found[..., :points], found[..., points:]

        chosen = best_settings(training, inside)

        def predict(asked: Asked) -> Forecast:
            sizes = tuple(self.sizes[setting] for setting in chosen)
            by_quality, by_cost = averages(features, values, asked.features, sizes)
            return Forecast(by_quality[:, :points], by_cost[:, points:])

        return predict


def averages(train: Floats, values: Floats, asked: Floats, sizes: tuple[int, ...]) -> Floats:
    """Average values over the nearest rows by cosine, at several sizes of neighbourhood.

    Args:
        train: features of the possible neighbours, ``(train, width)``.
        values: theirs, ``(train, columns)``; NaN is left out, and where all is NaN the column's mean stands.
        asked: features of the queries that ask, ``(asked, width)``.
        sizes: how many neighbours.

    Returns:
        ``(sizes, asked, columns)``.
    """
    mean, known = filled(values).mean(0), ~np.isnan(values)
    numbers, units = np.where(known, values, 0.0), _unit(train)
    most = min(max(sizes), len(train))
    out = np.empty((len(sizes), len(asked), values.shape[1]))
    for start in range(0, len(asked), _BLOCK):
        rows = slice(start, start + _BLOCK)
        near = _nearest(_unit(asked[rows]) @ units.T, most)
        for s, size in enumerate(sizes):
            chosen = near[:, :size]
            count = known[chosen].sum(1)
            out[s, rows] = np.where(count > 0, numbers[chosen].sum(1) / np.maximum(count, 1), mean)
    return out


def _nearest(similarity: Floats, most: int) -> np.ndarray:
    """Find the columns with the highest similarity, nearest first: ``(rows, most)``."""
    chosen = np.argpartition(-similarity, most - 1, axis=1)[:, :most]
    order = np.argsort(-np.take_along_axis(similarity, chosen, 1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1)


def _unit(vectors: Floats) -> Floats:
    norm = np.sqrt((vectors * vectors).sum(1, keepdims=True))
    return vectors / np.where(norm > 0, norm, 1.0)
