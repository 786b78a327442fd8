"""LLM-Blender's aggregations, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import llm_blender

LOGITS = np.array([[0.0, 2.0, -1.0], [-1.0, 0.0, 0.5], [3.0, -0.5, 0.0]])


def test_scores_and_ranks_by_hand():
    assert llm_blender.max_logits(LOGITS[None]).tolist() == [[1 - 2, -0.5 - 1.5, 2.5 + 0.5]]
    assert llm_blender.max_wins(LOGITS[None]).tolist() == [[1 + 1, 1 + 1, 1 + 1]]
    assert llm_blender.ranks(np.array([[3.0, 1.0, 3.0, 2.0]])).tolist() == [[1, 4, 1, 3]]
    assert llm_blender.best_of_all(LOGITS[None]).tolist() == [2]


def test_the_bubble_keeps_the_better_and_ties_go_to_the_later():
    # 0 against 1: 2 + 1 > 0, so 0 stays; 0 against 2: -1 - 3 <= 0, so 2 takes over
    first = llm_blender.bubble(LOGITS, [0, 1, 2])

    assert first.comparisons == ((0, 1, 0), (0, 2, 2))
    assert (first.best, first.worst) == (2, 2), "0 beats 1, 1 beats 2 and 2 beats 0"
    assert llm_blender.bubble(np.zeros((2, 2)), [1, 0]).best == 0
    assert llm_blender.bubble(np.zeros((1, 1)), [0]).comparisons == ()


def test_the_loss_prefers_the_better_answer():
    loss = llm_blender.pair_loss(np.array([1.0, 1.0]), np.zeros(2), np.array([0.2, 0.5]), np.array([0.8, 0.5]))

    assert loss == pytest.approx((np.log1p(np.e) + np.log(2)) / 2)


def test_the_codes_other_losses_by_hand():
    pair = np.array([0.5]), np.array([-0.5]), np.array([1.0]), np.array([0.25])

    assert llm_blender.code_pair_loss(*pair, method="MSE") == pytest.approx(0.5**2 + 0.75**2 - 2 * 1.0 * 0.75)
    assert llm_blender.code_pair_loss(*pair, method="BCE") == pytest.approx(np.log1p(np.exp(-0.5)))
