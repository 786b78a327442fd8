"""Stacking weights against non-negative least squares of the same penalised problem."""

import numpy as np
import pytest
from scipy.optimize import nnls

from paretoroute.fitting.methods import stacking
from paretoroute.fitting.methods.stacking import POOL_QUERIES, stack

HEADS, QUERIES, COMPONENTS, FOLDS = 4, 90, 3, 3


@pytest.fixture(scope="module")
def problem():
    """Four heads of falling worth, the last one harmful."""
    chance = np.random.default_rng(5)
    targets = chance.standard_normal((QUERIES, COMPONENTS))
    noise = chance.standard_normal((HEADS, QUERIES, COMPONENTS))
    share = np.array([0.8, 0.75, 0.3, -0.4])[:, None, None]
    forecasts = share * targets + np.array([0.3, 0.3, 0.5, 0.5])[:, None, None] * noise
    return forecasts, targets, chance.uniform(0.2, 1, QUERIES), np.arange(QUERIES) % FOLDS


@pytest.fixture(scope="module")
def weights(problem):
    return stack(*problem, folds=FOLDS)


def slow_weights(forecasts, targets, query_weight):
    """Solve both steps as stacked least-squares problems, ``(heads, components)``."""
    root = np.sqrt(query_weight)[:, None]
    tall = [forecasts[:, :, k].T * root for k in range(COMPONENTS)]
    goal = [targets[:, k] * root[:, 0] for k in range(COMPONENTS)]
    shared = nnls(np.vstack(tall[1:]), np.concatenate(goal[1:]))[0]
    found = []
    for design, aim in zip(tall, goal, strict=True):
        pull = POOL_QUERIES * (design**2).sum() / (query_weight.sum() * HEADS)
        rows = np.vstack([design, np.sqrt(pull) * np.eye(HEADS)])
        found.append(nnls(rows, np.concatenate([aim, np.sqrt(pull) * shared]))[0])
    return np.stack(found, axis=1)


def test_weights_are_those_of_non_negative_least_squares_for_all_queries_and_without_each_fold(problem, weights):
    forecasts, targets, query_weight, fold = problem

    assert weights.shape == (FOLDS + 1, HEADS, COMPONENTS)
    for f in range(FOLDS + 1):
        kept = fold != f
        expected = slow_weights(forecasts[:, kept], targets[kept], query_weight[kept])
        np.testing.assert_allclose(weights[f], expected, atol=1e-9, err_msg=f"without fold {f}")


def test_the_gradient_of_the_penalised_error_vanishes_or_points_below_zero(problem, weights):
    forecasts, targets, query_weight, _ = problem
    rest = forecasts[:, :, 1:] * np.sqrt(query_weight)[:, None]
    goal = targets[:, 1:] * np.sqrt(query_weight)[:, None]
    shared = nnls(rest.reshape(HEADS, -1).T, goal.ravel())[0]
    scale = np.einsum("i,hik->k", query_weight, forecasts**2) / (query_weight.sum() * HEADS)

    error = np.einsum("hik,hk->ik", forecasts, weights[-1]) - targets
    gradient = np.einsum("i,hik,ik->hk", query_weight, forecasts, error)
    gradient += POOL_QUERIES * scale * (weights[-1] - shared[:, None])

    assert gradient.min() > -1e-9
    assert np.abs(gradient * weights[-1]).max() < 1e-9


def test_heads_that_are_nearly_alike_are_weighed_to_the_smallest_error(problem):
    forecasts, targets, query_weight, fold = problem
    alike = forecasts.copy()
    alike[1] = alike[0] + 1e-6 * forecasts[2]

    weights = stack(alike, targets, query_weight, fold, folds=FOLDS)[-1]

    # Which of the two gets the weight hangs on last digits; what they forecast together does not.
    expected = np.einsum("hik,hk->ik", alike, slow_weights(alike, targets, query_weight))
    np.testing.assert_allclose(np.einsum("hik,hk->ik", alike, weights), expected, atol=1e-5)


def test_heads_that_are_exactly_alike_forecast_what_one_of_them_forecasts(problem):
    forecasts, targets, query_weight, fold = problem

    one = stack(forecasts[:1], targets, query_weight, fold, folds=FOLDS)
    twice = stack(forecasts[[0, 0]], targets, query_weight, fold, folds=FOLDS)

    # The pull is half as strong on the sum of two weights as on one.
    np.testing.assert_allclose(twice.sum(axis=1), one[:, 0], atol=0.05)
    assert (twice >= 0).all()


def test_fewer_queries_than_heads_are_enough():
    chance = np.random.default_rng(0)
    forecasts, targets = chance.standard_normal((9, 6, 2)), chance.standard_normal((6, 2))

    weights = stack(forecasts, targets, np.ones(6), np.arange(6) % 5, folds=5)

    assert weights.shape == (6, 9, 2)
    assert np.isfinite(weights).all() and (weights >= 0).all()


def test_scaling_forecasts_and_targets_leaves_the_weights(problem, weights):
    forecasts, targets, query_weight, fold = problem

    for scale in (1e-6, 1e6):
        same = stack(scale * forecasts, scale * targets, query_weight, fold, folds=FOLDS)
        np.testing.assert_allclose(same, weights, atol=1e-9, err_msg=str(scale))


def test_no_weight_is_negative_and_a_harmful_head_has_none(weights):
    assert weights.min() >= 0
    assert weights[:, 3].max() < 0.01
    assert weights[:, :2].sum(axis=1).min() > 0.3


def test_components_of_rounding_errors_have_no_part_in_the_shared_weights(problem):
    forecasts, targets, query_weight, fold = problem
    chance = np.random.default_rng(0)
    of_rounding = 1e-17 * chance.standard_normal((QUERIES, 2))
    rounded = np.concatenate([targets, of_rounding], axis=1)
    # Heads are linear in the targets, so that they forecast rounding errors by rounding errors, here even well.
    more = np.concatenate([forecasts, np.stack([of_rounding] * HEADS)], axis=2)

    expected = stack(forecasts, targets, query_weight, fold, folds=FOLDS)
    alone = stack(more[:, :, [0, 3, 4]], rounded[:, [0, 3, 4]], query_weight, fold, folds=FOLDS)
    together = stack(more, rounded, query_weight, fold, folds=FOLDS)

    np.testing.assert_allclose(together[:, :, :COMPONENTS], expected, atol=1e-12)
    assert not together[:, :, COMPONENTS:].any() and not alone[:, :, 1:].any()
    # Nothing but the first component: its weights are drawn towards 0.
    zeros = np.zeros((HEADS, QUERIES, 2))
    first = np.concatenate([forecasts[:, :, :1], zeros], axis=2), np.concatenate([targets[:, :1], zeros[0]], axis=1)
    np.testing.assert_allclose(alone, stack(*first, query_weight, fold, folds=FOLDS), atol=1e-12)


def test_what_happens_in_a_fold_does_not_move_the_weights_that_leave_it_out(problem, weights):
    forecasts, targets, query_weight, fold = (part.copy() for part in problem)
    inside = fold == 1
    targets[inside] *= -3
    forecasts[:, inside] += 1

    moved = stack(forecasts, targets, query_weight, fold, folds=FOLDS)

    np.testing.assert_array_equal(moved[1], weights[1])
    for f in (0, 2, FOLDS):
        assert np.abs(moved[f] - weights[f]).max() > 0.05, f


def test_a_query_of_which_nothing_is_known_does_not_count(problem, weights):
    forecasts, targets, query_weight, fold = problem
    more = np.concatenate([forecasts, 100 + forecasts[:, :9]], axis=1)
    goals, counts = np.vstack([targets, targets[:9]]), np.r_[query_weight, np.zeros(9)]

    same = stack(more, goals, counts, np.r_[fold, fold[:9]], folds=FOLDS)

    np.testing.assert_allclose(same, weights, atol=1e-9)


def test_heads_that_say_nothing_get_no_nan():
    silent = stack(np.zeros((2, 30, 1)), np.ones((30, 1)), np.ones(30), np.arange(30) % 3, folds=3)

    assert np.isfinite(silent).all()
    assert not silent.any()


def test_a_fold_that_holds_all_queries_leaves_no_weights(monkeypatch):
    rng = np.random.default_rng(7)
    forecasts, targets = rng.standard_normal((3, 20, 2)), rng.standard_normal((20, 2))

    def of_rows(matrix, vector):  # of none, SciPy returns what lies in memory
        assert len(matrix)
        return nnls(matrix, vector)

    monkeypatch.setattr(stacking, "nnls", of_rows)
    weights = stack(forecasts, targets, np.ones(20), np.zeros(20, np.int64), folds=2)

    assert (weights[0] == 0).all() and weights[2].any()
