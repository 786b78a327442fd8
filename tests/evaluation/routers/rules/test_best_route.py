"""BEST-Route's best of n and rule, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import best_route

TRUE = np.array([5.0, 1.0, 2.0, 3.0])
PROXY = np.array([0.9, 0.4, 0.9, 0.1])


def test_the_drawn_answer_of_best_proxy_reward_counts():
    draws = np.array([[1, 3], [3, 2], [1, 1]])

    assert best_route.best_of_n(TRUE, PROXY, draws).tolist() == [1.0, 2.0, 1.0]
    assert best_route.best_of_n(TRUE, PROXY, draws, code=True).tolist() == [1.0, 5.0, 1.0], "answer 0 was not drawn"


def test_the_prompt_is_paid_once_and_all_answers():
    cost = best_route.cost_usd(100, np.array([10.0, 20.0]), np.array([[0, 1], [1, 1]]), usd_per_token=(0.001, 0.01))

    np.testing.assert_allclose(cost, [0.1 + 0.3, 0.1 + 0.4])


def test_the_cheapest_arm_that_qualifies_is_chosen_and_the_reference_always_does():
    logits = np.log([[[0.9, 0.1]], [[0.6, 0.4]]])
    margin = best_route.margins(logits)

    np.testing.assert_allclose(margin, [[0.8, 0.2, 1.0]])
    cost = np.array([[2.0, 1.0, 3.0]])
    assert [best_route.choose(margin, cost, tau)[0] for tau in (0.1, 0.5, 0.9)] == [1, 0, 2]
    assert best_route.choose(margin, np.array([[2.0, 1.0, 0.5]]), 0.1).tolist() == [2], "the reference is cheapest"
    np.testing.assert_allclose(best_route.thresholds(margin, 3), [0.2, 0.6, 1.0])


def test_the_loss_averages_over_heads():
    logits = np.log([[[0.5, 0.5]], [[0.25, 0.75]]])

    assert best_route.loss(logits, np.array([[1.0, 0.0]])) == pytest.approx((np.log(2) + np.log(4 / 3)) / 2)
