"""Every baseline against a slow, obvious version or scikit-learn; none can see an outcome but the oracle."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge as OtherRidge
from sklearn.neighbors import NearestNeighbors as OtherNeighbours

from paretoroute.evaluation.routers import kmeans, knn
from paretoroute.evaluation.routers import ridge as ridge_router
from paretoroute.evaluation.routers.base import Asked, Training
from paretoroute.evaluation.routers.blind_mixture import BlindMixture
from paretoroute.evaluation.routers.cross_validation import best_settings
from paretoroute.evaluation.routers.data import filled, outcomes, prepared
from paretoroute.evaluation.routers.kmeans import Clusters
from paretoroute.evaluation.routers.knn import NearestNeighbours
from paretoroute.evaluation.routers.oracle import Oracle
from paretoroute.evaluation.routers.ridge import Ridge
from paretoroute.fitting.methods import ridge
from paretoroute.fitting.points.log_grid import build_grid
from tests.synthetic_log import make_runs

BASELINES = (BlindMixture(), NearestNeighbours(), Clusters(), Ridge())


def split(runs):
    test = np.arange(len(runs.query_ids)) % 4 == 0
    grid, _ = build_grid(runs)
    return runs.select(~test), runs.select(test), grid


@pytest.fixture(scope="module")
def given() -> tuple[Training, Asked]:
    """180 queries to learn from and 60 to forecast, a fifth of the cells missing."""
    return prepared(*split(make_runs(holes=0.2)), seed=0)


@pytest.fixture
def table():
    """Features, values with holes, and features of queries that ask."""
    chance = np.random.default_rng(5)
    values = chance.random((80, 4))
    values[chance.random((80, 4)) < 0.3] = np.nan
    return chance.standard_normal((80, 6)), values, chance.standard_normal((15, 6))


@pytest.mark.parametrize("router", BASELINES, ids=lambda router: router.name)
def test_a_router_forecasts_every_point_at_every_query_the_same_each_time(router, given):
    training, asked = given

    once, again = router.fit(training)(asked), router.fit(training)(asked)

    assert once.quality.shape == once.cost_usd.shape == (60, 4)
    assert (once.quality >= 0).all() and (once.quality <= 1).all() and (once.cost_usd > 0).all()
    np.testing.assert_array_equal(once.quality, again.quality)
    np.testing.assert_array_equal(once.cost_usd, again.cost_usd)


@pytest.mark.parametrize("router", BASELINES, ids=lambda router: router.name)
def test_a_forecast_does_not_depend_on_what_else_is_asked(router, given):
    training, asked = given
    predict = router.fit(training)
    alone = Asked(asked.texts[:1], asked.tags[:1], asked.query_ids[:1], asked.features[:1])

    np.testing.assert_allclose(predict(alone).quality, predict(asked).quality[:1], rtol=1e-9)
    np.testing.assert_allclose(predict(alone).cost_usd, predict(asked).cost_usd[:1], rtol=1e-9)


@pytest.mark.parametrize("router", BASELINES[1:], ids=lambda router: router.name)
def test_a_router_learns_which_kind_of_query_wants_which_point(router, given):
    training, asked = given

    found = router.fit(training)(asked).quality

    code = np.array([tag == "code" for tag in asked.tags])
    assert (found[code, 2] > found[code, 0] + 0.3).all(), "tenor low answers code at 85%, basso low at 10%"


def test_what_is_asked_holds_no_outcome():
    assert {item.name for item in fields(Asked)} == {"texts", "tags", "query_ids", "features", "embeddings"}


def test_the_blind_mixture_forecasts_the_logged_means(given):
    training, asked = given

    found = BlindMixture().fit(training)(asked)

    np.testing.assert_allclose(found.quality, np.tile(np.nanmean(training.quality, 0), (60, 1)))
    np.testing.assert_allclose(found.cost_usd, np.tile(np.nanmean(training.cost_usd, 0), (60, 1)))


def test_neighbours_are_those_of_scikit_learn_and_holes_are_left_out(table):
    features, values, asked = table
    _, near = OtherNeighbours(n_neighbors=20, metric="cosine", algorithm="brute").fit(features).kneighbors(asked)

    found = knn.averages(features, values, asked, (5, 20))

    np.testing.assert_allclose(found[1], [np.nanmean(values[chosen], 0) for chosen in near])
    np.testing.assert_allclose(found[0], [np.nanmean(values[chosen[:5]], 0) for chosen in near])


def test_where_no_neighbour_was_logged_the_mean_of_the_point_stands(table):
    features, values, asked = table
    values[:, 0] = np.nan
    values[0, 0] = 0.25
    asked[0] = -features[0]  # the one known is the farthest

    found = knn.averages(features, values, asked, (5,))

    assert found[0, 0, 0] == 0.25


def test_more_neighbours_than_queries_are_all_of_them(table):
    features, values, asked = table

    found = knn.averages(features, values, asked, (500,))

    np.testing.assert_allclose(found[0], np.tile(np.nanmean(values, 0), (15, 1)))


def grouped_vectors():
    chance = np.random.default_rng(2)
    return chance.standard_normal((300, 5)) + 3 * chance.integers(0, 3, (300, 1))


def test_k_means_stops_where_lloyds_algorithm_of_scikit_learn_would_not_move():
    vectors = grouped_vectors()

    centres = kmeans.k_means(vectors, 8, seed=4)
    other = KMeans(8, init=centres, n_init=1, tol=0, max_iter=kmeans.ROUNDS, algorithm="lloyd").fit(vectors)

    assert centres.shape == (8, 5)
    np.testing.assert_allclose(centres, other.cluster_centers_, rtol=1e-9)
    np.testing.assert_array_equal(kmeans.assigned(vectors, centres), other.labels_)


def test_k_means_is_about_as_tight_as_that_of_scikit_learn():
    vectors = grouped_vectors()

    def inertia(centres):
        return ((vectors - centres[kmeans.assigned(vectors, centres)]) ** 2).sum()

    ours = [inertia(kmeans.k_means(vectors, 8, seed=seed)) for seed in range(12)]
    others = [KMeans(8, n_init=1, tol=0, random_state=seed).fit(vectors).inertia_ for seed in range(12)]

    assert np.median(ours) == pytest.approx(np.median(others), rel=0.03)


def test_the_same_seed_gives_the_same_centres():
    vectors = grouped_vectors()

    once, again, other = (kmeans.k_means(vectors, 8, seed=seed) for seed in (4, 4, 5))

    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("different", [1, 3])
def test_there_are_no_more_clusters_than_different_queries(different):
    vectors = np.repeat(np.eye(3)[:different], 5, axis=0)

    centres = kmeans.k_means(vectors, 10, seed=0)

    assert sorted(map(tuple, centres)) == sorted(map(tuple, np.eye(3)[:different]))


def test_a_centre_that_loses_its_queries_stays_without_a_warning():
    vectors = np.random.default_rng(1690).integers(0, 12, (8, 2)).astype(float)  # picked: the fourth centre loses all
    with pytest.warns(UserWarning, match="One of the clusters is empty"):
        kmeans2(vectors, 4, iter=kmeans.ROUNDS, minit="++", rng=np.random.default_rng(0))

    centres = kmeans.k_means(vectors, 4, seed=0)

    assert centres.shape == (4, 2) and np.isfinite(centres).all()
    assert len(np.unique(kmeans.assigned(vectors, centres))) == 3


def test_cluster_means_are_those_of_a_loop(table):
    _, values, _ = table
    member = np.arange(80) % 7
    values[member == 3, 1] = np.nan

    found = kmeans.means(member, values, 8)

    for k in range(7):
        expected = [np.nanmean(column[member == k]) if k != 3 or j != 1 else np.nanmean(column)
                    for j, column in enumerate(values.T)]  # fmt: skip
        np.testing.assert_allclose(found[k], expected, err_msg=f"cluster {k}")
    np.testing.assert_allclose(found[7], np.nanmean(values, 0), err_msg="a cluster without a query")


def test_ridge_on_the_known_cells_is_that_of_scikit_learn(table):
    features, values, _ = table

    slopes, intercepts = ridge_router.fitted(features, values)

    for s, strength in enumerate(ridge.STRENGTHS):
        for j in range(4):
            known = ~np.isnan(values[:, j])
            other = OtherRidge(alpha=strength).fit(features[known], values[known, j])
            np.testing.assert_allclose(slopes[s, :, j], other.coef_, rtol=1e-6, atol=1e-8)
            np.testing.assert_allclose(intercepts[s, j], other.intercept_, rtol=1e-6)


def test_smeared_cost_has_the_mean_that_was_logged(table):
    features, values, _ = table
    cost = np.exp(3 * values - 8)

    _, found = ridge_router.forecasts(features, values, cost, features)

    known = ~np.isnan(cost)
    for by_strength in found:
        np.testing.assert_allclose(np.where(known, by_strength, 0).sum(0), np.nansum(cost, 0))


def test_a_free_call_does_not_break_the_logarithm(table):
    features, values, asked = table
    cost = np.where(np.arange(80)[:, None] % 5 == 0, 0.0, values)

    _, found = ridge_router.forecasts(features, values, cost, asked)

    assert np.isfinite(found).all() and (found >= 0).all()


def test_the_setting_with_the_least_error_on_other_groups_is_chosen(given):
    training, _ = given
    truth, paid = filled(training.quality), filled(training.cost_usd)
    seen = []

    def candidates(rows, asked):
        seen.append((rows, asked))
        quality = np.stack([truth[asked] + 0.3, truth[asked] + 0.1, truth[asked] - 0.2])
        return quality, np.stack([paid[asked] * 2, paid[asked] * 3, paid[asked] * 1.1])

    assert best_settings(training, candidates) == (1, 2)
    times = np.sum([asked for _, asked in seen], axis=0)
    assert times.tolist() == [1] * len(training.texts), "each query is forecast once"
    for rows, asked in seen:
        groups = np.array(training.groups)
        assert not set(groups[rows]) & set(groups[asked]), "a group stands on both sides"


def test_the_oracle_forecasts_what_came_of_each_call():
    runs = make_runs()
    train, test, grid = split(runs)
    training, asked = prepared(train, test, grid, seed=0)

    found = Oracle(runs, grid).fit(training)(asked)

    np.testing.assert_array_equal(found.quality, test.means("quality")[0])
    np.testing.assert_array_equal(found.cost_usd, test.means("cost_usd")[0])


def test_where_no_cost_was_logged_tokens_are_priced():
    runs = make_runs()
    grid, _ = build_grid(runs)
    bare = replace(runs, cost_usd=np.full(len(runs), np.nan))

    _, cost, _ = outcomes(bare, grid)

    np.testing.assert_allclose(cost, runs.means("cost_usd")[0], rtol=1e-6)


def test_a_log_with_embeddings_gives_features_of_them():
    runs = make_runs(embedding=True)

    training, asked = prepared(*split(runs), seed=0)

    assert training.features.shape == (180, 3) and asked.features.shape == (60, 3)
