"""R2-Router's rule, by hand."""

import numpy as np

from paretoroute.evaluation.routers.rules import r2_router


def test_the_rule_by_hand():
    quality, cost = np.array([[0.9, 0.5]]), np.array([[0.002, 0.001]])

    assert r2_router.choose(quality, cost, 0.99).tolist() == [0]  # .009 - .00198 against .005 - .00099
    assert r2_router.choose(quality, cost, 0.999).tolist() == [1]  # .0009 - .001998 against .0005 - .000999


def test_rounding_lets_the_first_of_near_equals_win():
    quality, cost = np.array([[0.5000, 0.5004]]), np.zeros((1, 2))

    assert r2_router.choose(quality, cost, 0.99999).tolist() == [1]
    assert r2_router.choose(quality, cost, 0.99999, decimals=r2_router.CODE_DECIMALS).tolist() == [0]


def test_lengths_are_priced_and_interpolated():
    cost = r2_router.token_cost_usd(np.array([100.0]), np.array([[500.0]]), np.array([[2.0, 8.0]]))

    np.testing.assert_allclose(cost, [[(100 * 2 + 500 * 8) / 1e6]])
    between = r2_router.interpolate(np.array([[0.2, 0.6]]), np.array([100.0, 500.0]), np.array([50.0, 200.0, 900.0]))
    np.testing.assert_allclose(between, [[0.2, 0.3, 0.6]])
    assert [r2_router.estimated_prompt_tokens(text) for text in ("", "one", "a b c d")] == [1, 1, 5]


def test_uniroute_weighs_cluster_errors_by_closeness():
    centres = np.array([[1.0, 0.0], [0.0, 1.0]])
    features = r2_router.uniroute_features(np.array([[2.0, 0.0]]), centres)

    np.testing.assert_allclose(features, [[1 / (1 + np.exp(-10)), 1 / (1 + np.exp(10))]])
    errors = r2_router.uniroute_errors(np.array([[0.5, 0.5]]), np.array([[0.2, 0.4], [0.6, 0.2]]))
    np.testing.assert_allclose(errors, [[0.4, 0.3]])
    assert r2_router.uniroute_choose(errors, np.array([1.0, 3.0]), 0.1).tolist() == [0]  # .5 against .6
    assert r2_router.uniroute_choose(errors, np.array([1.0, 3.0]), 0.01).tolist() == [1]  # .41 against .33
