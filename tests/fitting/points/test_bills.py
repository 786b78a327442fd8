"""The total is always right: what tokens do not explain is carried as a fee, or cost is forecast from logged cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.fitting.points.bills import decimal_unit
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.price import Price
from paretoroute.runs.read import read_runs
from tests.fitting.points.bill_log import bill_runs, bill_table, fee_on, logged_usd, missing, times, total_usd

GIVEN = {"small": Price(0.2, 0.8), "big": Price(3.0, 15.0)}
SMALL_FAULTS = {"fee of a cent": fee_on(0.01, 0.01), "one free call": times(0.01, 0.0), "a refund": fee_on(0.01, -0.01)}
LARGE_FAULTS = {
    "tool fee on 4%": fee_on(0.04, 0.25),
    "twice as dear from a length on": times(0.04, 2.0),
    "one call of a dollar": fee_on(0.01, 1.0),
    "free on 3%": times(0.03, 0.0),
    "refunds": fee_on(0.04, -0.02),
}


def finding(findings, kind):
    return [one.text for one in findings if one.kind == kind]


def test_an_exact_bill_has_no_fee_and_no_finding_about_it():
    grid, findings = build_grid(bill_runs())

    assert grid.fees == {}
    assert set(grid.prices) == {"small", "big"}
    assert finding(findings, "logged_cost") == []


@pytest.mark.parametrize("name", SMALL_FAULTS)
@pytest.mark.parametrize("prices", [None, GIVEN], ids=["derived", "given"])
def test_a_rest_of_up_to_two_percent_is_carried_as_a_mean_fee_of_each_point(name, prices):
    runs = bill_runs(SMALL_FAULTS[name])

    grid, _ = build_grid(runs, prices=prices)

    assert set(grid.prices) == {"small", "big"}
    assert {point.model for point in grid.fees} == {"big"}
    assert total_usd(runs, grid) == pytest.approx(logged_usd(runs), rel=1e-9)


@pytest.mark.parametrize("prices", [None, GIVEN], ids=["derived", "given"])
def test_the_largest_fee_of_a_logged_call_is_kept_beside_the_mean_one(prices):
    grid, _ = build_grid(bill_runs(fee_on(0.01, 0.01)), prices=prices)

    assert {point.model for point in grid.most_fees} == {"big"}
    assert max(grid.most_fees.values()) == pytest.approx(0.01, rel=1e-3)
    assert all(fee >= grid.fees[point] for point, fee in grid.most_fees.items())
    assert grid.most_fee_usd.max() == max(grid.most_fees.values())


def test_refunds_and_exact_bills_have_no_largest_fee():
    for fault in (None, fee_on(0.01, -0.01)):
        grid, _ = build_grid(bill_runs(fault))

        assert grid.most_fees == {}
        assert grid.most_fee_usd.max() == 0.0


@pytest.mark.parametrize("name", LARGE_FAULTS)
@pytest.mark.parametrize("prices", [None, GIVEN], ids=["derived", "given"])
def test_a_larger_rest_leaves_the_cost_logged_and_states_both_sums(name, prices):
    runs = bill_runs(LARGE_FAULTS[name])

    grid, findings = build_grid(runs, prices=prices)

    assert set(grid.prices) == {"small"}
    (text,) = finding(findings, "logged_cost")
    logged = logged_usd(runs)[[point.model == "big" for point in runs.points]].sum()
    assert f"${logged:.2f}" in text and "200 runs of big cost" in text
    assert "cost more" in text or "cost less" in text


def test_the_sums_and_the_odd_calls_stand_in_the_finding():
    _, findings = build_grid(bill_runs(fee_on(0.04, 0.25)))

    (text,) = finding(findings, "logged_cost")
    assert text.startswith(
        "cost: logged for big: tokens x prices explain $3.09 of the $5.09 that 200 runs of big cost; 8"
    )
    assert text.endswith("8 runs cost more")


def test_a_fee_of_one_point_alone_counts_by_the_bill_of_that_point():
    low_only = {"done": False}

    def plant(columns, draw):
        if not low_only["done"]:
            fee_on(0.04, 0.011)(columns, draw)  # 1.5% of the model's bill, 5% of the point's
            low_only["done"] = True

    grid, _ = build_grid(bill_runs(plant))

    assert set(grid.prices) == {"small"}


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_cost_that_is_logged_on_some_runs_only_gives_prices_for_all(share):
    runs = bill_runs(missing("cost_usd", share))

    grid, _ = build_grid(runs)

    assert grid.prices["big"] == Price(3.0, 15.0, None, "derived")
    assert grid.fees == {}


def test_runs_with_a_cost_and_no_tokens_are_not_forgotten():
    def plant(columns, draw):
        missing("completion_tokens", 0.2)(columns, draw)
        fee_on(0.2, 0.05)(columns, draw)

    grid, findings = build_grid(bill_runs(plant))

    assert "big" not in grid.prices
    assert "40 runs have a cost and no tokens" in finding(findings, "logged_cost")[0]


def test_another_price_list_is_used_as_given_beside_the_fee_that_was_paid():
    runs = bill_runs(fee_on(0.01, 0.01))
    paid, _ = build_grid(runs)

    grid, findings = build_grid(runs, prices={"big": Price(6.0, 30.0)})

    assert grid.prices["big"] == Price(6.0, 30.0)
    assert grid.fees == paid.fees and len(grid.fees) == 2
    (text,) = finding(findings, "given_price")
    assert text.startswith(
        "the price given for big differs from its logged cost by 100% (median), and is used: tokens x"
    )
    assert "come to $6.19 where 200 runs of big cost $3.11" in text


def test_a_price_given_where_every_logged_cost_is_zero_is_used_and_said():
    grid, findings = build_grid(bill_runs(times(1.0, 0.0)), prices={"big": Price(3.0, 15.0)})

    assert grid.prices["big"] == Price(3.0, 15.0)
    assert "come to $3.09 where 200 runs of big cost $0.00" in finding(findings, "given_price")[0]


@pytest.mark.parametrize("factor", [0.5, 0.0])
def test_a_discount_on_many_calls_leaves_the_cost_logged_also_beside_a_given_price(factor):
    runs = bill_runs(times(0.3, factor))

    for prices in (None, GIVEN):
        grid, findings = build_grid(runs, prices=prices)
        assert "big" not in grid.prices
        assert finding(findings, "logged_cost")


@pytest.mark.parametrize("share", [0.55, 0.8, 1.0])
@pytest.mark.parametrize("fee_usd", [0.01, 5.0])
def test_a_fee_on_most_calls_is_no_other_price(share, fee_usd):
    runs = bill_runs(fee_on(share, fee_usd))

    grid, findings = build_grid(runs, prices=GIVEN)

    assert set(grid.prices) == {"small"}
    assert total_usd(runs, grid) == pytest.approx(logged_usd(runs), rel=1e-9)
    (text,) = finding(findings, "logged_cost")
    assert f"{round(200 * share)} runs cost more" in text


@pytest.mark.parametrize("factor", [0.5, 1.1, 2.0])
def test_a_price_list_that_changed_for_every_call_is_no_fee(factor):
    grid, findings = build_grid(bill_runs(times(1.0, factor)), prices=GIVEN)

    assert grid.prices["big"] == GIVEN["big"]
    assert "differs from its logged cost" in finding(findings, "given_price")[0]


def test_costs_rounded_to_few_digits_are_named():
    def plant(columns, draw):
        columns["cost_usd"] = np.round(columns["cost_usd"] / 200, 4)

    _, findings = build_grid(bill_runs(plant))

    assert any("cost_usd of big is rounded to $0.0001, and" in text for text in finding(findings, "note"))


def test_prices_that_no_model_has_ask_for_the_currency():
    def plant(columns, draw):
        columns["cost_usd"] = columns["cost_usd"] * 1e4

    _, findings = build_grid(bill_runs(plant))

    assert any(text.startswith("is cost_usd of big in USD? It gives $30,000.00") for text in finding(findings, "note"))


@pytest.mark.parametrize(
    "cost_usd, tokens, figure",
    [
        (lambda draw: 15.0 + draw, True, "is $"),  # the price of a million tokens in place of a call's cost
        (lambda draw: 15.0 + draw, False, None),
        (lambda draw: 250.0 + draw, False, "is $250."),
    ],
)
def test_costs_that_no_tokens_explain_ask_for_the_currency_where_no_model_costs_as_much(cost_usd, tokens, figure):
    def plant(columns, draw):
        columns["cost_usd"] = cost_usd(draw.random(len(columns["cost_usd"])))
        if not tokens:
            columns["completion_tokens"] = np.full(len(columns["cost_usd"]), np.nan)

    _, findings = build_grid(bill_runs(plant))

    asked = [text for text in finding(findings, "note") if text.startswith("is cost_usd of big in USD? It ")]
    assert len(asked) == (figure is not None) and all(figure in text for text in asked)


def test_means_over_queries_count_in_the_sum_and_not_in_the_price():
    table = bill_table()
    mean = table.filter([model == "big" for model in table["model"].to_pylist()])
    mean = mean.set_column(mean.schema.get_field_index("cost_usd"), "cost_usd", [[0.1] * len(mean)])
    mean = mean.append_column("cost_source", [["mean"] * len(mean)])
    runs = read_runs(table, mean)

    grid, _ = build_grid(runs)

    assert "big" not in grid.prices
    assert total_usd(runs, grid) == pytest.approx(logged_usd(runs), rel=1e-9)


@given(st.integers(0, 6), st.floats(1e-7, 1.0))
def test_the_decimal_unit_of_rounded_costs_is_found_again(digits, size):
    costs = np.round(size * np.random.default_rng(0).random(200), digits) + 0.0
    finest = max(len(f"{cost:.7f}".rstrip("0").partition(".")[2]) for cost in costs)

    assert decimal_unit(costs) == (10.0**-finest if finest < 7 else 0.0)


faults = st.one_of(
    st.builds(fee_on, st.floats(0, 1), st.floats(-10, 300).map(lambda mills: round(mills) / 1000)),
    st.builds(times, st.floats(0, 1), st.one_of(st.just(0.0), st.floats(0.01, 3))),
    st.builds(missing, st.sampled_from(["cost_usd", "completion_tokens", "prompt_tokens"]), st.floats(0, 0.9)),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(faults, max_size=3), st.integers(0, 1000), st.sampled_from([None, GIVEN]), st.integers(1, 5))
def test_tokens_times_prices_plus_fees_are_the_logged_sum_of_every_point(planted, seed, prices, trials):
    def plant(columns, draw):
        for fault in planted:
            fault(columns, draw)
        columns["trials"] = draw.integers(1, trials + 1, len(columns["cost_usd"])).astype(float)

    runs = bill_runs(plant, seed=seed, queries=40)
    grid, findings = build_grid(runs, prices=prices)

    at = [runs.points.index(point) for point in grid.points]
    if any("and is used" in text for text in finding(findings, "given_price")):
        return  # another price list, which is stated with both sums
    assert total_usd(runs, grid)[at] == pytest.approx(logged_usd(runs)[at], rel=1e-9, abs=1e-15)
