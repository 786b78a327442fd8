"""Ridge regression of quality and log cost on the features, one model per point.

Ridge is due to Hoerl and Kennard (1970); linear models that predict a call's utility are among the routers compared by
Li (2025, arXiv:2505.12601).
"""

from __future__ import annotations

from dataclasses import dataclass

from paretoroute.evaluation.routers.base import Training
from paretoroute.evaluation.routers.methods.ridge_forecast import ridge_forecast
from paretoroute.evaluation.routers.priced import PricedStrategies, priced


@dataclass(frozen=True)
class Ridge:
    """Ridge per point; cross-validation chooses among the strengths of the package's own ridge heads."""

    name: str = "ridge"

    def fit(self, training: Training) -> PricedStrategies:
        """Choose the strengths for quality and for cost, and fit."""
        return priced(training, ridge_forecast(training))
