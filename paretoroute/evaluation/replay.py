"""Replay a policy on logged runs.

Each logged query is planned anew. Where the point that the policy calls was logged, its outcome counts: on a full log
every query, on a partial log the queries where log and policy agree. The latter is unbiased if the log chose its points
without looking at the query; ``effective_queries`` counts them. Intervals are 90%, normal on per-query means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.calibration.intervals import normal_interval
from paretoroute.errors import PolicyError, RunsError, expect, needs_fit_extra
from paretoroute.evaluation.logged_cells import LoggedCells, logged_cells
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, PopulationLimit, columns_of
from paretoroute.planner.decision import Decision
from paretoroute.planner.planner import Planner
from paretoroute.runs.table import Runs


@dataclass(frozen=True)
class Replay:
    """The logged outcomes of a policy's choices.

    Args:
        quality: mean, with the ends of its 90% interval.
        quality_low: its lower end.
        quality_high: its upper end.
        cost_usd: mean cost per query, with the ends of its 90% interval; NaN where no cost is known.
        cost_usd_low: its lower end.
        cost_usd_high: its upper end.
        predicted_quality: mean of the planner's expected quality on the queries that count.
        predicted_cost_usd: mean of the planner's expected cost per query, likewise.
        queries: number of queries that were planned.
        effective_queries: number of queries whose choice was logged, and which therefore count.
        calls: number of queries that each point was chosen for, most frequent first.
        limits: realised figure of each limit on the population; None where nothing of it was logged.
        seen: whether the policy was fitted on these very runs, which makes all figures optimistic.
    """

    quality: float
    quality_low: float
    quality_high: float
    cost_usd: float
    cost_usd_low: float
    cost_usd_high: float
    predicted_quality: float
    predicted_cost_usd: float
    queries: int
    effective_queries: float
    calls: dict[str, int]
    limits: dict[str, float | None] = field(default_factory=dict)
    seen: bool = False


@needs_fit_extra
def replay(planner: Planner, runs: Runs) -> Replay:
    """Plan every logged query and average the logged outcomes of the choices.

    Raises:
        RunsError: none of the policy's points is in the log, or none of its choices was logged.
    """
    expect("the planner", planner, Planner, PolicyError)
    expect("the log", runs, Runs, RunsError)
    grid = planner.policy.grid
    logged = logged_cells(runs, grid)
    decisions = _decisions(planner, runs)
    choice = np.array([grid.points.index(decision.point) for decision in decisions])
    rows = np.arange(len(choice))
    chosen_quality, chosen_cost = logged.quality[rows, choice], logged.cost_usd[rows, choice]
    counts = ~np.isnan(chosen_quality)
    if not counts.any():
        raise RunsError(
            "none of the policy's choices was logged, so its outcomes are unknown; log more points per query"
        )
    quality = normal_interval(chosen_quality[counts])
    cost = normal_interval(chosen_cost[counts & ~np.isnan(chosen_cost)])
    counted = [decision for decision, count in zip(decisions, counts, strict=True) if count]
    return Replay(
        quality=quality.value,
        quality_low=max(quality.low, 0.0),
        quality_high=min(quality.high, 1.0),
        cost_usd=cost.value,
        cost_usd_low=max(cost.low, 0.0),
        cost_usd_high=cost.high,
        predicted_quality=float(np.mean([decision.expected_quality for decision in counted])),
        predicted_cost_usd=float(np.mean([decision.expected_cost_usd for decision in counted])),
        queries=len(decisions),
        effective_queries=float(counts.sum()),
        calls=dict(Counter(decision.point.name for decision in decisions).most_common()),
        limits=_realised_limits(planner, runs, choice, logged),
        seen=runs.sha256 == planner.policy.document.fitted_on.runs_sha256,
    )


def _decisions(planner: Planner, runs: Runs) -> Sequence[Decision]:
    vectors = runs.embeddings if planner.policy.document.features.kind == "embedding" else None
    return [
        planner.plan(
            text,
            query_id=query_id,
            embedding=None if vectors is None else vectors[i],
            tag=runs.tags[i],
            tenant=runs.tenants[i],
            step=runs.steps[i],
        )
        for i, (query_id, text) in enumerate(zip(runs.query_ids, runs.texts, strict=True))
    ]


def _realised_limits(planner: Planner, runs: Runs, choice: Indices, logged: LoggedCells) -> dict[str, float | None]:
    """Compute the realised figure of every limit on the population, by the limit's wording."""
    labels = {"tag": runs.tags, "tenant": runs.tenants, "step": runs.steps}
    rows, realised = np.arange(len(choice)), {}
    for limit in planner.policy.limits:
        if isinstance(limit, MaxShare):
            columns = columns_of([str(limit.of)], planner.policy.grid)
            realised[str(limit)] = float(np.isin(choice, columns).mean())
        elif isinstance(limit, PopulationLimit):
            applies = np.array([limit.of in (None, label) for label in labels[limit.by]])
            values = _table_of(limit, logged)[rows, choice][applies]
            values = values[~np.isnan(values)]
            realised[str(limit)] = float(values.mean()) if len(values) else None
    return realised


def _table_of(limit: PopulationLimit, logged: LoggedCells) -> Floats:
    if isinstance(limit, MaxMeanLatency):
        return logged.latency_s
    return logged.cost_usd if isinstance(limit, MaxCostOf) else logged.quality
