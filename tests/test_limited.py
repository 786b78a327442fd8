"""Targets with limits against HiGHS on the whole programme, fractions on tiny ones, and their properties."""

from __future__ import annotations

import numpy as np

from paretoroute.forecast import Forecast
from paretoroute.limited import solve_limited
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, MinQualityOf
from paretoroute.targets import BestTrade, MaxCost, MinQuality
from tests.reference import highs_limited

TAGS = ("code", "maths", "talk")


def instance(seed, *, most=40):
    """Draw a small forecast with ties, duplicates, free points, masks, latencies and tags, and some limits."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(1, most)), int(rng.integers(1, 8))
    quality, cost, latency = rng.random((n, p)), rng.random((n, p)), 10 * rng.random((n, p))
    if rng.random() < 0.4:
        quality, cost = np.round(quality * 4) / 4, np.round(cost * 4) / 4
    if rng.random() < 0.3:
        quality[:], cost[:], latency[:] = quality[0], cost[0], latency[0]
    if rng.random() < 0.2:
        cost[:, rng.integers(p)] = 0.0
    if rng.random() < 0.2 and p > 1:
        quality[:, -1], cost[:, -1], latency[:, -1] = quality[:, 0], cost[:, 0], latency[:, 0]
    mask = None
    if rng.random() < 0.25:
        mask = rng.random((n, p)) < 0.7
        mask[np.arange(n), rng.integers(p, size=n)] = True
    scale = 10.0 ** rng.integers(-9, 10)
    tags = rng.choice(np.array(TAGS), size=n)
    forecast = Forecast(quality, cost * scale, latency_s=latency, callable=mask, labels={"tag": tags})
    usual = scale * float(cost.mean())
    limits = [
        MaxShare(float(rng.random()), (int(rng.integers(p)),)),
        MaxMeanLatency(float(0.5 + 6 * rng.random())),
        MaxMeanLatency(float(1 + 6 * rng.random()), of="code"),
        MaxCostOf(float(usual * (0.2 + rng.random())) or 1.0, of="maths"),
        MinQualityOf(float(0.8 * rng.random()), of="talk"),
        MinQualityOf(float(0.8 * rng.random()), of="code"),
    ]
    some = [limit for limit in limits if rng.random() < 0.5]
    target = [
        MaxCost(usual * (0.1 + rng.random()) or 1.0),
        MinQuality(float(0.3 + 0.6 * rng.random())),
        MinQuality(ratio=float(0.6 + 0.5 * rng.random()), of=int(rng.integers(p))),
        BestTrade(usual * float(0.1 + 3 * rng.random()) or 1.0),
    ][rng.integers(4)]
    return forecast, target, some


def sums(forecast, solution):
    """Every row's sum, and the objective's figures, of the mixture by plain loops."""
    n = forecast.quality.shape[0]
    mixture = solution.mixture
    share = np.zeros(forecast.quality.shape)
    for side in mixture.sides:
        for i in range(n):
            share[i, side.choice[i]] += side.weight[mixture.kind[i]]
    assert np.allclose(share.sum(axis=1), 1.0, atol=1e-9)
    used = []
    for row in solution.rows:
        table = row.quality * forecast.quality + row.cost * np.broadcast_to(forecast.cost_usd, share.shape)
        if row.latency:
            table = table + row.latency * np.broadcast_to(forecast.latency_s, share.shape)
        if row.points is not None:
            table = table + row.points
        if row.queries is not None:
            table = table * row.queries[:, None]
        used.append((share * table).sum())
    return share, np.array(used)


def audit(forecast, target, limits, solution):
    """Say what is wrong with a solution, by its own figures and by HiGHS; empty if nothing is."""
    share, used = sums(forecast, solution)
    if forecast.callable is not None and share[~np.broadcast_to(forecast.callable, share.shape)].any():
        return "calls a point that is not callable"
    for row, value in zip(solution.rows, used, strict=True):
        scale = max(abs(row.total), 1e-6 * row.size * float(forecast.cost_usd.max() if row.cost else 1.0))
        if value > row.total + 4e-9 * scale + 1e-300:
            return f"{row.name} is exceeded: {value} > {row.total}"
        price = solution.shadow_prices[row.name]
        if price > 0 and row.total - value > 1e-7 * max(scale, 1e-9):
            return f"{row.name} has a price of {price} and is not used up: {value} < {row.total}"
    if not 0 <= solution.gap <= (1e-6 if solution.status == "infeasible" else 1e-9):
        return f"gap {solution.gap}"
    quality, cost = (share * forecast.quality).sum(axis=1).mean(), (share * forecast.cost_usd).sum(axis=1).mean()
    if abs(quality - solution.expected_quality) > 1e-9 or abs(cost - solution.expected_cost_usd) > 1e-9 * cost:
        return "the expected figures are not those of the mixture"
    best = highs_limited(forecast, target, limits)
    if (best is None) != (solution.status == "infeasible"):
        return f"status {solution.status}, HiGHS says {best}"
    if best is not None:
        own = {MaxCost: quality, MinQuality: cost}.get(type(target))
        own = quality - cost / target.usd_per_quality if own is None else own
        if abs(own - best) > 2e-7 * max(
            abs(best), 1e-3 * float(forecast.cost_usd.max() if isinstance(target, MinQuality) else 1)
        ):
            return f"objective {own}, HiGHS {best}"
    return ""


def failures(count, first=0):
    found = []
    for seed in range(first, first + count):
        forecast, target, limits = instance(seed)
        problem = audit(forecast, target, limits, solve_limited(forecast, target, limits))
        if problem:
            found.append((seed, problem))
    return found


def test_400_small_instances_equal_highs_and_keep_every_limit():
    assert failures(400) == []
