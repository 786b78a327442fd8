"""The default router: a policy fitted by ``paretoroute.fit``, whose surface forecasts as the planner's does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute.errors import RunsError
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.fitting.fit import fit
from paretoroute.forecast import Forecast
from paretoroute.grid import forecast_cost_usd
from paretoroute.policy.policy import Policy
from paretoroute.surface.surface import TextSize


@dataclass(frozen=True)
class FittedPolicy:
    """A policy as a forecast: the quality and cost that its planner weighs.

    Args:
        policy: as fitted; where routing does not pay, its surface forecasts the points' means.
    """

    policy: Policy

    def __call__(self, batch: QueryBatch) -> Forecast:
        """Forecast quality and cost, ``(queries, points)`` each."""
        surface = self.policy.surface
        if "context_free" in self.policy.document.fitted_on.finding_kinds:
            predictions = [surface.context_free()] * len(batch.texts)
        elif self.policy.document.features.kind == "hashed_ngrams" or batch.embeddings is None:
            predictions = [surface.at_text(text) for text in batch.texts]
        else:
            vectors = batch.embeddings.astype(np.float64)
            predictions = [
                surface.at(surface.featurizer.of_embedding(vector), size=TextSize.of(text))
                for vector, text in zip(vectors, batch.texts, strict=True)
            ]
        amount = np.stack([prediction.amount for prediction in predictions])
        prompt = np.stack([prediction.prompt_tokens for prediction in predictions])
        quality = np.stack([prediction.quality for prediction in predictions])
        return Forecast(quality, forecast_cost_usd(amount, prompt, self.policy.grid))


@dataclass(frozen=True)
class PolicyRouter:
    """Fits a policy with the defaults of ``paretoroute.fit``."""

    name: str = "paretoroute"

    def fit(self, training: Training) -> FittedPolicy:
        """Fit a policy on the training runs, for the default target.

        Raises:
            RunsError: the fit had to leave a point out, so that it cannot be compared at all of them.
        """
        policy = fit(training.runs, grid=training.grid, seed=training.seed)
        left_out = [p.name for p in training.grid.points if p not in policy.grid.points]
        if left_out:
            raise RunsError(
                f"the fit leaves out {', '.join(left_out[:5])}, since too little of it was logged; "
                "compare without it, or log more of it"
            )
        return FittedPolicy(policy)
