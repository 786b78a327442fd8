"""The prices of one model: which tokens they bill, and which cannot be. Amounts: equal decimals, no exponent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoroute.errors import GridError
from paretoroute.price import Price, costs_text, decimals_of, per_thousand, rounded_usd


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


@given(st.lists(st.floats(1e-12, 10.0), min_size=1, max_size=8))
def test_a_column_has_equal_decimals_and_shows_three_digits_of_the_smallest(costs):
    decimals = decimals_of(costs)
    texts = [per_thousand(cost, decimals) for cost in costs]

    assert not any("e" in text for text in texts)
    assert {len(text.partition(".")[2]) for text in texts} == {decimals}
    for cost, text in zip(costs, texts, strict=True):
        assert abs(float(text) - 1000 * cost) <= 0.0051 * 1000 * cost


@given(st.floats(1e-300, 1e-3))
def test_a_positive_cost_never_reads_as_zero(cost):
    assert float(per_thousand(cost, 2).removeprefix("<")) > 0


def test_a_free_call_costs_zero_and_an_unknown_cost_is_called_so():
    assert costs_text(0.0) == "$0.00 per 1,000 queries"
    assert costs_text(float("nan")) == "unknown per 1,000 queries"


@given(st.floats(1e-9, 1e6))
def test_an_amount_that_was_chosen_reads_back(usd):
    text = rounded_usd(usd)

    assert "e" not in text.lower()
    assert abs(float(text[1:]) - usd) <= 1e-9 * usd
