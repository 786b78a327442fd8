"""How far a log supports a policy: its cells, its propensities, and its points.

Points with too few runs are left out by name: nothing that a log holds can speak for them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paretoroute.fitting.partial_logs.propensities import Propensities
from paretoroute.runs.findings import Finding
from paretoroute.runs.table import ROW_NUMBERS, Runs

MOST_CELLS = 2.0  # of the median query of a partial log
MOST_SHARE = 0.5  # of the cells of a partial log
LEAST_RUNS = 5  # queries that a point must have been called for
TOO_FEW = (  # inverse propensities
    "some points had no chance at some queries, as under a policy that does not explore, or the propensities are too "
    "large"
)


def is_partial(runs: Runs) -> bool:
    """Return whether the median query was logged at one or two points only, and at most half of all cells were."""
    logged = runs.means("quality").trials > 0
    return bool(np.median(logged.sum(1)) <= MOST_CELLS and logged.mean() <= MOST_SHARE)


def without_thin_points(runs: Runs) -> Runs:
    """Leave out the points with fewer than 5 logged queries, and name them in a notice.

    A log of which fewer than two points would be left stays as it is.
    """
    count = (runs.means("quality").trials > 0).sum(0)
    kept = count >= LEAST_RUNS
    if kept.all() or kept.sum() < 2:
        return runs
    named = [f"{runs.points[j].name} ({count[j]})" for j in np.flatnonzero(~kept)]
    text = (
        f"points with fewer than {LEAST_RUNS} logged queries, too few to speak for them, are left out: "
        f"{', '.join(named)}"
    )
    rows = kept[runs.point]
    columns = {name: getattr(runs, name)[rows] for name in ("query", "cost_is_mean", *ROW_NUMBERS)}
    columns["point"] = (np.cumsum(kept) - 1)[runs.point[rows]].astype(np.int32)
    points = tuple(point for point, is_kept in zip(runs.points, kept, strict=True) if is_kept)
    some = replace(runs, points=points, notices=(*runs.notices, Finding("support", text)), **columns)
    return some.select(np.bincount(some.query, minlength=len(some.query_ids)) > 0)


def support_findings(runs: Runs, propensities: Propensities, *, logged: Propensities) -> tuple[Finding, ...]:
    """State how much of the grid a partial log supports, and what the propensities rest on.

    Args:
        runs: the log.
        propensities: which the fit uses.
        logged: as the log states them, if it does.
    """
    has_runs = runs.means("quality").trials > 0
    count = np.sort(has_runs.sum(0))
    source = {
        "logged": "logged",
        "estimated": "estimated from the query's text, tag, tenant and step",
        "marginal": "taken as the points' shares",
        "full": "1",
    }[propensities.source]
    looked = (
        "the choice of the point depended on the query: a point is called only where the log has queries like it"
        if propensities.looks
        else "the choice of the point did not follow the query's text, tag, tenant or step"
    )
    text = (
        f"{has_runs.sum()} of {has_runs.size} cells were logged, {has_runs.sum() / len(has_runs):.2g} per query; "
        f"a point has {count[0]} to {count[-1]} runs, {np.median(count):.0f} in the median; "
        f"propensities are {source}, and {looked}"
    )
    findings = [Finding("support", text)]
    findings += [Finding("support", one) for one in propensities.findings]
    findings += [Finding("support", text) for text in _doubts(logged, points=len(runs.points))]
    findings += [Finding("support", text) for text in heavy_runs(runs, logged)]
    return tuple(findings)


def _doubts(logged: Propensities, *, points: int) -> list[str]:
    """Say why logged propensities do not fit the log; nothing where they do."""
    if logged.source != "logged" or not logged.is_off:
        return []
    inverse, ratio = logged.mean_inverse, logged.mean_ratio
    if not inverse.is_off:
        text = (
            f"the mean of estimated over logged propensities is {ratio.mean:.3g}, and must be about "
            f"{ratio.expected:.3g}: {'check what is logged as propensity' if ratio.mean > ratio.expected else TOO_FEW}"
        )
    elif inverse.mean < inverse.expected:
        text = (
            f"the mean of 1/p is {inverse.mean:.3g}, and is the number of points, {points}, if every point has a "
            f"chance at every query: {TOO_FEW}"
        )
    else:
        text = (
            f"the propensities cannot be right: the mean of 1/p is {inverse.mean:.3g}, and must be about the number "
            f"of points, {points}; check what is logged as propensity"
        )
    return [text]


def heavy_runs(runs: Runs, logged: Propensities) -> list[str]:
    """Ask about runs that, with a tiny logged propensity, weigh as much as all others of their point together."""
    weight, texts = logged.weight, list[str]()
    if logged.source != "logged":
        return texts
    for j in np.flatnonzero(weight.max(axis=0, initial=0.0) > weight.sum(axis=0) / 2):
        query, name = int(weight[:, j].argmax()), runs.points[int(j)].name
        if np.count_nonzero(weight[:, j]) >= LEAST_RUNS:
            texts.append(
                f"one run of {name}, of query {runs.query_ids[query]!r}, has the propensity "
                f"{logged.probability[query, j]:.3g} and weighs as much as all others of the point: is it right?"
            )
    return texts
