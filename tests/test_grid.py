"""The grid and its one formula from tokens and prices to USD."""

import re

import numpy as np
import pytest

from paretoroute.errors import GridError
from paretoroute.grid import Between, Budget, Grid, Point, Price, UnloggedColumn, cost_usd, forecast_cost_usd

LOW, HIGH = (Point("big", Budget("effort", label)) for label in ("low", "high"))
PLAIN = Point("small", Budget())
PRICES = {"big": Price(2.0, 10.0, 0.5)}


def test_cost_is_tokens_times_prices_and_the_amount_itself_where_there_is_no_price():
    grid = Grid((LOW, PLAIN), PRICES)

    cost = cost_usd(np.array([[100.0, 0.003]]), np.array([[1000.0, np.nan]]), grid)

    assert cost == pytest.approx(np.array([[(1000 * 2 + 100 * 10) / 1e6, 0.003]]))


def test_billed_prompt_tokens_cost_what_the_prices_of_a_run_do():
    prices = {"big": Price(2.0, 10.0, 0.5, cache_write_usd_per_mtok=2.5)}
    tokens = {name: np.array([[number]] * 2).T for name, number in (("prompt_tokens", 1000.0), ("cached", 400.0))}

    billed = Grid((LOW, PLAIN), prices).billed_prompt(**tokens, written=np.array([[100.0, np.nan]]))

    assert billed.tolist() == [[1000 - 0.75 * 400 + 0.25 * 100, 1000.0]]
    own = prices["big"].cost_usd(np.array([1000.0]), np.array([50.0]), np.array([400.0]), cache_write_tokens=100.0)
    assert cost_usd(np.array([50.0]), billed[0, :1], Grid((LOW,), prices)) == pytest.approx(own)


def test_a_fee_is_added_to_every_call_of_its_point_and_lies_between_those_of_the_neighbours():
    middle = Point("big", Budget("effort", "medium"))
    grid = Grid((LOW, middle, HIGH, PLAIN), PRICES, {middle: Between("low", "high", 0.25)}, {LOW: -0.004, HIGH: 0.002})

    assert grid.fee_usd == pytest.approx([-0.004, -0.0025, 0.002, 0.0])
    tokens = np.array([100.0, 100.0, 100.0, 0.003])
    by_tokens = (1000 * 2 + 100 * 10) / 1e6
    expected = [by_tokens - 0.004, by_tokens - 0.0025, by_tokens + 0.002, 0.003]
    assert cost_usd(tokens, np.full(4, 1000.0), grid) == pytest.approx(expected)
    assert forecast_cost_usd(tokens, np.full(4, 1000.0), grid)[0] == 0.0


def test_token_prices_are_per_token_and_nan_where_a_model_has_none():
    prices = Grid((LOW, PLAIN), PRICES).token_prices

    assert prices.prompt == pytest.approx([2e-6, np.nan], nan_ok=True)
    assert prices.priced.tolist() == [True, False]


def test_points_are_told_apart_by_their_key_which_leaves_the_amount_out():
    assert Point("a", Budget("thinking_tokens", "8k", 8000)).key == Point("a", Budget("thinking_tokens", "8k")).key
    assert LOW.key != HIGH.key


def test_a_point_that_was_never_logged_is_placed_by_the_columns_of_its_neighbours():
    middle = Point("big", Budget("effort", "medium"))
    between = {middle: Between("low", "high", 0.5)}

    assert Grid((HIGH, LOW, middle), between=between).unlogged == (UnloggedColumn(2, 1, 0, 0.5),)
    with pytest.raises(GridError, match=re.escape("is forecast from big@high, which is not in the grid")):
        _ = Grid((LOW, middle), between=between).unlogged


def test_a_point_that_is_named_twice_is_refused_by_name():
    with pytest.raises(GridError, match="the grid names point 'big@low' twice; keep one of them"):
        Grid((LOW, PLAIN, LOW))


def test_an_unknown_or_ambiguous_name_is_refused_with_the_near_ones():
    twins = Grid((Point("a", Budget("effort", "1")), Point("a", Budget("samples", "1", 1))))

    with pytest.raises(GridError, match=re.escape("point 'big@lo' is not in the grid; near: 'big@low', 'big@high'")):
        Grid((LOW, HIGH, PLAIN)).index("big@lo")
    with pytest.raises(GridError, match="point 'a@1' is ambiguous: budgets of kinds effort, samples share this name"):
        twins.index("a@1")
