"""Small points first: the share of calls that small points take, and what it costs in quality.

A point is small if its mean cost is at most a tenth of the best single point's; where no point is, at most half of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.details.curves import RouterCurve
from paretoroute.evaluation.protocol.metrics import SMALL, small_points
from paretoroute.evaluation.protocol.study import Study

BOUND = "oracle"
COST_SHARES = (SMALL, 0.5)


@dataclass(frozen=True)
class SmallFirstPolicy:
    """A router at one cost target that loses nothing beyond noise to the best single point.

    Args:
        router: its name.
        target: position of the cost target, from 0.
        target_usd: the cost target, per query.
        cost_usd: realised mean cost, per query.
        small_share: share of the calls that small points take.
        loss: to the best single point, in quality points of 100.
    """

    router: str
    target: int
    target_usd: float
    cost_usd: float
    small_share: float
    loss: Interval


@dataclass(frozen=True)
class SmallFirst:
    """What small points can take without a loss beyond noise.

    Args:
        cost_share: a small point's mean cost is at most this part of the best single point's.
        points: names of the small points.
        default: the default's policy that takes most; None: each of its policies loses something.
        best: that of all routers but the oracle, picked with hindsight; None likewise.
    """

    cost_share: float
    points: tuple[str, ...]
    default: SmallFirstPolicy | None
    best: SmallFirstPolicy | None


def cost_share_of(study: Study) -> float:
    """Return the first of a tenth and half of the best single point's cost within which there is a point."""
    return next((share for share in COST_SHARES if small_points(study.outcomes, share).any()), COST_SHARES[-1])


def small_first_of(study: Study, curves: Sequence[RouterCurve], *, cost_share: float) -> SmallFirst:
    """Select, for the default and for all routers, the policy with most calls to small points and no certain loss.

    "No loss beyond noise": the 90% interval of the loss reaches 0.

    Args:
        study: the log.
        curves: of the routers, the default's first.
        cost_share: of small points, in terms of the best single point's cost.
    """
    names = np.array(study.grid.names)[small_points(study.outcomes, cost_share)]
    return SmallFirst(
        cost_share=cost_share,
        points=tuple(map(str, names)),
        default=_most(curves[:1]) if len(names) else None,
        best=_most([curve for curve in curves if curve.name != BOUND]) if len(names) else None,
    )


def _most(curves: Sequence[RouterCurve]) -> SmallFirstPolicy | None:
    policies = [
        SmallFirstPolicy(curve.name, t, one.target_usd, one.cost_usd.value, one.small_share, one.loss)
        for curve in curves
        for t, one in enumerate(curve.targets)
        if one.loss.low <= 0
    ]
    return max(policies, key=lambda policy: (policy.small_share, -policy.cost_usd), default=None)
