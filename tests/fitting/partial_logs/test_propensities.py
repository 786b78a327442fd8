"""Propensities of logs whose logger is known: logged, estimated, or the shares; and the alarm."""

from dataclasses import replace

import numpy as np
import pytest

from paretoroute.errors import RunsError
from paretoroute.fitting.partial_logs import logging_policy
from paretoroute.fitting.partial_logs.propensities import Propensities, fit_propensities
from paretoroute.fitting.sample import featurized
from paretoroute.runs.folds import folds
from paretoroute.runs.table import ROW_NUMBERS, Runs
from tests.synthetic_log import KINDS, make_runs

QUERIES = 600


def full_log(**changes) -> Runs:
    return make_runs(**{"queries": QUERIES, "seed": 3} | changes)


def chances_of(runs: Runs, logger: str) -> np.ndarray:
    """Return the true chances of every point, ``(queries, points)``."""
    queries, points = len(runs.query_ids), len(runs.points)
    if logger == "uniform":
        return np.full((queries, points), 1 / points)
    if logger == "biased":
        return np.tile([0.7, 0.1, 0.1, 0.1], (queries, 1))
    chance = np.full((queries, points), 0.4 / points)
    chance[np.arange(queries), [KINDS.index(tag) for tag in runs.tags]] += 0.6
    return chance


def logged_by(runs: Runs, chance: np.ndarray, *, seed: int, column: bool = True) -> Runs:
    """Keep one point per query, drawn with these chances."""
    draw = np.random.default_rng(seed)
    point = (chance.cumsum(axis=1) > draw.random((len(chance), 1))).argmax(axis=1)
    keep = runs.point == point[runs.query]
    columns = {name: getattr(runs, name)[keep] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    if column:
        columns["propensity"] = chance[columns["query"], columns["point"]]
    return replace(runs, **columns)


def fitted(runs: Runs, **options) -> Propensities:
    return fit_propensities(runs, featurized(runs, "hashed_ngrams", 0)[1], **options)


def test_a_full_matrix_has_chance_one_everywhere():
    propensities = fitted(full_log())

    assert (propensities.source, propensities.looks, propensities.is_off) == ("full", False, False)
    assert (propensities.weight == 1).all() and (propensities.per_run == 1).all()
    assert propensities.mean_inverse.mean == 4


@pytest.mark.parametrize(("logger", "looks"), [("uniform", False), ("biased", False), ("looks", True)])
def test_logged_propensities_are_used_and_tell_whether_the_logger_looked(logger, looks):
    full = full_log()
    runs = logged_by(full, chances_of(full, logger), seed=1)

    propensities = fitted(runs)

    assert (propensities.source, propensities.looks, propensities.is_off) == ("logged", looks, False)
    assert (propensities.per_run == runs.propensity).all()
    assert propensities.weight[runs.query, runs.point] == pytest.approx(1 / runs.propensity)


@pytest.mark.parametrize("tags", [True, False], ids=["tag logged", "text only"])
def test_a_logger_that_looks_is_found_without_propensities(tags):
    full = full_log()
    chance = chances_of(full, "looks")
    runs = logged_by(full, chance, seed=2, column=False)
    runs = runs if tags else replace(runs, tags=(None,) * QUERIES)

    propensities = fitted(runs)

    assert (propensities.source, propensities.looks) == ("estimated", True)
    assert propensities.probability.sum(axis=1) == pytest.approx(1.0)
    assert np.abs(propensities.probability - chance).mean() < 0.05
    labels = {"tag": runs.tags}
    at_all = propensities.policy.probabilities(featurized(runs, "hashed_ngrams", 0)[1], labels)
    assert np.abs(at_all - chance).mean() < 0.05


@pytest.mark.parametrize("column", [True, False], ids=["logged", "estimated"])
def test_weights_recover_the_mean_of_a_point_that_was_called_for_the_queries_it_suits(column):
    full = full_log(queries=1200, exact=True)
    truth = full.means("quality").mean.mean(axis=0)
    runs = logged_by(full, chances_of(full, "looks"), seed=9, column=column)
    quality = np.nan_to_num(runs.means("quality").mean)

    weight = fitted(runs).weight

    logged = quality.sum(axis=0) / (quality > 0).sum(axis=0)
    assert np.abs(logged - truth).max() > 0.2  # what the shares of the points would give
    assert (weight * quality).sum(axis=0) / weight.sum(axis=0) == pytest.approx(truth, abs=0.1)


def test_shares_are_used_where_the_logger_does_not_look():
    full = full_log()
    runs = logged_by(full, chances_of(full, "biased"), seed=3, column=False)
    share = np.bincount(runs.point, minlength=4) / QUERIES

    propensities = fitted(runs)

    assert (propensities.source, propensities.looks, propensities.is_off) == ("marginal", False, False)
    assert propensities.per_run == pytest.approx(share[runs.point])
    assert propensities.mean_inverse.mean == pytest.approx(4)


def test_the_gate_seldom_takes_a_logger_that_does_not_look_for_one_that_does():
    full = full_log(queries=200)
    _, features = featurized(full, "hashed_ngrams", 0)

    looks = [
        fit_propensities(logged_by(full, chances_of(full, "biased"), seed=seed, column=False), features).looks
        for seed in range(20)
    ]

    assert sum(looks) <= 2


@pytest.mark.parametrize("logger", ["uniform", "biased", "looks"])
def test_the_alarm_goes_off_where_propensities_are_a_third_too_high(logger):
    full = full_log()
    runs = logged_by(full, chances_of(full, logger) / (0.9 if logger == "biased" else 1), seed=4)
    wrong = replace(runs, propensity=np.minimum(runs.propensity * 1.3, 1.0))

    assert fitted(wrong).is_off
    assert not fitted(replace(wrong, propensity=runs.propensity)).is_off or logger == "biased"


def test_the_chance_of_a_cell_is_its_share_where_queries_have_several():
    runs = full_log(holes=0.4)
    cells = np.zeros((len(runs.query_ids), 4))
    cells[runs.query, runs.point] = 1

    propensities = fitted(runs)

    assert (propensities.source, propensities.chosen) == ("marginal", False)
    assert propensities.probability[0] == pytest.approx(cells.mean(axis=0))
    assert propensities.mean_inverse.mean == pytest.approx(4)


def test_cells_that_are_logged_more_often_for_some_queries_are_found():
    full = full_log()
    draw = np.random.default_rng(5)
    hard = np.array([tag == "law" for tag in full.tags])
    chance = np.where(hard, 0.9, 0.4)[full.query]
    keep = (draw.random(len(full)) < chance) | (full.point == 0)
    columns = {name: getattr(full, name)[keep] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}

    propensities = fitted(replace(full, **columns))

    assert (propensities.source, propensities.chosen) == ("estimated", False)
    assert propensities.probability[:, 0] == pytest.approx(1)
    assert propensities.probability[hard, 1:].mean() == pytest.approx(0.9, abs=0.05)
    assert propensities.probability[~hard, 1:].mean() == pytest.approx(0.4, abs=0.05)


def test_repeats_of_one_choice_count_once_and_several_draws_share_their_query():
    runs = full_log(repeats=2)
    first, second = runs.point == 0, (runs.point == 1) & (runs.query % 2 == 0)
    columns = {name: getattr(runs, name)[first | second] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    columns["propensity"] = np.full(len(columns["query"]), 0.5)
    columns["propensity"][columns["query"] == 1] = 1.0

    weight = fitted(replace(runs, **columns)).weight

    assert weight[0, :2].tolist() == [1.0, 1.0]  # two of four runs each, at p = 1/2
    assert weight[3, :2].tolist() == [2.0, 0.0]
    assert weight[1, :2].tolist() == [1.0, 0.0]


def test_the_mean_of_inverse_propensities_tells_included_cells_from_draws():
    full = full_log()
    keep = np.random.default_rng(6).random(len(full)) < 0.5
    columns = {name: getattr(full, name)[keep] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    columns["propensity"] = np.full(len(columns["query"]), 0.5)

    propensities = fitted(replace(full, **columns))

    assert (propensities.source, propensities.chosen, propensities.is_off) == ("logged", False, False)
    assert set(np.unique(propensities.weight)) == {0.0, 2.0}


def test_a_column_with_gaps_is_not_used_and_a_finding_says_how_many():
    full = full_log()
    runs = logged_by(full, chances_of(full, "uniform"), seed=7)
    runs.propensity[:5] = np.nan

    propensities = fitted(runs)

    assert propensities.source == "marginal"
    assert propensities.findings == (
        "5 of 600 runs have no propensity: the column is not used, and the propensities of all runs are estimated",
    )


def test_repeats_with_different_propensities_are_reported():
    runs = full_log(repeats=2)
    columns = {name: getattr(runs, name)[runs.point == 0] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    columns["propensity"] = np.full(len(columns["query"]), 0.5)
    columns["propensity"][0] = 0.25

    propensities = fitted(replace(runs, **columns))

    assert propensities.findings == (
        "repeats at one point have different propensities, in 1 cells; each run counts with its own",
    )
    assert propensities.weight[0, 0] == pytest.approx((4 + 2) / 2)


def test_estimates_do_not_change_with_what_the_querys_own_group_was_logged_at():
    full = full_log(queries=120)
    runs = logged_by(full, chances_of(full, "looks"), seed=8, column=False)
    moved = replace(runs, point=np.where(runs.query % 60 == 0, (runs.point + 1) % 4, runs.point).astype(np.int32))
    design = logging_policy.LoggerView.of(runs, featurized(runs, "hashed_ngrams", 0)[1]).design
    fold = folds([f"g{i % 60}" for i in range(120)], 5, seed=0)

    before, after = (
        logging_policy._out_of_fold(logging_policy.CellCounts.of(log), design, fold, 3.0) for log in (runs, moved)
    )

    assert (before[:, [0, 60]] == after[:, [0, 60]]).all()
    assert (before[0, fold != fold[0]] != after[0, fold != fold[0]]).all()


def test_features_of_another_number_of_queries_are_refused():
    with pytest.raises(RunsError, match="3 rows of features for 600 queries"):
        fit_propensities(full_log(), np.zeros((3, 2)))
