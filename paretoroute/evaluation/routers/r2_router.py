"""R2-Router (Huang et al., ICML 2026, arXiv:2602.02823): ridge heads per model and budget, and one trade-off.

The rule is :mod:`~.rules.r2_router`. The released heads are ridges of strength 10 on embeddings; a point's cost is that
of its mean output on the training queries. The knob is lambda in [0, 1], on costs in units of their mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.regression import fit_columns
from paretoroute.evaluation.routers.priced import prices
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rule_strategies import RuleStrategies
from paretoroute.evaluation.routers.rules import r2_router
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class R2Router:
    """Ridge heads of quality for every point of the grid.

    Args:
        strength: position among the package's ridge strengths (0.3, 3, 30); the last is nearest to the released 10.
        decimals: to which scores are rounded; the released code rounds to 8.
        name: in tables.
    """

    strength: int = 2
    decimals: int | None = None
    name: str = "r2-router"

    def fit(self, training: Training) -> RuleStrategies:
        """Fit the heads."""
        heads = fit_columns(training.features, training.quality)
        cost = fill_missing(training.cost_usd).mean(0)
        scale = float(cost.mean())

        def predict(batch: QueryBatch) -> Forecast:
            quality = np.clip(heads.predict(batch.features)[self.strength], 0.0, 1.0)
            return Forecast(quality, np.broadcast_to(cost, quality.shape))

        def rule(forecast: Forecast, lam: float) -> Indices:
            return r2_router.choose(forecast.quality, forecast.cost_usd / scale, lam, decimals=self.decimals)

        price = prices(training) * scale
        return RuleStrategies(Remembered(predict), rule, price / (1 + price))
