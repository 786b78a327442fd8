"""Arguments of any type are taken, or refused with an error of the package's own tree."""

import datetime
import decimal
import fractions
import math
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.errors import shown
from tests.planner_cases import fitted

TABLE = np.full((3, 2), 0.5)
FORECAST = pr.Forecast(TABLE, np.ones((3, 2)))


class Hostile:
    """An object none of whose methods works."""

    def _raise(self, *_, **__):
        raise ZeroDivisionError("hostile")

    __eq__ = __len__ = __iter__ = __str__ = __repr__ = __bool__ = __hash__ = __float__ = __index__ = __array__ = _raise
    __getitem__ = __contains__ = __lt__ = __gt__ = __le__ = __ge__ = __fspath__ = _raise


VALUES = [
    None, True, 0, -1, 1.5, 10**400, math.nan, math.inf, "", "1", "x", "\ud800", "1e999", b"x", [], [1], ["x"], [None],
    [[1, 2], [3]], [math.nan], (1, 2), {}, {"a": 1}, {"quality": None}, {1}, object(), int, np.float64(1), np.int64(3),
    np.array(1.0), np.array([1.0, 2.0]), np.array([]), np.array([["a"]]), np.array([None]), 1 + 2j,
    decimal.Decimal(1), datetime.date(2020, 1, 1), np.datetime64("2020-01-01"), range(3), iter([1]), pr.MaxCost(0.01),
    [pr.MaxShare(0.5, "nope")], Hostile(), [Hostile()], {"small": Hostile()}, fractions.Fraction(1, 2), range(10**12),
    -0.0,
    np.array([True, False]), np.zeros((3, 2)), np.bool_(True), np.str_("x"), decimal.Decimal("sNaN"),
    pathlib.Path("x"), pd.NA,
    pd.NaT, pd.Series([1.0]), pd.DataFrame({"a": [1]}), pa.array([1]), (letter for letter in "ab"), "9" * 5000,
    "\u0663",
    {"small": pr.Price(-1.0, 2.0)}, {"small": pr.Price(1.0, math.inf)}, {"small": pr.Price(10**400, 2.0)},
    {1: pr.Price(1.0, 2.0)},
    {"nope": pr.Price(1.0, 2.0)}, {"small": (1, 2)}, {"small": pr.Price(math.nan, 1.0)}, pr.Point("a", pr.Budget()),
    lambda text: [],
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
    pr.Budget: {"kind": "effort", "label": "low", "amount": None},
    pr.Point: {"model": "a", "budget": pr.Budget()},
    pr.Price: {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0, "cached_input_usd_per_mtok": None},
    pr.Grid: {"points": (pr.Point("a", pr.Budget()),), "prices": {}, "between": {}, "fees": {}},
    pr.solve: {"forecast": FORECAST, "target": pr.MaxCost(2.0), "limits": (), "seed": 0},
    pr.frontier: {"forecast": FORECAST},
    pr.read_grid: {"path": "missing"},
    pr.read_prices: {"path": "missing"},
    pr.PublicKey: {"raw": b"k" * 32, "name": "key.pub.pem"},
    pr.sign_policy: {"path": "missing", "key": "missing", "passphrase": None},
    pr.verify_signature: {"path": "missing", "trusted_keys": [pr.PublicKey(b"b" * 32)]},
}
PLANNED = {
    "query": "Why?", "query_id": None, "embedding": None, "max_cost_usd": None, "min_quality": None,
    "max_latency_s": None, "models": None, "price": None, "callable": None, "tag": None, "tenant": None, "step": None,
    "previous": "small@default", "cached_tokens": 0.0, "cached_price_ratio": 0.1, "switch_margin": 0.0,
}  # fmt: skip


def check(call, arguments):
    for name in arguments:
        for value in VALUES:
            try:
                call(**{**arguments, name: value})
            except pr.ParetorouteError as error:
                assert 0 < len(str(error)) < 5000
            except Exception as error:
                raise AssertionError(f"{call.__name__}({name}={shown(value)}): {type(error).__name__}") from error


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_value_of_any_type_is_taken_or_refused(call):
    check(call, CALLS[call])


def test_a_planner_takes_or_refuses_any_argument():
    planner = pr.Planner(fitted().policy)
    check(planner.plan, PLANNED)
    check(planner.start_task, {"steps": ["plan"], "max_cost_usd": 1.0})
    check(pr.Planner, {"policy": planner.policy, "dialect": None, "seed": 0, "safe_point": None})
    check(planner.plan_batch, {"queries": ["a"], "query_ids": None})
    check(planner.figures, {"query": "a", "step": None, "max_cost_usd": None})
    check(planner.plan("Why?").request_kwargs, {"dialect": "openai"})
    check(planner.plan("Why?").to_row, {"answered_by": None})
    check(planner.plan("Why?").fallback_calls[0].request_kwargs, {"dialect": "openai"})


def test_a_log_of_decisions_takes_or_refuses_any_argument(tmp_path):
    log, decision = pr.DecisionLog(tmp_path / "decisions.jsonl"), pr.Planner(fitted().policy).plan("Why?")
    numbers = ("cost_usd", "prompt_tokens", "latency_s", "trials", "score")
    columns = dict.fromkeys((*numbers, "tag", "conversation", "answered_by"))

    check(pr.DecisionLog, {"path": tmp_path / "decisions.jsonl"})
    check(log.append, {"decision": decision, "query": "Why?", "quality": 1.0, **columns})
    reasons = {bad.reason.partition(" (")[0] for bad in pr.read_runs(log.path).set_aside}
    assert reasons <= {"negative"}  # a cost of -1 is a refund that no other run explains
    check(log.append, {"decision": decision, "query": "Why?", "quality": 1.0, "embedding": None})


@pytest.mark.parametrize("value", [fractions.Fraction(1, 100), np.float32(0.01), 1])
def test_a_call_takes_any_real_number(value):
    planner = pr.Planner(fitted().policy)

    numbers = {"max_cost_usd": value, "min_quality": value, "max_latency_s": value, "price": value}
    decision = planner.plan("Why?", query_id="a", **numbers)

    same = planner.plan("Why?", query_id="a", **{name: float(number) for name, number in numbers.items()})
    assert decision.why == same.why and decision.expected_cost_usd == same.expected_cost_usd


def test_a_task_and_the_table_of_runs_take_or_refuse_any_argument():
    planner, runs = pr.Planner(fitted().policy), fitted().runs

    def plan(**arguments):
        return planner.start_task(["plan", "write"], max_cost_usd=1.0).plan(**arguments)

    check(plan, {"step": "plan", "query": "Why?", "query_id": None})
    check(runs.select, {"queries": np.ones(len(runs.query_ids), bool)})
    check(runs.means, {"column": "quality"})
    check(pr.frontier(FORECAST).choice, {"breakpoints": 0})


def test_reading_takes_or_refuses_any_argument():
    def read(source=None, **arguments):
        return pr.read_runs(pd.DataFrame(FRAME) if source is None else source, **arguments)

    check(read, {"source": None, "columns": None, "strict": False, "quality_scale": None, "join": "id"})


UNFITTED = [value for value in VALUES if not (value is None or isinstance(value, (str, bool, int, np.integer)))]


@pytest.mark.parametrize("name", ["target", "limits", "grid", "add_points", "prices", "seed", "name"])
def test_a_fit_refuses_arguments_before_it_starts(name):
    refused = 0
    for value in UNFITTED:
        is_empty = isinstance(value, list | tuple | dict | set) and not value
        is_valid = isinstance(value, pr.MaxCost) or (isinstance(value, dict) and "nope" in value)
        if not (is_empty or is_valid):
            with pytest.raises(pr.ParetorouteError):
                pr.fit(fitted().runs, **{name: value}, progress=_stop)
            refused += 1
    assert refused > 30


@pytest.mark.parametrize("queries", [{"a": 1}, pd.DataFrame({"query": ["Why?"]})], ids=["dict", "frame"])
def test_a_batch_of_a_table_is_refused_since_its_names_would_be_planned(queries):
    with pytest.raises(pr.QueryError, match="lists its keys; name one column"):
        pr.Planner(fitted().policy).plan_batch(queries)


def test_a_fit_and_a_monitor_take_the_numbers_of_numpy(tmp_path):
    prices = {model: pr.Price(np.float32(1), np.int64(2)) for model in {point.model for point in fitted().runs.points}}

    policy = pr.fit(fitted().runs, pr.MaxCost(np.float32(1.0)), prices=prices, seed=np.int64(0))

    policy.save(tmp_path / "policy.yaml")
    assert pr.Planner.load(tmp_path / "policy.yaml").plan("Why?").status
    assert pr.Monitor(policy, horizon_calls=np.int64(100), false_alarms=np.float32(0.1)).report().calls == 0


def _stop(step):
    raise AssertionError(f"the fit started: {step}")


def test_a_solution_takes_or_refuses_any_argument():
    policy = fitted().policy
    values = {"target": None, "limits": None, "prices": None}
    for name in values:
        for value in VALUES:
            try:
                policy.solve(**{**values, name: value})
            except pr.ParetorouteError as error:
                assert 0 < len(str(error)) < 5000


def test_a_comparison_refuses_routers_that_are_none():
    for routers in ("x", [1], [object()], {1: 2}, Hostile(), range(10**12)):
        with pytest.raises(pr.ParetorouteError):
            pr.compare(fitted().runs, routers=routers, progress=_stop)


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
