"""Padded tables: few programs are compiled, and what is padded changes nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from paretoroute.fitting.methods import latent_skills, matrix_completion
from paretoroute.fitting.methods.matrix_completion import complete
from paretoroute.grid import Budget, Point


def panel(queries, models, seed=0):
    """Draw qualities of models with three budgets each, a third of the cells missing."""
    points = tuple(Point(model, Budget("effort", label)) for model in models for label in ("low", "medium", "high"))
    rng = np.random.default_rng(seed)
    cells = 0.2 + 0.6 * rng.random((queries, 1)) * rng.random(len(points))
    cells[rng.random(cells.shape) < 1 / 3] = np.nan
    return cells, points


def completed(cells, points, *, rising=True):
    return complete(cells, ~np.isnan(cells) * 1.0, points, rising=rising, seed=0)


@pytest.mark.parametrize(("queries", "models"), [(40, "a"), (70, "abc")])
def test_padding_leaves_the_loss_and_its_gradient_as_they_are(queries, models):
    cells, points = panel(queries, models)
    layout = matrix_completion._layout(points, descent_runs=latent_skills.DESCENT_RUNS)
    rng, width = np.random.default_rng(1), len(points)
    free = {name: rng.normal(size=width) for name in ("model", "budget")}
    free |= {"loading": rng.normal(size=(width, latent_skills.RANK)), "log_noise": 0.3}
    tables = np.nan_to_num(cells), ~np.isnan(cells) * 2.0

    def gradient_at(free, layout, tables):
        free, tables = jax.tree.map(lambda table: jnp.asarray(table, jnp.float32), (free, tables))
        return jax.value_and_grad(latent_skills._loss)(free, layout, *tables, 100.0)

    more = 5
    padded = {name: latent_skills._filled(free[name], width + more) for name in ("model", "budget", "loading")}
    wide = tuple(np.pad(table, ((0, 30), (0, more))) for table in tables)
    plain, slope = gradient_at(free, layout, tables)
    other, wide_slope = gradient_at(padded | {"log_noise": 0.3}, layout.padded(width + more), wide)

    assert float(other) == pytest.approx(float(plain), rel=1e-5)
    assert float(wide_slope["log_noise"]) == pytest.approx(float(slope["log_noise"]), rel=1e-4)
    for name in ("model", "budget", "loading"):
        np.testing.assert_allclose(wide_slope[name][:width], slope[name], rtol=1e-4, atol=1e-6)
        assert not np.asarray(wide_slope[name][width:]).any()


def test_panels_of_other_sizes_grids_and_presumptions_share_one_program():
    completed(*panel(30, "a"))
    program = latent_skills._minimiser()
    if not hasattr(program, "_cache_size"):
        pytest.skip("the program is wrapped, as for noise in its parameters")
    before = program._cache_size()

    completed(*panel(250, "ab"))
    completed(*panel(100, "b"), rising=False)

    assert program._cache_size() == before


@pytest.mark.parametrize(
    ("size", "least", "roomy"),
    [(1, 8, 8), (8, 8, 8), (9, 8, 12), (12, 8, 16), (16, 8, 16), (17, 8, 23), (4096, 256, 4096)],
)
def test_sizes_grow_by_the_square_root_of_two(size, least, roomy):
    assert latent_skills._roomy(size, least) == roomy


def test_a_point_alone_has_no_skills():
    start = latent_skills.start(
        latent_skills.Layout(np.zeros(1, int), np.zeros((0, 2), int), np.zeros((0, 3), int), np.zeros(0)), seed=0
    )

    assert not start.loading.any()
