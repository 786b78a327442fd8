"""Compare routers on logged runs, every query judged by routers that never saw it.

Queries are dealt to folds, near-identical queries and conversations together. Each router is fitted on all folds but
one and forecasts that one. Two figures follow, in quality points of 100, with 90% intervals over queries:

- of every router, the realised cost-quality curve of its forecasts, over the best mixture of single points at equal
  cost, averaged over costs from where single points reach 60% of their peak to the best single point's cost
  (:mod:`paretoroute.evaluation.tradeoff_curves`); curve and mixture are both the best on the test queries
- of the default, policies solved on the training runs for eight cost targets, over the training runs' own static
  mixture at equal cost (:mod:`paretoroute.evaluation.equal_cost`)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import resampled
from paretoroute.errors import GridError, RunsError, TargetError, expect, expect_items, expect_seed, shown
from paretoroute.evaluation.comparison import Comparison, PolicyResult, RouterResult, verdict_on
from paretoroute.evaluation.equal_cost import gain_over_static_mixture
from paretoroute.evaluation.routers.base import Router
from paretoroute.evaluation.routers.data import fill_missing, logged_means, prepared
from paretoroute.evaluation.routers.kmeans import KMeans
from paretoroute.evaluation.routers.knn import NearestNeighbours
from paretoroute.evaluation.routers.oracle import Oracle
from paretoroute.evaluation.routers.paretoroute import FittedPolicy, PolicyRouter
from paretoroute.evaluation.routers.ridge import Ridge
from paretoroute.evaluation.routers.static_mixture import StaticMixture
from paretoroute.evaluation.tradeoff_curves import Curve, Outcomes, cost_range, realised, single_points
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.points.token_totals import billed_totals
from paretoroute.fitting.sample import LEAST_QUERIES
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid, Price
from paretoroute.price import expect_prices
from paretoroute.runs.align import on_grid
from paretoroute.runs.findings import Finding, texts
from paretoroute.runs.folds import folds as deal
from paretoroute.runs.folds import groups_of
from paretoroute.runs.table import Runs

BASELINES: tuple[Router, ...] = (StaticMixture(), NearestNeighbours(), KMeans(), Ridge())

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Study:
    """The runs at the points that all routers choose from, and the fold of every query.

    Args:
        runs: at the grid's points, in its order.
        grid: points whose cost is known in the training runs of every fold.
        fold: ``(queries,)``.
        outcomes: of the runs; outcomes that were not logged are their point's mean.
        seed: of folds, fits and draws.
        notices: findings about the log.
    """

    runs: Runs
    grid: Grid
    fold: NDArray[np.int64]
    outcomes: Outcomes
    seed: int
    notices: tuple[Finding, ...]


@dataclass(frozen=True)
class _HeldOut:
    """Out-of-fold forecasts of every router, and the default's policies solved for cost targets.

    Args:
        forecasts: by router, the default's first, the oracle's last.
        policy_gain: of the default's policies, ``(queries,)``.
        cost_ratio: realised over target cost, ``(folds, targets)``.
    """

    forecasts: dict[str, Forecast]
    policy_gain: Floats
    cost_ratio: Floats


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
    study = _study(runs, grid, prices, folds=folds, seed=seed)
    contenders = (PolicyRouter(), *routers, Oracle(study.runs, study.grid))
    _require_distinct_names(contenders)
    held_out = _hold_out(study, contenders, progress or (lambda step: None))
    static = single_points(study.outcomes)
    rows, policies = _results(study, held_out, static)
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
        rows=tuple(sorted(rows, key=lambda row: -row.gain.value)),
        solved_policies=policies,
        verdict=verdict_on(rows, policies),
        notices=study.notices,
    )


def _study(runs: Runs, grid: Grid | None, prices: Mapping[str, Price] | None, *, folds: int, seed: int) -> _Study:
    """Restrict the runs to the points that every fold's training runs know the cost of."""
    if folds < 2:
        raise RunsError(f"comparing needs at least 2 folds, got {folds}")
    if folds > len(runs.query_ids):
        raise RunsError(f"the log has {len(runs.query_ids)} queries, too few for {shown(folds)} folds; ask for fewer")
    runs, counted = billed_totals(runs, {**(grid.prices if grid else {}), **(prices or {})})
    offered, notices = build_grid(runs, grid, prices)
    notices = (*counted, *notices)
    used = on_grid(runs, offered)
    fold = deal(groups_of(used), folds, seed=seed)
    common = _common_points(used, offered, fold, folds)
    if len(common.points) < 2:
        about = f" ({'; '.join(texts(notices))})" if notices else ""
        raise RunsError(
            f"fewer than two points were logged often enough for {folds} folds{about}; log more, or ask for fewer folds"
        )
    if dropped := [point.name for point in offered.points if point not in common.points]:
        text = f"left out, since their cost is unknown in some fold's training runs: {', '.join(dropped[:10])}"
        notices += (Finding("grid", text),)
        used = on_grid(runs, common)
        fold = deal(groups_of(used), folds, seed=seed)
    logged = logged_means(used, common)
    outcomes = Outcomes(fill_missing(logged.quality), fill_missing(logged.cost_usd))
    if not outcomes.cost_usd.mean(0).max() > 0:
        raise RunsError("every call in the log is free, so there is no cost to weigh quality against")
    missing = 1 - float((~np.isnan(logged.quality) & ~np.isnan(logged.cost_usd)).mean())
    if missing > 0:
        text = (
            f"{missing:.0%} of the outcomes were not logged and count as their point's mean, "
            "which draws all differences towards 0"
        )
        notices += (Finding("note", text),)
    return _Study(used, common, fold, outcomes, seed, notices)


def _common_points(runs: Runs, grid: Grid, fold: NDArray[np.int64], folds: int) -> Grid:
    """Return the points whose cost is known in the training runs of every fold.

    Raises:
        RunsError: a fold is empty or leaves too few queries to learn from.
    """
    for number in range(folds):
        training = fold != number
        if training.all() or training.sum() < LEAST_QUERIES:
            raise RunsError(
                f"{len(runs.query_ids)} queries in {len(set(groups_of(runs)))} groups are too few for {folds} folds: "
                f"every fold needs a query, and the others together {LEAST_QUERIES}; log more, or ask for fewer folds"
            )
        grid, _ = build_grid(runs.select(training), grid)
    return grid


def _require_distinct_names(routers: Sequence[Router]) -> None:
    for router in routers:
        if not (isinstance(getattr(router, "name", None), str) and callable(getattr(router, "fit", None))):
            raise TargetError(f"each of routers must have a name and a method fit, got {shown(router)}")
    names = [router.name for router in routers]
    if len(set(names)) < len(names):
        raise RunsError(f"two routers share a name; rename one of {', '.join(names)}")


def _hold_out(study: _Study, routers: Sequence[Router], progress: Progress) -> _HeldOut:
    """Fit every router without each fold and forecast that fold."""
    shape = study.outcomes.quality.shape
    tables = {router.name: Outcomes(np.zeros(shape), np.zeros(shape)) for router in routers}
    policy_gain, cost_ratio = np.zeros(shape[0]), []
    folds = int(study.fold.max()) + 1
    for number in range(folds):
        rows = study.fold == number
        training, batch = prepared(study.runs.select(~rows), study.runs.select(rows), study.grid, seed=study.seed)
        for router in routers:
            progress(f"fold {number + 1} of {folds}: {router.name}")
            strategies = router.fit(training)
            forecast = strategies.forecast(batch)
            _check_shape(forecast, router.name, (int(rows.sum()), shape[1]))
            tables[router.name].quality[rows] = forecast.quality
            tables[router.name].cost_usd[rows] = forecast.cost_usd
            if isinstance(strategies, FittedPolicy):
                progress(f"fold {number + 1} of {folds}: solving for cost targets")
                train = Outcomes(fill_missing(training.quality), fill_missing(training.cost_usd))
                test = Outcomes(study.outcomes.quality[rows], study.outcomes.cost_usd[rows])
                judged = gain_over_static_mixture(strategies.policy, forecast, train=train, test=test)
                policy_gain[rows] = judged.gain
                cost_ratio.append(judged.cost_ratio)
    forecasts = {name: Forecast(table.quality, table.cost_usd) for name, table in tables.items()}
    return _HeldOut(forecasts, policy_gain, np.array(cost_ratio))


def _check_shape(forecast: Forecast, router: str, shape: tuple[int, int]) -> None:
    if forecast.quality.shape != shape:
        raise ValueError(f"router {router!r} must forecast an array of shape {shape}, got {forecast.quality.shape}")


def _results(study: _Study, held_out: _HeldOut, static: Curve) -> tuple[list[RouterResult], PolicyResult]:
    """Compute every router's figures, in the routers' order, and those of the default's policies.

    All figures are resampled together, so that differences between routers have intervals of their own.
    """
    costs = cost_range(static)
    curves = [realised(forecast, study.outcomes) for forecast in held_out.forecasts.values()]
    baseline = static.influence(costs, study.outcomes)
    heights = np.stack([curve.influence(costs, study.outcomes) for curve in curves], axis=1)
    gains = 100 * (heights - baseline[:, None])
    columns = np.column_stack([gains, gains[:, :1] - gains, 100 * held_out.policy_gain])
    groups = np.unique(np.array(groups_of(study.runs)), return_inverse=True)[1].ravel()
    intervals = resampled(columns, groups, seed=study.seed)
    leads = [None, *intervals[len(curves) + 1 : -1]]
    peak = float(static.quality[-1])
    rows = [
        RouterResult(name, gain, lead, float(curve.quality[-1]), curve.cost_of(peak))
        for name, gain, lead, curve in zip(held_out.forecasts, intervals[: len(curves)], leads, curves, strict=True)
    ]
    ratio = held_out.cost_ratio
    return rows, PolicyResult(intervals[-1], float(ratio.mean()), float(ratio.min()), float(ratio.max()))
