"""The default: what ``paretoroute.fit`` makes of the training runs, asked as the planner asks it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute.errors import RunsError
from paretoroute.evaluation.routers.base import Asked, Training
from paretoroute.fitting.fit import fit
from paretoroute.forecast import Forecast
from paretoroute.grid import cost_usd
from paretoroute.policy.policy import Policy


@dataclass(frozen=True)
class FittedPolicy:
    """A policy as a forecast: the numbers that its planner weighs.

    Args:
        policy: as fitted; it may have found that routing does not pay, and then forecasts the means.
    """

    policy: Policy

    def __call__(self, asked: Asked) -> Forecast:
        """Forecast quality and cost, ``(queries, points)`` each."""
        surface = self.policy.surface
        if self.policy.document.features.kind == "hashed_ngrams" or asked.embeddings is None:
            found = [surface.at_text(text) for text in asked.texts]
        else:
            vectors = asked.embeddings.astype(np.float64)
            found = [surface.at(surface.featurizer.of_embedding(vector)) for vector in vectors]
        amount, prompt = np.stack([a.amount for a in found]), np.stack([a.prompt_tokens for a in found])
        return Forecast(np.stack([a.quality for a in found]), cost_usd(amount, prompt, self.policy.grid))


@dataclass(frozen=True)
class PolicyRouter:
    """Fits a policy, as a user would."""

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
