"""compare: routers side by side on logged runs, every query judged by routers that never saw it.

Queries are dealt to folds, copies and conversations together; each router is fitted on all folds but one and
forecasts that one. Two figures, in quality points of 100, with 90% intervals over queries:

- with hindsight, the same for all routers: the curve of what their forecasts would choose, over the best mixture of
  single points at equal spending, averaged over costs from where single points reach 60% of their peak to the best
  single point's cost (:mod:`paretoroute.evaluation.tradeoff_curves`)
- without hindsight, for the default: policies solved for eight cost targets on the training runs, over the training
  runs' own mixture at equal spending (:mod:`paretoroute.evaluation.equal_cost`)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import Interval, resampled
from paretoroute.errors import RunsError
from paretoroute.evaluation.equal_cost import Outcomes, gains_over_static_mixture
from paretoroute.evaluation.routers.base import Router
from paretoroute.evaluation.routers.blind_mixture import BlindMixture
from paretoroute.evaluation.routers.data import filled, groups_of, outcomes, prepared
from paretoroute.evaluation.routers.kmeans import Clusters
from paretoroute.evaluation.routers.knn import NearestNeighbours
from paretoroute.evaluation.routers.oracle import Oracle
from paretoroute.evaluation.routers.paretoroute import FittedPolicy, PolicyRouter
from paretoroute.evaluation.routers.ridge import Ridge
from paretoroute.evaluation.tradeoff_curves import Curve, cost_range, realised, single_points
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.sample import LEAST_QUERIES
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid, Price
from paretoroute.runs.align import on_grid
from paretoroute.runs.folds import folds as deal
from paretoroute.runs.table import Runs

BASELINES: tuple[Router, ...] = (BlindMixture(), NearestNeighbours(), Clusters(), Ridge())


@dataclass(frozen=True)
class RouterResult:
    """One router's figures.

    Args:
        name: of the router.
        gain: over the best mixture of single points at equal spending, in quality points, with hindsight.
        lead: the default's gain minus this router's, query by query; None for the default.
        peak_quality: the highest point of its curve, in [0, 1].
        cost_usd_at_best_single: mean cost at which its curve has the best single point's quality; None if it never has.
    """

    name: str
    gain: Interval
    lead: Interval | None
    peak_quality: float
    cost_usd_at_best_single: float | None


@dataclass(frozen=True)
class WithoutHindsight:
    """The default's policies, solved before the queries came.

    Args:
        gain: over the training runs' blind mixture at equal spending, in quality points.
        spent_over_asked: realised over asked mean cost, mean over targets and folds.
        spent_over_asked_low: the least of them.
        spent_over_asked_high: the most.
    """

    gain: Interval
    spent_over_asked: float
    spent_over_asked_low: float
    spent_over_asked_high: float


@dataclass(frozen=True)
class Comparison:
    """Routers side by side.

    Args:
        runs: that were used.
        queries: each held out once.
        points: that were compared.
        folds: of the queries.
        seed: of folds, fits and draws.
        best_single: name of the point with the best mean quality.
        best_single_quality: in [0, 1].
        best_single_cost_usd: per query.
        from_cost_usd: least mean cost at which curves are compared; the most is the best single point's.
        rows: the routers, best gain first.
        without_hindsight: of the default.
        verdict: one sentence.
        notices: what to know of the log.
    """

    runs: int
    queries: int
    points: int
    folds: int
    seed: int
    best_single: str
    best_single_quality: float
    best_single_cost_usd: float
    from_cost_usd: float
    rows: tuple[RouterResult, ...]
    without_hindsight: WithoutHindsight
    verdict: str
    notices: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Held:
    """What all routers said of all queries, each from the fold that held it out."""

    forecasts: dict[str, Forecast]
    policy_gain: Floats
    spending: Floats


def compare(
    runs: Runs,
    *,
    routers: Sequence[Router] = BASELINES,
    grid: Grid | None = None,
    prices: Mapping[str, Price] | None = None,
    folds: int = 5,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Compare the default with other routers on logged runs.

    Outcomes that were not logged count as their point's mean, for all routers alike.

    Args:
        runs: as :func:`paretoroute.read_runs` gives them.
        routers: to compare with, each under its own name; the default and the oracle are always there.
        grid: points to choose from; None: all of the log.
        prices: token prices by model, in USD per million tokens.
        folds: at least 2; each costs a fit of every router.
        seed: same runs and seed, same comparison.
        progress: called with a few words before every step.

    Raises:
        RunsError: there is nothing to choose between, or too few queries for so many folds.
        GridError: no point has a known cost.
    """
    runs.require_choice()
    used, common, fold, notes = _common(runs, grid, prices, folds, seed)
    quality, cost, _ = outcomes(used, common)
    known = float((~np.isnan(quality) & ~np.isnan(cost)).mean())
    truth = Outcomes(filled(quality), filled(cost))
    if not truth.cost_usd.mean(0).max() > 0:
        raise RunsError("every call in the log is free, so there is no cost to weigh quality against")
    default, oracle = PolicyRouter(), Oracle(used, common)
    everyone = (default, *routers, oracle)
    if len({router.name for router in everyone}) < len(everyone):
        raise RunsError(f"two routers share a name; rename one of {', '.join(router.name for router in everyone)}")
    held = _held_out(used, common, fold, everyone, truth, seed, progress or (lambda words: None))
    static = single_points(truth.quality, truth.cost_usd)
    rows, ahead = _judged(held, truth, static, groups_of(used), seed)
    if known < 1:
        notes += (
            f"{1 - known:.0%} of the outcomes were not logged and count as their point's mean, "
            "which draws all differences towards 0",
        )
    return Comparison(
        runs=len(used),
        queries=len(used.query_ids),
        points=len(common.points),
        folds=folds,
        seed=seed,
        best_single=common.names[static.vertex[-1]],
        best_single_quality=float(static.quality[-1]),
        best_single_cost_usd=float(static.cost_usd[-1]),
        from_cost_usd=float(cost_range(static)[0]),
        rows=tuple(sorted(rows, key=lambda row: -row.gain.value)),
        without_hindsight=ahead,
        verdict=_verdict(rows, ahead),
        notices=notes,
    )


def _common(
    runs: Runs, grid: Grid | None, prices: Mapping[str, Price] | None, folds: int, seed: int
) -> tuple[Runs, Grid, NDArray[np.int64], tuple[str, ...]]:
    """Keep to the points that every fold's training runs know the cost of, so that all routers choose from the same."""
    if folds < 2:
        raise RunsError(f"comparing needs at least 2 folds, got {folds}")
    found, notes = build_grid(runs, grid, prices)
    offered = found.points
    used = on_grid(runs, found)
    fold = deal(groups_of(used), folds, seed=seed)
    for f in range(folds):
        rest = fold != f
        if rest.all() or rest.sum() < LEAST_QUERIES:
            raise RunsError(
                f"{len(used.query_ids)} queries in {len(set(groups_of(used)))} groups are too few for {folds} folds: "
                f"every fold needs a query, and the others together {LEAST_QUERIES}; log more, or ask for fewer folds"
            )
        found, _ = build_grid(used.select(rest), found)
    if len(found.points) < 2:
        raise RunsError(f"fewer than two points were logged often enough for {folds} folds: {', '.join(notes)}")
    if dropped := [point.name for point in offered if point not in found.points]:
        notes += (f"left out, since some fold's training runs do not know its cost: {', '.join(dropped[:10])}",)
        used = on_grid(runs, found)
        fold = deal(groups_of(used), folds, seed=seed)
    return used, found, fold, notes


def _held_out(
    runs: Runs,
    grid: Grid,
    fold: NDArray[np.int64],
    routers: Sequence[Router],
    truth: Outcomes,
    seed: int,
    say: Callable[[str], None],
) -> _Held:
    """Fit every router without each fold and ask it about that fold; the first router is the default."""
    shape = truth.quality.shape
    tables = {router.name: (np.zeros(shape), np.zeros(shape)) for router in routers}
    policy_gain, spending = np.zeros(shape[0]), []
    count = int(fold.max()) + 1
    for f in range(count):
        asked_rows = fold == f
        training, asked = prepared(runs.select(~asked_rows), runs.select(asked_rows), grid, seed=seed)
        for router in routers:
            say(f"fold {f + 1} of {count}: {router.name}")
            predict = router.fit(training)
            found = predict(asked)
            _check(router.name, found, (int(asked_rows.sum()), shape[1]))
            tables[router.name][0][asked_rows] = found.quality
            tables[router.name][1][asked_rows] = found.cost_usd
            if isinstance(predict, FittedPolicy):
                say(f"fold {f + 1} of {count}: solving for cost targets")
                train = Outcomes(filled(training.quality), filled(training.cost_usd))
                test = Outcomes(truth.quality[asked_rows], truth.cost_usd[asked_rows])
                policy_gain[asked_rows], ratios = gains_over_static_mixture(predict.policy, found, train, test)
                spending.append(ratios)
    return _Held({name: Forecast(*both) for name, both in tables.items()}, policy_gain, np.array(spending))


def _judged(
    held: _Held, truth: Outcomes, static: Curve, groups: tuple[str, ...], seed: int
) -> tuple[list[RouterResult], WithoutHindsight]:
    """Make every router's figures, the default's first, from queries that are drawn together for all of them."""
    costs = cost_range(static)
    curves = [realised(found, truth.quality, truth.cost_usd) for found in held.forecasts.values()]
    baseline = static.contributions(costs, truth.quality, truth.cost_usd)
    heights = [curve.contributions(costs, truth.quality, truth.cost_usd) for curve in curves]
    gains = 100 * (np.stack(heights, axis=1) - baseline[:, None])
    columns = np.column_stack([gains, gains[:, :1] - gains, 100 * held.policy_gain])
    found = resampled(columns, np.unique(np.array(groups), return_inverse=True)[1].ravel(), seed=seed)
    own, leads = found[: len(curves)], [None, *found[len(curves) + 1 : -1]]
    peak = float(static.quality[-1])
    rows = [
        RouterResult(name, gain, lead, float(curve.quality[-1]), curve.cost_of(peak))
        for name, gain, lead, curve in zip(held.forecasts, own, leads, curves, strict=True)
    ]
    spending = (float(held.spending.mean()), float(held.spending.min()), float(held.spending.max()))
    return rows, WithoutHindsight(found[-1], *spending)


def _check(name: str, found: Forecast, shape: tuple[int, int]) -> None:
    if found.quality.shape != shape:
        raise ValueError(f"router {name!r} must forecast an array of shape {shape}, got {found.quality.shape}")


def _verdict(rows: Sequence[RouterResult], ahead: WithoutHindsight) -> str:
    """Say in one sentence how the default does; the first row is its own, the last the oracle's."""
    default, rivals = rows[0], rows[1:-1]
    against = f"without hindsight it gains {_figures(ahead.gain)} quality points over the training runs' blind mixture"
    if not rivals:
        return f"{default.name}: {against}, {_noise(ahead.gain)}."
    best = max(rivals, key=lambda row: row.gain.value)
    lead = best.lead or Interval(0.0, 0.0, 0.0)
    ahead_of = lead.value >= 0
    margin = lead if ahead_of else Interval(-lead.value, -lead.high, -lead.low)
    return (
        f"{default.name} is {'ahead of' if ahead_of else 'behind'} {best.name}, the best of the others, by "
        f"{margin.value:.2f} quality points [{margin.low:+.2f}, {margin.high:+.2f}] at equal spending, {_noise(lead)}; "
        f"{against}, {_noise(ahead.gain)}."
    )


def _figures(gain: Interval) -> str:
    return f"{gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"


def _noise(gain: Interval) -> str:
    return "beyond noise" if gain.low > 0 or gain.high < 0 else "not beyond noise"
