"""The grid of a log: its points, their prices, and findings about everything that was left out."""

import itertools

import numpy as np
import pyarrow as pa
import pytest

from paretoroute.errors import GridError
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.grid import Budget, Grid, Point, Price
from paretoroute.runs.align import grid_columns
from paretoroute.runs.findings import Finding
from paretoroute.runs.read import read_runs
from tests.fitting.points.priced_log import at, log_of


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
        Finding(
            "given_price",
            "the price given for small differs from its logged cost by 50% (median), and is used: tokens x prices come "
            "to $2.34 where 200 runs of small cost $1.56",
        ),
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
    assert text.startswith("left out, since nothing states what a call costs")
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


def test_prices_of_models_that_are_in_no_run_are_named_beside_the_model_that_has_none():
    runs = read_runs(log_of(np.random.default_rng(0), model="small"))

    with pytest.raises(GridError, match=r"and no price; give one .*; the prices name 'smal', which is in no run"):
        build_grid(runs, prices={"smal": Price(1.0, 2.0)})
