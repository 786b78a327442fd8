"""Runs that a fit never saw, as the tables that a certificate is computed from: forecasts, outcomes and groups."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretoroute._arrays import Floats
from paretoroute.errors import PolicyError, RunsError
from paretoroute.evaluation.certificate.partial_log import LoggedWeights, logged_weights
from paretoroute.evaluation.logged_cells import logged_cells
from paretoroute.fitting.points.token_totals import billed_totals
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid
from paretoroute.planner.admission import Admission
from paretoroute.planner.cost_cap import CostCap
from paretoroute.planner.query_forecast import Forecaster
from paretoroute.planner.request import Request, labels_of
from paretoroute.policy.policy import Policy
from paretoroute.runs.align import token_cost_usd
from paretoroute.runs.folds import groups_of, is_seen
from paretoroute.runs.table import Runs
from paretoroute.solver.rules import Rule

FeatureFunction = Callable[[str], ArrayLike]
SAME_PRICE = 0.1  # logged costs within this share of tokens x prices are costs at the policy's prices
_NAMED = 3  # queries that an error names


@dataclass(frozen=True)
class HeldOutRuns:
    """A policy's forecasts of held-out queries, and the outcomes that were logged.

    Args:
        forecast: as the planner's rule reads it, with the points that may be called and the labels.
        quality: mean logged quality, ``(queries, points)``, NaN where nothing was logged.
        cost_usd: mean logged cost at the policy's prices, likewise; a mean over other queries counts as not logged.
        group: number of each query's group, ``(queries,)``. Copies of a text and turns of one conversation share one;
            groups are numbered in an order that depends on their names alone.
        names: of the groups, in this order.
        weights: of the logged cells, from the logged propensities.
    """

    forecast: Forecast
    quality: Floats
    cost_usd: Floats
    group: NDArray[np.intp]
    names: tuple[str, ...]
    weights: LoggedWeights

    def expected(self, rule: Rule, table: Floats) -> Floats:
        """Return each query's expectation of a table ``(queries, points)`` under a rule, ``(queries,)``."""
        rows = np.arange(len(table))
        actions = rule.action_probabilities(self.forecast)
        return np.sum([weight * table[rows, point] for weight, point in actions], axis=0)

    def by_group(self, values: Floats) -> Floats:
        """Average a figure of every query over each group, ``(groups,)``."""
        return np.bincount(self.group, values) / np.bincount(self.group)


def held_out_runs(policy: Policy, runs: Runs, features: FeatureFunction | None = None) -> HeldOutRuns:
    """Forecast every query of a log as the planner does, and average its outcomes.

    Args:
        policy: its surface, grid and limits on calls.
        runs: the log.
        features: the feature function that the policy was fitted with, if any.

    Raises:
        PolicyError: the policy keeps no record of the queries of its fit; or the features are not those of the fit.
        RunsError: the fit saw some of these queries; or none of the policy's points is in the log.
    """
    refuse_seen(policy, runs)
    grid = policy.grid
    names = groups_of(runs)
    order = sorted(set(names), key=lambda name: hashlib.sha256(name.encode("utf-8", "replace")).digest())
    place = {name: number for number, name in enumerate(order)}
    return HeldOutRuns(
        forecast=_forecast(policy, runs, features),
        quality=logged_cells(runs, grid).quality,
        cost_usd=logged_cells(_at_prices_of(_of_single_queries(runs), grid), grid).cost_usd,
        group=np.array([place[name] for name in names], np.intp),
        names=tuple(order),
        weights=logged_weights(runs, grid),
    )


def refuse_seen(policy: Policy, runs: Runs) -> None:
    """Refuse runs of queries that a policy was fitted on.

    Raises:
        PolicyError: the policy keeps no record of them.
        RunsError: some are; their number and the first few are named.
    """
    hashes = policy.calibration_sample.seen
    if hashes is None:
        raise PolicyError(
            "the policy keeps no record of the queries that it was fitted on, because an older paretoroute wrote it: "
            "nobody can tell whether these runs are new to it; fit it again"
        )
    seen = is_seen(runs, hashes, policy.document.fitted_on.runs_sha256)
    if not seen.any():
        return
    ids = [runs.query_ids[i] for i in np.flatnonzero(seen)[:_NAMED]]
    first = ", ".join(map(repr, ids)) + (", ..." if seen.sum() > _NAMED else "")
    raise RunsError(
        f"{seen.sum()} of {len(seen)} queries were seen by the fit ({first}; copies of a text and other turns of a "
        "conversation are seen too): a certificate needs new ones. Leave these out; or split one log with "
        "`paretoroute fit RUNS --certify 0.9 --hold-out 0.5`, which fits on one half and certifies on the other"
    )


def _forecast(policy: Policy, runs: Runs, features: FeatureFunction | None) -> Forecast:
    """Forecast quality and cost as the policy's rule reads them, with the points that its limits leave."""
    grid, forecaster = policy.grid, Forecaster(policy, features)
    admission = Admission(policy, CostCap(grid, policy.surface, None))
    vectors = runs.embeddings if policy.document.features.reads_embedding else None
    every = np.ones(len(grid.points), bool)
    shape = (len(runs.query_ids), len(grid.points))
    quality, cost, latency, callable = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape, bool)
    for i, text in enumerate(runs.texts):
        labels = labels_of(tag=runs.tags[i], tenant=runs.tenants[i], step=runs.steps[i])
        request = Request(text=text, callable=every, embedding=None if vectors is None else vectors[i], labels=labels)
        figures = forecaster.at(request)
        quality[i], cost[i], latency[i] = figures.amounts.quality, figures.raw_cost_usd, figures.latency_s
        callable[i] = admission.admit(request, figures).callable
    labels = {"tag": runs.tags, "tenant": runs.tenants, "step": runs.steps}
    return Forecast(
        quality=quality,
        cost_usd=cost,
        latency_s=np.nan_to_num(latency),
        callable=callable,
        labels={by: np.array([label or "" for label in column]) for by, column in labels.items()},
    )


def _of_single_queries(runs: Runs) -> Runs:
    """Forget costs and tokens that are means over queries: a test would read their small spread as certainty."""
    columns = ("cost_usd", "prompt_tokens", "completion_tokens")
    return replace(runs, **{name: np.where(runs.cost_is_mean, np.nan, getattr(runs, name)) for name in columns})


def _at_prices_of(runs: Runs, grid: Grid) -> Runs:
    """Forget logged costs of models whose price has changed since, so that tokens at the policy's prices count.

    The totals that are billed are settled before, since the logged costs tell them.
    """
    runs = billed_totals(runs, grid.prices).runs
    cost = runs.cost_usd.copy()
    model = np.array([point.model for point in runs.points])[runs.point]
    for name, price in grid.prices.items():
        rows = (model == name) & ~np.isnan(cost)
        by_tokens = token_cost_usd(runs, price, rows)
        is_priced = ~np.isnan(by_tokens)
        logged, priced = cost[rows][is_priced].sum(), by_tokens[is_priced].sum()
        if is_priced.any() and abs(logged - priced) > SAME_PRICE * max(priced, logged):
            cost[np.flatnonzero(rows)[is_priced]] = np.nan
    return replace(runs, cost_usd=cost)
