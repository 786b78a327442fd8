"""LLM-Blender's ranker (Jiang et al., ACL 2023, arXiv:2306.02561): call several points and keep the best-ranked answer.

Aggregation is :mod:`~.rules.llm_blender`. The difference of the log's scores takes the place of the authors'
cross-encoder, and no answers are fused. All calls are paid. The paper calls all models; the knob here is how many
vertices of the static mixture are called, cheapest first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.candidates import candidates, require_scores
from paretoroute.evaluation.routers.plans import STOP, Seen
from paretoroute.evaluation.routers.rules import llm_blender


@dataclass(frozen=True)
class RankingPlan:
    """Calls a set of points and answers with the best-ranked.

    Args:
        points: ``(called,)``.
        mean_score: score that stands for an unknown one, ``(called,)``.
    """

    points: Indices
    mean_score: Floats

    def next_call(self, seen: Seen) -> Indices:
        """Return the next point of the set, STOP after the last."""
        done = seen.called[:, self.points].sum(1)
        following = self.points[np.minimum(done, len(self.points) - 1)]
        return np.where(done == len(self.points), STOP, following)

    def answer(self, seen: Seen) -> Indices:
        """Rank the answers by the sum of score differences; the first of equals."""
        scores = seen.score[:, self.points]
        scores = np.where(np.isnan(scores), self.mean_score, scores)
        total = llm_blender.max_logits(scores[:, :, None] - scores[:, None, :])
        return self.points[total.argmax(1)]


@dataclass(frozen=True)
class _Set:
    ranking: RankingPlan

    def plan(self, batch: QueryBatch) -> RankingPlan:
        """Return the same set for all queries."""
        return self.ranking


@dataclass(frozen=True)
class _Sets:
    points: Indices
    mean_score: Floats
    most: int

    @property
    def knobs(self) -> Floats:
        """Numbers of points called, ``(knobs,)``; as many for every log, also where the mixture has fewer vertices."""
        return np.arange(1.0, self.most + 1)

    def at(self, knob: float) -> _Set:
        """Return the strategy that calls so many points, or all of them."""
        count = int(knob)
        return _Set(RankingPlan(self.points[:count], self.mean_score[:count]))


@dataclass(frozen=True)
class LlmBlender:
    """The knob is the number of points called.

    Args:
        points: most points to call.
        name: in tables.
    """

    points: int = 8
    name: str = "llm-blender"

    def fit(self, training: Training) -> _Sets:
        """Choose the points.

        Raises:
            NotApplicable: the log has no scores.
        """
        require_scores(training)
        points = candidates(training, self.points)
        best_last = points[np.argsort(fill_missing(training.quality).mean(0)[points], kind="stable")]
        return _Sets(best_last, fill_missing(training.score).mean(0)[best_last], self.points)
