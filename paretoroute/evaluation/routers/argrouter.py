"""argrouter 0.1.0a2: a logistic model blended with weighted neighbours; its rule is :mod:`~.rules.argrouter`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.logistic import fit_logistic
from paretoroute.evaluation.routers.priced import prices
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rule_strategies import RuleStrategies
from paretoroute.evaluation.routers.rules import argrouter
from paretoroute.evaluation.routers.rules.arrays import unit
from paretoroute.forecast import Forecast

_BLOCK = 256


@dataclass(frozen=True)
class ArgRouter:
    """The knob is lambda, quality per USD.

    Args:
        neighbours: their number, k.
        share: of the neighbours in the forecast of quality.
        name: in tables.
    """

    neighbours: int = 50
    share: float = 0.5
    name: str = "argrouter"

    def fit(self, training: Training) -> RuleStrategies:
        """Fit the logistic model and keep the training queries; missing outcomes are their point's mean."""
        units = unit(training.features)
        model = fit_logistic(units, training.quality)
        quality, cost = fill_missing(training.quality), fill_missing(training.cost_usd)

        def block(features: np.ndarray) -> Forecast:
            near = argrouter.neighbours(units, features, self.neighbours)
            modelled = argrouter.success(features, coefficients=model.slopes.T, intercepts=model.intercepts)
            return Forecast(argrouter.blend(modelled, near.mean(quality), self.share), near.mean(cost))

        def predict(batch: QueryBatch) -> Forecast:
            starts = range(0, len(batch.features), _BLOCK)
            parts = [block(batch.features[start : start + _BLOCK]) for start in starts]
            return Forecast(np.concatenate([p.quality for p in parts]), np.concatenate([p.cost_usd for p in parts]))

        def rule(forecast: Forecast, lam: float) -> Indices:
            return argrouter.choose(forecast.quality, forecast.cost_usd, lam)

        return RuleStrategies(Remembered(predict), rule, prices(training))
