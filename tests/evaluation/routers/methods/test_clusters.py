"""k-means against scikit-learn and a loop."""

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2
from sklearn.cluster import KMeans

from paretoroute.evaluation.routers.methods import clusters


def grouped_vectors():
    chance = np.random.default_rng(2)
    return chance.standard_normal((300, 5)) + 3 * chance.integers(0, 3, (300, 1))


def test_k_means_stops_where_lloyds_algorithm_of_scikit_learn_would_not_move():
    vectors = grouped_vectors()

    centres = clusters.cluster_centres(vectors, 8, seed=4)
    other = KMeans(8, init=centres, n_init=1, tol=0, max_iter=clusters.ROUNDS, algorithm="lloyd").fit(vectors)

    assert centres.shape == (8, 5)
    np.testing.assert_allclose(centres, other.cluster_centers_, rtol=1e-9)
    np.testing.assert_array_equal(clusters.assign(vectors, centres), other.labels_)


def test_k_means_is_about_as_tight_as_that_of_scikit_learn():
    vectors = grouped_vectors()

    def inertia(centres):
        return ((vectors - centres[clusters.assign(vectors, centres)]) ** 2).sum()

    ours = [inertia(clusters.cluster_centres(vectors, 8, seed=seed)) for seed in range(12)]
    others = [KMeans(8, n_init=1, tol=0, random_state=seed).fit(vectors).inertia_ for seed in range(12)]

    assert np.median(ours) == pytest.approx(np.median(others), rel=0.03)


def test_the_same_seed_gives_the_same_centres():
    vectors = grouped_vectors()

    once, again, other = (clusters.cluster_centres(vectors, 8, seed=seed) for seed in (4, 4, 5))

    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("distinct", [1, 3])
def test_there_are_no_more_clusters_than_distinct_queries(distinct):
    vectors = np.repeat(np.eye(3)[:distinct], 5, axis=0)

    centres = clusters.cluster_centres(vectors, 10, seed=0)

    assert sorted(map(tuple, centres)) == sorted(map(tuple, np.eye(3)[:distinct]))


def test_a_centre_that_loses_its_queries_stays_without_a_warning():
    vectors = np.random.default_rng(1690).integers(0, 12, (8, 2)).astype(float)  # picked: the fourth centre loses all
    with pytest.warns(UserWarning, match="One of the clusters is empty"):
        kmeans2(vectors, 4, iter=clusters.ROUNDS, minit="++", rng=np.random.default_rng(0))

    centres = clusters.cluster_centres(vectors, 4, seed=0)

    assert centres.shape == (4, 2) and np.isfinite(centres).all()
    assert len(np.unique(clusters.assign(vectors, centres))) == 3


def test_cluster_means_are_those_of_a_loop(table):
    _, values, _ = table
    member = np.arange(80) % 7
    values[member == 3, 1] = np.nan

    means = clusters.cluster_means(member, values, 8)

    for k in range(7):
        expected = [np.nanmean(column[member == k]) if k != 3 or j != 1 else np.nanmean(column)
                    for j, column in enumerate(values.T)]  # fmt: skip
        np.testing.assert_allclose(means[k], expected, err_msg=f"cluster {k}")
    np.testing.assert_allclose(means[7], np.nanmean(values, 0), err_msg="a cluster without a query")
