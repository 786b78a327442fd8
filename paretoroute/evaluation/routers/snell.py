"""Compute-optimal scaling (Snell et al., 2024, arXiv:2408.03314): the best point per bin of forecast difficulty.

The rule is :mod:`~.rules.snell`. Difficulty is one minus the forecast mean quality over all points, out of fold on the
training queries; the paper takes a verifier's mean score of 2,048 samples, which it does not charge. The knob is the
price of cost, quality per USD, common to all bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.cross_validation import out_of_fold
from paretoroute.evaluation.routers.methods.regression import fit_columns
from paretoroute.evaluation.routers.plans import Single
from paretoroute.evaluation.routers.priced import prices
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rules import snell

STRENGTH = 2  # position among the ridge strengths; the heaviest, since one noisy mean is forecast


@dataclass(frozen=True)
class _AtPrice:
    bins: _Bins
    price: float

    def plan(self, batch: QueryBatch) -> Single:
        """Choose the best point of the query's bin."""
        best = snell.best_at_price(self.bins.quality, self.bins.cost_usd, self.price)
        return Single(best[snell.bin_of(self.bins.success(batch), self.bins.edges)])


@dataclass(frozen=True)
class _Bins:
    success: Remembered[Floats]
    edges: Floats
    quality: Floats
    cost_usd: Floats
    knobs: Floats

    def at(self, knob: float) -> _AtPrice:
        """Return the strategy at a price."""
        return _AtPrice(self, knob)


@dataclass(frozen=True)
class Snell:
    """Bins queries by forecast difficulty.

    Args:
        bins: their number; the paper has 5.
        name: in tables.
    """

    bins: int = snell.BINS
    name: str = "snell"

    def fit(self, training: Training) -> _Bins:
        """Forecast the mean quality, cut the queries into bins, and average the outcomes in each."""
        mean = np.nanmean(training.quality - np.nanmean(training.quality, axis=0), axis=1, keepdims=True)

        def forecast(rows: np.ndarray, held_out: np.ndarray) -> Floats:
            return fit_columns(training.features[rows], mean[rows]).predict(training.features[held_out])[STRENGTH]

        model = fit_columns(training.features, mean)
        success = out_of_fold(training, forecast, columns=1)[:, 0]
        edges = snell.bin_edges(success, self.bins)
        member = snell.bin_of(success, edges)
        return _Bins(
            Remembered(lambda batch: model.predict(batch.features)[STRENGTH][:, 0]),
            edges,
            snell.bin_means(training.quality, member, self.bins),
            snell.bin_means(training.cost_usd, member, self.bins),
            prices(training),
        )
