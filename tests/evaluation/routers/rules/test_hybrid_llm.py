"""Hybrid-LLM's labels and threshold, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import hybrid_llm

SMALL = np.array([[1.0, 2.0], [0.0, 0.0]])
LARGE = np.array([[1.5, 3.0], [0.0, 1.0]])


def test_the_three_labels_by_hand():
    assert hybrid_llm.deterministic_label(SMALL, LARGE).tolist() == [0.0, 1.0]
    assert hybrid_llm.match_probability(SMALL, LARGE).tolist() == [0.25, 0.5]  # 2 >= 1.5; 0 >= 0, twice
    assert hybrid_llm.match_probability(SMALL, LARGE, 1.0).tolist() == [0.75, 1.0]
    with_gap = np.array([[1.0, np.nan]])
    assert hybrid_llm.match_probability(with_gap, np.array([[1.0, 2.0]])).tolist() == [0.5]
    assert np.isnan(hybrid_llm.match_probability(np.array([[np.nan]]), np.array([[1.0]]))).all()


def test_t_star_makes_the_labels_differ_most():
    labels = np.array([0.2, 0.5, 0.9, np.nan])

    pairs = labels[:3, None] - labels[:3]
    assert hybrid_llm.spread_of_labels(labels) == pytest.approx(np.abs(pairs).mean())
    assert hybrid_llm.spread_of_labels(np.array([0.0, 1.0, 1.0, 1.0])) == pytest.approx(2 * 0.75 * 0.25)
    # gaps 1 and 3: only between them do the labels differ
    assert hybrid_llm.best_t(np.array([[0.0], [0.0]]), np.array([[1.0], [3.0]]), np.array([0.0, 1.0, 2.0, 3.0])) == 1.0


def test_the_loss_is_the_soft_cross_entropy():
    loss = hybrid_llm.cross_entropy(np.log([[0.25, 0.75]]), np.array([0.4]))

    assert loss == pytest.approx(-(0.4 * np.log(0.25) + 0.6 * np.log(0.75)))


def test_the_threshold_has_the_largest_cost_advantage_within_the_loss():
    match = np.array([0.9, 0.8, 0.8, 0.1])
    small, large = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.5, 1.0, 1.5])

    none = hybrid_llm.calibrate(match, small, large, most_loss=0.1)
    assert (none.tau, none.cost_advantage, none.loss) == (0.9, 0.25, 0.0)
    some = hybrid_llm.calibrate(match, small, large, most_loss=0.125)  # both queries at .8 move together
    assert (some.tau, some.cost_advantage, some.loss) == (0.8, 0.75, 0.125)
    assert hybrid_llm.takes_small(match, some.tau).tolist() == [True, True, True, False]
    never = hybrid_llm.calibrate(match, small - 9, large)
    assert (never.tau, never.cost_advantage) == (np.inf, 0.0)
