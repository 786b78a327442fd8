"""RADAR (Fernandez et al., ICLR 2026, arXiv:2509.25426): item response theory; its rule is :mod:`~.rules.radar`.

No code was published. A point's cost is its mean on the training queries, scaled to [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rule_strategies import RuleStrategies
from paretoroute.evaluation.routers.rules import radar
from paretoroute.forecast import Forecast

WEIGHTS = 1 - np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 47)])


@dataclass(frozen=True)
class Radar:
    """The knob is w, the weight of success against cost, in [0, 1].

    Args:
        chebyshev: minimise the greater weighted loss instead of the sum.
        name: in tables.
    """

    chebyshev: bool = False
    name: str = "radar"

    def fit(self, training: Training) -> RuleStrategies:
        """Fit abilities and the difficulty and discrimination of queries."""
        model = radar.fit(_with_constant(training.features), training.quality)
        cost = fill_missing(training.cost_usd).mean(0)
        scaled = radar.scaled_cost(cost)

        def predict(batch: QueryBatch) -> Forecast:
            success = model.success(_with_constant(batch.features))
            return Forecast(success, np.broadcast_to(cost, success.shape))

        def rule(forecast: Forecast, weight: float) -> Indices:
            return radar.choose(forecast.quality, scaled, weight, chebyshev=self.chebyshev)

        return RuleStrategies(Remembered(predict), rule, WEIGHTS)


def _with_constant(features: Floats) -> Floats:
    return np.column_stack([np.ones(len(features)), features])
