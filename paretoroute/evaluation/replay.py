"""Replay a policy on logged runs: its quality and cost had it answered these queries, whoever chose the logged points.

On a full log the outcomes of all choices are known. On a partial log they are estimated: forecasts at every choice,
corrected by the logged outcomes that match, weighted by the inverse of the chance with which they were logged (doubly
robust, see :mod:`paretoroute.calibration.off_policy.estimators`). The same estimates stand for every single point.
Intervals are 90%, clustered by tenant or conversation where the log has such a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as changed

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.errors import PolicyError, RunsError, expect, needs_fit_extra
from paretoroute.evaluation import estimates
from paretoroute.evaluation.difference import difference
from paretoroute.evaluation.logged_cells import costs_usd, price_notices
from paretoroute.evaluation.planned_calls import PlannedCalls, features_of, out_of_fold_calls, own_sample, planned_calls
from paretoroute.evaluation.replay_log import Figure, ReplayLog, replay_log
from paretoroute.evaluation.replay_result import Difference, Estimated, Replay
from paretoroute.fitting.partial_logs.propensities import Propensities, fit_propensities
from paretoroute.fitting.partial_logs.support import heavy_runs
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, PopulationLimit, columns_of
from paretoroute.planner.planner import Planner
from paretoroute.policy.policy import Policy
from paretoroute.runs.findings import texts
from paretoroute.runs.folds import is_seen
from paretoroute.runs.table import Runs

_NAMED = 5  # points that a notice names
OTHER = "the policy compared with: "  # begins notices about it
NO_MATCH = "none of the policy's choices was logged, so its outcomes are unknown; log more points per query"


@needs_fit_extra
def replay(planner: Planner, runs: Runs, *, against: Planner | None = None) -> Replay:
    """Evaluate a policy on logged runs.

    On the very runs of its fit the policy's surface has seen the outcomes, so that out-of-fold forecasts from its
    calibration sample decide there, and only the queries of that sample count; none of them is unlike the logged ones.

    Args:
        planner: of the policy; its safe point, if any, answers queries unlike the logged ones, and it does not explore.
        runs: the log; without propensities, the chance of its choices is estimated.
        against: a planner of another policy, to compare with on the same queries.

    Raises:
        RunsError: none of the policy's points is in the log, or none of its choices was logged.
    """
    expect("the planner", planner, Planner, PolicyError)
    expect("the log", runs, Runs, RunsError)
    expect("the planner to compare with", against, (Planner, type(None)), PolicyError)
    planners = [planner] if against is None else [planner, against]
    samples = [own_sample(one.policy, runs) for one in planners]
    kept = np.ones(len(runs.query_ids), bool)
    for sample in samples:
        kept &= True if sample is None else np.isin(np.arange(len(kept)), sample)
    part = runs if kept.all() else runs.select(kept)
    features = features_of(planner, part)
    propensities = fit_propensities(part, features)
    sides = [
        _Side(one, _calls(one, part, kept, sample), replay_log(part, one.policy.grid, propensities, features=features))
        for one, sample in zip(planners, samples, strict=True)
    ]
    own, *others = (_notices(runs, part, sample, side) for sample, side in zip(samples, sides, strict=True))
    about_other = [f"{OTHER}{text}" for caveats in others for text in caveats if text not in own]
    about_chances = (*propensities.findings, *heavy_runs(part, propensities))
    notices = (*about_chances, *own, *about_other, *texts(runs.notices))
    result = changed(_replay(sides[0], part, propensities), seen=sides[0].was_fitted_on(runs), notices=notices)
    return result if against is None else changed(result, against=_difference(sides))


@dataclass(frozen=True)
class _Side:
    """A policy beside a log.

    Args:
        planner: of the policy.
        calls: that it plans.
        log: on its grid.
    """

    planner: Planner
    calls: PlannedCalls
    log: ReplayLog

    def was_fitted_on(self, runs: Runs) -> bool:
        """Return whether a log is the one that the policy was fitted on."""
        return runs.sha256 == self.planner.policy.document.fitted_on.runs_sha256

    @property
    def counts(self) -> Mask:
        """Which queries count: those at which some call may go to a point that the log has, ``(queries,)``."""
        return self.log.action(self.calls.among(self.log.has_runs)).sum(axis=1) > 0

    def counted(self, rows: Mask) -> _Side:
        """Keep some queries, and calls at points that the log has.

        Raises:
            RunsError: none of the calls was logged.
        """
        if not rows.any():
            raise RunsError(NO_MATCH)
        some = np.flatnonzero(rows)
        side = _Side(self.planner, self.calls.among(self.log.has_runs).take(some), self.log.take(some))
        if not side.log.beside(side.calls).policy_weight.any():
            raise RunsError(NO_MATCH)
        return side


def _calls(planner: Planner, runs: Runs, kept: Mask, sample: Indices | None) -> PlannedCalls:
    """Plan the kept queries; those of the policy's own calibration sample by forecasts that have not seen them."""
    if sample is None:
        return planned_calls(planner, runs)
    place = np.full(len(kept), -1)
    place[sample] = np.arange(len(sample))
    return out_of_fold_calls(planner).take(place[np.flatnonzero(kept)])


def _replay(side: _Side, runs: Runs, propensities: Propensities) -> Replay:
    names, rows = side.planner.policy.grid.names, side.counts
    own = side.counted(rows)
    beside, cost = own.log.beside(own.calls), own.log.beside(own.calls, "cost_usd")
    support = estimates.support_of(own.log, beside.action)
    value = estimates.estimated(beside, cost, log=own.log, is_supported=support.is_supported)
    count = side.calls.calls
    order = [int(j) for j in np.argsort(-count, kind="stable") if count[j] > 0]
    supported = float((side.log.action(side.calls) * side.log.supported).sum(axis=1).mean())
    return Replay(
        quality=value.quality,
        quality_low=value.quality_low,
        quality_high=value.quality_high,
        cost_usd=value.cost_usd,
        cost_usd_low=value.cost_usd_low,
        cost_usd_high=value.cost_usd_high,
        predicted_quality=float((beside.action * own.calls.quality).sum(axis=1).mean()),
        predicted_cost_usd=float((beside.action * own.calls.cost_usd).sum(axis=1).mean()),
        queries=len(rows),
        effective_queries=value.effective_queries,
        calls={names[j]: round(float(count[j])) for j in order},
        status=support.status,
        needed_queries=support.needed_queries,
        evidence=estimates.evidence(own.log, beside, propensities, supported_share=supported),
        checks=estimates.cross_checks(beside, cost),
        points=estimates.of_points(side.log, side.calls, names),
        logging=_of_logging(side, runs),
        limits=_realised_limits(own, runs.select(rows)),
    )


def _of_logging(side: _Side, runs: Runs) -> Estimated | None:
    """Estimate the choices in the log; None of a log that has every point at every query, which chose nothing."""
    if side.log.is_full:
        return None
    return estimates.of_logging(side.log, runs, costs_usd(runs, side.planner.policy.grid))


def _difference(sides: list[_Side]) -> Difference:
    """Compare two policies on the queries at which the log has points that both call."""
    rows = sides[0].counts & sides[1].counts
    one, other = (side.counted(rows) for side in sides)
    grids = [side.planner.policy.grid for side in sides]
    name = other.planner.policy.document.name
    return difference(name, grids, [one.log, other.log], [one.calls, other.calls])


def _realised_limits(side: _Side, runs: Runs) -> dict[str, float | None]:
    """Compute the realised figure of every limit on the population, by the limit's wording."""
    labels = {"tag": runs.tags, "tenant": runs.tenants, "step": runs.steps}
    policy, action, realised = side.planner.policy, side.log.action(side.calls), {}
    for limit in policy.limits:
        if isinstance(limit, MaxShare):
            columns = columns_of([str(limit.of)], policy.grid)
            realised[str(limit)] = float(action[:, list(columns)].sum(axis=1).mean())
        elif isinstance(limit, PopulationLimit):
            applies = np.array([limit.of in (None, label) for label in labels[limit.by]], bool)
            beside = side.log.beside(side.calls, _figure_of(limit))
            matches = bool(beside.policy_weight[applies].any())
            realised[str(limit)] = float(beside.terms[applies].mean()) if matches else None
    return realised


def _figure_of(limit: PopulationLimit) -> Figure:
    if isinstance(limit, MaxMeanLatency):
        return "latency_s"
    return "cost_usd" if isinstance(limit, MaxCostOf) else "quality"


def _fitted(policy: Policy, runs: Runs) -> int:
    """Count the queries of a log that a policy was fitted on; 0 where the policy does not keep them."""
    hashes = policy.calibration_sample.seen
    return 0 if hashes is None else int(is_seen(runs, hashes, policy.document.fitted_on.runs_sha256).sum())


def _notices(runs: Runs, part: Runs, sample: Indices | None, side: _Side) -> list[str]:
    """List caveats about the queries and calls that count, and about their bills."""
    notices, seen, names = list[str](), side.was_fitted_on(runs), side.planner.policy.grid.names
    if seen and sample is None:
        notices.append("the policy was fitted on these runs, which makes it look better: replay others")
    elif seen:
        notices.append(
            "the policy was fitted on these runs: its choices are made with out-of-fold forecasts, on "
            f"{len(part.query_ids)} of {len(runs.query_ids)} queries; replay other runs as well"
        )
    elif (fitted := _fitted(side.planner.policy, runs)) > 0:
        notices.append(
            f"{fitted} of {len(runs.query_ids)} queries, or copies of them, were in the fit: their outcomes shaped the "
            "policy's forecasts, which makes it look better; replay others"
        )
    calls = side.log.action(side.calls).mean(axis=0) * ~side.log.has_runs
    beside = side.log.beside(side.calls.among(side.log.has_runs), "cost_usd")
    forecast = beside.action.mean(axis=0) * estimates.without_outcomes(beside)
    if forecast.sum() > 0 and beside.policy_weight.any():
        notices.append(
            f"{forecast.sum():.1%} of the calls go to points whose cost this log does not have, and the policy's "
            f"forecasts stand for it, without an interval: {_named(names, forecast)}"
        )
    if calls.sum() > 0:
        notices.append(
            f"{calls.sum():.1%} of the calls go to points without a run in the log and do not count: "
            f"{_named(names, calls)}"
        )
    return [*notices, *price_notices(part, side.planner.policy.grid)]


def _named(names: Sequence[str], calls: Floats) -> str:
    return ", ".join([name for name, share in zip(names, calls, strict=True) if share > 0][:_NAMED])
