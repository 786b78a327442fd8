"""Policies of the fits without each fold, matched with the deployed one by what they spend."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.calibration.fold_policies import FoldPolicies
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier

QUERIES, POINTS, FOLDS = 200, 4, 5


@pytest.fixture
def tables():
    """Forecasts of a deployed fit and of the fits without each fold, whose means of points differ."""
    rng = np.random.default_rng(0)
    quality = np.clip(0.6 + 0.1 * rng.normal(size=(QUERIES, POINTS)), 0.0, 1.0)
    cost = np.array([1.0, 3.0, 9.0, 27.0]) * np.exp(0.2 * rng.normal(size=(QUERIES, POINTS)))
    fold = (np.arange(QUERIES) % FOLDS).astype(np.int8)
    shift = 0.1 * rng.normal(size=(FOLDS, POINTS))
    left_out = Forecast(quality=np.clip(quality + shift[fold], 0.0, 1.0), cost_usd=cost)
    return fold, Forecast(quality=quality, cost_usd=cost), left_out


def test_every_fold_spends_what_the_deployed_choices_spend_on_its_queries(tables):
    fold, deployed, left_out = tables
    line = frontier(deployed)
    policies = FoldPolicies.of(fold, deployed, left_out, line)

    for place in (len(line.price) // 4, len(line.price) // 2):
        chance, choice = policies.chance(place), line.choice(place)
        for k in range(FOLDS):
            rows = np.flatnonzero(fold == k)
            spent = (chance[rows] * deployed.cost_usd[rows]).sum(1).mean()
            assert spent == pytest.approx(deployed.cost_usd[rows, choice[rows]].mean(), rel=1e-9)


def test_at_the_deployed_price_a_fold_would_spend_something_else(tables):
    fold, deployed, left_out = tables
    line, place = frontier(deployed), len(frontier(deployed).price) // 2
    scores = left_out.quality - line.price[place] * left_out.cost_usd
    at_price = left_out.cost_usd[np.arange(QUERIES), scores.argmax(1)].mean()

    assert abs(at_price / line.cost_usd[place] - 1) > 0.1


def test_means_and_shares_along_the_frontier_are_those_of_the_chances(tables):
    fold, deployed, left_out = tables
    line = frontier(deployed)
    policies = FoldPolicies.of(fold, deployed, left_out, line)
    table = np.random.default_rng(1).normal(size=(QUERIES, POINTS))
    mean, shares = policies.mean(table), [policies.share(j) for j in range(POINTS)]

    for place in (0, 11, len(line.price)):
        chance = policies.chance(place)
        assert chance.sum(1) == pytest.approx(1.0)
        assert mean[place] == pytest.approx((chance * table).sum(1).mean())
        assert [share[place] for share in shares] == pytest.approx(chance.mean(0))


def test_points_that_are_not_callable_are_not_called(tables):
    fold, deployed, left_out = tables
    mask = np.ones((QUERIES, POINTS), bool)
    mask[:100, 0] = False
    deployed = Forecast(quality=deployed.quality, cost_usd=deployed.cost_usd, callable=mask)
    left_out = Forecast(quality=left_out.quality, cost_usd=left_out.cost_usd, callable=mask)
    line = frontier(deployed)

    assert (FoldPolicies.of(fold, deployed, left_out, line).chance(3)[:100, 0] == 0).all()
