"""Compare what a policy promises with its truth on the full matrix of queries that the fit never saw."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from expected_choices import HeldOutPolicy
from logs import filled

import paretoroute as pr
from paretoroute.calibration.mixtures import hull, interpolate

Floats = np.ndarray
TARGETS = 4
DEFAULT = "default"


@dataclass(frozen=True)
class Truth:
    """Full matrices: ``(queries, points)`` each, in the order of the full log's points.

    Args:
        train_quality: of the queries that the logger chose from.
        train_cost: likewise.
        quality: of the held-out queries.
        cost: likewise.
        points: names of the points.
    """

    train_quality: Floats
    train_cost: Floats
    quality: Floats
    cost: Floats
    points: tuple[str, ...]

    @staticmethod
    def of(train: pr.Runs, test: pr.Runs) -> Truth:
        """Take the full matrices of a log; single missing cells take their point's mean."""
        tables = [filled(runs, name) for runs in (train, test) for name in ("quality", "cost_usd")]
        return Truth(*tables, tuple(point.name for point in train.points))

    def targets(self) -> Floats:
        """Return mean costs between the cheapest point and the best one, ``(targets,)``."""
        cost, quality = self.train_cost.mean(0), self.train_quality.mean(0)
        return np.geomspace(cost.min(), cost[quality.argmax()] * 1.0000001, TARGETS + 2)[1:-1]

    def static_quality(self, usd: float) -> float:
        """Return the held-out quality of the best static mixture, known from all cells, at a mean cost."""
        vertices = hull(np.clip(self.train_quality.mean(0), 0, 1), self.train_cost.mean(0))
        cost, quality = self.cost[:, vertices].mean(0), self.quality[:, vertices].mean(0)
        order = cost.argsort()
        cost, quality = cost[order], np.maximum.accumulate(quality[order])
        mix = interpolate(np.array([usd]), cost_usd=cost, quality=quality)
        return float(((1 - mix.share) * quality[mix.below] + mix.share * quality[mix.above])[0])


def promises(runs: pr.Runs, test: pr.Runs, truth: Truth, probability: Floats) -> dict:
    """Fit on a partial log, solve for every target, and compare with the held-out matrix."""
    policy = HeldOutPolicy(pr.fit(runs, seed=0), test)
    order = [truth.points.index(point.name) for point in policy.grid.points]
    quality, cost = truth.quality[:, order], truth.cost[:, order]
    document = policy.policy.document
    names = [point.name for point in policy.grid.points]
    best = document.expected.best_single
    queries = probability / probability.sum(1, keepdims=True)
    entries = [point for entry in document.grid for point in entry.points]
    return {
        "targets": [_promise(policy, target, quality, cost, truth) for target in (None, *truth.targets())],
        "best_single": [best.quality, float(quality[:, names.index(best.point)].mean())],
        "logger": [float((queries * table).sum(1).mean()) for table in (truth.train_quality, truth.train_cost)],
        "points": [
            [e.quality, e.quality_low, e.quality_high, float(q)] for e, q in zip(entries, quality.mean(0), strict=True)
        ],
        "point_se": [float(s) for s in quality.std(0) / len(quality) ** 0.5],
        "findings": list(document.fitted_on.findings),
        "kinds": list(document.fitted_on.finding_kinds),
        "context_free": "context_free" in document.fitted_on.finding_kinds,
    }  # fmt: skip


def _promise(policy: HeldOutPolicy, usd: float | None, quality: Floats, cost: Floats, truth: Truth) -> dict:
    """Return the promise of one target beside its truth; without a mean cost the default target."""
    if usd is None:
        default = policy.policy.document.target
        choice = policy.choose(pr.MinQuality(ratio=default.ratio, of=default.of))
    else:
        choice = policy.choose(pr.MaxCost(usd=float(usd)))
    expected, chosen, spent = choice.document.expected, choice.mean_of(quality), choice.mean_of(cost)
    return {
        "target": DEFAULT if usd is None else float(usd),
        "status": choice.document.solution.status,
        "promise": [expected.quality, expected.quality_low, expected.quality_high],
        "cost": [expected.cost_usd, expected.cost_usd_low, expected.cost_usd_high],
        "effective": expected.effective_queries,
        "truth": [float(chosen.mean()), float(chosen.std() / len(chosen) ** 0.5)],
        "spent": [float(spent.mean()), float(spent.std() / len(spent) ** 0.5)],
        "static": truth.static_quality(float(spent.mean())),
    }
