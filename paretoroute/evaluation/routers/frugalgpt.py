"""FrugalGPT's cascade (Chen et al., 2023, arXiv:2305.05176); its search and rule are :mod:`~.rules.frugalgpt`.

The log's ``score`` takes the place of the authors' DistilBERT scorer. The search is over the vertices of the static
mixture, in every order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.candidates import candidates, require_scores
from paretoroute.evaluation.routers.plans import STOP, Seen
from paretoroute.evaluation.routers.rules import frugalgpt
from paretoroute.evaluation.routers.rules.frugalgpt import Stages
from paretoroute.evaluation.tradeoff_curves import Outcomes, cost_range, single_points


@dataclass(frozen=True)
class CascadePlan:
    """Calls points in one order until 1 - score falls below a threshold; an unknown score accepts nothing.

    Args:
        order: points, ``(stages,)``.
        thresholds: of the stages, ``(stages,)``; the last stage always accepts.
    """

    order: Indices
    thresholds: Floats

    def next_call(self, seen: Seen) -> Indices:
        """Return the next stage's point, STOP where the last answer is accepted."""
        stage = seen.called[:, self.order].sum(1)
        rows = np.arange(len(stage))
        last = np.maximum(stage - 1, 0)
        distance = 1 - np.nan_to_num(seen.score[rows, self.order[last]], nan=0.0)
        accepted = (stage > 0) & (distance < self.thresholds[last])
        done = accepted | (stage == len(self.order))
        return np.where(done, STOP, self.order[np.minimum(stage, len(self.order) - 1)])

    def answer(self, seen: Seen) -> Indices:
        """Return the point called last."""
        return seen.last


@dataclass(frozen=True)
class _Cascade:
    cascade: CascadePlan

    def plan(self, batch: QueryBatch) -> CascadePlan:
        """Return the same cascade for all queries."""
        return self.cascade


@dataclass(frozen=True)
class _Cascades:
    knobs: Floats
    cascades: tuple[CascadePlan, ...]

    def at(self, knob: float) -> _Cascade:
        """Return the cascade for the nearest fitted mean cost."""
        return _Cascade(self.cascades[int(np.abs(self.knobs - knob).argmin())])


@dataclass(frozen=True)
class FrugalGpt:
    """The knob is the mean cost per query, in USD, that the cascade was fitted for.

    Args:
        depth: number of stages; the authors' default is 3.
        points: most points to search over.
        cuts: thresholds to try per stage.
        budgets: number of mean costs.
        name: in tables.
    """

    depth: int = 3
    points: int = 5
    cuts: int = 16
    budgets: int = 16
    name: str = "frugalgpt"

    def fit(self, training: Training) -> _Cascades:
        """Search orders and thresholds for every mean cost.

        Raises:
            NotApplicable: the log has no scores.
        """
        require_scores(training)
        quality, cost = fill_missing(training.quality), fill_missing(training.cost_usd)
        columns = candidates(training, self.points)
        stages = Stages(quality[:, columns], cost[:, columns], 1 - fill_missing(training.score)[:, columns])
        static = single_points(Outcomes(quality, cost))
        budgets = cost_range(static, self.budgets) * np.linspace(1, 1.5, self.budgets)
        fitted = frugalgpt.fit_each(stages, budgets.tolist(), depth=min(self.depth, len(columns)), cuts=self.cuts)
        cheapest = CascadePlan(columns[[stages.cost_usd.mean(0).argmin()]], np.ones(1))
        plans = (cheapest if c is None else CascadePlan(columns[list(c.order)], c.thresholds) for c in fitted)
        return _Cascades(budgets, tuple(plans))
