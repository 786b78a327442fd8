"""The default router: a policy fitted by ``paretoroute.fit``, whose surface forecasts as the planner's does.

A strategy is the policy solved for a mean cost per query; where two points tie, its mixture of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from paretoroute._arrays import Floats, Indices
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
from paretoroute.surface.featurizer import TextFeatures
from paretoroute.surface.surface import Amounts, TextSize
from paretoroute.targets import MaxCost

AT_ONCE = 64  # queries that are forecast together


@dataclass(frozen=True)
class SolvedPolicy:
    """A policy solved for one mean cost.

    Args:
        forecast: what the planner weighs: of the policy's surface, or its means where the solution ignores the query.
        price: of the solution, quality per USD.
        split: probability of the dearer of two tied points.
    """

    forecast: Callable[[QueryBatch], Forecast]
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
        solved = self.policy.solve(MaxCost(usd=cost_usd))
        solution = solved.document.solution
        forecast = _means_of(solved) if solution.prompt_blind else self._remembered
        return SolvedPolicy(forecast, solution.quality_per_usd, solution.split)

    def _forecast(self, batch: QueryBatch) -> Forecast:
        """Forecast by the surface, whether the policy's own solution reads the query or not: others may."""
        queries = np.arange(len(batch.texts))
        amounts = [self._amounts(batch, queries[start : start + AT_ONCE]) for start in queries[::AT_ONCE]]
        quality, amount, prompt = (
            np.concatenate([getattr(one, name) for one in amounts]) for name in ("quality", "amount", "prompt_tokens")
        )
        return Forecast(quality, forecast_cost_usd(amount, prompt, self.policy.grid))

    def _amounts(self, batch: QueryBatch, rows: Indices) -> Amounts:
        """Forecast some queries; as in a planner the means stand for blank texts, where none was trained on."""
        surface, about = self.policy.surface, self.policy.document.features
        is_read = np.ones(len(rows), bool)
        if "context_free" in self.policy.document.fitted_on.finding_kinds:
            is_read[:] = False
        elif about.kind == "hashed_ngrams" and not surface.has_empty_queries:
            is_read = np.array([bool(batch.texts[i].strip()) for i in rows])
        if is_read.all():
            return self._of_surface(batch, rows)
        tables = Amounts.empty(len(rows), points=len(surface.queries))
        tables.put(~is_read, surface.context_free())
        if is_read.any():
            tables.put(is_read, self._of_surface(batch, rows[is_read]))
        return tables

    def _of_surface(self, batch: QueryBatch, rows: Indices) -> Amounts:
        surface, about, texts = self.policy.surface, self.policy.document.features, [batch.texts[i] for i in rows]
        embeddings = None if batch.embeddings is None else batch.embeddings[rows].astype(np.float64)
        if embeddings is None or not about.reads_embedding:
            features = surface.featurizer.of_texts(texts)
        elif about.second is not None:
            features = list(map(surface.featurizer.of_both, texts, embeddings))
        else:
            features = [TextFeatures(surface.featurizer.of_embedding(vector), 1.0) for vector in embeddings]
        return surface.at_each(
            np.stack([one.vector for one in features]),
            [one.known_share for one in features],
            sizes=[TextSize.of(text) for text in texts],
        )


def _means_of(policy: Policy) -> Callable[[QueryBatch], Forecast]:
    """Return what a planner weighs where the solution ignores the query: equal figures, at which two points tie."""
    means = policy.outcomes.forecast

    def repeated(batch: QueryBatch) -> Forecast:
        shape = len(batch.texts), 1
        return Forecast(np.tile(means.quality[0], shape), np.tile(means.cost_usd[0], shape))

    return repeated


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
