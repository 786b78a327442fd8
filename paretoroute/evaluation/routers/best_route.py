"""BEST-Route (Ding et al., ICML 2025, arXiv:2506.22716): the cheapest arm that is likely to match a reference.

Labels and rule are :mod:`~.rules.best_route`. The arms are the points of the log, whose budgets take the place of best
of n; the reference is the best single point. Heads are logistic regressions with soft labels in place of DeBERTa, and
an arm's cost is its forecast: the authors evaluate with realised costs of the test queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.logistic import fit_logistic
from paretoroute.evaluation.routers.methods.regression import forecast_cost
from paretoroute.evaluation.routers.methods.samples import samples_at
from paretoroute.evaluation.routers.plans import Single
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rules import best_route, hybrid_llm

THRESHOLDS = np.linspace(-1.0, 1.0, 41)
STRENGTH = 1  # position among the ridge strengths, for cost


@dataclass(frozen=True)
class _Margins:
    """P(match) - P(no match), 1 for the reference, and forecast cost: ``(queries, points)`` each."""

    margin: Floats
    cost_usd: Floats


@dataclass(frozen=True)
class _AtThreshold:
    margins: Remembered[_Margins]
    tau: float

    def plan(self, batch: QueryBatch) -> Single:
        """Choose the cheapest arm whose margin reaches tau."""
        tables = self.margins(batch)
        return Single(best_route.choose(tables.margin, tables.cost_usd, self.tau))


@dataclass(frozen=True)
class _Arms:
    margins: Remembered[_Margins]

    @property
    def knobs(self) -> Floats:
        """Thresholds tau on P(match) - P(no match), ``(knobs,)``."""
        return THRESHOLDS

    def at(self, knob: float) -> _AtThreshold:
        """Return the strategy at a threshold."""
        return _AtThreshold(self.margins, knob)


@dataclass(frozen=True)
class BestRoute:
    """The knob is tau in [-1, 1].

    Args:
        gap: t, by how much an answer may be worse than the reference's and still match.
        name: in tables.
    """

    gap: float = 0.0
    name: str = "best-route"

    def fit(self, training: Training) -> _Arms:
        """Label every arm against the reference and fit the heads."""
        points = training.quality.shape[1]
        reference = int(fill_missing(training.quality).mean(0).argmax())
        against = samples_at(training.runs, reference)
        samples = (samples_at(training.runs, point) for point in range(points))
        labels = np.column_stack([hybrid_llm.match_probability(table, against, self.gap) for table in samples])
        labels[:, reference] = np.nan
        heads = fit_logistic(training.features, labels)

        def tables(batch: QueryBatch) -> _Margins:
            match = heads.probability(batch.features)
            margin = 2 * match - 1
            margin[:, reference] = 1.0
            cost = forecast_cost(training.features, training.cost_usd, batch.features)[STRENGTH]
            return _Margins(margin, cost)

        return _Arms(Remembered(tables))
