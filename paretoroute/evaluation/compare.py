"""Compare routers on logged runs, every query judged by routers that never saw it.

Queries are dealt to folds, near-identical queries and conversations together. Each router is fitted on all folds but
one and forecasts that one. Two figures follow, in quality points of 100, with 90% intervals over queries:

- the fair gain: for each of eight cost targets the router's knob is chosen on the training side alone
  (:mod:`paretoroute.evaluation.protocol`), and its quality is compared with the static mixture of the training side at
  the cost that it realised. The default solves its policy for each target
- the hindsight gain: the best cost-quality curve of the router's strategies on the test queries themselves, over the
  best mixture of single points at equal cost, averaged over costs from where single points reach 60% of their peak to
  the best single point's cost (:mod:`paretoroute.evaluation.tradeoff_curves`)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from paretoroute.calibration.intervals import resampled
from paretoroute.errors import GridError, RunsError, TargetError, expect, expect_items, expect_seed, shown
from paretoroute.evaluation.comparison import Comparison, PolicyResult, RouterResult, verdict_on
from paretoroute.evaluation.details.details import details_of
from paretoroute.evaluation.protocol.held_out import HeldOut, Progress, hold_out
from paretoroute.evaluation.protocol.hindsight import cost_at, hindsight_curve
from paretoroute.evaluation.protocol.metrics import metrics_of
from paretoroute.evaluation.protocol.study import Study, study_of
from paretoroute.evaluation.routers.base import Router
from paretoroute.evaluation.routers.kmeans import KMeans
from paretoroute.evaluation.routers.knn import NearestNeighbours
from paretoroute.evaluation.routers.oracle import Oracle
from paretoroute.evaluation.routers.paretoroute import PolicyRouter
from paretoroute.evaluation.routers.registry import kind_of
from paretoroute.evaluation.routers.ridge import Ridge
from paretoroute.evaluation.routers.static_mixture import StaticMixture
from paretoroute.evaluation.tradeoff_curves import Curve, cost_range, single_points
from paretoroute.grid import Grid, Price
from paretoroute.price import expect_prices
from paretoroute.runs.table import Runs

BASELINES: tuple[Router, ...] = (StaticMixture(), NearestNeighbours(), KMeans(), Ridge())


def compare(
    runs: Runs,
    *,
    routers: Sequence[Router] = BASELINES,
    grid: Grid | None = None,
    prices: Mapping[str, Price] | None = None,
    folds: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the default with other routers on logged runs.

    Outcomes that were not logged count as their point's mean, for all routers alike.

    Args:
        runs: as :func:`paretoroute.read_runs` returns them.
        routers: to compare with, each under its own name; the default and the oracle are always included.
        grid: points to choose from; None: all of the log.
        prices: token prices by model, in USD per million tokens.
        folds: at least 2; each costs a fit of every router.
        seed: same runs and seed, same comparison.
        progress: called with a short description before every step.

    Raises:
        RunsError: there is nothing to choose between, or too few queries for so many folds.
        GridError: no point has a known cost.
    """
    expect("the log", runs, Runs, RunsError)
    expect_items("routers", routers, object, TargetError)
    expect("the grid", grid, (Grid, type(None)), GridError)
    expect_prices(prices)
    if isinstance(folds, bool) or not isinstance(folds, int):
        raise RunsError(f"folds must be a whole number of at least 2, got {shown(folds)}")
    expect_seed(seed, TargetError)
    runs.require_choice()
    study = study_of(runs, grid, prices, folds=folds, seed=seed)
    contenders = (PolicyRouter(), *routers, Oracle(study.runs, study.grid))
    _require_distinct_names(contenders)
    held_out = hold_out(study, contenders, progress or (lambda step: None))
    static = single_points(study.outcomes)
    rows = _results(study, held_out, static)
    ratio = held_out.cost_ratio(rows[0].name)
    policies = PolicyResult(rows[0].fair_gain, float(ratio.mean()), float(ratio.min()), float(ratio.max()))
    return Comparison(
        runs=len(study.runs),
        queries=len(study.runs.query_ids),
        points=len(study.grid.points),
        folds=folds,
        seed=seed,
        best_single=study.grid.names[static.vertex[-1]],
        best_single_quality=float(static.quality[-1]),
        best_single_cost_usd=float(static.cost_usd[-1]),
        from_cost_usd=float(cost_range(static)[0]),
        rows=tuple(sorted(rows, key=lambda row: -row.fair_gain.value)),
        solved_policies=policies,
        verdict=verdict_on(rows, policies),
        left_out=held_out.left_out,
        notices=study.notices,
        details=details_of(study, held_out),
    )


def _require_distinct_names(routers: Sequence[Router]) -> None:
    for router in routers:
        if not (isinstance(getattr(router, "name", None), str) and callable(getattr(router, "fit", None))):
            raise TargetError(f"each of routers must have a name and a method fit, got {shown(router)}")
    names = [router.name for router in routers]
    if len(set(names)) < len(names):
        raise RunsError(f"two routers share a name; rename one of {', '.join(names)}")


def _results(study: Study, held_out: HeldOut, static: Curve) -> list[RouterResult]:
    """Compute every router's figures, in the routers' order.

    All figures are resampled together, so that differences between routers have intervals of their own.
    """
    names = list(held_out.routers)
    costs = cost_range(static)
    baseline = static.influence(costs, study.outcomes)
    curves = [hindsight_curve(study, held_out.routers[name]) for name in names]
    hindsight = np.stack([curve.influence(costs) for curve in curves], axis=1) - baseline[:, None]
    fair = np.stack([held_out.over_queries(name, lambda judged: judged.gain) for name in names], axis=1)
    columns = 100 * np.column_stack([hindsight, hindsight[:, :1] - hindsight, fair, fair[:, :1] - fair])
    intervals = resampled(columns, study.groups, seed=study.seed)
    size, peak = len(names), float(static.quality[-1])
    rows = []
    for k, (name, curve) in enumerate(zip(names, curves, strict=True)):
        first = k == 0
        rows.append(
            RouterResult(
                name=name,
                gain=intervals[k],
                lead=None if first else intervals[size + k],
                peak_quality=float(curve.hull.quality[-1]),
                cost_usd_at_best_single=cost_at(curve.hull, peak),
                kind=kind_of(name),
                fair_gain=intervals[2 * size + k],
                fair_lead=None if first else intervals[3 * size + k],
                metrics=metrics_of(study, held_out, name),
            )
        )
    return rows
