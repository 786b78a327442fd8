"""Fixing queries before the price is known changes nothing, even where the sample misleads."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.forecast import Forecast
from paretoroute.solver import fixing
from paretoroute.solver.argmax import choose
from paretoroute.solver.frontier import frontier
from paretoroute.solver.solve import solve
from paretoroute.targets import MaxCost, MinQuality
from tests.solver.instances import CLOSE, audit, instance


@pytest.mark.parametrize("queries", [5, 9, 30])
def test_fixing_by_a_sample_of_three_rows_is_still_exact(queries):
    # So small a sample misleads often: ends of the interval are given up and passes repeated.
    tiny = fixing.Sizes(small=3, least_sample=3, one_in=2)
    fixed = given_up = 0
    for seed in range(250):
        quality, cost, mask, rng = instance(seed, queries=queries)
        forecast, everyone = Forecast(quality, cost, callable=mask), np.arange(queries)
        line = frontier(forecast)
        for measure, figures, ends in (
            (fixing.Measure.COST, cost, line.cost_usd[[0, -1]]),
            (fixing.Measure.QUALITY, quality, line.quality[[0, -1]]),
        ):
            goal = fixing.Goal(measure, queries * float(ends[0] + rng.random() * (ends[1] - ends[0])))
            state = fixing.fix_choices(forecast, goal, sizes=tiny)
            price = fixing.critical_price(state, goal).price
            if not state.interval.lower < price < state.interval.upper:
                continue  # at an end, where the solver frees all queries again

            # The price of the target is that at which the ties make up the difference.
            low, high = choose(quality, cost, price, mask)
            assert figures[everyone, low].sum() <= goal.total * (1 + CLOSE)
            assert figures[everyone, high].sum() >= goal.total * (1 - CLOSE)
            done = np.setdiff1d(everyone, everyone if state.rows is None else state.rows)
            assert ((state.choice[done] == low[done]) & (low[done] == high[done])).all()
            sums = cost[done, low[done]].sum(), quality[done, low[done]].sum()
            assert tuple(state.fixed) == pytest.approx(sums, rel=CLOSE)
            fixed += done.size
            given_up += state.rows is not None and (np.isinf(state.interval.upper) or state.interval.lower == 0)
    assert fixed > 500 and given_up > 20, (fixed, given_up)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["smooth", "rounded", "shared cost", "one query repeated", "sorted", "masked"])
def test_fixing_leads_to_the_optimum_of_the_whole_frontier(kind, dtype):
    rng = np.random.default_rng(1)
    n, p = 2 * fixing.SIZES.small, 6
    quality, cost = rng.random((n, p)).astype(dtype), (0.1 + rng.lognormal(size=(n, p))).astype(dtype)
    if kind == "rounded":
        quality, cost = np.round(quality * 8) / 8, np.round(cost * 2) / 2
    if kind == "shared cost":
        quality, cost = np.round(quality * 8) / 8, cost[0]
    if kind == "one query repeated":
        quality, cost = np.repeat(quality[:1], n, axis=0), cost[0]
    if kind == "sorted":
        quality = np.sort(quality, axis=0)
    mask = None
    if kind == "masked":
        mask = rng.random((n, p)) < 0.6
        mask[:, 2] = True
    forecast = Forecast(quality, cost, callable=mask)
    line = frontier(forecast)
    full_cost = np.broadcast_to(cost, quality.shape).astype(float)

    for share in (-0.1, 0.0, 1e-4, 0.02, 0.5, 0.97, 1.0, 1.2):
        usd = float(line.cost_usd[0] + share * (line.cost_usd[-1] - line.cost_usd[0]))
        floor = float(line.quality[0] + share * (line.quality[-1] - line.quality[0]))
        expected_quality = np.interp(usd, line.cost_usd, line.quality)
        expected_cost = np.interp(floor, line.quality, line.cost_usd)
        solutions = [solve(forecast, MaxCost(usd))] if usd > 0 else []
        solutions += [solve(forecast, MinQuality(floor))] if 0 <= floor <= 1 else []
        for solution in solutions:
            audit(quality.astype(float), full_cost, mask, solution.target, solution)
            limits_cost = isinstance(solution.target, MaxCost)
            got = solution.expected_quality if limits_cost else solution.expected_cost_usd
            # A sum of qualities is good to some 1e-14, which 1 / price turns into cost.
            slack = 0.0 if limits_cost or not solution.price else 1e-14 / solution.price
            assert got == pytest.approx(expected_quality if limits_cost else expected_cost, rel=1e-11, abs=slack)
