"""Arguments of any type are taken, or refused with an error of the package's own tree."""

import datetime
import decimal
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import paretoroute as pr
from tests.planner_cases import fitted

TABLE = np.full((3, 2), 0.5)
FORECAST = pr.Forecast(TABLE, np.ones((3, 2)))
VALUES = [
    None, True, 0, -1, 1.5, 10**400, math.nan, math.inf, "", "1", "x", "\ud800", "1e999", b"x", [], [1], ["x"], [None],
    [[1, 2], [3]], [math.nan], (1, 2), {}, {"a": 1}, {"quality": None}, {1}, object(), int, np.float64(1), np.int64(3),
    np.array(1.0), np.array([1.0, 2.0]), np.array([]), np.array([["a"]]), np.array([None]), 1 + 2j,
    decimal.Decimal(1), datetime.date(2020, 1, 1), np.datetime64("2020-01-01"), range(3), iter([1]), pr.MaxCost(0.01),
    [pr.MaxShare(0.5, "nope")],
]  # fmt: skip
LABELLED = {"of": "code", "by": "tag"}
CALLS = {
    pr.Forecast: {"quality": TABLE, "cost_usd": TABLE, "latency_s": None, "callable": None, "labels": None},
    pr.MaxCost: {"usd": 1.0},
    pr.MinQuality: {"quality": 0.5},
    pr.BestTrade: {"usd_per_quality": 1.0},
    pr.MaxShare: {"share": 0.5, "of": "a"},
    pr.MaxMeanLatency: {"seconds": 1.0, **LABELLED},
    pr.MaxCostOf: {"usd": 1.0, **LABELLED},
    pr.MinQualityOf: {"quality": 0.5, **LABELLED},
    pr.MaxCallLatency: {"seconds": 1.0, "quantile": 0.9},
    pr.MaxCallCost: {"usd": 1.0, "quantile": 0.9},
    pr.ContextLength: {"tokens": 100, "of": "a"},
    pr.Forbid: {"models": ["a"], **LABELLED},
    pr.Require: {"models": ["a"], **LABELLED},
    pr.parse_limit: {"text": "never a"},
    pr.Budget: {"kind": "effort"},
    pr.solve: {"forecast": FORECAST, "target": pr.MaxCost(2.0), "limits": (), "seed": 0},
    pr.frontier: {"forecast": FORECAST},
    pr.read_grid: {"path": "missing"},
    pr.read_prices: {"path": "missing"},
}
PLANNED = {
    "query": "Why?", "query_id": None, "embedding": None, "max_cost_usd": None, "min_quality": None,
    "max_latency_s": None, "models": None, "price": None, "callable": None, "tag": None, "tenant": None, "step": None,
}  # fmt: skip


def check(call, arguments):
    for name in arguments:
        for value in VALUES:
            try:
                call(**{**arguments, name: value})
            except pr.ParetorouteError as error:
                assert str(error)
            except Exception as error:
                raise AssertionError(f"{call.__name__}({name}={value!r}): {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_value_of_any_type_is_taken_or_refused(call):
    check(call, CALLS[call])


def test_a_planner_takes_or_refuses_any_argument():
    planner = pr.Planner(fitted().policy)
    check(planner.plan, PLANNED)
    check(planner.start_task, {"steps": ["plan"], "max_cost_usd": 1.0})
    check(pr.Planner, {"policy": planner.policy, "dialect": None, "seed": 0})


FRAME = {"query": ["a", "b"], "model": ["m", "m"], "quality": [1.0, 0.0]}
ODD = {
    "complex": [1j, 2j], "categories": pd.Categorical(["a", "b"]), "dates": pd.to_datetime(["2020", "2021"]),
    "durations": pd.to_timedelta([1, 2]), "huge": [10**5000, 1], "nested": [{"a": [1]}, [{"b": ()}]], "mixed": [1, "x"],
    "bytes": [b"a", b"\xff"], "sets": [{1}, {2}], "arrays": [np.ones(2), np.ones(3)], "none": [None, None],
    "zoned": pd.to_datetime(["2020", "2021"]).tz_localize("UTC"), "periods": pd.period_range("2020", periods=2),
    "intervals": pd.interval_range(0, 2), "decimals": [decimal.Decimal("NaN"), decimal.Decimal(1)],
}  # fmt: skip


def column_of(kind):
    """Make a column; older versions of pandas infer no type for integers beyond every float."""
    return pd.Series(ODD[kind], dtype=object) if kind == "huge" else ODD[kind]


@pytest.mark.parametrize("column", [*FRAME, "query_id", "cost_usd", "budget", "tag", "embedding", "other"])
@pytest.mark.parametrize("kind", ODD)
def test_a_column_of_any_type_is_read_or_refused(column, kind):
    try:
        pr.read_runs(pd.DataFrame({**FRAME, column: column_of(kind)}))
    except pr.ParetorouteError as error:
        assert str(error)


def test_a_column_that_stands_twice_is_refused():
    frame = pd.DataFrame(FRAME)
    with pytest.raises(pr.RunsError, match="two columns"):
        pr.read_runs(pd.concat([frame, frame[["quality"]]], axis=1))


PARTS = [
    "never ", "only ", "share of ", "m", " at most ", "1e999", "0.9.5", "-", " at quantile ", " s", " tokens", "$",
    "latency of a call", "cost of a call", "context of ", "mean latency", " of tag ", " at least ",
]  # fmt: skip
TEXTS = st.text() | st.lists(st.sampled_from(PARTS)).map("".join)


@given(TEXTS)
def test_any_text_of_a_limit_is_read_or_refused(text):
    try:
        limit = pr.parse_limit(text)
    except pr.TargetError:
        return
    assert pr.parse_limit(str(limit)) == limit
