"""Judge plans for cost targets against the static mixture of the training side, at equal realised cost."""

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
SAME_COST = 0.01


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

    def gain(self, done: FairPath, test: Outcomes) -> Floats:
        """Return each query's gain over the mixture at equal cost, mean over the targets, ``(queries,)``.

        Both are read where their realised mean cost on the test queries is the target, or where it is that of the
        cheapest plan, if even this one costs more. A router that spends less than a target at its dearest plan keeps
        this plan's quality and is compared with the mixture at the target: quality that it leaves unbought counts. The
        noise of cost is part of the values.
        """
        costs = np.maximum(self.targets, done.cost_usd.mean(0)[0])
        order = np.argsort(test.cost_usd[:, self.points].mean(0), kind="stable")
        path = self.points[order]
        base = _read(costs, quality=test.quality[:, path], cost_usd=test.cost_usd[:, path])
        return _read(costs, quality=done.quality, cost_usd=done.cost_usd) - base


@dataclass(frozen=True)
class FairPath:
    """A router's plans for the targets, executed, cheapest first.

    Args:
        quality: ``(queries, plans)``.
        cost_usd: of all calls, ``(queries, plans)``.
    """

    quality: Floats
    cost_usd: Floats

    @classmethod
    def of(cls, executions: Sequence[Execution]) -> FairPath:
        """Order the executions by what they cost; those that cost the same within 1% count as their mean.

        Between two plans of nearly one cost the path would rise or fall by their noise alone.
        """
        done = sorted(executions, key=lambda one: float(one.cost_usd.mean()))
        alike: list[list[Execution]] = []
        for one in done:
            if alike and one.cost_usd.mean() <= (1 + SAME_COST) * alike[-1][0].cost_usd.mean():
                alike[-1].append(one)
            else:
                alike.append([one])
        return cls(
            np.stack([np.mean([one.quality for one in ones], axis=0) for ones in alike], axis=1),
            np.stack([np.mean([one.cost_usd for one in ones], axis=0) for ones in alike], axis=1),
        )


def _read(costs: Floats, *, quality: Floats, cost_usd: Floats) -> Floats:
    """Return each query's quality on a path, mean over the mean costs at which it is read, ``(queries,)``.

    Args:
        costs: mean costs, ``(costs,)``.
        quality: of the path's vertices, in the order of their mean cost, ``(queries, vertices)``.
        cost_usd: likewise.
    """
    queries = len(quality)
    read = [quality_at_equal_cost(np.full(queries, usd), quality=quality, cost_usd=cost_usd) for usd in costs]
    return np.mean(read, axis=0)


@dataclass(frozen=True)
class Judged:
    """A router's plans for all targets on some test queries.

    Args:
        gain: each query's gain over the static mixture at equal cost, mean over the targets, ``(queries,)``.
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
        gain=path.gain(FairPath.of(executions), test),
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
