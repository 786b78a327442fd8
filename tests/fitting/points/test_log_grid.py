"""Prices: found again in cost and tokens, never made up, and joined with a grid that is given."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.errors import GridError
from paretoroute.fitting.points.log_grid import build_grid, derive_prices
from paretoroute.fitting.points.token_prices import DerivedPrice, _nonnegative
from paretoroute.grid import Budget, Grid, Point, Price
from paretoroute.runs.align import grid_columns
from paretoroute.runs.findings import Finding
from paretoroute.runs.read import read_runs

prices = st.integers(1, 60_000).map(lambda cents: cents / 1000)


def log_of(rng, runs=200, *, model="small", prompt=None, completion=None, cached=None, cost=None, **more):
    """Runs of one model, one query each; ``cost`` is computed by the caller's function of the tokens."""
    prompt = rng.integers(10, 3000, runs).astype(float) if prompt is None else np.broadcast_to(prompt, runs) * 1.0
    completion = rng.integers(10, 6000, runs).astype(float) if completion is None else completion * np.ones(runs)
    columns = {
        "query_id": [f"q{i}" for i in range(runs)],
        "model": [model] * runs,
        "quality": np.ones(runs),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
    }
    if cached is not None:
        columns["cached_prompt_tokens"] = cached = np.floor(cached * prompt)
    if cost is not None:
        columns["cost_usd"] = cost(prompt, completion, cached)
    return pa.table(columns | {name: [value] * runs for name, value in more.items()})


def at(input_price, output_price, cached_price=None):
    def cost(prompt, completion, cached):
        fresh = prompt if cached is None else prompt - cached
        paid = fresh * input_price + completion * output_price
        return (paid if cached is None else paid + cached * cached_price) / 1e6

    return cost


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

    assert price_of_small(log) == Price(input_price, output_price, cached_price, "derived")


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


def test_the_grid_has_derived_prices_and_says_so():
    rng = np.random.default_rng(0)
    runs = read_runs(
        log_of(rng, cost=at(1.0, 2.0)),
        log_of(rng, model="tools", cost=lambda p, c, _: rng.uniform(0.1, 1.0, len(p))),
    )

    grid, findings = build_grid(runs)

    assert grid == Grid(runs.points, {"small": Price(1.0, 2.0, None, "derived")})
    text = "price of small derived from its logged cost, in USD per million tokens: input 1, output 2"
    assert findings[0] == Finding("price", text)
    assert findings[1].kind == "logged_cost"
    assert findings[1].text.startswith("cost: logged for tools: cost is not explained by tokens x price")


def test_given_prices_win_and_a_difference_from_what_was_paid_is_said():
    runs = read_runs(log_of(np.random.default_rng(0), cost=at(1.0, 2.0)))
    mine, theirs = Price(1.5, 3.0), Price(9.0, 9.0)

    grid, findings = build_grid(runs, Grid(runs.points, {"small": theirs}), {"small": mine, "absent": mine})

    assert grid.prices == {"small": mine}
    assert findings == (
        Finding("given_price", "the price given for small differs from its logged cost by 50% (median)"),
        Finding("given_price", "prices given for models that are not in the log: absent"),
    )
    assert build_grid(runs, prices={"small": Price(1.0, 2.0)})[1] == ()


def test_models_with_tokens_and_neither_cost_nor_price_are_left_out_and_the_way_back_is_told():
    rng = np.random.default_rng(0)
    unpriced = (log_of(rng, model="new"), log_of(rng, model="newer"))
    runs = read_runs(log_of(rng, cost=at(1.0, 2.0)), *unpriced)

    grid, findings = build_grid(runs)

    assert grid.models == ("small",)
    (text,) = (finding.text for finding in findings if finding.kind == "grid")
    assert text.startswith("left out, since nothing says what a call costs")
    assert "model 'new' has tokens but no cost" in text and "(likewise 'newer')" in text and "input: USD" in text
    grid, _ = build_grid(runs, prices={"new": Price(1.0, 2.0), "newer": Price(1.0, 2.0)})
    assert set(grid.prices) == {"small", "new", "newer"}
    with pytest.raises(GridError, match=r"model 'new' has tokens but no cost .*\(likewise 'newer'\); .*input: USD"):
        build_grid(read_runs(*unpriced))


def test_a_budget_without_a_cost_is_left_out_and_the_others_of_its_model_stay():
    table = {"query": ["a", "b"], "model": ["m", "m"], "quality": [1.0, 0.0], "cost_usd": [0.5, None]}
    runs = read_runs(pa.table({**table, "budget_kind": ["effort"] * 2, "budget_label": ["low", "high"]}))

    grid, findings = build_grid(runs)

    assert grid.names == ("m@low",)
    assert Finding("grid", "left out, since no run of them has a cost: m@high") in findings


def test_a_model_without_tokens_takes_its_logged_cost_and_no_price():
    log = pa.table({"query": ["a"], "model": ["small"], "quality": [1.0], "cost_usd": [0.5]})

    grid, findings = build_grid(read_runs(log), prices={"small": Price(1.0, 2.0)})

    assert grid.prices == {}
    text = "cost: logged for small: 'small@default' has no tokens logged, so that no price applies"
    assert findings == (Finding("logged_cost", text),)
    with pytest.raises(GridError, match="'small@default' has no cost in the log"):
        build_grid(read_runs(log.drop_columns("cost_usd")))


def test_a_given_grid_keeps_its_order_drops_what_was_never_logged_and_ignores_other_runs():
    rng = np.random.default_rng(0)
    cost = at(1.0, 2.0)
    runs = read_runs(*(log_of(rng, 50, model=model, cost=cost) for model in ("a", "b", "c")))
    wanted = Grid((Point("c", Budget()), Point("x", Budget()), Point("a", Budget())))

    grid, findings = build_grid(runs, wanted)

    assert grid.names == ("c@default", "a@default")
    assert grid_columns(runs, grid).tolist() == [1, -1, 0]
    assert findings[:2] == (
        Finding("grid", "never logged: it cannot be chosen: x@default"),
        Finding("grid", "50 runs are of points that are not in the grid and are ignored: b@default"),
    )
    with pytest.raises(GridError, match="no point of the grid was logged; the log has a@default, b@default"):
        build_grid(runs, Grid((Point("x", Budget()),)))


@pytest.mark.parametrize(("in_grid", "in_log"), list(itertools.product([None, 8000.0], repeat=2)))
def test_either_side_may_give_the_amount_of_a_budget(in_grid, in_log):
    budget = {"budget_kind": "thinking_tokens", "budget_label": "long", "budget": in_log}
    runs = read_runs(log_of(np.random.default_rng(0), cost=at(1.0, 2.0), **budget))

    grid, _ = build_grid(runs, Grid((Point("small", Budget("thinking_tokens", "long", in_grid)),)))

    assert grid.points[0].budget.amount == (in_grid or in_log)
    assert grid_columns(runs, grid).tolist() == [0]


def test_a_grid_and_a_log_that_disagree_about_an_amount_are_an_error():
    budget = {"budget_kind": "thinking_tokens", "budget_label": "long", "budget": 4000}
    runs = read_runs(log_of(np.random.default_rng(0), cost=at(1.0, 2.0), **budget))

    with pytest.raises(GridError, match="point 'small@long': the grid says its amount is 8000, the log says 4000"):
        build_grid(runs, Grid((Point("small", Budget("thinking_tokens", "long", 8000.0)),)))
