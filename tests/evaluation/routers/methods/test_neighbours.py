"""Nearest neighbours against scikit-learn."""

import numpy as np
from sklearn.neighbors import NearestNeighbors as OtherNeighbours

from paretoroute.evaluation.routers.methods import neighbours


def test_neighbours_are_those_of_scikit_learn_and_holes_are_left_out(table):
    features, values, batch = table
    _, near = OtherNeighbours(n_neighbors=20, metric="cosine", algorithm="brute").fit(features).kneighbors(batch)

    means = neighbours.averages(features, values, batch, (5, 20))

    np.testing.assert_allclose(means[1], [np.nanmean(values[chosen], 0) for chosen in near])
    np.testing.assert_allclose(means[0], [np.nanmean(values[chosen[:5]], 0) for chosen in near])


def test_where_no_neighbour_was_logged_the_mean_of_the_point_stands(table):
    features, values, batch = table
    values[:, 0] = np.nan
    values[0, 0] = 0.25
    batch[0] = -features[0]  # the one known is the farthest

    means = neighbours.averages(features, values, batch, (5,))

    assert means[0, 0, 0] == 0.25


def test_more_neighbours_than_queries_are_all_of_them(table):
    features, values, batch = table

    means = neighbours.averages(features, values, batch, (500,))

    np.testing.assert_allclose(means[0], np.tile(np.nanmean(values, 0), (15, 1)))
