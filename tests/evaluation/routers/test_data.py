"""A router's inputs against the log."""

from dataclasses import replace

import numpy as np

from paretoroute.evaluation.routers.data import logged_means, prepared
from paretoroute.fitting.points.log_grid import build_grid
from tests.evaluation.routers.held_out import split
from tests.synthetic_log import make_runs


def test_where_no_cost_was_logged_tokens_are_priced():
    runs = make_runs()
    grid, _ = build_grid(runs)
    bare = replace(runs, cost_usd=np.full(len(runs), np.nan))

    logged = logged_means(bare, grid)

    np.testing.assert_allclose(logged.cost_usd, runs.means("cost_usd")[0], rtol=1e-6)


def test_a_log_with_embeddings_gives_features_of_them():
    runs = make_runs(embedding=True)

    training, batch = prepared(*split(runs), seed=0)

    assert training.features.shape == (180, 3) and batch.features.shape == (60, 3)
