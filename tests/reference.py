"""Slow and obvious versions to test against."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np


def exact_line(quality, cost, callable=None):
    """Build every query's hull by brute force in fractions.

    Returns:
        Number of queries, total cost and total quality at the start, and all steps as (slope, run, rise).
    """
    start_cost = start_quality = Fraction(0)
    steps = []
    for i in range(quality.shape[0]):
        open_ = [j for j in range(quality.shape[1]) if callable is None or callable[i, j]]
        points = {(Fraction(float(cost[i, j])), Fraction(float(quality[i, j]))) for j in open_}
        least = min(c for c, _ in points)
        at = (least, max(q for c, q in points if c == least))
        start_cost, start_quality = start_cost + at[0], start_quality + at[1]
        while better := [(c, q) for c, q in points if c > at[0] and q > at[1]]:
            slope = max((q - at[1]) / (c - at[0]) for c, q in better)
            target = max(p for p in better if (p[1] - at[1]) / (p[0] - at[0]) == slope)
            steps.append((slope, target[0] - at[0], target[1] - at[1]))
            at = target
    return quality.shape[0], start_cost, start_quality, sorted(steps, reverse=True)


def exact_best_quality(line, usd):
    """The largest mean quality at a mean cost of at most ``usd``, as a fraction; None where infeasible."""
    n, spent, value, steps = line
    limit = Fraction(usd) * n
    if spent > limit:
        return None
    for slope, run, rise in steps:
        part = min(run, limit - spent)
        spent, value = spent + part, value + slope * part
        if part < run:
            break
        assert part == run and slope * part == rise
    return value / n


def exact_least_cost(line, floor):
    """The least mean cost at a mean quality of at least ``floor``, as a fraction; None where infeasible."""
    n, spent, value, steps = line
    floor = Fraction(floor) * n
    for slope, _, rise in steps:
        if value >= floor:
            break
        part = min(rise, floor - value)
        spent, value = spent + part / slope, value + part
    return spent / n if value >= floor else None


def brute_force_quality(quality, cost, usd):
    """The same optimum without hulls: the upper concave hull of ALL assignments, in fractions (tiny cases only).

    Every vertex of the relaxation is an assignment, so the optimum lies on a segment between two of them.
    """
    totals = {(Fraction(0), Fraction(0))}
    for i in range(quality.shape[0]):
        row = [(Fraction(float(c)), Fraction(float(q))) for c, q in zip(cost[i], quality[i], strict=True)]
        totals = {(a + c, b + q) for a, b in totals for c, q in row}
    n = quality.shape[0]
    limit = Fraction(usd) * n
    best = [q for c, q in totals if c <= limit]
    for (c1, q1), (c2, q2) in combinations(sorted(totals), 2):
        if c1 <= limit < c2:
            best.append(q1 + (q2 - q1) * (limit - c1) / (c2 - c1))
    return max(best) / n if best else None


def highs(quality, cost, *, usd=None, floor=None, callable=None):
    """The linear program by HiGHS: its objective (mean quality, or mean cost), or None where infeasible."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix

    n, p = quality.shape
    simplex = csr_matrix((np.ones(n * p), (np.repeat(np.arange(n), p), np.arange(n * p))), shape=(n, n * p))
    sign, objective, row, bound = (-1, quality, cost, usd) if usd is not None else (1, cost, -quality, -floor)
    allowed = np.ones(n * p, dtype=bool) if callable is None else callable.ravel()
    bounds = [(0, 1 if ok else 0) for ok in allowed]
    result = linprog(
        sign * objective.ravel() / n,
        A_ub=csr_matrix(row.ravel()[None, :] / n),
        b_ub=[bound],
        A_eq=simplex,
        b_eq=np.ones(n),
        bounds=bounds,
        method="highs-ds" if n * p < 20_000 else "highs-ipm",
        options={"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
    )
    return sign * result.fun if result.status == 0 else None


def isotonic(values):
    """Non-decreasing least squares by the min-max formula: max over starts of min over ends of the mean."""
    n = len(values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return np.array(
        [max(min((sums[b + 1] - sums[a]) / (b + 1 - a) for b in range(k, n)) for a in range(k + 1)) for k in range(n)]
    )


def highs_limited(forecast, target, limits):
    """The whole program with all limits by HiGHS, rescaled: its objective, or None where infeasible."""
    from scipy.optimize import linprog

    n, p = forecast.quality.shape
    quality, scale = forecast.quality, float(np.max(forecast.cost_usd)) or 1.0
    cost = np.broadcast_to(forecast.cost_usd, (n, p)) / scale
    above, most = [], []

    def at_most(table, members, mean):
        above.append(np.where(members[:, None], table, 0.0).ravel())
        most.append(mean * members.sum())

    everyone = np.ones(n, dtype=bool)
    kind = type(target).__name__
    if kind == "MaxCost":
        objective = -quality
        at_most(cost, everyone, target.usd / scale)
    elif kind == "MinQuality":
        objective = cost
        floor = target.quality if target.quality is not None else target.ratio * quality[:, target.of].mean()
        at_most(-quality, everyone, -floor)
    else:
        objective = cost * (scale / target.usd_per_quality) - quality
    for limit in limits:
        label = getattr(limit, "of", None)
        members = everyone
        if type(limit).__name__ != "MaxShare" and label is not None:
            members = forecast.labels[limit.by] == label
        if type(limit).__name__ == "MaxShare":
            at_most(np.tile(np.isin(np.arange(p), limit.of).astype(float), (n, 1)), everyone, limit.share)
        elif type(limit).__name__ == "MaxMeanLatency":
            at_most(np.broadcast_to(forecast.latency_s, (n, p)), members, limit.seconds)
        elif type(limit).__name__ == "MaxCostOf":
            at_most(cost, members, limit.usd / scale)
        else:
            at_most(-quality, members, -limit.quality)
    each = np.kron(np.eye(n), np.ones(p))
    may = np.ones((n, p)) if forecast.callable is None else np.broadcast_to(forecast.callable, (n, p))
    bounds = [(0, float(one)) for one in may.ravel()]
    answer = linprog(
        objective.ravel(),
        A_ub=np.array(above) if above else None,
        b_ub=most or None,
        A_eq=each,
        b_eq=np.ones(n),
        bounds=bounds,
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if answer.x is None:
        return None
    x = answer.x.reshape(n, p)
    mean_quality, mean_cost = (x * quality).sum() / n, (x * cost).sum() / n * scale
    return (
        {"MaxCost": mean_quality, "MinQuality": mean_cost}.get(kind)
        if kind != "BestTrade"
        else (mean_quality - mean_cost / target.usd_per_quality)
    )
