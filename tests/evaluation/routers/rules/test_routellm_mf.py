"""RouteLLM's matrix factorisation: scores by hand, gradient against differences."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import routellm_mf
from paretoroute.evaluation.routers.rules.routellm_mf import Battles, Factors

FACTORS = Factors(np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 0.5]))


def test_the_win_rate_by_hand():
    x = np.array([[1.0, 1.0]])

    # W x = (1, 2); models (.6, .8) and (0, 1): scores .6 + .8 and 1
    np.testing.assert_allclose(FACTORS.scores(x), [[1.4, 1.0]])
    np.testing.assert_allclose(FACTORS.win_rate(x, 0, 1), 1 / (1 + np.exp(-0.4)))
    np.testing.assert_allclose(FACTORS.direction(0, 1) @ x[0], 0.4)


def test_the_gradient_is_that_of_the_loss():
    rng = np.random.default_rng(0)
    factors = Factors(rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=3))
    battles = Battles(np.array([0, 2, 3, 1]), np.array([1, 0, 2, 3]), np.array([0, 1, 1, 2]))
    x = rng.normal(size=(3, 5))

    at = routellm_mf.gradient(factors, battles, x)

    for name in ("models", "projection", "weight"):
        table = getattr(factors, name)
        for place in np.ndindex(table.shape):
            moved = table.copy()
            moved[place] += 1e-6
            loss = routellm_mf.gradient(replace(factors, **{name: moved}), battles, x).loss
            assert getattr(at.slope, name)[place] == pytest.approx((loss - at.loss) / 1e-6, abs=1e-5)


def test_training_learns_who_wins_where_and_noise_is_drawn_from_the_generator():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 4))
    wins = x[:, 0] > 0
    battles = Battles(np.where(wins, 0, 1), np.where(wins, 1, 0), np.arange(60))
    start = Factors(rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=3))

    plain = list(islice(routellm_mf.adam(start, battles, x, learning_rate=0.05), 200))[-1]
    noisy = [
        list(islice(routellm_mf.adam(start, battles, x, noise=0.1, rng=np.random.default_rng(3)), 5))[-1]
        for _ in range(2)
    ]

    assert ((plain.win_rate(x, 0, 1) > 0.5) == wins).mean() > 0.95
    np.testing.assert_array_equal(noisy[0].models, noisy[1].models)
