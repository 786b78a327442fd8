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
from paretoroute.planner.planner import AT_ONCE
from paretoroute.planner.query_forecast import Forecaster
from paretoroute.planner.request import shared_request
from paretoroute.policy.policy import Policy
from paretoroute.solver.argmax import choose
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
        forecaster, usual = Forecaster(self.policy, None), shared_request(self.policy.grid)
        embeddings = batch.embeddings if self.policy.document.features.reads_embedding else None
        requests = [
            usual.of_query(text, None, None if embeddings is None else embeddings[i])
            for i, text in enumerate(batch.texts)
        ]
        figures = [
            forecaster.at_each(requests[start : start + AT_ONCE]).rule_figures
            for start in range(0, len(requests), AT_ONCE)
        ]
        quality, cost_usd, _ = (np.concatenate(one) for one in zip(*figures, strict=True))
        return Forecast(quality, cost_usd)


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
