"""Held-out costs: of single queries, at the policy's prices, with the totals that are billed."""

from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.evaluation.certificate.held_out import held_out_runs
from paretoroute.runs.align import token_cost_usd
from tests.evaluation.certificate.cases import policy, sides

TARGET = pr.MaxCost(usd=0.004)
BILLS = "other prices than the policy's, by which cost counts tokens here: "


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


@pytest.mark.parametrize("factor", [0.1, 10.0])
@pytest.mark.parametrize("one_proportion", [False, True])
def test_a_log_billed_at_other_prices_is_certified_at_the_policys_and_the_certificate_says_so(factor, one_proportion):
    runs = sides().others
    if one_proportion:
        runs = replace(runs, prompt_tokens=runs.completion_tokens / 4)
    billed = replace(runs, cost_usd=at_prices(runs, factor))
    runs = replace(runs, cost_usd=at_prices(runs, 1.0))

    own, other = (pr.certify(policy(), one, TARGET) for one in (runs, billed))

    assert isinstance(own, pr.Certified) and isinstance(other, pr.Certified)
    assert other.p_value == pytest.approx(own.p_value)
    assert not any(text.startswith(BILLS) for text in own.certificate.not_covered)
    assert other.certificate.not_covered[-2:] == tuple(
        f"{BILLS}{name} was billed x{factor:g} of them" for name in policy().grid.prices
    )


@pytest.mark.parametrize("share", [0.04, 0.3])
def test_bills_for_more_than_tokens_are_no_other_price_and_certify_no_cost(share):
    runs = sides().others
    has_fee = np.random.default_rng(1).random(len(runs)) < share
    with_fees = replace(runs, cost_usd=at_prices(runs, 1.0) + np.where(has_fee, 0.25, 0.0))

    held_out, answer = held_out_runs(policy(), with_fees), pr.certify(policy(), with_fees, TARGET)

    assert held_out.cost_usd[runs.query, runs.point] == pytest.approx(with_fees.cost_usd)
    assert not held_out.bills.repriced
    assert isinstance(answer, pr.NotCertified)
    assert answer.reason.startswith("the bills in these runs hold more than tokens (x")


def test_unexplained_bills_below_the_policys_prices_certify_nothing_cheaper():
    runs = sides().others
    discount = np.random.default_rng(2).uniform(0.01, 0.2, len(runs))
    cheap = replace(runs, cost_usd=at_prices(runs, 1.0) * discount)

    held_out = held_out_runs(policy(), cheap)

    assert held_out.cost_usd[runs.query, runs.point] == pytest.approx(at_prices(runs, 1.0))
    assert set(held_out.bills.repriced) == set(policy().grid.prices)
