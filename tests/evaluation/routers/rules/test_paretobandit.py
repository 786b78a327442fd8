"""ParetoBandit's pacer and bandit, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules.paretobandit import LinUCB, Pacer, log_normalised


def test_the_pacer_by_hand():
    pacer = Pacer.start(0.01, step=0.1, smoothing=0.5, most=0.2)

    assert pacer.ceiling(1.0) is None
    dear = pacer.observe(0.03)
    assert (dear.ema_usd, dear.lam) == pytest.approx((0.02, 0.1))
    assert dear.ceiling(1.0) == pytest.approx(1 / 1.1)
    assert dear.observe(0.1).lam == 0.2, "at most"
    assert pacer.observe(0.0).lam == 0.0, "at least 0"


def test_prices_are_scaled_by_their_logarithm():
    prices = log_normalised(np.array([1e-6, 1e-4, 1e-3, 1e-1, 5.0]), 1e-4, 1e-1)

    np.testing.assert_allclose(prices, [0, 0, 1 / 3, 1, 1])


def test_the_bandit_is_ridge_regression_without_forgetting():
    rng = np.random.default_rng(0)
    x, rewards = rng.normal(size=(20, 3)), rng.random(20)
    bandit = LinUCB(3, 2, regularisation=2.0)

    for row, reward in zip(x, rewards, strict=True):
        bandit.clock += 1
        bandit.update(0, row, reward)

    np.testing.assert_allclose(bandit.theta(0), np.linalg.solve(x.T @ x + 2 * np.eye(3), x.T @ rewards))
    np.testing.assert_array_equal(bandit.theta(1), 0)


def test_bound_and_penalty_decide_and_stale_arms_widen():
    bandit = LinUCB(1, 2, forgetting=0.5, alpha=1.0)
    x = np.array([1.0])

    assert bandit.select(x, np.array([0.2, 0.1])) == 1
    bandit.update(1, x, 1.0)
    bandit.clock += 1  # another step, of no arm
    # arm 0: variance 1 after 2 stale steps; arm 1: A = .5 + 1, 1 stale step
    np.testing.assert_allclose(bandit.variance(x), [4.0, 2 / 1.5])
    bandit.clock += 100
    np.testing.assert_allclose(bandit.variance(x), [200.0, 200 / 1.5])
    assert bandit.select(x, np.zeros(2), allowed=[False, True]) == 1


def test_regularisation_is_topped_up():
    bandit = LinUCB(1, 1, regularisation=1.0, forgetting=0.5)

    bandit.clock += 4  # 1/16 is below a tenth
    bandit.update(0, np.array([2.0]), 1.0)

    np.testing.assert_allclose(bandit.matrix(0), [[1.0 + 4.0]])
