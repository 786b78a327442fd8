"""The fair curve of every router: realised mean cost and quality for each cost target, with 90% intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.calibration.intervals import Interval, resampled
from paretoroute.evaluation.protocol.held_out import HeldOut
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.registry import kind_of
from paretoroute.evaluation.tradeoff_curves import single_points


@dataclass(frozen=True)
class Realised:
    """A router's outcomes for all cost targets, each query held out.

    Args:
        quality: ``(queries, targets)``.
        cost_usd: of all calls, ``(queries, targets)``.
        calls: mean calls of every point, ``(targets, points)``.
        target_usd: mean costs asked for, averaged over queries since folds have their own, ``(targets,)``.
    """

    quality: Floats
    cost_usd: Floats
    calls: Floats
    target_usd: Floats

    @classmethod
    def of(cls, held_out: HeldOut, name: str) -> Realised:
        """Join a router's folds."""
        judged = held_out.routers[name].judged
        weights = np.array([rows.sum() for rows in held_out.rows], dtype=np.float64)
        return cls(
            quality=held_out.over_queries(name, lambda one: one.quality.T),
            cost_usd=held_out.over_queries(name, lambda one: one.cost_usd.T),
            calls=np.average([one.calls_by_target for one in judged], axis=0, weights=weights),
            target_usd=np.average([one.target_usd for one in judged], axis=0, weights=weights),
        )

    def small_share(self, small: Mask) -> Floats:
        """Return the share of the calls that some points take, ``(targets,)``."""
        return self.calls[:, small].sum(1) / self.calls.sum(1)


@dataclass(frozen=True)
class TargetResult:
    """A router's realised means for one cost target.

    Args:
        target_usd: mean cost asked for, per query.
        cost_usd: mean cost of all calls, per query.
        quality: mean quality, in [0, 1].
        small_share: share of the calls that small points take.
        loss: quality of the best single point minus this one, query by query, in quality points of 100.
    """

    target_usd: float
    cost_usd: Interval
    quality: Interval
    small_share: float
    loss: Interval


@dataclass(frozen=True)
class RouterCurve:
    """One router's results, in the order of the cost targets.

    Args:
        name: of the router.
        kind: as in the comparison's table.
        targets: lowest target first.
    """

    name: str
    kind: str
    targets: tuple[TargetResult, ...]


def curves_of(study: Study, routers: Mapping[str, Realised], *, small: Mask) -> tuple[RouterCurve, ...]:
    """Average every router's outcomes for each target; all are resampled together.

    Args:
        study: the queries.
        routers: by name.
        small: which points are small, bool ``(points,)``.
    """
    best = study.outcomes.quality[:, [single_points(study.outcomes).vertex[-1]]]
    columns = [np.hstack([one.cost_usd, one.quality, 100 * (best - one.quality)]) for one in routers.values()]
    intervals = iter(resampled(np.hstack(columns), study.groups, seed=study.seed))
    curves = []
    for name, one in routers.items():
        cost, quality, loss = ([next(intervals) for _ in one.target_usd] for _ in range(3))
        share = one.small_share(small)
        results = (
            TargetResult(float(one.target_usd[t]), cost[t], quality[t], float(share[t]), loss[t])
            for t in range(len(one.target_usd))
        )
        curves.append(RouterCurve(name, kind_of(name), tuple(results)))
    return tuple(curves)
