"""Fitting: it finds the signal that is there and none that is not, leaks nothing, and can be repeated bit for bit."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from paretoroute.errors import RunsError
from paretoroute.fitting.fit import fit
from paretoroute.fitting.pipeline import fit_surface
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.planner.planner import Planner
from paretoroute.policy.packing import to_arrays
from paretoroute.runs.read import read_runs
from paretoroute.targets import MaxCost
from tests.synthetic_log import KINDS, PRICES, TRUTH, bits, fitted, make_runs, table_of

NEW_TEXTS = {
    "code": "Write a python function that walks the header and sorts two records",
    "law": "Under the statute, may a tenant end the flat early and claim the rent",
    "poem": "Compose a gentle verse in which snow forgets the sea",
}


def signals_of(fit):
    return {signal.name: signal for signal in fit.signals}


def test_the_signal_is_found_and_new_queries_of_each_kind_are_forecast_near_the_truth(signal_fit):
    fit, _ = signal_fit

    found = signals_of(fit)["quality"]
    assert found.used
    assert found.explained - 3 * found.explained_se > 0.15
    for kind, text in NEW_TEXTS.items():
        forecast = fit.surface.at_text(text)
        assert np.abs(forecast.quality - TRUTH[kind]).mean() < 0.15, (kind, forecast.quality)


def test_out_of_fold_forecasts_beat_the_means_on_what_was_logged(signal_fit):
    fit, _ = signal_fit
    logged = fit.calibration_sample.logged_quality.astype(float)

    error = np.nanmean((fit.calibration_sample.quality - logged) ** 2)

    assert error < 0.75 * np.nanmean((np.nanmean(logged, axis=0) - logged) ** 2)


def test_the_forecasts_of_the_surface_are_those_of_the_traffic_on_average(signal_fit, signal_runs):
    fit, _ = signal_fit

    deployed = np.stack([fit.surface.at_text(text).quality for text in signal_runs.texts])

    np.testing.assert_allclose(deployed.mean(0), fit.calibration_sample.quality.mean(0), atol=0.01)
    assert deployed.std(0) == pytest.approx(fit.calibration_sample.quality.std(0), rel=0.3)


def test_mean_tokens_are_forecast_without_bias_although_their_logarithms_are_fitted(signal_fit):
    fit, _ = signal_fit
    known = ~np.isnan(fit.calibration_sample.logged_amount)

    forecast = np.where(known, fit.calibration_sample.amount, 0).sum(0) / known.sum(0)

    np.testing.assert_allclose(forecast, np.nanmean(fit.calibration_sample.logged_amount, axis=0), rtol=0.03)


def test_copies_of_texts_do_not_keep_a_fit_from_being_repeated():
    rows = rows_of_pairs(seed=0, copies=6)

    one, two = (fitted(read_runs(pa.Table.from_pylist(rows)))[0] for _ in range(2))

    assert bits(to_arrays(one.surface, one.calibration_sample)) == bits(to_arrays(two.surface, two.calibration_sample))


def rows_of_pairs(*, seed, copies=2, queries=204):
    """Copies of a text share their outcomes, which nothing else tells."""
    chance = np.random.default_rng(seed)
    rows = []
    for i in range(queries):
        if i % copies == 0:
            words = " ".join("".join(chance.choice(list("abcdefghij"), 6)) for _ in range(8))
            outcome = chance.random(2) < 0.5
        for j, model in enumerate(PRICES):
            tokens = float(chance.integers(50, 150))
            rows.append(
                {
                    "query_id": f"q{i:03d}", "query": words.title() + "!" * (i % copies),
                    "model": model, "quality": float(outcome[j]),
                    "prompt_tokens": 30.0, "completion_tokens": tokens, "cost_usd": tokens * PRICES[model][1] / 1e6,
                }
            )  # fmt: skip
    return rows


def test_copies_tell_nothing_about_one_another_out_of_fold():
    runs = read_runs(pa.Table.from_pylist(rows_of_pairs(seed=1)))

    fit, _ = fitted(runs)

    found = signals_of(fit)["quality"]
    assert found.explained < 0.1, "a query's copy was used to forecast it"


def test_the_outcome_of_a_query_does_not_tell_on_itself_in_the_traffic():
    query = 50
    table = table_of(exact=True)
    rows = table.to_pylist()
    for row in rows:
        if row["query_id"] == f"q{query:04d}":
            row["quality"] = 1 - row["quality"]

    (before, _), (after, _) = (fitted(read_runs(some)) for some in (table, pa.Table.from_pylist(rows)))

    flipped = np.flatnonzero(
        (before.calibration_sample.logged_quality != after.calibration_sample.logged_quality).any(1)
    )
    assert len(flipped) == 1
    own = (after.calibration_sample.quality - before.calibration_sample.quality)[flipped[0]]
    moved = (after.calibration_sample.logged_quality - before.calibration_sample.logged_quality)[flipped[0]]
    # The means and the basis are of all queries; a 240th of them leaks through these, and no more.
    assert np.abs(own).max() < 0.015, (own, moved)


def rows_of_first_repeats(runs):
    """Write one row a cell with the means of a log."""
    columns = ("quality", "prompt_tokens", "completion_tokens", "cost_usd")
    means = {name: runs.means(name)[0] for name in columns}
    for i, query_id in enumerate(runs.query_ids):
        for j, point in enumerate(runs.points):
            budget = point.budget
            yield {
                "query_id": query_id, "query": runs.texts[i], "model": point.model, "budget_kind": budget.kind,
                "budget_label": budget.label, "budget": budget.amount,
                **{name: float(means[name][i, j]) for name in columns},
            }  # fmt: skip


def test_k_of_n_trials_weigh_like_n_runs():
    single = make_runs(queries=60, repeats=5, seed=4)
    quality, count = single.means("quality")
    rows = [row | {"trials": 5} for row in rows_of_first_repeats(single)]

    joint = read_runs(pa.Table.from_pylist(rows))

    np.testing.assert_allclose(joint.means("quality")[0], quality)
    np.testing.assert_array_equal(joint.means("quality")[1], count)


def test_an_embedding_column_is_read_in_place_of_the_text():
    runs = make_runs(embedding=True)

    fit, _ = fitted(runs, kind="embedding")

    assert fit.surface.featurizer.kind == "embedding"
    assert fit.surface.featurizer.projection.shape[0] == 3
    for k, kind in enumerate(KINDS):
        vector = fit.surface.featurizer.of_embedding(np.eye(3)[k])
        forecast = fit.surface.at(vector).quality
        assert np.abs(forecast - TRUTH[kind]).mean() < 0.2, (kind, forecast)


def test_without_signal_every_forecast_is_the_context_free_mean(no_signal_policy, no_signal_runs):
    surface, traffic = no_signal_policy.surface, no_signal_policy.calibration_sample
    means = no_signal_runs.means("quality")[0].mean(0)

    for name in ("quality", "amount", "prompt_tokens"):
        table = getattr(traffic, name)
        assert (table == table[0]).all(), name
    np.testing.assert_allclose(traffic.quality[0], means, atol=1e-6)
    means_alone = surface.context_free()
    for text in (*NEW_TEXTS.values(), "", "完全に別の言語"):
        forecast = surface.at_text(text)
        for name in ("quality", "amount", "prompt_tokens"):
            np.testing.assert_array_equal(getattr(forecast, name), getattr(means_alone, name))
    np.testing.assert_array_equal(traffic.quality[0].astype(float), means_alone.quality)
    np.testing.assert_array_equal(traffic.amount[0].astype(float), means_alone.amount)


def test_a_missing_cell_is_forecast_and_stays_unknown_in_what_was_logged(signal_fit, signal_runs):
    fit, _ = signal_fit
    _, count = signal_runs.means("quality")

    assert np.isnan(fit.calibration_sample.logged_quality).sum() == (count == 0).sum() > 100
    assert np.isfinite(fit.calibration_sample.quality).all()
    np.testing.assert_array_equal(fit.surface.queries, (count > 0).sum(0))


def test_latency_is_forecast_where_it_was_logged(signal_fit, no_signal_policy):
    fit, _ = signal_fit

    np.testing.assert_allclose(fit.surface.context_free().latency_s, [1.0, 4.0, 1.5, 6.0], rtol=0.15)
    assert no_signal_policy.surface.latency is None
    assert np.isnan(no_signal_policy.surface.at_text("hello").latency_s).all()


def test_fewer_than_20_queries_are_refused_with_what_to_do():
    with pytest.raises(RunsError, match=r"the log has 19 queries; at least 20 are needed .* Log more, or pick a point"):
        fitted(make_runs(queries=19))


def test_20_queries_are_enough_and_progress_names_every_stage():
    said = []

    fit, _ = fitted(make_runs(queries=20), progress=said.append)

    assert np.isfinite(fit.calibration_sample.quality).all()
    assert said == ["reading the queries", "fitting quality", "fitting tokens", "fitting prompt tokens"]


def test_a_point_without_any_cost_is_named():
    runs = make_runs(queries=30)
    grid, _ = build_grid(runs)
    unknown = np.full(len(runs), np.nan)

    with pytest.raises(RunsError, match="the cost of basso@low, .* is nowhere known; log cost_usd, or tokens"):
        fit_surface(replace(runs, completion_tokens=unknown, cost_usd=unknown), grid)


def blank_rows():
    chance = np.random.default_rng(5)
    quality = {"small": 0.4, "large": 0.8}
    return [
        {
            "query_id": f"b{i}",
            "query": "",
            "model": model,
            "quality": float(chance.random() < quality[model]),
            "cost_usd": cost * float(np.exp(0.3 * chance.standard_normal())),
        }
        for i in range(200)
        for model, cost in (("small", 0.001), ("large", 0.01))
    ]


def test_queries_without_a_text_are_planned_as_their_traffic_was_solved():
    policy = fit(read_runs(pa.Table.from_pylist(blank_rows())), MaxCost(usd=0.004))

    planner = Planner(policy)
    spent = [planner.plan("", query_id=f"q{i}").expected_cost_usd for i in range(400)]

    assert {planner.plan("", query_id=f"q{i}").status for i in range(5)} == {"met"}
    assert np.mean(spent) == pytest.approx(0.004, rel=0.2)
