"""The default router: a policy fitted by ``paretoroute.fit``, whose surface forecasts as the planner's does.

A strategy is the policy solved for a mean cost per query; where two points tie, its mixture of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.errors import RunsError
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.plans import Mixture, Single
from paretoroute.evaluation.routers.priced import KNOBS
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.fitting.fit import fit
from paretoroute.forecast import Forecast
from paretoroute.grid import forecast_cost_usd
from paretoroute.policy.policy import Policy
from paretoroute.solver.argmax import choose
from paretoroute.surface.surface import TextSize
from paretoroute.targets import MaxCost


@dataclass(frozen=True)
class SolvedPolicy:
    """A policy solved for one mean cost.

    Args:
        forecast: of the policy's surface.
        price: of the solution, quality per USD.
        split: probability of the dearer of two tied points.
    """

    forecast: Remembered[Forecast]
    price: float
    split: float

    def plan(self, batch: QueryBatch) -> Mixture:
        """Choose as the planner does, and mix tied points by the stored probability."""
        forecast = self.forecast(batch)
        low, high = choose(forecast.quality, forecast.cost_usd, self.price)
        return Mixture((Single(low.astype(np.intp)), Single(high.astype(np.intp))), (1 - self.split, self.split))


@dataclass(frozen=True)
class FittedPolicy:
    """The strategies of a policy; the knob is a mean cost per query in USD.

    Args:
        policy: as fitted; where routing does not pay, its surface forecasts the points' means.
        knobs: mean costs from the cheapest to the dearest point, ``(knobs,)``.
    """

    policy: Policy
    knobs: Floats

    @cached_property
    def _remembered(self) -> Remembered[Forecast]:
        return Remembered(self._forecast)

    def forecast(self, batch: QueryBatch) -> Forecast:
        """Forecast the quality and cost that the planner weighs, ``(queries, points)`` each."""
        return self._remembered(batch)

    def at(self, knob: float) -> SolvedPolicy:
        """Return the strategy for a mean cost."""
        return self.within(knob)

    def within(self, cost_usd: float) -> SolvedPolicy:
        """Solve the policy for a mean cost per query."""
        solution = self.policy.solve(MaxCost(usd=cost_usd)).document.solution
        return SolvedPolicy(self._remembered, solution.quality_per_usd, solution.split)

    def _forecast(self, batch: QueryBatch) -> Forecast:
        surface, about = self.policy.surface, self.policy.document.features
        if "context_free" in self.policy.document.fitted_on.finding_kinds:
            predictions = [surface.context_free()] * len(batch.texts)
        elif batch.embeddings is None or not about.reads_embedding:
            predictions = [surface.at_text(text) for text in batch.texts]
        elif about.second is not None:
            pairs = zip(batch.texts, batch.embeddings.astype(np.float64), strict=True)
            predictions = [
                surface.at(*surface.featurizer.of_both(text, vector), size=TextSize.of(text)) for text, vector in pairs
            ]
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
        cost = fill_missing(training.cost_usd).mean(0)
        dearest = float(cost.max())
        cheapest = float(np.min(cost, where=cost > 0, initial=dearest))
        return FittedPolicy(policy, np.geomspace(cheapest, dearest, KNOBS))
