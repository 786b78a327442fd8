"""FrugalGPT's cascade, by hand, and its search against every combination."""

from itertools import permutations, product

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import frugalgpt
from paretoroute.evaluation.routers.rules.frugalgpt import Stages

STAGES = Stages(
    quality=np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]),
    cost_usd=np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]),
    distance=np.array([[0.1, 0.0], [0.5, 1.0], [0.3, 1.0]]),
)


def test_a_cascade_stops_when_a_distance_is_below_the_threshold_and_pays_all_calls():
    applied = frugalgpt.apply(STAGES, np.array([0.3, 1.0]))

    assert applied.called.tolist() == [1, 2, 2], "the comparison is strict, and the last stage accepts all"
    assert applied.quality.tolist() == [1.0, 1.0, 0.0]
    assert applied.cost_usd.tolist() == [1.0, 22.0, 33.0]


def test_the_codes_objective_counts_a_row_without_acceptance_as_wrong_and_free():
    assert frugalgpt.objective(STAGES, np.array([0.3, 1.0])) == pytest.approx((1 / 3, 1 / 3))


def test_thresholds_are_quantiles_of_the_rows_that_are_left():
    distance = np.array([[0.0, 0.9], [0.2, 0.8], [0.4, 0.1], [0.6, 0.3]])

    thresholds = frugalgpt.thresholds_at(distance, [0.5, 0.5])

    np.testing.assert_allclose(thresholds, [0.3, 0.2, 1.0])
    assert frugalgpt.thresholds_at(distance[:0], [0.5]).tolist() == [1.0, 1.0]


def random_stages(seed, rows=9, models=3):
    rng = np.random.default_rng(seed)
    score = np.round(rng.random((rows, models)), 1)
    return Stages((rng.random((rows, models)) < 0.6).astype(float), rng.random((rows, models)) * [1, 3, 9], 1 - score)


@pytest.mark.parametrize("code", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_search_is_as_good_as_every_combination_of_thresholds(seed, code):
    models, budget = random_stages(seed), 3.0

    best = frugalgpt.fit(models, budget, depth=3, code=code)

    tried = [0.0]
    for order in permutations(range(3)):
        stages = models.at(order)
        grid = [np.append(np.unique(stages.distance[:, k]), 2.0) for k in range(2)]
        for pair in product(*grid):
            thresholds = np.array([*pair, 1.0])
            applied = frugalgpt.apply(stages, thresholds)
            means = (applied.quality.mean(), applied.cost_usd.mean())
            quality, cost = frugalgpt.objective(stages, thresholds) if code else means
            tried.append(quality if cost <= budget else 0.0)
    assert best.quality == pytest.approx(max(tried))
    assert best.cost_usd <= budget + 1e-9


def test_the_codes_grid_is_no_better_than_the_exact_search():
    models = random_stages(7, rows=12)

    exact, grid = frugalgpt.fit(models, 4.0, depth=2, code=True), frugalgpt.code_fit(models, 4.0, depth=2)

    assert exact.quality >= grid.quality > 0
    assert grid.cost_usd <= 4.0


def test_one_model_and_a_budget_that_nothing_meets():
    one = Stages(np.array([[1.0]]), np.array([[2.0]]), np.array([[1.0]]))

    assert frugalgpt.fit(one, 2.0, depth=1).order == (0,)
    assert frugalgpt.fit(one, 1.9, depth=1) is None


def test_fewer_cuts_lose_little_and_keep_the_budget():
    models = random_stages(3, rows=200, models=3)

    exact, coarse = (frugalgpt.fit(models, 3.0, depth=2, cuts=cuts) for cuts in (None, 5))

    assert coarse.cost_usd <= 3.0 and exact.quality - 0.1 < coarse.quality <= exact.quality
