"""Runs that a fit never saw, as the tables that a certificate is computed from: forecasts, outcomes and groups."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.errors import PolicyError, RunsError
from paretoroute.evaluation.certificate.partial_log import LoggedWeights, logged_weights
from paretoroute.evaluation.logged_cells import logged_cells
from paretoroute.fitting.points.token_prices import SHARE, derive_price
from paretoroute.fitting.points.token_totals import billed_totals
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid
from paretoroute.planner.admission import Admission
from paretoroute.planner.cost_cap import CostCap
from paretoroute.planner.query_forecast import Forecaster
from paretoroute.planner.request import Request, labels_of
from paretoroute.policy.policy import Policy
from paretoroute.runs.align import of_model, token_cost_usd
from paretoroute.runs.folds import groups_of, is_seen
from paretoroute.runs.table import Runs
from paretoroute.solver.rules import Rule

FeatureFunction = Callable[[str], ArrayLike]
SAME_PRICE = 0.1  # logged costs within this share of tokens x prices are costs at the policy's prices
_NAMED = 3  # queries that an error names


class OtherBills(NamedTuple):
    """Models that were billed otherwise than by tokens at the policy's prices: the logged sum over theirs.

    Args:
        repriced: at other prices; their tokens count at the policy's.
        beyond_tokens: for more than tokens, such as tools, so that no output cap bounds a bill; the bills count.
    """

    repriced: Mapping[str, float] = MappingProxyType({})
    beyond_tokens: Mapping[str, float] = MappingProxyType({})


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
        bills: of models that were billed otherwise than by tokens at the policy's prices.
    """

    forecast: Forecast
    quality: Floats
    cost_usd: Floats
    group: NDArray[np.intp]
    names: tuple[str, ...]
    weights: LoggedWeights
    bills: OtherBills = OtherBills()

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
    at_own_prices, bills = _at_prices_of(_of_single_queries(runs), grid)
    names = groups_of(runs)
    order = sorted(set(names), key=lambda name: hashlib.sha256(name.encode("utf-8", "replace")).digest())
    place = {name: number for number, name in enumerate(order)}
    return HeldOutRuns(
        forecast=_forecast(policy, runs, features),
        quality=logged_cells(runs, grid).quality,
        cost_usd=logged_cells(at_own_prices, grid).cost_usd,
        bills=bills,
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


def _at_prices_of(runs: Runs, grid: Grid) -> tuple[Runs, OtherBills]:
    """Forget logged costs of models whose price has changed since, so that tokens at the policy's prices count.

    The totals that are billed are settled before, since the logged costs tell them. Bills above tokens at the policy's
    prices are those of another price only if tokens at some prices explain them; else they are for more than tokens.
    """
    runs = billed_totals(runs, grid.prices).runs
    cost, repriced, beyond_tokens = runs.cost_usd.copy(), dict[str, float](), dict[str, float]()
    for name, price in grid.prices.items():
        rows = of_model(runs, name) & ~np.isnan(cost)
        by_tokens = token_cost_usd(runs, price, rows)
        is_priced = ~np.isnan(by_tokens)
        logged, priced = cost[rows][is_priced].sum(), by_tokens[is_priced].sum()
        if not is_priced.any() or abs(logged - priced) <= SAME_PRICE * max(priced, logged):
            continue
        own, ratio = np.flatnonzero(rows)[is_priced], float(logged / priced) if priced > 0 else math.inf
        if ratio < 1 or _is_of_tokens(runs, own):
            cost[own] = np.nan
            repriced[name] = ratio
        else:
            beyond_tokens[name] = ratio
    return replace(runs, cost_usd=cost), OtherBills(repriced, beyond_tokens)


def _is_of_tokens(runs: Runs, rows: Indices) -> bool:
    """Return whether tokens at some prices explain the costs of some runs, one by one and in the sum.

    Where prompt and completion come in one proportion, one price of all tokens does.
    """
    columns = (runs.cost_usd, runs.prompt_tokens, runs.completion_tokens)
    cost, prompt, completion = (column[rows] for column in columns)
    cached, written = (np.nan_to_num(column[rows]) for column in (runs.cached_prompt_tokens, runs.cache_write_tokens))
    price = derive_price(cost, prompt, completion, cached=cached, written=written).price
    tokens, is_own = prompt + completion, np.isin(np.arange(len(runs)), rows)
    rate = np.divide(cost, tokens, out=np.zeros(len(rows)), where=tokens > 0)
    due = float(np.median(rate)) * tokens if price is None else token_cost_usd(runs, price, is_own)
    is_met = np.abs(due - cost) <= SAME_PRICE * cost
    return bool(is_met.mean() >= SHARE and abs(due.sum() - cost.sum()) <= SAME_PRICE * cost.sum())
