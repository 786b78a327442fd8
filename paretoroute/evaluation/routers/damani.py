"""Adaptive allocation (Damani et al., ICLR 2025, arXiv:2410.04707): samples of one model by forecast marginal gains.

The rule is :mod:`~.rules.damani`: of the model's budgets each query takes those whose marginal gain of quality, on the
concave envelope of its forecast, is worth the marginal cost. Gains are regressed on the features, as in the paper's
variant for real-valued rewards. The knob is the price of cost, quality per USD.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.evaluation.routers.base import NotApplicable, QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.ridge_forecast import ridge_forecast
from paretoroute.evaluation.routers.priced import prices
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rule_strategies import RuleStrategies
from paretoroute.evaluation.tradeoff_curves import Outcomes, single_points
from paretoroute.forecast import Forecast
from paretoroute.solver.argmax import choose


@dataclass(frozen=True)
class Damani:
    """Chooses among the budgets of one model.

    Args:
        model: its name; None: the one with several budgets whose static mixture is best on the training queries.
        name: in tables.
    """

    model: str | None = None
    name: str = "damani"

    def fit(self, training: Training) -> RuleStrategies:
        """Choose the model and forecast its budgets.

        Raises:
            NotApplicable: no model has several budgets.
        """
        points = self._budgets(training)
        forecast = ridge_forecast(training)

        def of_model(batch: QueryBatch) -> Forecast:
            every = forecast(batch)
            return Forecast(every.quality[:, points], every.cost_usd[:, points])

        def rule(every: Forecast, price: float) -> Indices:
            # The largest marginal gains above a price are those up to the envelope's vertex that maximises q - price c.
            return points[choose(every.quality, every.cost_usd, price)[0]]

        return RuleStrategies(Remembered(of_model), rule, prices(training))

    def _budgets(self, training: Training) -> Indices:
        by_model: dict[str, list[int]] = {}
        for k, point in enumerate(training.grid.points):
            by_model.setdefault(point.model, []).append(k)
        several = {model: points for model, points in by_model.items() if len(points) > 1}
        if self.model is not None:
            several = {model: points for model, points in several.items() if model == self.model}
        if not several:
            raise NotApplicable("no model has several budgets")
        quality, cost = fill_missing(training.quality), fill_missing(training.cost_usd)

        def height(points: list[int]) -> float:
            static = single_points(Outcomes(quality[:, points], cost[:, points]))
            top = float(cost.mean(0).max())
            return float(np.trapezoid(static.at(grid := np.linspace(0, top, 200)), grid))

        return np.array(max(several.values(), key=height))
