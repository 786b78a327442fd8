"""Comparisons on logs whose truth is known."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from paretoroute.errors import RunsError
from paretoroute.evaluation.compare import BASELINES, compare
from paretoroute.evaluation.comparison import Comparison
from paretoroute.evaluation.routers.priced import priced
from paretoroute.evaluation.routers.static_mixture import StaticMixture
from paretoroute.runs.read import read_runs
from tests.synthetic_log import make_runs, table_of

# A log without missing cells is fitted without JAX; each fold of one with missing cells needs programs of its own.
SIGNAL = {"queries": 400, "one_hole": True}
NO_SIGNAL = {"queries": 300, "signal": False, "seed": 3}


@pytest.fixture(scope="module")
def signal() -> Comparison:
    return compare(make_runs(**SIGNAL), folds=2)


@pytest.fixture(scope="module")
def no_signal() -> Comparison:
    return compare(make_runs(**NO_SIGNAL), folds=3)


def by_name(comparison: Comparison) -> dict:
    return {row.name: row for row in comparison.rows}


def test_with_a_strong_signal_the_oracle_leads_and_the_default_leads_the_static_mixture(signal):
    row = by_name(signal)

    assert row["oracle"].gain.value >= row["paretoroute"].gain.value >= row["static"].gain.value
    assert row["static"].lead.low > 5, "the kinds of query want different points"
    assert row["oracle"].lead.high < 0
    assert signal.solved_policies.gain.low > 5
    assert row["paretoroute"].peak_quality > signal.best_single_quality + 0.05
    assert row["paretoroute"].cost_usd_at_best_single < 0.7 * signal.best_single_cost_usd
    assert row["oracle"].fair_gain.value >= row["paretoroute"].fair_gain.value >= row["static"].fair_gain.value
    assert abs(row["static"].fair_gain.value) < 1, "the static mixture is its own baseline"
    fair = [r.fair_gain.value for r in signal.rows]
    assert fair == sorted(fair, reverse=True)


def test_without_a_signal_the_differences_are_not_significant(no_signal):
    row = by_name(no_signal)

    assert abs(row["static"].lead.value) < 3
    assert row["static"].lead.low < 0.5 and row["static"].lead.high > -0.5
    assert no_signal.solved_policies.gain.low < 0.5
    assert "not significant at 90%" in no_signal.verdict


def test_the_verdict_names_the_best_rival_and_the_figures_of_the_table(signal):
    rivals = [row for row in signal.rows if row.name not in ("paretoroute", "oracle")]
    lead = rivals[0].fair_lead

    side = "ahead of" if lead.value >= 0 else "behind"
    assert signal.verdict.startswith(f"paretoroute is {side} {rivals[0].name}, the best of the others, by ")
    assert f"by {abs(lead.value):.2f} quality points" in signal.verdict
    assert f"{signal.solved_policies.gain.value:+.2f}" in signal.verdict


def test_the_same_runs_and_seed_give_the_same_comparison_however_the_rows_are_ordered(no_signal):
    table = table_of(**NO_SIGNAL)
    shuffled = table.take(np.random.default_rng(0).permutation(len(table)))
    steps = []

    again = compare(read_runs(shuffled), folds=3, progress=steps.append)

    assert again.to_json() == no_signal.to_json()
    assert steps[0] == "fold 1 of 3: paretoroute" and steps[-1].startswith(
        "fold 3 of 3: oracle (17 of 18 steps done, about "
    )


def test_each_query_is_forecast_by_a_router_that_never_saw_its_group():
    seen = []

    @dataclass(frozen=True)
    class Spy:
        name: str = "spy"

        def fit(self, training):
            def predict(batch):
                seen.append((set(training.runs.query_ids), set(batch.query_ids)))
                return StaticMixture().fit(training).forecast(batch)

            return priced(training, predict)

    comparison = compare(make_runs(queries=300), folds=3, routers=(Spy(),))

    assert not any(train & held_out for train, held_out in seen)
    assert set.union(*(held_out for _, held_out in seen)) == {f"q{i:04d}" for i in range(300)}
    assert [row.name for row in comparison.rows][0] == "oracle" and "spy" in by_name(comparison)


def test_the_json_has_all_figures_as_plain_values(signal):
    plain = json.loads(json.dumps(signal.to_json(), allow_nan=False))

    assert set(plain) == {
        "runs", "queries", "points", "folds", "seed", "best_single", "best_single_quality", "best_single_cost_usd",
        "from_cost_usd", "rows", "routers", "left_out", "solved_policies", "verdict", "notices", "details",
    }  # fmt: skip
    assert set(plain["rows"][0]) == {
        "name", "kind", "gain", "lead", "peak_quality", "cost_usd_at_best_single", "fair_gain", "fair_lead", "metrics",
    }  # fmt: skip
    assert set(plain["rows"][0]["gain"]) == {"value", "low", "high"}
    assert set(plain["solved_policies"]) == {
        "gain", "cost_ratio", "cost_ratio_low", "cost_ratio_high",
    }  # fmt: skip
    assert {row["name"] for row in plain["rows"]} == {"paretoroute", "oracle", *(r.name for r in BASELINES)}
    flat = {router["name"]: router for router in plain["routers"]}
    assert set(flat["ridge"]) == {
        "name", "kind", "gain", "gain_low", "gain_high", "lead", "lead_low", "lead_high", "hindsight_gain", "metrics",
        "metrics_left_out", "left_out",
    }  # fmt: skip
    assert flat["paretoroute"]["gain"] == plain["solved_policies"]["gain"]["value"]
    assert flat["ridge"]["metrics"]["apgr"] is None and "two points" in flat["ridge"]["metrics_left_out"]["apgr"]
    assert [row["fair_lead"] for row in plain["rows"] if row["name"] == "paretoroute"] == [None]
    assert any("25% of the outcomes were not logged" in notice for notice in plain["notices"])


@pytest.mark.parametrize(
    ("options", "queries", "words"),
    [
        ({"folds": 1}, 60, "comparing needs at least 2 folds, got 1"),
        ({"folds": 100}, 60, "too few for 100 folds"),
        ({}, 12, "too few for 5 folds"),
        ({"routers": (StaticMixture(), StaticMixture())}, 60, "two routers share a name"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_reason(options, queries, words):
    with pytest.raises(RunsError, match=words):
        compare(make_runs(queries=queries), **options)


def test_a_log_of_free_calls_is_refused():
    table = table_of(queries=60)
    free = np.zeros(len(table))
    for name in ("cost_usd", "prompt_tokens", "completion_tokens"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, [free])

    with pytest.raises(RunsError, match="every call in the log is free"):
        compare(read_runs(table), folds=2)


@pytest.mark.parametrize("folds", [301, 10**30])
def test_more_folds_than_queries_are_refused(folds):
    with pytest.raises(RunsError, match="300 queries, too few for"):
        compare(make_runs(**NO_SIGNAL), folds=folds)
