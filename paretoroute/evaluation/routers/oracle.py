"""The oracle sees each realised outcome, luck included: an upper bound on what any router can reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing, logged_means
from paretoroute.evaluation.routers.priced import PricedStrategies, priced
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid
from paretoroute.runs.table import Runs


@dataclass(frozen=True)
class Oracle:
    """Forecasts the logged outcome; the point's mean where none was logged.

    Args:
        runs: all runs, including those of the held-out queries.
        grid: the points, in the order of the runs'.
        name: in tables.
    """

    runs: Runs
    grid: Grid
    name: str = "oracle"

    def fit(self, training: Training) -> PricedStrategies:
        """Ignore the training queries and index all outcomes by query."""
        logged = logged_means(self.runs, self.grid)
        quality, cost = fill_missing(logged.quality), fill_missing(logged.cost_usd)
        row_of = {query_id: row for row, query_id in enumerate(self.runs.query_ids)}

        def predict(batch: QueryBatch) -> Forecast:
            rows = np.array([row_of[query_id] for query_id in batch.query_ids])
            return Forecast(quality[rows], cost[rows])

        return priced(training, predict)
