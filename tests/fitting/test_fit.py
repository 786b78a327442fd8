"""fit, the call that most users make: it routes kinds to the points good at them, and its predictions hold."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import paretoroute as pr
from paretoroute.policy.packing import to_arrays
from tests.synthetic_log import PRICES, Recipe, bits, make_runs, rows_of, table_of

SEARCH = {
    "code": "Write a python function that sorts the directory tree",
    "law": "Under the statute, may a tenant claim back the rent",
    "poem": "Compose a gentle verse in which an old clock forgets its name",
}


def shares(policy):
    return [point.share for entry in policy.document.grid for point in entry.points]


def findings_of(policy, kind):
    return [text for own, text in policy.document.fitted_on.findings_by_kind() if own == kind]


def verdict_of(policy):
    (text,) = findings_of(policy, "verdict")
    return text


def test_each_kind_is_sent_to_the_point_that_is_good_at_it(signal_policy):
    planner = pr.Planner(signal_policy.solve(pr.MaxCost(usd=0.003)))

    chosen = {kind: planner.plan(text, query_id="x").point.name for kind, text in SEARCH.items()}

    assert chosen["code"].startswith("tenor")
    assert chosen["law"].startswith("basso")
    assert chosen["poem"].endswith("high")


def test_new_queries_are_answered_better_than_by_any_single_point_at_the_same_cost(signal_policy):
    fresh = make_runs(queries=120, seed=77)
    policy = signal_policy.solve(pr.MaxCost(usd=0.0025))

    found = pr.replay(pr.Planner(policy, seed=0), fresh)

    quality, cost = (fresh.means(name)[0].mean(0) for name in ("quality", "cost_usd"))
    affordable = quality[cost <= found.cost_usd]
    assert found.quality > affordable.max() + 0.1
    assert found.cost_usd == pytest.approx(0.0025, rel=0.15)
    assert verdict_of(policy).startswith("routing pays on these runs")


def test_the_policy_meets_its_cost_on_the_logged_traffic(signal_policy):
    document = signal_policy.document

    assert document.solution.status == "met"
    assert document.expected.cost_usd == pytest.approx(0.002, rel=1e-6)
    assert sum(shares(signal_policy)) == pytest.approx(1)


def test_the_same_runs_in_any_order_and_the_same_seed_give_the_same_policy(signal_policy):
    table = table_of(holes=0.2, latency=True)
    shuffled = table.take(pa.array(np.random.default_rng(4).permutation(len(table))))

    again = pr.fit(pr.read_runs(shuffled), pr.MaxCost(usd=0.002))

    assert again.document == signal_policy.document
    first, second = (bits(to_arrays(policy.surface, policy.calibration_sample)) for policy in (signal_policy, again))
    assert first == second


def test_without_signal_the_mix_of_the_coin_meets_the_cost_in_expectation(no_signal_policy, no_signal_runs):
    planner = pr.Planner(no_signal_policy)
    _, cost = (no_signal_runs.means(name)[0].mean(0) for name in ("quality", "cost_usd"))

    decisions = [planner.plan(text, query_id=f"new {i}") for i, text in enumerate(no_signal_runs.texts * 8)]

    split = no_signal_policy.document.solution.split
    assert 0 < split < 1
    assert {decision.propensity for decision in decisions} == {split, 1 - split}
    names = list(no_signal_policy.grid.names)
    spent = np.mean([cost[names.index(decision.point.name)] for decision in decisions])
    two = sorted({cost[names.index(decision.point.name)] for decision in decisions})
    expected = (1 - split) * two[0] + split * two[1]
    assert expected == pytest.approx(0.002, rel=1e-3)
    # Four standard errors of a coin tossed 1920 times.
    assert abs(spent - 0.002) < 4 * (two[1] - two[0]) * (split * (1 - split) / len(decisions)) ** 0.5
    assert verdict_of(no_signal_policy).startswith("routing does not pay")


def test_without_a_target_the_policy_is_as_good_as_the_best_single_point(signal_runs):
    policy = pr.fit(signal_runs)

    best = policy.document.expected.best_single
    assert policy.document.target.of == best.point
    assert policy.document.target.ratio == 1.0
    assert policy.document.expected.quality >= best.quality - 1e-9
    assert policy.document.expected.cost_usd < best.cost_usd


def test_all_prices_and_the_target_times_ten_change_no_choice(signal_policy):
    tenfold = {model: pr.Price(10 * paid_in, 10 * paid_out) for model, (paid_in, paid_out) in PRICES.items()}

    dear = signal_policy.solve(pr.MaxCost(usd=0.02), prices=tenfold)

    assert shares(dear) == pytest.approx(shares(signal_policy), abs=1e-9)
    assert dear.document.expected.cost_usd == pytest.approx(10 * signal_policy.document.expected.cost_usd)
    assert dear.document.solution.quality_per_usd == pytest.approx(signal_policy.document.solution.quality_per_usd / 10)
    assert dear.document.expected.quality == pytest.approx(signal_policy.document.expected.quality)


def test_a_model_that_became_free_takes_the_calls_it_is_nearly_as_good_at(signal_policy):
    cheap = signal_policy.solve(prices={"tenor": pr.Price(0.0, 0.0)})

    tenor = [point.model == "tenor" for point in signal_policy.grid.points]
    assert np.dot(shares(cheap), tenor) > np.dot(shares(signal_policy), tenor)
    assert cheap.document.expected.quality > signal_policy.document.expected.quality


def test_a_model_whose_cost_its_tokens_do_not_explain_cannot_be_repriced():
    policy = pr.fit(make_runs(surcharge=("tenor",)), pr.MaxCost(usd=0.004))

    assert {entry.model: entry.cost for entry in policy.document.grid} == {"basso": "tokens", "tenor": "logged"}
    assert policy.document.expected.cost_usd <= 0.004 * (1 + 1e-9)
    message = "model 'tenor' cannot be repriced: its cost was forecast from logged cost, since tokens times prices did"
    with pytest.raises(pr.GridError, match=message):
        policy.solve(prices={"tenor": pr.Price(1.0, 2.0)})
    assert policy.solve(prices={"basso": pr.Price(1.0, 2.0)}).document.solution.status == "met"


def by_kind(text):
    """A user's own features: which kind it is, and its length."""
    starts = ("Write", "Under", "Compose")
    return [*(float(text.startswith(start)) for start in starts), len(text) / 100]


def test_a_feature_function_decides_what_is_seen_and_the_planner_needs_the_same_one(tmp_path):
    runs = make_runs(seed=2)
    policy = pr.fit(runs, pr.MaxCost(usd=0.003), features=by_kind)
    policy.save(tmp_path / "p.yaml")

    second = policy.document.features.second
    assert (policy.document.features.kind, second.kind, second.name) == ("hashed_ngrams", "function", "by_kind")
    planner = pr.Planner.load(tmp_path / "p.yaml", features=by_kind)
    for start, model in (("Write", "tenor"), ("Under", "basso")):
        assert planner.plan(f"{start} {'完全に別の言語 ' * 10}", query_id="x").model == model
    with pytest.raises(pr.PolicyError, match="pass it as features="):
        pr.Planner.load(tmp_path / "p.yaml")
    with pytest.raises(pr.PolicyError, match="returns other numbers than 'by_kind' did at the fit"):
        pr.Planner.load(tmp_path / "p.yaml", features=lambda text: [0.0, 1.0, 0.0, 1.0])
    with pytest.raises(pr.PolicyError, match="must be a function from a text to a vector, got 5"):
        pr.Planner(policy, features=5)  # type: ignore[arg-type]  # the fault
    with pytest.raises(pr.PolicyError, match="fitted without a feature function"):
        pr.Planner(pr.fit(runs, pr.MaxCost(usd=0.003)), features=by_kind)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda text: [1.0] * len(text), "vectors of one length"),
        (lambda text: 3.0, "vectors of one length"),
        (lambda text: "x", "vectors of numbers"),
        (lambda text: [1.0, [2.0]], "vectors of numbers"),
        (lambda text: [{}], "vectors of numbers"),
        (3.0, "must be a function"),
        ([1.0, 2.0], "must be a function"),
        (lambda text: [float("nan"), 1.0], "NaN or infinity for query 0"),
    ],
    ids=["ragged", "scalar", "text", "nested", "object", "number", "list", "NaN"],
)
def test_a_feature_function_that_gives_no_vectors_is_refused(function, message):
    with pytest.raises(pr.QueryError, match=message):
        pr.fit(make_runs(queries=24), features=function)


def test_an_embedding_column_is_used_without_being_asked_for():
    runs = make_runs(embedding=True, seed=1)
    runs = replace(runs, texts=tuple(f"Question {i}" for i in range(len(runs.texts))))

    policy = pr.fit(runs, pr.MaxCost(usd=0.003))

    assert policy.document.features.second.kind == "embedding"
    planner = pr.Planner(policy)
    models = [planner.plan(runs.texts[0], embedding=vector, query_id="x").model for vector in np.eye(3)[:2]]
    assert models == ["tenor", "basso"]
    with pytest.raises(pr.QueryError, match="the embedding must be 3 finite numbers"):
        planner.plan("Why?", embedding=[1.0, 2.0])


def test_a_log_of_one_point_is_refused_by_name():
    rows = [row for row in rows_of_small() if row["model"] == "basso" and row["budget_label"] == "low"]

    with pytest.raises(pr.RunsError, match="all runs are at one point, 'basso@low'"):
        pr.fit(pr.read_runs(pa.Table.from_pylist(rows)))


def rows_of_small():

    return rows_of(Recipe(queries=24))


def test_an_unknown_reference_point_is_refused_before_anything_is_fitted(signal_runs):
    stages = []

    with pytest.raises(pr.GridError, match="'tenor@hig' is not in the grid; near: 'tenor@high'"):
        pr.fit(signal_runs, pr.MinQuality(ratio=0.9, of="tenor@hig"), progress=stages.append)
    assert stages == []


def test_a_grid_keeps_the_policy_to_its_points():
    runs = make_runs()
    points = tuple(point for point in runs.points if point.budget.label == "high")

    policy = pr.fit(runs, pr.MaxCost(usd=0.01), grid=pr.Grid(points))

    assert policy.grid.names == ("basso@high", "tenor@high")
    assert policy.calibration_sample.quality.shape == (240, 2)
