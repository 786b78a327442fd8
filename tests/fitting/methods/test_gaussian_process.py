"""Points with few runs are filled by what their few runs tell, and others are left as they are."""

import numpy as np
import pytest

from paretoroute.fitting.methods.gaussian_process import LEAST_RUNS, MOST_RUNS, fill
from paretoroute.fitting.methods.matrix_completion import Completed, complete
from paretoroute.grid import Budget, Point

KINDS = 6


def table(queries=400, *, kept=50, own=True, seed=0):
    """Four well-logged points, and two of a new model with few runs, good at kinds of its own (or at nothing)."""
    chance = np.random.default_rng(seed)
    kind = chance.integers(0, KINDS, queries)
    features = np.eye(KINDS)[kind] + 0.05 * chance.standard_normal((queries, KINDS))
    good = chance.random((4, KINDS))
    added = np.array([0.95, 0.1, 0.9, 0.05, 0.85, 0.1]) if own else np.full(KINDS, 0.5)
    truth = np.column_stack([good[:, kind].T, added[kind], added[kind]])
    cells = (chance.random(truth.shape) < truth).astype(float)
    few = np.ones(queries, bool)
    few[chance.permutation(queries)[:kept]] = False
    cells[few, 4:] = np.nan
    return truth, cells, features, ~few


def points():
    return tuple(Point(model, Budget("effort", label)) for model in ("a", "b", "new") for label in ("low", "high"))


def completed(cells):
    return complete(cells, ~np.isnan(cells) * 1.0, points(), rising=True, seed=0)


def means_only(cells):
    """A completion that knows no query from another: what is missing is the point's mean."""
    means = np.nanmean(np.vstack([cells, np.full(cells.shape[1], 0.5)]), axis=0)
    return Completed(means, np.nan_to_num(cells - means))


def test_fifty_runs_tell_what_a_new_model_is_good_at():
    truth, cells, features, logged = table()
    before = completed(cells)

    after = fill(before, cells, ~np.isnan(cells) * 1.0, features).completed

    error = {}
    for name, found in (("before", before), ("after", after)):
        error[name] = ((found.base + found.residual - truth)[~logged, 4:] ** 2).mean()
    assert error["after"] < 0.35 * error["before"]
    np.testing.assert_allclose(after.base[4:], truth[:, 4:].mean(0), atol=0.14)  # 50 coins: two standard errors


def test_logged_cells_and_well_logged_points_stay_as_they_are():
    _, cells, features, logged = table()
    before = means_only(cells)

    after = fill(before, cells, ~np.isnan(cells) * 1.0, features)

    full = after.completed.base + after.completed.residual
    np.testing.assert_allclose(full[logged], cells[logged], atol=1e-12)
    np.testing.assert_array_equal(after.completed.base[:4], before.base[:4])
    np.testing.assert_array_equal(after.completed.residual[:, :4], before.residual[:, :4])
    assert np.isfinite(full).all()
    assert (np.isfinite(after.left_out) == (logged[:, None] & (np.arange(6) >= 4))).all()


def test_a_forecast_left_out_does_not_know_its_own_run():
    _, cells, features, logged = table()
    row = np.flatnonzero(logged)[7]
    flipped = cells.copy()
    flipped[row, 4:] = 1 - flipped[row, 4:]
    same = means_only(cells)

    one, other = (fill(same, c, ~np.isnan(c) * 1.0, features).left_out[row, 4:] for c in (cells, flipped))

    assert np.abs(one - other).max() < 0.05, "only the choice of the noise may move it"
    assert np.abs(one - cells[row, 4:]).max() > 0.01


def test_left_out_forecasts_are_those_of_fits_without_the_run():
    from paretoroute.fitting.methods import gaussian_process

    chance = np.random.default_rng(1)
    text = chance.standard_normal((60, 5))
    own = (text[:, :1] + 0.3 * chance.standard_normal((60, 1))) / 2
    blocks = gaussian_process._Blocks(gaussian_process._scaled(text), np.zeros((60, 1)))
    rows = np.arange(40)

    regression = gaussian_process._regress(blocks, rows, own[rows])

    kernel = 1.0 + blocks.text @ blocks.text.T
    by_noise = []
    for noise in gaussian_process.NOISES:
        without = [
            kernel[i, rest] @ np.linalg.solve(kernel[np.ix_(rest, rest)] + noise * np.eye(39), own[rest])
            for i, rest in ((i, np.delete(rows, i)) for i in rows)
        ]
        by_noise.append(np.array(without))
    best = min(by_noise, key=lambda found: ((found - own[rows]) ** 2).mean())
    np.testing.assert_allclose(regression.left_out, best, atol=1e-9)


def test_where_the_runs_tell_nothing_the_new_points_stay_near_their_mean():
    truth, cells, features, logged = table(own=False)

    after = fill(means_only(cells), cells, ~np.isnan(cells) * 1.0, features).completed

    filled = (after.base + after.residual)[~logged, 4:]
    assert np.sqrt(((filled - truth[~logged, 4:]) ** 2).mean()) < 0.2


@pytest.mark.parametrize("kept", [0, LEAST_RUNS - 1, 250, 400])
def test_points_with_hardly_any_or_with_many_runs_are_not_touched(kept):
    _, cells, features, _ = table(kept=kept)
    before = means_only(cells)

    after = fill(before, cells, ~np.isnan(cells) * 1.0, features)

    assert after.completed is before
    assert np.isnan(after.left_out).all()


def test_a_log_with_one_run_a_query_is_not_touched():
    chance = np.random.default_rng(2)
    cells = np.full((300, 3), np.nan)
    cells[np.arange(300), chance.integers(0, 3, 300)] = chance.random(300)
    before = Completed(np.zeros(3), np.nan_to_num(cells))

    assert fill(before, cells, ~np.isnan(cells) * 1.0, chance.random((300, 4))).completed is before


def test_many_runs_are_thinned_and_those_left_out_are_forecast_without_themselves_too():
    truth, cells, features, logged = table(2 * MOST_RUNS + 600, kept=MOST_RUNS + 200)

    after = fill(means_only(cells), cells, ~np.isnan(cells) * 1.0, features)

    error = (after.left_out[logged, 4:] - truth[logged, 4:]) ** 2
    assert np.isfinite(error).all()
    assert error.mean() < 0.02
