"""Held-out costs: of single queries, at the policy's prices, with the totals that are billed."""

from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.evaluation.certificate.held_out import held_out_runs
from paretoroute.runs.align import token_cost_usd
from tests.evaluation.certificate.cases import policy, sides

TARGET = pr.MaxCost(usd=0.004)


def at_prices(runs: pr.Runs, factor: float) -> np.ndarray:
    """Bill every run by its tokens at a multiple of the policy's prices, ``(runs,)``."""
    model = np.array([point.model for point in runs.points])[runs.point]
    cost = np.zeros(len(runs))
    for name, price in policy().grid.prices.items():
        rows = model == name
        cost[rows] = factor * token_cost_usd(runs, price, rows)
    return cost


def test_costs_that_are_means_over_queries_certify_no_cost():
    runs = sides().others
    means = replace(runs, cost_is_mean=np.ones(len(runs), bool))

    own, mean = (pr.certify(policy(), one, TARGET) for one in (runs, means))

    assert isinstance(own, pr.Certified)
    assert isinstance(mean, pr.NotCertified)
    assert mean.reason.startswith("100% of the policy's calls were not logged for their query")


def test_totals_that_leave_reasoning_out_are_completed_although_the_price_has_changed():
    runs = sides().others
    reasoning = np.random.default_rng(0).integers(1, 900, len(runs)).astype(float)
    whole = replace(runs, completion_tokens=runs.completion_tokens + reasoning)
    billed = replace(runs, reasoning_tokens=reasoning, cost_usd=at_prices(whole, 0.5))

    held_out = held_out_runs(policy(), billed)

    wanted = at_prices(whole, 1.0)
    assert held_out.cost_usd[runs.query, runs.point] == pytest.approx(wanted)
