"""RADAR's item response model and rule, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import radar
from paretoroute.evaluation.routers.rules.arrays import sigmoid
from paretoroute.evaluation.routers.rules.radar import ItemResponse


def test_success_by_hand():
    model = ItemResponse(np.array([1.0, 2.0]), np.array([0.0, 2.0]), np.array([1.0, 0.0]))

    # e = (1.5, 1): a = 2, b = 1.5
    np.testing.assert_allclose(model.success(np.array([[1.5, 1.0]])), [[1 / (1 + np.e), 1 / (1 + np.exp(-1))]])


def test_the_two_rules_by_hand():
    success, cost = np.array([[0.2, 0.5, 1.0]]), np.array([[0.0, 0.45, 1.0]])

    assert radar.choose(success, cost, 0.5).tolist() == [0]  # .1, .025, 0
    assert radar.choose(success, cost, 0.5, chebyshev=True).tolist() == [1]  # .4, .25, .5: below the line
    assert radar.choose(success, cost, 1.0).tolist() == [2]
    assert radar.choose(success, cost, 0.0).tolist() == [0]


def test_costs_are_scaled_over_the_whole_table():
    np.testing.assert_allclose(radar.scaled_cost(np.array([[1.0, 3.0], [2.0, 5.0]])), [[0, 0.5], [0.25, 1]])
    assert radar.scaled_cost(np.ones((2, 1))).tolist() == [[0.0], [0.0]]


def test_the_fit_recovers_a_model_from_its_outcomes():
    rng = np.random.default_rng(0)
    embeddings = np.column_stack([np.ones(600), rng.normal(size=(600, 2))])
    truth = ItemResponse(np.array([-1.0, 0.0, 1.5]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, -0.5]))
    expected = truth.success(embeddings)
    outcomes = (rng.random(expected.shape) < expected).astype(float)
    outcomes[:100, 1] = np.nan

    fitted = radar.fit(embeddings, outcomes)

    assert np.abs(fitted.success(embeddings) - expected).mean() < 0.04


def test_a_new_configurations_ability_comes_from_few_outcomes():
    a, b = np.ones(3), np.array([-1.0, 0.0, 1.0])

    ability = radar.ability_of_new(a, b, np.array([1.0, 1.0, 0.0]), prior_deviation=1e6)

    assert sigmoid(ability - b).sum() == pytest.approx(2.0)
    assert np.isfinite(radar.ability_of_new(a, b, np.ones(3)))
