"""The rules that every router keeps."""

from dataclasses import fields

import numpy as np
import pytest

from paretoroute.evaluation.routers.base import QueryBatch
from paretoroute.evaluation.routers.kmeans import KMeans
from paretoroute.evaluation.routers.knn import NearestNeighbours
from paretoroute.evaluation.routers.ridge import Ridge
from paretoroute.evaluation.routers.static_mixture import StaticMixture

BASELINES = (StaticMixture(), NearestNeighbours(), KMeans(), Ridge())


@pytest.mark.parametrize("router", BASELINES, ids=lambda router: router.name)
def test_a_router_forecasts_every_point_at_every_query_the_same_each_time(router, prepared_runs):
    training, batch = prepared_runs

    once, again = router.fit(training).forecast(batch), router.fit(training).forecast(batch)

    assert once.quality.shape == once.cost_usd.shape == (60, 4)
    assert (once.quality >= 0).all() and (once.quality <= 1).all() and (once.cost_usd > 0).all()
    np.testing.assert_array_equal(once.quality, again.quality)
    np.testing.assert_array_equal(once.cost_usd, again.cost_usd)


@pytest.mark.parametrize("router", BASELINES, ids=lambda router: router.name)
def test_a_forecast_does_not_depend_on_the_other_queries_of_the_batch(router, prepared_runs):
    training, batch = prepared_runs
    predict = router.fit(training).forecast
    alone = QueryBatch(batch.texts[:1], batch.tags[:1], batch.query_ids[:1], batch.features[:1])

    np.testing.assert_allclose(predict(alone).quality, predict(batch).quality[:1], rtol=1e-9)
    np.testing.assert_allclose(predict(alone).cost_usd, predict(batch).cost_usd[:1], rtol=1e-9)


@pytest.mark.parametrize("router", BASELINES[1:], ids=lambda router: router.name)
def test_a_router_learns_which_kind_of_query_wants_which_point(router, prepared_runs):
    training, batch = prepared_runs

    quality = router.fit(training).forecast(batch).quality

    code = np.array([tag == "code" for tag in batch.tags])
    assert (quality[code, 2] > quality[code, 0] + 0.3).all(), "tenor low answers code at 85%, basso low at 10%"


def test_a_query_batch_holds_no_outcome():
    assert {item.name for item in fields(QueryBatch)} == {"texts", "tags", "query_ids", "features", "embeddings"}
