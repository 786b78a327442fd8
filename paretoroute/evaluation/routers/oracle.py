"""The oracle: it knows what came of every call, luck included. No router can do better, and none can come near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute.evaluation.routers.base import Asked, Predict, Training
from paretoroute.evaluation.routers.data import filled, outcomes
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid
from paretoroute.runs.table import Runs


@dataclass(frozen=True)
class Oracle:
    """Looks the outcome up; where none was logged it takes the point's mean.

    Args:
        runs: all runs, those of the queries that will be asked about too.
        grid: the points, in the order of the runs'.
        name: in tables.
    """

    runs: Runs
    grid: Grid
    name: str = "oracle"

    def fit(self, training: Training) -> Predict:
        """Learn nothing."""
        quality, cost = (filled(table) for table in outcomes(self.runs, self.grid)[:2])
        place = {key: i for i, key in enumerate(self.runs.query_ids)}

        def predict(asked: Asked) -> Forecast:
            rows = np.array([place[key] for key in asked.query_ids])
            return Forecast(quality[rows], cost[rows])

        return predict
