"""The prices of one model: which tokens they bill, and which of them cannot be."""

import numpy as np
import pytest

from paretoroute.errors import GridError
from paretoroute.price import Price


def test_tokens_of_a_cache_are_billed_at_their_own_price_and_else_as_input():
    tokens = np.array([1000.0]), np.array([100.0]), np.array([400.0])

    assert Price(2.0, 10.0, 0.5).cost_usd(*tokens) == pytest.approx((600 * 2 + 400 * 0.5 + 100 * 10) / 1e6)
    assert Price(2.0, 10.0).cost_usd(*tokens) == pytest.approx((1000 * 2 + 100 * 10) / 1e6)
    assert Price(0.0, 10.0, 0.5).cost_usd(*tokens) == pytest.approx((400 * 0.5 + 100 * 10) / 1e6)
    writing = Price(2.0, 10.0, 0.5, cache_write_usd_per_mtok=2.5)
    expected = (500 * 2 + 400 * 0.5 + 100 * 2.5 + 100 * 10) / 1e6
    assert writing.cost_usd(*tokens, cache_write_tokens=100.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (Price(1.0, 2.0, 1.5), "cached_input is 1.5, above input at 1"),
        (Price(-1.0, 2.0), "input is no price: -1.0"),
        (Price(1.0, float("nan")), "output is no price: nan"),
        (Price(1.0, 2.0, None, "given", -0.1), "cache_write is no price: -0.1"),
        (Price(0.0, 2.0, None, "given", 0.1), "cache_write is 0.1 where input is 0"),
    ],
)
def test_prices_that_cannot_be_those_of_a_model_are_refused(price, reason):
    with pytest.raises(GridError, match=reason):
        price.check()


def test_prices_that_can_are_not():
    Price(1.0, 2.0, 1.0, cache_write_usd_per_mtok=1.25).check()
    Price(0.0, 0.0, 0.0, cache_write_usd_per_mtok=0.0).check()
