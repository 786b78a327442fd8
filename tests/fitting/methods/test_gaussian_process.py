"""Points with few runs are filled by what their few runs tell, and others are left as they are."""

import numpy as np
import pytest

from paretoroute.fitting.methods import gaussian_process
from paretoroute.fitting.methods.gaussian_process import LEAST_RUNS, MOST_RUNS, fill, with_few_runs
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


def imputed(before, cells, features):
    count = ~np.isnan(cells) * 1.0
    return fill(before, cells, count, features, few=with_few_runs(count))


def test_fifty_runs_tell_what_a_new_model_is_good_at():
    truth, cells, features, logged = table()
    before = completed(cells)

    after = imputed(before, cells, features)

    error = {}
    for name, found in (("before", before), ("after", after)):
        error[name] = ((found.base + found.residual - truth)[~logged, 4:] ** 2).mean()
    assert error["after"] < 0.35 * error["before"]
    np.testing.assert_allclose(after.base[4:], truth[:, 4:].mean(0), atol=0.14)  # 50 coins: two standard errors


def test_logged_cells_and_well_logged_points_stay_as_they_are():
    _, cells, features, logged = table()
    before = means_only(cells)

    after = imputed(before, cells, features)

    full = after.base + after.residual
    np.testing.assert_allclose(full[logged], cells[logged], atol=1e-12)
    np.testing.assert_array_equal(after.base[:4], before.base[:4])
    np.testing.assert_array_equal(after.residual[:, :4], before.residual[:, :4])
    assert np.isfinite(full).all()


def test_the_share_and_the_noise_are_those_of_the_least_error_without_each_run():
    chance = np.random.default_rng(1)
    text, others = chance.standard_normal((60, 5)), chance.standard_normal((60, 3))
    own = (text[:, :1] + 0.3 * chance.standard_normal((60, 1))) / 2
    blocks = gaussian_process._Blocks(gaussian_process._scaled(text), gaussian_process._scaled(others))
    rows = np.arange(40)

    forecast = gaussian_process._regress(blocks, rows, own[rows])

    by_error = []
    for share in gaussian_process.SHARES:
        kernel = 1.0 + (1 - share) * blocks.text @ blocks.text.T + share * blocks.others @ blocks.others.T
        for noise in gaussian_process.NOISES:
            without = [
                kernel[i, rest] @ np.linalg.solve(kernel[np.ix_(rest, rest)] + noise * np.eye(39), own[rest])
                for i, rest in ((i, np.delete(rows, i)) for i in rows)
            ]
            whole = kernel[:, rows] @ np.linalg.solve(kernel[:40, :40] + noise * np.eye(40), own[rows])
            by_error.append((float(((np.array(without) - own[rows]) ** 2).mean()), whole))
    np.testing.assert_allclose(forecast, min(by_error, key=lambda one: one[0])[1], atol=1e-9)


def test_where_the_runs_tell_nothing_the_new_points_stay_near_their_mean():
    truth, cells, features, logged = table(own=False)

    after = imputed(means_only(cells), cells, features)

    filled = (after.base + after.residual)[~logged, 4:]
    assert np.sqrt(((filled - truth[~logged, 4:]) ** 2).mean()) < 0.2


@pytest.mark.parametrize("kept", [0, LEAST_RUNS - 1, 250, 400])
def test_points_with_hardly_any_or_with_many_runs_are_not_touched(kept):
    _, cells, features, _ = table(kept=kept)
    before = means_only(cells)

    assert imputed(before, cells, features) is before


def test_a_log_with_one_run_a_query_is_not_touched():
    chance = np.random.default_rng(2)
    cells = np.full((300, 3), np.nan)
    cells[np.arange(300), chance.integers(0, 3, 300)] = chance.random(300)
    before = Completed(np.zeros(3), np.nan_to_num(cells))

    assert imputed(before, cells, chance.random((300, 4))) is before


def test_many_runs_are_thinned():
    truth, cells, features, logged = table(2 * MOST_RUNS + 600, kept=MOST_RUNS + 200)

    after = imputed(means_only(cells), cells, features)

    assert (((after.base + after.residual - truth)[~logged, 4:]) ** 2).mean() < 0.02
