"""Completing panels: exact where all is logged, better than column means elsewhere, and data overrule priors."""

import numpy as np
import pytest

from paretoroute.fitting.methods.matrix_completion import budget_steps, complete
from paretoroute.grid import Budget, Point, canonical


def points_of(*models, labels=("low", "medium", "high", "xhigh")):
    return tuple(Point(model, Budget("effort", label)) for model in models for label in labels)


FOUR = points_of("basso")


def test_a_full_matrix_gives_the_exact_means_and_residuals():
    cells = np.random.default_rng(0).random((300, 4))

    done = complete(cells, np.ones((300, 4)), FOUR, rising=True, seed=0)

    np.testing.assert_allclose(done.base, cells.mean(0), atol=1e-12)
    np.testing.assert_allclose(done.base + done.residual, cells, atol=1e-12)


@pytest.fixture(scope="module")
def hard_ones_missing():
    """Quality falls with a query's difficulty, and of the costly point mostly the easy queries were logged."""
    chance = np.random.default_rng(1)
    ease = chance.standard_normal(300)
    truth = np.array([0.3, 0.45, 0.55, 0.6]) + 0.2 * ease[:, None] * np.array([0.6, 0.9, 1.1, 1.2])
    seen = truth + 0.03 * chance.standard_normal(truth.shape)
    known = np.ones(truth.shape, bool)
    known[:, 3] = chance.random(300) < 1 / (1 + np.exp(-4 * ease))
    known[:, 2] = chance.random(300) < 1 / (1 + np.exp(-2 * ease))
    return truth, np.where(known, seen, np.nan), known


def lack(cells, other, chance):
    """Take as many cells out of a table, in place, as another lacks."""
    missing = np.isnan(other[1]).sum()
    cells.ravel()[chance.permutation(cells.size)[:missing]] = np.nan


def test_cells_missing_where_queries_are_hard_are_recovered_from_what_the_queries_did_elsewhere(hard_ones_missing):
    truth, cells, known = hard_ones_missing

    done = complete(cells, known * 1.0, FOUR, rising=True, seed=0)

    columns = np.nanmean(cells, axis=0)
    assert columns[3] - truth[:, 3].mean() > 0.1, "the column mean is far off on this log"
    away, columns_away = (np.abs(base - truth.mean(0)) for base in (done.base, columns))
    assert (away[2:] < 0.1 * columns_away[2:]).all()
    error = np.abs(done.base + done.residual - truth)[~known].mean()
    assert error < 0.2 * np.abs(columns - truth)[~known].mean()


def test_logged_cells_are_kept_as_they_are_and_no_hole_stays(hard_ones_missing):
    _, cells, known = hard_ones_missing

    done = complete(cells, known * 1.0, FOUR, rising=True, seed=0)

    full = done.base + done.residual
    assert np.isfinite(full).all()
    np.testing.assert_allclose(full[known], cells[known], atol=1e-12)


def test_the_same_log_completes_to_the_same_bits(hard_ones_missing):
    _, cells, known = hard_ones_missing

    one, two = (complete(cells, known * 1.0, FOUR, rising=True, seed=0) for _ in range(2))

    assert one.base.tobytes() == two.base.tobytes()
    assert one.residual.tobytes() == two.residual.tobytes()


def test_another_seed_completes_to_nearly_the_same(hard_ones_missing):
    _, cells, known = hard_ones_missing

    one, two = (complete(cells, known * 1.0, FOUR, rising=True, seed=seed) for seed in (0, 1))

    np.testing.assert_allclose(one.base, two.base, atol=2e-3)
    np.testing.assert_allclose(one.residual, two.residual, atol=0.05)


def test_a_point_with_two_runs_is_pulled_towards_its_models_other_budgets():
    chance = np.random.default_rng(2)
    two_models = points_of("basso", "tenor", labels=("low", "medium", "high"))
    truth = np.array([0.2, 0.2, 0.2, 0.9, 0.9, 0.9])
    cells = (chance.random((200, 6)) < truth).astype(float)
    cells[:, 4] = np.nan
    cells[:2, 4] = 0.0  # two unlucky runs of tenor@medium

    done = complete(cells, ~np.isnan(cells) * 1.0, two_models, rising=True, seed=0)

    assert done.base[4] > 0.55, "two runs are no reason to call it useless when its neighbours are at 0.9"
    assert done.base[4] < 0.9
    assert np.abs(done.base - truth)[[0, 1, 2, 3, 5]].max() < 0.07


def test_a_fall_with_more_compute_that_the_data_show_is_kept(hard_ones_missing):
    chance = np.random.default_rng(3)
    truth = np.array([0.95, 0.8, 0.6, 0.4])
    cells = (chance.random((300, 4)) < truth).astype(float)
    lack(cells, hard_ones_missing, chance)

    done = complete(cells, ~np.isnan(cells) * 1.0, FOUR, rising=True, seed=0)

    assert (np.diff(done.base) < 0).all()
    np.testing.assert_allclose(done.base, np.nanmean(cells, axis=0), atol=0.04)


def test_on_few_runs_a_fall_is_damped_where_compute_is_presumed_to_help():
    cells = np.full((12, 4), np.nan)
    cells[:8, 0] = [1, 1, 1, 1, 1, 1, 1, 0]
    cells[4:12, 3] = [0, 0, 1, 1, 1, 1, 1, 0]
    cells[2:5, 1] = [1, 0, 0]
    cells[6:9, 2] = [0, 0, 1]
    count = ~np.isnan(cells) * 1.0

    rising, free = (complete(cells, count, FOUR, rising=r, seed=0).base for r in (True, False))

    assert np.minimum(np.diff(rising), 0).sum() > np.minimum(np.diff(free), 0).sum()


def test_only_ordered_budgets_of_one_kind_and_model_are_neighbours():
    grid = (
        Point("a", Budget("effort", "low")),
        Point("a", Budget("effort", "high")),
        Point("a", Budget("samples", "3", 3)),
        Point("a", Budget("samples", "5", 5)),
        Point("b", Budget("none", "plain")),
        Point("b", Budget("none", "together")),
    )

    assert budget_steps(grid).tolist() == [[0, 1], [2, 3]]
    assert budget_steps(grid[:1]).shape == (0, 2)


def kind_of_points(kind, amounts):
    return canonical({Point("m", Budget(kind, label, amount)) for label, amount in amounts.items()})


@pytest.mark.parametrize("labels", [("debate", "cot", "zero_shot"), ("low", "high", "medium")])
def test_labels_of_another_kind_without_amounts_are_exchangeable(labels):
    assert budget_steps(kind_of_points("strategy", dict.fromkeys(labels))).shape == (0, 2)


def test_an_effort_that_has_no_order_is_not_a_step_below_the_others():
    grid = kind_of_points("effort", {"default": None, "low": None, "high": None})

    assert [grid[j].budget.label for j in budget_steps(grid).ravel()] == ["low", "high"]


def test_amounts_and_efforts_are_not_compared_but_off_is_below_any_amount():
    mixed = kind_of_points("thinking_tokens", {"high": None, "8000": 8000.0})
    off = kind_of_points("thinking_tokens", {"off": None, "8000": 8000.0})

    assert budget_steps(mixed).shape == (0, 2)
    assert budget_steps(off).tolist() == [[0, 1]]


def test_another_kind_is_ordered_by_its_amounts():
    warm = kind_of_points("temperature", {"1": 1.0, "0": 0.0, "0.5": 0.5, "default": None})

    assert [point.budget.label for point in warm] == ["default", "0", "0.5", "1"]
    assert budget_steps(warm).tolist() == [[1, 2], [2, 3]]


def test_more_is_presumed_not_to_hurt_at_known_kinds_alone(hard_ones_missing):
    amounts = {str(n): float(n) for n in (1, 2, 3, 4)}
    cells = np.tile([0.9, 0.6, 0.4, 0.1], (300, 1)) + 0.05 * np.random.default_rng(0).standard_normal((300, 4))
    lack(cells, hard_ones_missing, np.random.default_rng(5))
    cells[3:, 2:] = np.nan

    of_kind = {
        kind: complete(cells, ~np.isnan(cells) * 1.0, kind_of_points(kind, amounts), rising=True, seed=0).base
        for kind in ("samples", "agents")
    }

    assert of_kind["agents"][3] < of_kind["samples"][3] - 0.02
    assert of_kind["agents"][0] == pytest.approx(of_kind["samples"][0], abs=0.05)


def test_a_panel_of_one_value_completes_to_it(hard_ones_missing):
    cells = np.full((300, 4), 1.0)
    lack(cells, hard_ones_missing, np.random.default_rng(4))

    done = complete(cells, ~np.isnan(cells) * 1.0, FOUR, rising=True, seed=0)

    np.testing.assert_allclose(done.base + done.residual, 1.0, atol=1e-6)
