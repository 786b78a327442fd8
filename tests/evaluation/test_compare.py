"""compare: the order of routers on logs whose truth is known, and every figure against a slow version of it."""

import io
import json
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from paretoroute.calibration.intervals import resampled
from paretoroute.cli import compare as command
from paretoroute.errors import RunsError
from paretoroute.evaluation.compare import BASELINES, Comparison, compare
from paretoroute.evaluation.equal_cost import TARGETS, Outcomes, gains_over_static_mixture
from paretoroute.evaluation.routers.blind_mixture import BlindMixture
from paretoroute.evaluation.routers.data import filled, prepared
from paretoroute.evaluation.routers.paretoroute import PolicyRouter
from paretoroute.evaluation.tradeoff_curves import cost_range, curve_of, realised, single_points
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.forecast import Forecast
from paretoroute.planner.planner import Planner
from paretoroute.runs.read import read_runs
from paretoroute.solver.frontier import frontier
from paretoroute.targets import MaxCost
from tests.synthetic_log import make_runs, table_of

# A log without holes is fitted without JAX; each fold of one with holes needs programs of its own.
SIGNAL = {"queries": 400, "holes": 0.1}
NO_SIGNAL = {"queries": 300, "signal": False, "seed": 3}


def made_up(queries: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes at four points, dearer ones better."""
    chance = np.random.default_rng(seed)
    quality = (chance.random((queries, 4)) < [0.3, 0.5, 0.6, 0.8]).astype(float)
    return quality, np.array([1, 2, 5, 12]) * 1e-3 * np.exp(0.5 * chance.standard_normal((queries, 4)))


def height(means: list[tuple[float, float]], cost: float) -> float:
    """The upper hull of (cost, quality), by trying every pair."""
    best = max((q for c, q in means if c <= cost * (1 + 1e-12)), default=-np.inf)
    for c, q in means:
        for d, r in means:
            if c <= cost <= d and c < d:
                best = max(best, q + (r - q) * (cost - c) / (d - c))
    return best


@pytest.fixture(scope="module")
def signal() -> Comparison:
    return compare(make_runs(**SIGNAL), folds=2)


@pytest.fixture(scope="module")
def no_signal() -> Comparison:
    return compare(make_runs(**NO_SIGNAL), folds=3)


def by_name(found: Comparison) -> dict:
    return {row.name: row for row in found.rows}


def test_with_a_strong_signal_the_oracle_leads_and_the_default_leads_the_blind_mixture(signal):
    row = by_name(signal)

    assert row["oracle"].gain.value >= row["paretoroute"].gain.value >= row["blind mixture"].gain.value
    assert row["blind mixture"].lead.low > 5, "the kinds of query want different points"
    assert row["oracle"].lead.high < 0
    assert signal.without_hindsight.gain.low > 5
    assert row["paretoroute"].peak_quality > signal.best_single_quality + 0.05
    assert row["paretoroute"].cost_usd_at_best_single < 0.7 * signal.best_single_cost_usd
    assert [r.gain.value for r in signal.rows] == sorted((r.gain.value for r in signal.rows), reverse=True)


def test_without_a_signal_the_differences_are_within_noise(no_signal):
    row = by_name(no_signal)

    assert abs(row["blind mixture"].lead.value) < 3
    assert row["blind mixture"].lead.low < 0.5 and row["blind mixture"].lead.high > -0.5
    assert no_signal.without_hindsight.gain.low < 0.5
    assert "not beyond noise" in no_signal.verdict


def test_the_verdict_names_the_best_rival_and_the_figures_of_the_table(signal):
    rivals = [row for row in signal.rows if row.name not in ("paretoroute", "oracle")]
    lead = rivals[0].lead

    side = "ahead of" if lead.value >= 0 else "behind"
    assert signal.verdict.startswith(f"paretoroute is {side} {rivals[0].name}, the best of the others, by ")
    assert f"by {abs(lead.value):.2f} quality points" in signal.verdict
    assert f"{signal.without_hindsight.gain.value:+.2f}" in signal.verdict


def test_the_same_runs_and_seed_give_the_same_comparison_however_the_rows_are_ordered(no_signal):
    table = table_of(**NO_SIGNAL)
    shuffled = table.take(np.random.default_rng(0).permutation(len(table)))
    steps = []

    again = compare(read_runs(shuffled), folds=3, progress=steps.append)

    assert again.to_json() == no_signal.to_json()
    assert steps[0] == "fold 1 of 3: paretoroute" and steps[-1] == "fold 3 of 3: oracle"


def test_each_query_is_forecast_by_a_router_that_never_saw_its_group():
    seen = []

    @dataclass(frozen=True)
    class Spy:
        name: str = "spy"

        def fit(self, training):
            def predict(asked):
                seen.append((set(training.runs.query_ids), set(asked.query_ids)))
                return BlindMixture().fit(training)(asked)

            return predict

    found = compare(make_runs(queries=300), folds=3, routers=(Spy(),))

    assert not any(train & asked for train, asked in seen)
    assert set.union(*(asked for _, asked in seen)) == {f"q{i:04d}" for i in range(300)}
    assert [row.name for row in found.rows][0] == "oracle" and "spy" in by_name(found)


def test_the_hull_of_choices_is_the_one_found_by_trying_all_pairs():
    chance = np.random.default_rng(1)
    quality, cost = made_up(200, seed=1)
    picks = chance.integers(0, 4, (12, 200)).astype(np.int32)
    rows = np.arange(200)
    means = [(cost[rows, pick].mean(), quality[rows, pick].mean()) for pick in picks]

    curve = curve_of(picks, quality, cost)

    costs = np.linspace(min(means)[0], 1.2 * max(means)[0], 40)
    np.testing.assert_allclose(curve.at(costs), [height(means, c) for c in costs])


def test_a_curve_is_what_a_forecast_would_choose_at_every_price():
    quality, cost = made_up(150, seed=2)
    chance = np.random.default_rng(3)
    guess = Forecast(np.clip(quality + 0.5 * chance.standard_normal(quality.shape), 0, 1), cost)
    prices = np.concatenate([[0.0], frontier(guess).price * (1 + 1e-9), [1e9]])
    picks = [(guess.quality - price * guess.cost_usd).argmax(1) for price in prices]
    rows = np.arange(150)
    means = [(cost[rows, pick].mean(), quality[rows, pick].mean()) for pick in picks]

    curve = realised(guess, quality, cost)

    costs = np.geomspace(min(means)[0] * 1.01, max(means)[0], 30)
    np.testing.assert_allclose(curve.at(costs), [height(means, c) for c in costs], atol=2e-3)


def test_contributions_average_to_the_mean_height():
    quality, cost = made_up(300, seed=4)
    static = single_points(quality, cost)
    costs = cost_range(static)

    found = static.contributions(costs, quality, cost)

    np.testing.assert_allclose(found.mean(), static.at(costs).mean())
    assert costs[-1] == pytest.approx(cost[:, 3].mean())
    assert static.at(costs[:1])[0] == pytest.approx(0.6 * quality[:, 3].mean())


def test_a_query_contributes_what_its_absence_would_change_noise_of_cost_included():
    quality, cost = made_up(150, seed=7)
    static = single_points(quality, cost)
    costs = cost_range(static)

    found = static.contributions(costs, quality, cost)

    whole, pseudo = static.at(costs).mean(), []
    for i in range(150):
        rows = np.delete(np.arange(150), i)
        pseudo.append(150 * whole - 149 * single_points(quality[rows], cost[rows]).at(costs).mean())
    np.testing.assert_allclose(found, pseudo, atol=0.03)  # the jackknife's second order is about 1/150


def test_a_curve_says_what_a_quality_costs_and_that_it_is_out_of_reach():
    quality, cost = np.array([[0.2, 0.6]]), np.array([[1.0, 3.0]])

    curve = single_points(quality, cost)

    assert curve.cost_of(0.4) == pytest.approx(2.0)
    assert curve.cost_of(0.6) == pytest.approx(3.0)
    assert curve.cost_of(0.7) is None


def test_intervals_are_those_of_drawing_queries_and_building_both_curves_anew():
    quality, cost = made_up(250, seed=5)
    chance = np.random.default_rng(6)
    guess = Forecast(np.clip(quality + 0.8 * chance.standard_normal(quality.shape), 0, 1), cost)
    static, curve = single_points(quality, cost), realised(guess, quality, cost)
    costs = cost_range(static)
    gain = curve.contributions(costs, quality, cost) - static.contributions(costs, quality, cost)

    fast = resampled(gain[:, None], np.arange(250), seed=0)[0]

    slow = []
    for _ in range(200):
        rows = chance.integers(0, 250, 250)
        again = [curve_of(c.picks[:, rows], quality[rows], cost[rows]).at(costs).mean() for c in (curve, static)]
        slow.append(again[0] - again[1])
    assert fast.value == pytest.approx((curve.at(costs) - static.at(costs)).mean())
    assert fast.high - fast.low == pytest.approx(np.diff(np.quantile(slow, (0.05, 0.95)))[0], rel=0.25)


def test_queries_of_one_group_are_drawn_together():
    values = np.repeat(np.random.default_rng(0).standard_normal(50), 4)[:, None]

    apart, together = (resampled(values, g, seed=0)[0] for g in (np.arange(200), np.repeat(np.arange(50), 4)))

    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(2.0, rel=0.1)


def test_the_figure_without_hindsight_is_what_the_planner_gets():
    runs = make_runs(queries=300, seed=8)
    grid, _ = build_grid(runs)
    held = np.arange(300) % 3 == 0
    training, asked = prepared(runs.select(~held), runs.select(held), grid, seed=0)
    fitted = PolicyRouter().fit(training)
    train = Outcomes(filled(training.quality), filled(training.cost_usd))
    test = Outcomes(*(filled(runs.select(held).means(name)[0]) for name in ("quality", "cost_usd")))

    gains, spending = gains_over_static_mixture(fitted.policy, fitted(asked), train, test)

    targets = cost_range(single_points(train.quality, train.cost_usd), TARGETS)
    expected, line = [], frontier(Forecast(train.quality.mean(0)[None], train.cost_usd.mean(0)[None]))
    path = np.concatenate([line.start, line.steps.target])
    path = path[np.argsort(test.cost_usd.mean(0)[path])]
    for k, target in enumerate(targets):
        planner = Planner(fitted.policy.solve(MaxCost(usd=float(target))))
        decisions = planner.plan_batch(asked.texts, query_ids=asked.query_ids)
        picks = np.array([grid.points.index(decision.point) for decision in decisions])
        paid, got = (table[np.arange(100), picks].mean() for table in (test.cost_usd, test.quality))
        expected.append(got - np.interp(paid, test.cost_usd.mean(0)[path], test.quality.mean(0)[path]))
        assert paid / target == pytest.approx(spending[k], rel=0.05), f"target {k}: apart by more than a coin"
    assert gains.mean() == pytest.approx(np.mean(expected), abs=0.01)


def test_the_json_has_all_figures_as_plain_values(signal):
    found = json.loads(json.dumps(signal.to_json(), allow_nan=False))

    assert set(found) == {
        "runs", "queries", "points", "folds", "seed", "best_single", "best_single_quality", "best_single_cost_usd",
        "from_cost_usd", "rows", "without_hindsight", "verdict", "notices",
    }  # fmt: skip
    assert set(found["rows"][0]) == {"name", "gain", "lead", "peak_quality", "cost_usd_at_best_single"}
    assert set(found["rows"][0]["gain"]) == {"value", "low", "high"}
    assert set(found["without_hindsight"]) == {
        "gain", "spent_over_asked", "spent_over_asked_low", "spent_over_asked_high",
    }  # fmt: skip
    assert {row["name"] for row in found["rows"]} == {"paretoroute", "oracle", *(r.name for r in BASELINES)}
    assert [row["lead"] for row in found["rows"] if row["name"] == "paretoroute"] == [None]
    assert any("10% of the outcomes were not logged" in words for words in found["notices"])


def test_the_table_shows_every_router_on_one_line(signal):
    console = Console(width=100, file=io.StringIO(), record=True)

    console.print(command.comparison_table(signal))
    console.print(command.comparison_words(signal), soft_wrap=True)

    text = console.export_text()
    for row in signal.rows:
        line = next(line for line in text.splitlines() if line.strip().startswith(row.name))
        assert f"{row.gain.value:+.2f} [{row.gain.low:+.2f}, {row.gain.high:+.2f}]" in line
        assert f"{row.peak_quality:.4f}" in line
    assert signal.verdict in text


def test_the_command_answers_in_json_and_refuses_another_format(tmp_path):
    path = tmp_path / "runs.parquet"
    table = table_of(queries=300)
    pq.write_table(table.rename_columns(["spend" if n == "cost_usd" else n for n in table.column_names]), path)
    app = typer.Typer()
    app.command()(command.compare)

    said = CliRunner().invoke(app, [str(path), "--folds", "3", "--columns", "cost_usd=spend", "--format", "json"])
    refused = CliRunner().invoke(app, [str(path), "--format", "xml"])

    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["folds"] == 3
    assert isinstance(refused.exception, RunsError) and "use text or json" in str(refused.exception)


@pytest.mark.parametrize(
    ("options", "queries", "words"),
    [
        ({"folds": 1}, 60, "comparing needs at least 2 folds, got 1"),
        ({"folds": 100}, 60, "too few for 100 folds"),
        ({}, 12, "too few for 5 folds"),
        ({"routers": (BlindMixture(), BlindMixture())}, 60, "two routers share a name"),
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
