"""MasRouter's distributions and losses, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import masrouter
from paretoroute.evaluation.routers.rules.masrouter import Autoencoder, Linear


def test_choices_follow_the_softmax_of_cosines():
    chosen = masrouter.cosine_softmax(np.array([[2.0, 0.0]]), np.array([[5.0, 0.0], [0.0, 1.0]]), 0.5)

    np.testing.assert_allclose(chosen, [[1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))]])
    assert masrouter.draw(np.array([[0.2, 0.5, 0.3]] * 3), np.array([0.1, 0.2, 0.99])).tolist() == [0, 1, 2]


def test_the_number_of_agents_stays_within_1_and_the_most():
    head = Linear(np.array([[1.0, 0.0]]), np.array([0.0]))

    number = masrouter.agents(np.array([[3.0, 0.0]]), head, 6)

    np.testing.assert_allclose(number, 6 / (1 + np.exp(-1)))
    assert masrouter.whole_agents(np.array([0.2, 2.5, 4.6, 6.0]), 6).tolist() == [1, 2, 5, 6]


def test_an_allocation_has_its_multinomial_probability():
    log = masrouter.allocation_log_probability(np.array([[0.5, 0.3, 0.2]]), np.array([[2.0, 1.0, 0.0]]), np.array([3]))

    assert np.exp(log) == pytest.approx(3 * 0.5**2 * 0.3)


def test_the_losses_by_hand():
    utility = masrouter.utility(np.array([1.0, 0.0]), np.array([0.001, 0.002]), 100.0)

    np.testing.assert_allclose(utility, [0.9, -0.2])
    assert masrouter.answer_loss(np.array([-1.0, -2.0]), utility) == pytest.approx((0.9 - 0.4) / 2)
    assert masrouter.task_loss(np.array([[0.25, 0.75]]), np.array([0])) == pytest.approx(np.log(4))
    twice = masrouter.task_loss(np.array([[0.25, 0.75]]), np.array([0]), code=True)
    assert twice == pytest.approx(np.log1p(np.exp(0.5)))
    assert masrouter.number_loss(np.array([1.0, 0.0]), np.array([4.0, 4.0]), 6) == pytest.approx((1 + 2) / 2)


def test_the_autoencoders_loss_is_reconstruction_and_divergence():
    one = Linear(np.eye(1), np.zeros(1))
    code = Autoencoder(one, one, Linear(np.zeros((1, 1)), np.log([0.01])), one, Linear(np.eye(1), np.ones(1)))

    # code 0.2, reconstruction 1.2, divergence of N(.2, .01) from N(0, .01): .2^2 / .01 / 2 = 2
    assert code.encode(np.array([[0.2]])) == pytest.approx(0.2)
    assert code.loss(np.array([[0.2]])) == pytest.approx(1.0 + 2.0)


def test_the_policy_gradient_is_that_of_the_exact_value():
    rng = np.random.default_rng(0)
    logits, utility = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    utility[1, 2] = np.nan

    exact = masrouter.policy_value(logits, utility)

    for place in ((0, 1), (1, 0), (1, 2), (3, 2)):
        moved = logits.copy()
        moved[place] += 1e-6
        slope = (masrouter.policy_value(moved, utility).value - exact.value) / 1e-6
        assert exact.by_logit[place] == pytest.approx(slope, abs=1e-6)
    certain = masrouter.policy_value(np.array([[0.0, 0.0]]), np.array([[1.0, 0.5]]))
    assert certain.value == 0.75
