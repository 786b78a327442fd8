"""The whole frontier: its shape, its choices, and one solve at a time."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier
from paretoroute.solver.solve import solve
from paretoroute.targets import MaxCost
from tests.solver.instances import CLOSE, instance


def test_the_frontier_is_concave_and_its_choices_have_its_means():
    for seed in range(300):
        quality, cost, mask, _ = instance(seed)
        line = frontier(Forecast(quality, cost, callable=mask))
        assert (np.diff(line.price) < 0).all()
        assert (np.diff(line.cost_usd) > 0).all() and (np.diff(line.quality) > 0).all()
        rises = np.diff(line.quality) / np.diff(line.cost_usd)
        assert rises == pytest.approx(line.price, rel=1e-6)
        rows = np.arange(quality.shape[0])
        for k in range(line.cost_usd.size):
            point = line.choice(k)
            assert cost[rows, point].mean() == pytest.approx(line.cost_usd[k], rel=CLOSE)
            assert quality[rows, point].mean() == pytest.approx(line.quality[k], rel=CLOSE)


def test_the_frontier_agrees_with_a_thousand_separate_solves():
    rng = np.random.default_rng(4)
    quality, cost = rng.random((40, 6)), rng.lognormal(size=(40, 6))
    forecast = Forecast(quality, cost)
    line = frontier(forecast)

    for usd in np.linspace(line.cost_usd[0], 1.05 * line.cost_usd[-1], 1000):
        found = solve(forecast, MaxCost(float(usd)))
        assert found.expected_quality == pytest.approx(np.interp(usd, line.cost_usd, line.quality), rel=1e-10)
