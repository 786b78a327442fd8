"""Replay: how a policy would have done on logged runs.

Each logged query is planned anew, and where the point that the policy calls was logged, its outcome counts. With a
full log that is every query. With a partial log it is the queries where log and policy agree, which is fair where the
log chose without looking at the query; effective_queries says how many there are. Intervals are 90%, normal on
per-query means.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute.calibration.intervals import Z90
from paretoroute.errors import RunsError
from paretoroute.grid import Grid
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, PopulationLimit, columns_of
from paretoroute.planner.planner import Planner
from paretoroute.runs.align import grid_columns
from paretoroute.runs.table import Runs


@dataclass(frozen=True)
class Replay:
    """What came of a policy's choices on logged runs.

    Args:
        quality: mean, with the ends of its 90% interval.
        cost_usd: mean cost per query, with the ends of its 90% interval; NaN where no cost is known.
        promised_quality: mean of what the planner expected on the same queries.
        promised_cost_usd: likewise.
        queries: how many were planned.
        effective_queries: how many of the choices were logged, and so count.
        calls: how often each point was chosen, most first.
        limits: what the figure of each limit on the population came to, on what was logged; None where nothing was.
        seen: whether these are the runs that the policy was fitted on, so that all of this flatters it.
    """

    quality: float
    quality_low: float
    quality_high: float
    cost_usd: float
    cost_usd_low: float
    cost_usd_high: float
    promised_quality: float
    promised_cost_usd: float
    queries: int
    effective_queries: float
    calls: dict[str, int]
    limits: dict[str, float | None] = field(default_factory=dict)
    seen: bool = False


def replay(planner: Planner, runs: Runs) -> Replay:
    """Judge a policy on logged runs.

    Raises:
        RunsError: none of the policy's points is in the log, or none of its choices was logged.
    """
    grid = planner.policy.grid
    column = grid_columns(runs, grid)
    if not (column >= 0).any():
        raise RunsError(f"no point of the policy is in the log; the policy has {', '.join(grid.names[:5])}")
    quality = _by_grid(runs.means("quality")[0], column, len(grid.points))
    cost = _by_grid(_logged_cost_usd(runs, grid), column, len(grid.points))
    latency = _by_grid(runs.means("latency_s")[0], column, len(grid.points))
    vectors = runs.embeddings if planner.policy.document.features.kind == "embedding" else None
    decisions = [
        planner.plan(
            text,
            query_id=key,
            embedding=None if vectors is None else vectors[i],
            tag=runs.tags[i],
            tenant=runs.tenants[i],
            step=runs.steps[i],
        )
        for i, (key, text) in enumerate(zip(runs.query_ids, runs.texts, strict=True))
    ]
    picks = np.array([grid.points.index(decision.point) for decision in decisions])
    rows = np.arange(len(picks))
    got, paid = quality[rows, picks], cost[rows, picks]
    met = ~np.isnan(got)
    if not met.any():
        raise RunsError("none of the policy's choices was logged, so nothing can be said; log more points per query")
    value, low, high = _mean(got[met])
    spent, spent_low, spent_high = _mean(paid[met & ~np.isnan(paid)])
    counted = [decision for decision, counts in zip(decisions, met, strict=True) if counts]
    names = Counter(decision.point.name for decision in decisions)
    return Replay(
        quality=value,
        quality_low=max(low, 0.0),
        quality_high=min(high, 1.0),
        cost_usd=spent,
        cost_usd_low=max(spent_low, 0.0),
        cost_usd_high=spent_high,
        promised_quality=float(np.mean([d.expected_quality for d in counted])),
        promised_cost_usd=float(np.mean([d.expected_cost_usd for d in counted])),
        queries=len(decisions),
        effective_queries=float(met.sum()),
        calls=dict(names.most_common()),
        limits=_limits(planner, runs, picks, (quality, cost, latency)),
        seen=runs.sha256 == planner.policy.document.fitted_on.runs_sha256,
    )


def _limits(
    planner: Planner, runs: Runs, picks: NDArray[np.intp], logged: tuple[NDArray[np.float64], ...]
) -> dict[str, float | None]:
    """Give what the figure of every limit on the population came to."""
    quality, cost, latency = logged
    labels = {"tag": runs.tags, "tenant": runs.tenants, "step": runs.steps}
    rows, found = np.arange(len(picks)), {}
    for limit in planner.policy.limits:
        if isinstance(limit, MaxShare):
            found[str(limit)] = float(np.isin(picks, columns_of([str(limit.of)], planner.policy.grid)).mean())
        elif isinstance(limit, PopulationLimit):
            table = latency if isinstance(limit, MaxMeanLatency) else cost if isinstance(limit, MaxCostOf) else quality
            concerned = np.array([limit.of in (None, name) for name in labels[limit.by]])
            values = table[rows, picks][concerned]
            values = values[~np.isnan(values)]
            found[str(limit)] = float(values.mean()) if len(values) else None
    return found


def _logged_cost_usd(runs: Runs, grid: Grid) -> NDArray[np.float64]:
    """Mean cost as logged, and where only tokens were, at the policy's prices: ``(queries, points)``."""
    cost = runs.cost_usd.copy()
    for j, point in enumerate(runs.points):
        price = grid.prices.get(point.model)
        rows = (runs.point == j) & np.isnan(cost)
        if price is None or not rows.any():
            continue
        cached = np.nan_to_num(runs.cached_prompt_tokens[rows])
        cost[rows] = price.cost_usd(runs.prompt_tokens[rows], runs.completion_tokens[rows], cached)
    return replace(runs, cost_usd=cost).means("cost_usd")[0]


def _by_grid(means: NDArray[np.float64], column: NDArray[np.int64], points: int) -> NDArray[np.float64]:
    table = np.full((len(means), points), np.nan)
    table[:, column[column >= 0]] = means[:, column >= 0]
    return table


def _mean(values: NDArray[np.float64]) -> tuple[float, float, float]:
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    mean = float(values.mean())
    reach = Z90 * float(values.std()) / len(values) ** 0.5
    return mean, mean - reach, mean + reach
