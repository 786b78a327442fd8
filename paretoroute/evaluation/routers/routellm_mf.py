"""RouteLLM's matrix factorisation (Ong et al., 2024, arXiv:2406.18665): its model is :mod:`~.rules.routellm_mf`.

Battles come from the log: of two points at one query the better answer wins, and ties are dropped. Half of the battles
are drawn between the pair that is routed, the others among all points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute.evaluation.routers.base import Training
from paretoroute.evaluation.routers.methods.battles import sample_battles
from paretoroute.evaluation.routers.methods.pairs import Names, ThresholdStrategies, pair_of
from paretoroute.evaluation.routers.rules import routellm_mf
from paretoroute.evaluation.routers.rules.arrays import unit
from paretoroute.evaluation.routers.rules.routellm_mf import Battles, Factors


@dataclass(frozen=True)
class RouteLlmMf:
    """The knob is the share of calls to the strong point.

    Args:
        pair: names of the weak and the strong point; None: the pair that is best on the training queries.
        rank: of the factors; the authors use 128 for 64 models.
        battles: most battles to train on.
        steps: of Adam, each on all battles.
        learning_rate: larger than the authors' 3e-4, for fewer steps.
        noise: length of the Gaussian noise on unit features; the authors' is about 3.9, 0 is none.
        name: in tables.
    """

    pair: Names | None = None
    rank: int = 16
    battles: int = 3000
    steps: int = 150
    learning_rate: float = 0.02
    noise: float = 0.5
    name: str = "routellm-mf"

    def fit(self, training: Training) -> ThresholdStrategies:
        """Draw battles and train.

        Raises:
            NotApplicable: there is no pair, or it never differs.
        """
        pair = pair_of(training, self.pair)
        rng = np.random.default_rng(training.seed)
        drawn = sample_battles(training.quality, self.battles, rng, pair=pair, ties=False)
        won = drawn.score == 1
        rows, query = np.unique(drawn.query, return_inverse=True)  # noise on other queries would be of no use
        battles = Battles(np.where(won, drawn.first, drawn.second), np.where(won, drawn.second, drawn.first), query)
        units = unit(training.features)
        width, points = units.shape[1], training.quality.shape[1]
        factors = Factors(
            rng.standard_normal((points, self.rank)),
            rng.standard_normal((self.rank, width)) / np.sqrt(width),
            rng.standard_normal(self.rank),
        )
        training_steps = routellm_mf.adam(
            factors, battles, units[rows], learning_rate=self.learning_rate, noise=self.noise / np.sqrt(width), rng=rng
        )
        for _ in range(self.steps):
            factors = next(training_steps)
        return ThresholdStrategies(
            lambda batch: factors.win_rate(unit(batch.features), pair.strong, pair.weak),
            pair,
            factors.win_rate(units, pair.strong, pair.weak),
        )
