"""The meaning of a solution as a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.forecast import Forecast
from paretoroute.solver.solution import Facts, meaning
from paretoroute.solver.solve import solve
from paretoroute.targets import MaxCost, MinQuality


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (3e4, "cent per 1,000,000 queries buys 0.03"),
        (0.2, "dollar per 1,000 queries buys 0.02"),
        (1e-3, "query buys 0.1"),
    ],
)
def test_the_meaning_names_an_amount_that_buys_something(price, words):
    assert words in meaning("met", MaxCost(1.0), None, Facts(shadow_price=price))


def test_a_floor_that_takes_the_best_choice_is_not_called_cheap():
    forecast = Forecast(np.array([[0.2, 0.8], [0.5, 0.9]]), np.array([1.0, 2.0]))

    top, slack, met = (solve(forecast, MinQuality(quality)) for quality in (0.85, 0.3, 0.6))

    assert (top.status, top.is_best) == ("met", True)
    assert top.meaning == "the quality asked for takes the best choice: no other has a higher forecast quality"
    assert (slack.status, slack.is_best) == ("slack", False)
    assert slack.meaning == "the cheapest choice already has the quality asked for"
    assert (met.status, met.is_best) == ("met", False)
    assert met.meaning.startswith("one more quality point (of 100) costs $")
