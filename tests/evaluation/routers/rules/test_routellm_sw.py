"""RouteLLM's similarity-weighted ranking, by hand and against every partition."""

from itertools import combinations

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import routellm_sw
from paretoroute.evaluation.routers.rules.routellm_sw import Outcomes


def test_two_players_ratings_are_the_log_odds():
    outcomes = Outcomes(np.zeros(4, int), np.ones(4, int), np.array([1.0, 1.0, 1.0, 0.0]))

    rating = routellm_sw.ratings(outcomes, np.ones(4), 2)

    assert rating[0] - rating[1] == pytest.approx(400 * np.log10(3), abs=1e-4)
    assert rating.mean() == pytest.approx(1000)
    assert routellm_sw.win_rate(*rating) == pytest.approx(0.75, abs=1e-6)


def test_weights_multiply_battles_and_a_tie_is_half_a_win():
    once = Outcomes(np.zeros(2, int), np.ones(2, int), np.array([1.0, 0.5]))

    rating = routellm_sw.ratings(once, np.array([1.0, 2.0]), 2)

    assert routellm_sw.win_rate(*rating) == pytest.approx(2 / 3, abs=1e-6)


def test_a_player_that_lost_every_battle_has_a_finite_rating():
    rating = routellm_sw.ratings(Outcomes(np.zeros(3, int), np.ones(3, int), np.ones(3)), np.ones(3), 2)

    assert np.isfinite(rating).all() and rating[0] > rating[1] + 1000


def test_battles_inside_a_tier_count_only_with_the_codes_defect():
    inside = Outcomes(np.array([0, 0, 1]), np.array([1, 0, 1]), np.array([0.5, 1.0, 1.0]))

    exact = routellm_sw.ratings(inside, np.ones(3), 2)
    code = routellm_sw.ratings(inside, np.ones(3), 2, code=True)

    np.testing.assert_allclose(exact, 1000, atol=1e-6)
    assert (code < 1000).all()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_tiers_have_the_least_sum_of_variances(count):
    rating = np.sort(np.random.default_rng(2).normal(size=9))[::-1]

    tier = routellm_sw.tiers(rating, count)

    def total(cuts):
        return sum(np.var(part) for part in np.split(rating, cuts))

    best = min(combinations(range(1, 9), count - 1), key=total)
    assert total(np.flatnonzero(np.diff(tier)) + 1) == pytest.approx(total(best))
    assert tier[0] == 0 and tier[-1] == count - 1 and (np.diff(tier) >= 0).all()


def test_fewer_models_than_tiers_have_one_each_and_equal_ratings_are_cut_first():
    assert routellm_sw.tiers(np.array([3.0, 2.0]), 10).tolist() == [0, 1]
    assert routellm_sw.tiers(np.array([1.0, 1.0, 1.0]), 2).tolist() == [0, 1, 1]


def test_weights_grow_tenfold_up_to_the_nearest_battle():
    weights = routellm_sw.battle_weights(np.array([2.0, 0.0]), np.array([[1.0, 0.0], [0.0, 3.0], [0.6, 0.8]]))

    np.testing.assert_allclose(weights, [100.0, 10.0, 10 * 10**0.6])


def test_many_fits_at_once_are_those_of_single_fits():
    rng = np.random.default_rng(3)
    outcomes = Outcomes(rng.integers(4, size=60), rng.integers(4, size=60), rng.choice([0.0, 0.5, 1.0], size=60))
    weights = 10 ** rng.random((3, 60))

    many = routellm_sw.ratings_of_many(outcomes, weights, 4)

    for row, weight in zip(many, weights, strict=True):
        np.testing.assert_allclose(row, routellm_sw.ratings(outcomes, weight, 4), atol=1e-4)
    assert routellm_sw.win_rates(many[:, 0], many[:, 1])[0] == pytest.approx(routellm_sw.win_rate(*many[0, :2]))
    lost = Outcomes(np.zeros(3, int), np.ones(3, int), np.ones(3))
    assert np.isfinite(routellm_sw.ratings_of_many(lost, np.ones((2, 3)), 2)).all()


def test_weights_of_many_queries_are_those_of_each():
    chance = np.random.default_rng(4)
    queries, battles = chance.normal(size=(5, 6)), chance.normal(size=(9, 6))
    units = battles / np.linalg.norm(battles, axis=1, keepdims=True)

    many = routellm_sw.battle_weights_of_many(queries, units)

    np.testing.assert_allclose(many, [routellm_sw.battle_weights(query, battles) for query in queries], rtol=1e-12)
