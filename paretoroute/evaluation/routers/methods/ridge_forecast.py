"""A ridge forecast of quality and cost per point, with cross-validated strengths: the forecaster of several rules."""

from __future__ import annotations

from paretoroute._arrays import Mask
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.cross_validation import Candidates, best_settings
from paretoroute.evaluation.routers.methods.regression import forecast_cost, forecast_quality
from paretoroute.evaluation.routers.priced import Predict
from paretoroute.forecast import Forecast


def ridge_forecast(training: Training) -> Predict:
    """Choose the strengths for quality and for cost within the training queries, and fit."""
    features, quality, cost = training.features, training.quality, training.cost_usd

    def forecast(rows: Mask, held_out: Mask) -> Candidates:
        batch = features[held_out]
        return Candidates(
            forecast_quality(features[rows], quality[rows], batch), forecast_cost(features[rows], cost[rows], batch)
        )

    best = best_settings(training, forecast)

    def predict(batch: QueryBatch) -> Forecast:
        return Forecast(
            forecast_quality(features, quality, batch.features)[best.quality],
            forecast_cost(features, cost, batch.features)[best.cost_usd],
        )

    return predict
