"""A new model in a long log is forecast alike for queries with and without a run of it."""

import numpy as np
import pandas as pd
import pytest

import paretoroute as pr
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods import gaussian_process
from paretoroute.fitting.methods.matrix_completion import Completed
from paretoroute.fitting.points import few_runs
from paretoroute.fitting.sample import FOLDS, Sample
from paretoroute.surface.neighbours import HEADS

KINDS, POINTS, NEW = 6, 5, 4


def log_of(queries, *, kept, seed):
    """Outcomes of five points that are good at kinds of queries; the last was called for few of them."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, KINDS, queries)
    features = np.eye(KINDS)[kind] + 0.05 * rng.standard_normal((queries, KINDS))
    chance = rng.random((KINDS, POINTS))[kind]
    every = (rng.random(chance.shape) < chance).astype(float)
    is_logged = np.zeros(queries, bool)
    is_logged[rng.permutation(queries)[:kept]] = True
    cells = every.copy()
    cells[~is_logged, NEW] = np.nan
    return every, cells, features, is_logged


def forecasts(cells, features):
    """Forecasts by heads of equal weight, of a panel that was completed by its means."""
    rows = np.arange(len(cells))
    sample = Sample(rows, features, rows % FOLDS, rows, features, KINDS)
    means = np.nanmean(cells, axis=0)
    means[NEW] = 0.5  # that of the runs would know each of them
    completed = Completed(means, np.nan_to_num(cells - means))
    logged = LoggedPanel("quality", cells, np.isfinite(cells) * 1.0, False, POINTS)
    weights = np.full((FOLDS + 1, 3 + HEADS, POINTS), 1 / (3 + HEADS))
    return few_runs.left_out(logged, completed, np.eye(POINTS), weights, sample)


def test_only_the_new_point_is_forecast():
    _, cells, features, _ = log_of(300, kept=60, seed=0)

    found = forecasts(cells, features)

    assert np.isfinite(found[:, NEW]).all() and np.isnan(found[:, :NEW]).all()


def test_a_log_without_a_new_point_has_none():
    every, _, features, _ = log_of(100, kept=60, seed=0)

    assert np.isnan(forecasts(every, features)).all()


def test_forecasts_of_a_fold_do_not_know_its_runs():
    _, cells, features, is_logged = log_of(300, kept=60, seed=1)
    inside = np.arange(300) % FOLDS == 2
    flipped = cells.copy()
    flipped[inside, NEW] = 1 - cells[inside, NEW]
    assert (inside & is_logged).sum() > 5

    before, after = forecasts(cells, features), forecasts(flipped, features)

    np.testing.assert_allclose(before[inside, NEW], after[inside, NEW], atol=1e-12)
    assert np.abs(before - after)[~inside, NEW].max() > 0.01


def test_queries_with_a_run_are_forecast_as_those_without():
    spread, explained = [], []
    for seed in range(8):
        every, cells, features, is_logged = log_of(600, kept=80, seed=seed)
        found, outcome = forecasts(cells, features)[:, NEW], every[:, NEW].copy()
        spread.append(found[is_logged].std() / found[~is_logged].std())
        products = []
        for rows in (is_logged, ~is_logged):
            # Without a fold's runs the mean of the others is lower if they were high: compare within folds.
            one, other = found.copy(), outcome.copy()
            for k in range(FOLDS):
                inside = rows & (np.arange(600) % FOLDS == k)
                one[inside] -= one[inside].mean()
                other[inside] -= other[inside].mean()
            products.append((one * other)[rows].mean())
        explained.append(products)

    assert np.mean(spread) == pytest.approx(1.0, abs=0.1)
    with_run, without = np.mean(explained, axis=0)
    assert without > 0 and with_run == pytest.approx(without, rel=0.4)


def test_few_points_are_those_with_enough_runs_for_a_regression_and_too_few_to_predict_others():
    count = np.ones((400, 4))
    count[20:, 0], count[19:, 1], count[199:, 2] = 0, 0, 0

    np.testing.assert_array_equal(gaussian_process.with_few_runs(count), [True, False, True, False])
    assert not gaussian_process.with_few_runs(count[:, :3]).any(), "no point has enough runs to predict the others"


def test_a_policy_calls_a_new_point_as_often_where_it_was_logged():
    rng = np.random.default_rng(3)
    shares = []
    for seed in range(3):
        every, cells, _, is_logged = log_of(500, kept=60, seed=10 + seed)
        kinds = [f"word{kind}" for kind in np.random.default_rng(10 + seed).integers(0, KINDS, 500)]
        texts = [f"{kind} {kind} of item {rng.integers(50)} number {i}" for i, kind in enumerate(kinds)]
        rows = [
            (f"q{i}", texts[i], f"m{j}", cells[i, j], 1e-3 * (1 + j))
            for i in range(500)
            for j in range(POINTS)
            if np.isfinite(cells[i, j])
        ]
        frame = pd.DataFrame(rows, columns=["query_id", "query", "model", "quality", "cost_usd"])
        outcomes = pr.fit(pr.read_runs(frame), pr.BestTrade(usd_per_quality=0.01)).outcomes
        best = outcomes.forecast.quality.argmax(axis=1) == outcomes.forecast.quality.shape[1] - 1
        has_run = outcomes.is_logged[:, -1]
        shares.append((best[has_run].mean(), best[~has_run].mean()))

    with_run, without = np.mean(shares, axis=0)
    assert with_run == pytest.approx(without, abs=0.08)
