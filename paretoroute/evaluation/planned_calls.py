"""A policy's calls for every query of a log, with its forecasts of every point.

On the very runs that the policy was fitted on, the surface has seen each query's outcomes, and so its choices and
forecasts there look better than they will be on new queries. The policy keeps forecasts of its fit's queries by models
that had not seen them, its calibration sample: they stand in there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from paretoroute._arrays import Floats, Floats32, Indices, Mask
from paretoroute.planner.admission import Admission
from paretoroute.planner.planner import Planner
from paretoroute.planner.query_forecast import Forecaster
from paretoroute.planner.request import Request, callable_points, labels_of
from paretoroute.policy.policy import Policy
from paretoroute.runs.align import on_grid
from paretoroute.runs.table import Runs
from paretoroute.solver.rules import PointProbability


@dataclass(frozen=True)
class PlannedCalls:
    """A policy's calls and forecasts at the queries of a log, ``(queries, points)`` each.

    Args:
        action: probability with which each point is called.
        drawn: the point called, where the planner draws by the query's id, ``(queries,)``; None out of fold.
        quality: expected, calibrated.
        cost_usd: expected, calibrated.
        latency_s: expected; NaN where none was logged.
    """

    action: Floats
    drawn: Indices | None
    quality: Floats
    cost_usd: Floats
    latency_s: Floats

    def take(self, rows: Indices) -> PlannedCalls:
        """Keep some queries, in the order given."""
        drawn = None if self.drawn is None else self.drawn[rows]
        tables = (self.quality[rows], self.cost_usd[rows], self.latency_s[rows])
        return PlannedCalls(self.action[rows], drawn, *tables)

    def among(self, points: Mask) -> PlannedCalls:
        """Keep the calls of some points, bool ``(points,)``; the probabilities of a query add up to 1, or all are 0."""
        action = self.action * points
        total = action.sum(axis=1, keepdims=True)
        return replace(self, action=np.divide(action, total, out=np.zeros_like(action), where=total > 0))

    @property
    def calls(self) -> Floats:
        """How often each point is called, ``(points,)``; drawn calls where they are known."""
        if self.drawn is None:
            return self.action.sum(axis=0)
        return np.bincount(self.drawn, minlength=self.action.shape[1]).astype(np.float64)


def features_of(planner: Planner, runs: Runs) -> Floats:
    """Return the features of a log's queries, as the policy's surface reads them, ``(queries, width)``."""
    featurizer, about = planner.policy.surface.featurizer, planner.policy.document.features
    if about.kind == "hashed_ngrams" and about.second is None:
        return np.stack([featurizer.of_text(text).vector for text in runs.texts])
    vectors = _vectors(planner, runs)
    if vectors is None:
        return np.zeros((len(runs.query_ids), featurizer.width))
    if about.second is not None:
        pairs = zip(runs.texts, vectors, strict=True)
        return np.stack([featurizer.of_both(text, np.asarray(vector, np.float64)).vector for text, vector in pairs])
    return np.stack([featurizer.of_embedding(np.asarray(vector, np.float64)) for vector in vectors])


def _vectors(planner: Planner, runs: Runs) -> list[ArrayLike] | None:
    """Return what a policy on embeddings or on a function of the text reads of every query."""
    if not planner.policy.document.features.reads_embedding and planner.features is not None:
        return [planner.features(text) for text in runs.texts]
    return None if runs.embeddings is None else list(runs.embeddings)


def planned_calls(planner: Planner, runs: Runs) -> PlannedCalls:
    """Plan every query of a log, as the planner decides; one that explores is judged without exploring."""
    planner = Planner(planner.policy, features=planner.features, safe_point=planner.safe_point)
    policy, grid = planner.policy, planner.policy.grid
    safe = None if planner.safe_point is None else grid.index(planner.safe_point)
    forecaster, admission = Forecaster(policy, planner.features), Admission(policy, planner.cost_cap)
    vectors = runs.embeddings if policy.document.features.reads_embedding else None
    shape = (len(runs.query_ids), len(grid.points))
    action, quality, cost, latency = (np.zeros(shape) for _ in range(4))
    drawn = np.zeros(shape[0], np.intp)
    for i, (query_id, text) in enumerate(zip(runs.query_ids, runs.texts, strict=True)):
        labels = labels_of(tag=runs.tags[i], tenant=runs.tenants[i], step=runs.steps[i])
        embedding = None if vectors is None else vectors[i]
        request = Request(
            text=text,
            callable=callable_points(grid, None, None),
            query_id=query_id,
            embedding=embedding,
            labels=labels,
        )
        forecast = forecaster.at(request)
        quality[i], cost[i], latency[i] = forecast.quality, forecast.cost_usd, forecast.latency_s
        admitted = admission.admit(request, forecast)
        distribution = planner.rule.distribution(*forecast.rule_figures, labels=labels, callable=admitted.callable)
        if safe is not None and forecast.is_unfamiliar and admitted.is_feasible and admitted.callable[safe]:
            distribution = [PointProbability(1.0, safe)]
        for share, point in distribution:
            action[i, point] += share
            drawn[i] = point
        if (action[i] > 0).sum() > 1:
            drawn[i] = _drawn(planner, runs, i, embedding)
    return PlannedCalls(action, drawn, quality, cost, latency)


def _drawn(planner: Planner, runs: Runs, query: int, embedding: Floats32 | None) -> int:
    """Return the point that the planner draws for a query by its id."""
    decision = planner.plan(
        runs.texts[query],
        query_id=runs.query_ids[query],
        embedding=embedding,
        tag=runs.tags[query],
        tenant=runs.tenants[query],
        step=runs.steps[query],
    )
    return planner.policy.grid.points.index(decision.point)


def out_of_fold_calls(planner: Planner) -> PlannedCalls:
    """Apply a policy's rule to its calibration sample, whose forecasts have not seen the outcomes."""
    policy, forecast = planner.policy, planner.policy.outcomes.forecast
    solution, shape = policy.document.solution, forecast.quality.shape
    action, rows = np.zeros(shape), np.arange(shape[0])
    for probability, point in planner.rule.action_probabilities(forecast):
        np.add.at(action, (rows, point), probability)
    latency = np.full(shape, np.nan) if forecast.latency_s is None else forecast.latency_s
    return PlannedCalls(
        action=action,
        drawn=None,
        quality=np.clip(forecast.quality + solution.quality_shift, 0.0, 1.0),
        cost_usd=np.broadcast_to(forecast.cost_usd, shape) * solution.cost_ratio,
        latency_s=latency,
    )


def own_sample(policy: Policy, runs: Runs) -> Indices | None:
    """Return the queries of a log that a policy's calibration sample holds, in the sample's order.

    None unless the policy was fitted on this very log and the sample holds its logged outcomes.
    """
    if runs.sha256 != policy.document.fitted_on.runs_sha256:
        return None
    offered, sample = on_grid(runs, policy.grid), policy.calibration_sample
    place: Mapping[str, int] = {query_id: i for i, query_id in enumerate(runs.query_ids)}
    ids = sorted(offered.query_ids, key=lambda query_id: hashlib.sha256(query_id.encode()).digest())
    rows = np.array([place[query_id] for query_id in ids[: len(sample.quality)]], np.intp)
    if len(rows) < len(sample.quality):
        return None
    own = {query_id: i for i, query_id in enumerate(offered.query_ids)}
    logged = offered.means("quality").mean[[own[query_id] for query_id in ids[: len(rows)]]]
    same: Mask = np.isclose(logged, sample.logged_quality, rtol=0, atol=1e-5, equal_nan=True)
    return rows if bool(same.all()) else None
