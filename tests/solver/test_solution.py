"""The meaning of a solution as a sentence."""

from __future__ import annotations

import pytest

from paretoroute.solver.solution import meaning
from paretoroute.targets import MaxCost


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (3e4, "cent per 1,000,000 queries buys 0.03"),
        (0.2, "dollar per 1,000 queries buys 0.02"),
        (1e-3, "query buys 0.1"),
    ],
)
def test_the_meaning_names_an_amount_that_buys_something(price, words):
    assert words in meaning("met", MaxCost(1.0), None, price)
