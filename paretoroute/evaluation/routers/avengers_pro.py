"""Avengers-Pro (Zhang et al., DAI 2025, arXiv:2508.12631): cluster scores; its rules are :mod:`~.rules.avengers_pro`.

The default is the paper's rule with 60 clusters of unit vectors and the sum over the 4 nearest; ``code=True`` is the
published code's, with 25 clusters and the 3 nearest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.methods.clusters import cluster_centres
from paretoroute.evaluation.routers.plans import Single
from paretoroute.evaluation.routers.rules import avengers_pro
from paretoroute.evaluation.routers.rules.arrays import unit
from paretoroute.evaluation.routers.rules.avengers_pro import ClusterMeans

LEAST_QUERIES = 5  # per cluster, on average


@dataclass(frozen=True)
class _Clusters:
    centres: Floats
    means: ClusterMeans
    top: int
    code: bool

    @property
    def knobs(self) -> Floats:
        """Weights of accuracy against cost, alpha in [0, 1], ``(knobs,)``."""
        return np.linspace(0.0, 1.0, 41)

    def at(self, knob: float) -> _Weighted:
        """Return the strategy at a weight of accuracy."""
        return _Weighted(self, knob)

    def choose(self, units: Floats, alpha: float) -> Indices:
        """Apply the rule, ``(queries,)``."""
        if not self.code:
            scores = avengers_pro.paper_scores(self.means, alpha)
            return avengers_pro.choose(units, self.centres, scores, top=self.top)
        scores = avengers_pro.code_scores(self.means, alpha, 1 - alpha)
        filled = np.asarray(~np.isnan(self.means.accuracy).all(1), bool)
        return avengers_pro.code_order(units, self.centres, scores, top=self.top, filled=filled)[:, 0]


@dataclass(frozen=True)
class _Weighted:
    clusters: _Clusters
    alpha: float

    def plan(self, batch: QueryBatch) -> Single:
        """Rank the points in the nearest clusters."""
        return Single(self.clusters.choose(unit(batch.features), self.alpha))


@dataclass(frozen=True)
class AvengersPro:
    """The knob is alpha, the weight of accuracy against cost.

    Args:
        clusters: their number; fewer where that would leave less than five queries in a cluster on average.
        top: number of nearest clusters.
        code: use the rule of the published code.
        name: in tables.
    """

    clusters: int = 60
    top: int = 4
    code: bool = False
    name: str = "avengers-pro"

    def fit(self, training: Training) -> _Clusters:
        """Cluster the unit features and average the outcomes, leaving out what was not logged."""
        units = unit(training.features)
        count = max(1, min(self.clusters, len(units) // LEAST_QUERIES))
        centres = cluster_centres(units, count, seed=training.seed)
        member = avengers_pro.assign(units, centres)
        means = avengers_pro.cluster_means(member, training.quality, training.cost_usd, len(centres))
        return _Clusters(centres, means, self.top, self.code)
