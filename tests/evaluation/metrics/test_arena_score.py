"""RouterArena's score, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.metrics import arena_score


def test_the_score_is_a_weighted_harmonic_mean():
    middle = np.sqrt(200 * 0.0044)  # cheapness one half

    assert arena_score.score(0.8, middle) == pytest.approx(1.1 * 0.8 * 0.5 / (0.08 + 0.5))
    assert arena_score.score(0.8, 200.0) == 0.0
    assert arena_score.score(0.0, 200.0) == 0.0
    assert arena_score.score(0.6, 300.0, clamp=True) == 0.0 > arena_score.score(0.6, 300.0)


def test_gaps_in_a_file_are_treated_as_the_benchmark_does():
    file = arena_score.of_file(np.array([1.0, 0.0, np.nan, 1.0]), np.array([0.002, np.nan, 0.004, -1.0]))

    assert (file.queries, file.accuracy, file.total_usd) == (4, pytest.approx(2 / 3), pytest.approx(0.006))
    assert file.score == pytest.approx(arena_score.score(2 / 3, 1.5))
