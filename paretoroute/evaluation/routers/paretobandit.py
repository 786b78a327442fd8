"""ParetoBandit (2026, arXiv:2604.00136) as an online strategy; its rules are :mod:`~.rules.paretobandit`.

The bandit is warmed up on the training queries, whose outcomes at its arms are logged, and goes on learning from its
own calls in the order in which queries are asked. The pacer follows realised costs; the authors' service paces
estimated ones. Arms are vertices of the static mixture. The knob is the target mean cost, in USD.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices, evenly_spaced
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.candidates import candidates
from paretoroute.evaluation.routers.plans import Feedback, Online
from paretoroute.evaluation.routers.rules.paretobandit import LinUCB, Pacer, log_normalised
from paretoroute.evaluation.tradeoff_curves import Outcomes, cost_range, single_points

WIDTH = 25  # of the contexts, without the constant; as in the paper
WARM_UP = 500
MOST_QUERIES = 2000  # from which the axes are learned: evenly spaced, since ids often begin with their source


@dataclass(frozen=True)
class _Warm:
    bandit: LinUCB
    arms: Indices
    penalty: Floats
    cost_usd: Floats
    axes: Floats

    def contexts(self, features: Floats) -> Floats:
        """Project features on the leading axes, with a constant: ``(queries, width + 1)``."""
        return np.column_stack([features @ self.axes, np.ones(len(features))])


@dataclass(frozen=True)
class _Paced:
    warm: _Warm
    target_usd: float

    def plan(self, batch: QueryBatch) -> Online:
        """Route the queries one after another."""
        contexts = self.warm.contexts(batch.features)

        def run(outcome: Callable[[int, int], Feedback]) -> Indices:
            bandit, pacer = deepcopy(self.warm.bandit), Pacer.start(self.target_usd)
            chosen = np.empty(len(contexts), dtype=np.intp)
            for query, x in enumerate(contexts):
                ceiling = pacer.ceiling(float(self.warm.cost_usd.max()))
                allowed = self.warm.cost_usd <= (np.inf if ceiling is None else ceiling)
                allowed[self.warm.cost_usd.argmin()] = True
                arm = bandit.select(x, pacer.lam * self.warm.penalty, allowed=allowed.tolist())
                chosen[query] = self.warm.arms[arm]
                feedback = outcome(query, int(chosen[query]))
                bandit.update(arm, x, feedback.quality)
                pacer = pacer.observe(feedback.cost_usd)
            return chosen

        return Online(run)


@dataclass(frozen=True)
class _Targets:
    warm: _Warm
    knobs: Floats

    def at(self, knob: float) -> _Paced:
        """Return the bandit paced to a mean cost."""
        return _Paced(self.warm, knob)


@dataclass(frozen=True)
class ParetoBandit:
    """The knob is the target mean cost per query, in USD.

    Args:
        arms: most points to choose from.
        forgetting: of LinUCB; the shipped setting is 0.997.
        alpha: width of the confidence bound; the shipped setting is 0.01.
        name: in tables.
    """

    arms: int = 5
    forgetting: float = 0.997
    alpha: float = 0.01
    name: str = "paretobandit"

    def fit(self, training: Training) -> _Targets:
        """Warm the bandit up on logged outcomes of the arms."""
        arms = candidates(training, self.arms)
        quality, cost = fill_missing(training.quality), fill_missing(training.cost_usd)
        mean_cost = cost.mean(0)[arms]
        floor = max(float(mean_cost.min()), 1e-12)
        penalty = log_normalised(mean_cost, floor, max(float(mean_cost.max()), 1.001 * floor))
        some = evenly_spaced(len(quality), MOST_QUERIES)
        axes = np.linalg.svd(training.features[some], full_matrices=False)[2][:WIDTH].T
        bandit = LinUCB(axes.shape[1] + 1, len(arms), forgetting=self.forgetting, alpha=self.alpha)
        warm = _Warm(bandit, arms, penalty, mean_cost, axes)
        rows = np.random.default_rng(training.seed).permutation(len(quality))[:WARM_UP]
        for x, rewards in zip(warm.contexts(training.features[rows]), quality[np.ix_(rows, arms)], strict=True):
            bandit.clock += 1
            for arm, reward in enumerate(rewards):
                bandit.update(arm, x, float(reward))
        return _Targets(warm, cost_range(single_points(Outcomes(quality, cost)), 8))
