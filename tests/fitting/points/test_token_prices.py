"""Token prices: recovered from cost and tokens, and never invented."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.points.model_costs import derive_prices
from paretoroute.fitting.points.token_prices import DerivedPrice, _nonnegative
from paretoroute.grid import Price
from paretoroute.runs.read import read_runs
from tests.fitting.points.priced_log import at, log_of

prices = st.integers(1, 60_000).map(lambda cents: cents / 1000)


def price_of_small(*logs):
    return derive_prices(read_runs(*logs))["small"].price


@settings(max_examples=60)
@given(prices, prices, st.integers(0, 2**32 - 1))
def test_prices_are_found_again(input_price, output_price, seed):
    runs = read_runs(log_of(np.random.default_rng(seed), cost=at(input_price, output_price)))

    derived = derive_prices(runs)

    assert derived == {"small": DerivedPrice(Price(input_price, output_price, None, "derived"))}


@settings(max_examples=40)
@given(prices, prices, prices, st.integers(0, 2**32 - 1))
def test_cached_prices_are_found_again_where_cached_tokens_are_logged(input_price, output_price, cached_price, seed):
    rng = np.random.default_rng(seed)
    log = log_of(rng, cached=rng.random(200), cost=at(input_price, output_price, cached_price))

    if cached_price > input_price:
        assert derive_prices(read_runs(log))["small"].note.startswith("its cost would make a prompt token from a cache")
    else:
        assert price_of_small(log) == Price(input_price, output_price, cached_price, "derived")


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_price_of_tokens_written_to_a_cache_is_found_beside_that_of_tokens_read_from_it(seed):
    rng = np.random.default_rng(seed)
    prompt = rng.integers(100, 3000, 200).astype(float)
    written = np.floor(0.5 * rng.random(200) * prompt) * (rng.random(200) < 0.5)

    def cost(prompt, completion, cached):
        return at(3.0, 15.0, 0.3)(prompt, completion, cached) + written * (3.75 - 3.0) / 1e6

    log = log_of(rng, prompt=prompt, cached=0.5 * rng.random(200), cost=cost)
    log = log.append_column("cache_write_tokens", [written])

    assert price_of_small(log) == Price(3.0, 15.0, 0.3, "derived", 3.75)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 8))
def test_a_few_calls_billed_otherwise_do_not_bend_the_prices(seed, odd):
    rng = np.random.default_rng(seed)

    def cost(prompt, completion, cached):
        paid = at(3.0, 15.0)(prompt, completion, None)
        paid[:odd] *= rng.uniform(0.1, 10.0, odd)
        return paid

    assert price_of_small(log_of(rng, cost=cost)) == Price(3.0, 15.0, None, "derived")


def test_cost_rounded_to_a_millionth_still_gives_prices_within_the_rounding():
    log = log_of(np.random.default_rng(0), 2000, cost=lambda p, c, _: np.round(at(0.15, 0.6)(p, c, None), 6))

    price = price_of_small(log)

    assert price.input_usd_per_mtok == pytest.approx(0.15, rel=5e-3)
    assert price.output_usd_per_mtok == pytest.approx(0.6, rel=5e-3)


def test_a_price_of_zero_for_one_side_is_found():
    log = log_of(np.random.default_rng(0), cost=at(0.0, 2.0))

    assert price_of_small(log) == Price(0.0, 2.0, None, "derived")


def test_cost_that_tokens_do_not_explain_gives_no_price_and_says_why():
    rng = np.random.default_rng(0)
    log = log_of(rng, cost=lambda p, c, _: at(1.0, 2.0)(p, c, None) + rng.uniform(0.0, 0.02, len(p)))

    derived = derive_prices(read_runs(log))["small"]

    assert derived.price is None
    assert derived.note.startswith("cost is not explained by tokens x price (caching, tools or a changed price?)")


def test_a_price_that_changed_half_way_gives_no_price():
    rng = np.random.default_rng(0)
    log = log_of(rng, cost=lambda p, c, _: at(1.0, 2.0)(p, c, None) * np.where(np.arange(len(p)) % 2, 1.0, 0.5))

    assert price_of_small(log) is None


@pytest.mark.parametrize(("side", "word"), [("prompt", "input"), ("completion", "output")])
def test_a_side_without_tokens_gets_no_price(side, word):
    log = log_of(np.random.default_rng(0), cost=at(1.0, 2.0), **{side: 0.0})

    derived = derive_prices(read_runs(log))["small"]

    assert derived.price is None
    assert f"{side} tokens are always 0, so that the {word} price cannot be derived" in derived.note


def test_tokens_in_one_proportion_leave_the_cost_logged_since_their_prices_cannot_be_told_apart():
    rng = np.random.default_rng(0)
    prompt = rng.integers(10, 1000, 50).astype(float)
    runs = read_runs(log_of(rng, 50, prompt=prompt, completion=2 * prompt, cost=at(1.0, 2.0)))

    derived = derive_prices(runs)["small"]

    assert derived.price is None
    assert "only their joint price is known" in derived.note
    assert [finding.kind for finding in build_grid(runs)[1]] == ["logged_cost"]


def test_rows_whose_cost_is_a_mean_are_left_out():
    rng = np.random.default_rng(0)
    true = log_of(rng, cost=at(1.0, 2.0), cost_source="sample")
    mean = log_of(rng, cost=lambda p, c, _: np.full(len(p), 0.5), cost_source="mean")

    assert price_of_small(true, mean) == Price(1.0, 2.0, None, "derived")
    assert price_of_small(mean) is None


def best_of_all_subsets(design, weight):
    """Minimise over ``x >= 0`` by trying each set of positive prices."""
    width = design.shape[1]
    rows = design * weight[:, None]
    best, least = np.zeros(width), float(weight @ weight)
    for size in range(1, width + 1):
        for chosen in map(list, itertools.combinations(range(width), size)):
            trial = np.zeros(width)
            trial[chosen] = np.linalg.lstsq(rows[:, chosen], weight, rcond=None)[0]
            error = float(np.sum((rows @ trial - weight) ** 2))
            if (trial >= 0).all() and error < least:
                best, least = trial, error
    return best


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(2, 3))
def test_nonnegative_least_squares_meets_its_optimality_conditions_and_is_the_best_of_all_subsets(seed, width):
    rng = np.random.default_rng(seed)
    design = rng.normal(0.3, 1.0, (12, width))
    weight = rng.uniform(0.1, 2.0, 12)

    prices = _nonnegative(design, weight)

    gradient = (design * weight[:, None]).T @ (weight * (design @ prices - 1.0))
    assert (prices >= 0).all()
    assert (gradient >= -1e-9).all()  # no price wants to rise
    assert np.abs(gradient * prices).max() < 1e-9  # and those that are positive do not want to fall
    assert prices == pytest.approx(best_of_all_subsets(design, weight), abs=1e-9)


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_prices_are_exact_where_columns_and_weights_are_of_very_different_sizes(seed):
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-4, 4, 3)
    true = np.array([1.0, 3.0, 0.0]) / scale
    design = rng.lognormal(0, 1, (50, 3)) * scale
    design /= (design @ true)[:, None]

    prices = _nonnegative(design, 10.0 ** rng.uniform(0, 4.5, 50))

    assert prices * scale == pytest.approx(true * scale, abs=1e-9)
