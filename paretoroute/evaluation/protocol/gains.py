"""Judge plans for cost targets against the static mixture of the training side, at the cost that they realise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.calibration.mixtures import interpolate, quality_at_equal_cost
from paretoroute.evaluation.metrics.cost_quality import CostCurve, hull
from paretoroute.evaluation.routers.plans import Execution
from paretoroute.evaluation.tradeoff_curves import Outcomes, cost_range, single_points

TARGETS = 8


@dataclass(frozen=True)
class StaticPath:
    """The best mixture of single points on the training side, and the cost targets that it sets.

    Args:
        points: its vertices, cheapest first, ``(vertices,)``.
        targets: mean costs, from where single points reach 60% of their peak to the best one's, ``(targets,)``.
    """

    points: Indices
    targets: Floats

    @classmethod
    def of(cls, train: Outcomes, *, targets: int = TARGETS) -> StaticPath:
        """Compute the mixture of training outcomes."""
        static = single_points(train)
        return cls(static.vertex, cost_range(static, targets))

    def gain(self, done: Execution, test: Outcomes) -> Floats:
        """Return each query's gain over the mixture that spends as much as the plan did, ``(queries,)``.

        The mixture is moved along its own line to the mean cost that the plan realised on the test queries, so that a
        plan which overspends is compared with a dearer mixture. The noise of cost is part of the values.
        """
        order = np.argsort(test.cost_usd[:, self.points].mean(0), kind="stable")
        path = self.points[order]
        base = quality_at_equal_cost(done.cost_usd, quality=test.quality[:, path], cost_usd=test.cost_usd[:, path])
        return done.quality - base


@dataclass(frozen=True)
class Judged:
    """A router's plans for all targets on some test queries.

    Args:
        gain: each query's gain over the static mixture, mean over the targets, ``(queries,)``.
        cost_ratio: realised over target mean cost, ``(targets,)``.
        quality: ``(targets, queries)``.
        cost_usd: of all calls, ``(targets, queries)``.
        calls: mean number of calls, ``(queries,)``.
        latency_s: mean summed latency, ``(queries,)``, or None.
        share: mean calls of every point, ``(queries, points)``.
        target_usd: the mean costs asked for, ``(targets,)``.
        calls_by_target: mean calls of every point, ``(targets, points)``.
    """

    gain: Floats
    cost_ratio: Floats
    quality: Floats
    cost_usd: Floats
    calls: Floats
    latency_s: Floats | None
    share: Floats
    target_usd: Floats
    calls_by_target: Floats


def judge(executions: Sequence[Execution], path: StaticPath, test: Outcomes) -> Judged:
    """Average the executions of the plans for all targets."""
    latencies = [done.latency_s for done in executions if done.latency_s is not None]
    return Judged(
        gain=np.mean([path.gain(done, test) for done in executions], axis=0),
        cost_ratio=np.array([done.cost_usd.mean() for done in executions]) / path.targets,
        quality=np.stack([done.quality for done in executions]),
        cost_usd=np.stack([done.cost_usd for done in executions]),
        calls=np.mean([done.calls for done in executions], axis=0),
        latency_s=np.mean(latencies, axis=0) if len(latencies) == len(executions) else None,
        share=np.mean([done.share for done in executions], axis=0),
        target_usd=path.targets,
        calls_by_target=np.stack([done.share.mean(0) for done in executions]),
    )


@dataclass(frozen=True)
class ExecutedCurve:
    """The upper hull of all knobs' mean outcomes over the test queries: the best curve with hindsight.

    Args:
        quality: of every knob at every query, ``(knobs, queries)``.
        cost_usd: likewise.
    """

    quality: Floats
    cost_usd: Floats

    @property
    def hull(self) -> CostCurve:
        """Its vertices."""
        return CostCurve(self.cost_usd.mean(1), self.quality.mean(1)).hull

    def influence(self, costs: Floats) -> Floats:
        """Return each query's influence value on the height of the hull, averaged over mean costs: ``(queries,)``."""
        mean_cost, mean_quality = self.cost_usd.mean(1), self.quality.mean(1)
        vertices = hull(mean_cost, mean_quality)
        mix = interpolate(costs, cost_usd=mean_cost[vertices], quality=mean_quality[vertices])
        values = np.full(self.quality.shape[1], float((mix.slope * costs).mean()))
        for side, share in ((mix.below, 1 - mix.share), (mix.above, mix.share)):
            for vertex, weight, slope in zip(vertices[side], share, mix.slope, strict=True):
                values += weight * (self.quality[vertex] - slope * self.cost_usd[vertex]) / len(costs)
        return values
