"""Where the default loses: routers, cost targets and kinds of query at which another router is ahead.

The rival is picked with hindsight, as the router that is furthest ahead, so that of many equal routers some are ahead
by chance; the oracle never counts. At one cost target a rival is judged on the hull of its own realised results, at the
mean cost that the default realised there: both sides' noise of cost counts along the hull's slope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.calibration.intervals import Interval, resampled
from paretoroute.calibration.mixtures import interpolate
from paretoroute.evaluation.details.curves import Realised
from paretoroute.evaluation.details.kinds import QueryKind
from paretoroute.evaluation.details.small_first import BOUND
from paretoroute.evaluation.protocol.gains import ExecutedCurve
from paretoroute.evaluation.protocol.held_out import HeldOut
from paretoroute.evaluation.protocol.study import Study


@dataclass(frozen=True)
class TargetLead:
    """The default beside the best other router at one cost target.

    Args:
        target_usd: the cost target, per query.
        cost_usd: mean cost that the default realised.
        rival: the router of the highest quality at that cost; None: none spends so little, or there is no other.
        lead: quality of the default minus the rival's, in quality points of 100.
    """

    target_usd: float
    cost_usd: float
    rival: str | None
    lead: Interval | None


@dataclass(frozen=True)
class KindLead:
    """The default beside the best other router on one kind of query.

    Args:
        tag: of the queries.
        queries: their number.
        gain: of the default over the static mixture at equal cost, in quality points of 100.
        rival: the router of the highest gain; None: there is no other.
        lead: gain of the default minus the rival's.
    """

    tag: str
    queries: int
    gain: Interval
    rival: str | None
    lead: Interval | None


@dataclass(frozen=True)
class Losses:
    """The default beside the best others.

    Args:
        targets: lowest target first.
        kinds: the most frequent kind first.
    """

    targets: tuple[TargetLead, ...]
    kinds: tuple[KindLead, ...]


def losses_of(study: Study, held_out: HeldOut, routers: Mapping[str, Realised], kinds: Sequence[QueryKind]) -> Losses:
    """Pick the best other router at every cost target and on every kind of query.

    Args:
        study: the log.
        held_out: gains of all routers.
        routers: realised outcomes by name, the default's first.
        kinds: of query.
    """
    default, *others = [name for name in routers if name != BOUND]
    gains = {name: 100 * held_out.over_queries(name, lambda judged: judged.gain) for name in (default, *others)}
    rivals = {name: routers[name] for name in others}
    targets = _at_targets(study, routers[default], rivals)
    return Losses(targets, tuple(_of_kind(study, gains, kind) for kind in kinds))


def _at_targets(study: Study, default: Realised, rivals: Mapping[str, Realised]) -> tuple[TargetLead, ...]:
    found = [_best_rival(default, rivals, t) for t in range(len(default.target_usd))]
    columns = [one.lead for one in found if one is not None]
    intervals = iter(resampled(np.stack(columns, axis=1), study.groups, seed=study.seed) if columns else ())
    return tuple(
        TargetLead(float(target), float(cost), one and one.name, None if one is None else next(intervals))
        for target, cost, one in zip(default.target_usd, default.cost_usd.mean(0), found, strict=True)
    )


class _Rival(NamedTuple):
    """The router of the highest quality at the default's mean cost, and each query's part in the default's lead."""

    name: str
    lead: Floats


def _best_rival(default: Realised, rivals: Mapping[str, Realised], t: int) -> _Rival | None:
    cost = default.cost_usd[:, t].mean()
    reach = [name for name, one in rivals.items() if one.cost_usd.mean(0).min() <= cost]
    leads = [_Rival(name, 100 * _lead(default, rivals[name], t)) for name in reach]
    return min(leads, key=lambda rival: rival.lead.mean(), default=None)


def _lead(default: Realised, rival: Realised, t: int) -> Floats:
    """Return each query's influence value on the default's quality minus the rival's, at the default's mean cost."""
    quality, cost = default.quality[:, t], default.cost_usd[:, t]
    curve = ExecutedCurve(rival.quality.T, rival.cost_usd.T)
    at, hull = cost.mean(), curve.hull
    slope = float(interpolate(np.array([at]), cost_usd=hull.cost, quality=hull.quality).slope[0])
    return quality - slope * (cost - at) - curve.influence(np.array([at]))


def _of_kind(study: Study, gains: Mapping[str, Floats], kind: QueryKind) -> KindLead:
    default, *others = gains
    own = gains[default][kind.rows]
    groups: Indices = np.unique(study.groups[kind.rows], return_inverse=True)[1].ravel()
    rival = max(others, key=lambda name: gains[name][kind.rows].mean(), default=None)
    columns = [own] if rival is None else [own, own - gains[rival][kind.rows]]
    gain, *lead = resampled(np.stack(columns, axis=1), groups, seed=study.seed)
    return KindLead(kind.tag, int(kind.rows.sum()), gain, rival, lead[0] if lead else None)
