"""CARROT's rule, by hand, and its neighbours against scikit-learn."""

import numpy as np
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor

from paretoroute.evaluation.routers.rules import carrot
from paretoroute.evaluation.routers.rules.carrot import QualityAndCost


def test_the_rule_by_hand():
    quality, cost = np.array([[0.9, 0.5]]), np.array([[0.8, 0.1]])

    assert carrot.choose(quality, cost, 0.3).tolist() == [0]  # .63 - .24 = .39 against .35 - .03 = .32
    assert carrot.choose(quality, cost, 0.4).tolist() == [1]  # .54 - .32 = .22 against .30 - .04 = .26
    assert carrot.choose(quality, cost, 0.01, cost_scale=100.0).tolist() == [1]
    assert carrot.choose(np.ones((1, 2)), np.ones((1, 2)), 0.5).tolist() == [0]


def test_the_calibrated_trade_off_is_the_one_of_nearest_realised_cost():
    forecast = QualityAndCost(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[3.0, 1.0], [1.0, 0.0]]))
    outcome = QualityAndCost(forecast.quality, np.array([[4.0, 1.0], [2.0, 0.0]]))

    # the first query moves to the cheap point beyond mu = 1/3, the second beyond 1/2: costs 3, 1.5, 0.5
    calibrated = carrot.calibrate(forecast, outcome, 1.4, steps=11)

    assert (calibrated.mu, calibrated.cost_usd) == (0.4, 1.5)


def test_token_costs_take_thousands_of_output_tokens():
    cost = carrot.token_cost_usd(np.array([2000.0]), np.array([[0.5]]), np.array([[1.0, 4.0]]))

    np.testing.assert_allclose(cost, [[(2000 * 1 + 500 * 4) / 1e6]])


def test_neighbours_and_their_number_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    logged, asked = rng.normal(size=(43, 4)), rng.normal(size=(5, 4))
    table = np.column_stack([logged[:, 0] + rng.normal(size=43), rng.random(43)])
    sizes = [2, 4, 8, 16]

    best = carrot.best_k(logged, table, sizes)

    scores = [
        cross_val_score(KNeighborsRegressor(k, metric="cosine"), logged, table, cv=KFold(5), scoring="r2").mean()
        for k in sizes
    ]
    assert best == sizes[int(np.argmax(scores))]
    theirs = KNeighborsRegressor(best, metric="cosine").fit(logged, table).predict(asked)
    np.testing.assert_allclose(carrot.knn(logged, table, asked, best), theirs)


def test_a_point_that_no_neighbour_was_logged_at_has_its_mean():
    table = np.array([[np.nan], [np.nan], [0.25]])

    assert carrot.knn(np.array([[1.0, 0], [1.0, 0], [0, 1.0]]), table, np.array([[1.0, 0]]), 2).tolist() == [[0.25]]


def test_the_small_model_answers_at_the_threshold():
    assert carrot.takes_small(np.array([0.4, 0.5, 0.6]), 0.5).tolist() == [False, True, True]
