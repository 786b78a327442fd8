"""Amounts of money: three digits of the smallest, equal decimals, no exponent, and never zero for a cost."""

from hypothesis import given
from hypothesis import strategies as st

from paretoroute._money import costs_text, decimals_of, exact_usd, per_thousand


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
    text = exact_usd(usd)

    assert "e" not in text.lower()
    assert abs(float(text[1:]) - usd) <= 1e-9 * usd
