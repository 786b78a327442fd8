"""RouteLLM's similarity-weighted ranking (Ong et al., 2024, arXiv:2406.18665): its model is :mod:`~.rules.routellm_sw`.

Battles come from the log, ties included; half of them are drawn between the pair that is routed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.base import Training
from paretoroute.evaluation.routers.methods.battles import sample_battles
from paretoroute.evaluation.routers.methods.pairs import Names, ThresholdStrategies, pair_of
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rules import routellm_sw
from paretoroute.evaluation.routers.rules.arrays import unit
from paretoroute.evaluation.routers.rules.routellm_sw import Outcomes

_BLOCK = 256


@dataclass(frozen=True)
class RouteLlmSw:
    """The knob is the share of calls to the strong point.

    Args:
        pair: names of the weak and the strong point; None: the pair that is best on the training queries.
        tiers: into which points are grouped by their global ratings.
        battles: most battles to compare with.
        sample: training queries whose win rates calibrate the threshold.
        name: in tables.
    """

    pair: Names | None = None
    tiers: int = 10
    battles: int = 2000
    sample: int = 400
    name: str = "routellm-sw"

    def fit(self, training: Training) -> ThresholdStrategies:
        """Draw battles and group the points into tiers.

        Raises:
            NotApplicable: there is no pair, or it was never logged at one query.
        """
        pair = pair_of(training, self.pair)
        rng = np.random.default_rng(training.seed)
        drawn = sample_battles(training.quality, self.battles, rng, pair=pair, ties=True)
        points = training.quality.shape[1]
        tier = self._tiers(Outcomes(drawn.first, drawn.second, drawn.score), points)
        count = int(tier.max()) + 1
        between = Outcomes(tier[drawn.first], tier[drawn.second], drawn.score)
        embeddings = unit(training.features)[drawn.query]

        def win_rates(features: Floats) -> Floats:
            rates = []
            for start in range(0, len(features), _BLOCK):
                block = features[start : start + _BLOCK]
                weights = routellm_sw.battle_weights_of_many(block, embeddings)
                rating = routellm_sw.ratings_of_many(between, weights, count)
                rates.append(routellm_sw.win_rates(rating[:, tier[pair.strong]], rating[:, tier[pair.weak]]))
            return np.concatenate(rates)

        rows = rng.permutation(len(training.features))[: self.sample]
        return ThresholdStrategies(
            Remembered(lambda batch: win_rates(batch.features)), pair, win_rates(training.features[rows])
        )

    def _tiers(self, outcomes: Outcomes, points: int) -> Indices:
        rating = routellm_sw.ratings(outcomes, np.ones(len(outcomes.score)), points)
        order = np.argsort(-rating, kind="stable")
        tier = np.empty(points, dtype=np.intp)
        tier[order] = routellm_sw.tiers(rating[order], self.tiers)
        return tier
