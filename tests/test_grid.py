"""The grid and its one formula from tokens and prices to USD."""

import re

import numpy as np
import pytest

from paretoroute.errors import GridError
from paretoroute.grid import Between, Budget, Grid, Point, Price, UnloggedColumn, cost_usd

LOW, HIGH = (Point("big", Budget("effort", label)) for label in ("low", "high"))
PLAIN = Point("small", Budget())
PRICES = {"big": Price(2.0, 10.0, 0.5)}


def test_cost_is_tokens_times_prices_and_the_amount_itself_where_there_is_no_price():
    grid = Grid((LOW, PLAIN), PRICES)

    cost = cost_usd(np.array([[100.0, 0.003]]), np.array([[1000.0, np.nan]]), grid)

    assert cost == pytest.approx(np.array([[(1000 * 2 + 100 * 10) / 1e6, 0.003]]))


def test_cached_prompt_tokens_are_billed_at_their_own_price():
    tokens = np.array([1000.0]), np.array([100.0]), np.array([400.0])

    assert PRICES["big"].cost_usd(*tokens) == pytest.approx((600 * 2 + 400 * 0.5 + 100 * 10) / 1e6)
    assert Price(2.0, 10.0).cost_usd(*tokens) == pytest.approx((1000 * 2 + 100 * 10) / 1e6)
    assert Price(0.0, 10.0, 0.5).cost_usd(*tokens) == pytest.approx((400 * 0.5 + 100 * 10) / 1e6)


def test_billed_prompt_tokens_cost_what_the_prices_of_a_run_do():
    grid = Grid((LOW, PLAIN), PRICES)
    prompt, completion, cached = np.array([1000.0]), np.array([100.0]), np.array([400.0])

    billed = prompt - cached * grid.cache_discounts[:1]

    assert grid.cache_discounts.tolist() == [0.75, 0.0]
    assert cost_usd(completion, billed, Grid((LOW,), PRICES)) == pytest.approx(
        PRICES["big"].cost_usd(prompt, completion, cached)
    )


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
