"""Oracle and best point, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.metrics import references

QUALITY = np.array([[0.5, 1.0, 1.0], [0.0, 0.0, np.nan], [1.0, 0.0, np.nan]])
COST = np.array([[1.0, 5.0, 4.0], [2.0, 3.0, 1.0], [2.0, 3.0, np.nan]])


def test_the_oracle_takes_the_cheapest_of_the_best():
    exact, code = references.oracle(QUALITY, COST), references.oracle(QUALITY, COST, code=True)

    assert (exact.quality, exact.total_usd) == (pytest.approx(2 / 3), 4 + 2 + 2)
    assert (code.quality, code.total_usd) == (pytest.approx(2 / 3), 1 + 2 + 2), "a partial score counts as right"


def test_the_best_point_is_the_first_of_the_best_means():
    best = references.best_point(QUALITY[:, :2], COST[:, :2])

    assert (best.quality, best.total_usd) == (0.5, 5.0)
