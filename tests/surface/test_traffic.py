"""Traffic: the logged means of the very queries whose forecasts it holds, priced."""

import numpy as np
import pytest

from paretoroute.grid import Price
from paretoroute.surface.traffic import MOST_QUERIES, SIZE_CAP_BYTES, sample_size
from tests.synthetic_log import COMPLETION_TOKENS, PRICES


def rows_in_common(runs, traffic):
    """Match the rows of the traffic to queries of the log by what was logged, order unknown."""
    quality, _ = runs.means("quality")
    tokens, _ = runs.means("completion_tokens")
    both = np.hstack([quality, tokens]).astype(np.float32)
    kept = np.hstack([traffic.logged_quality, traffic.logged_amount])
    place = {row.tobytes(): i for i, row in enumerate(np.nan_to_num(both, nan=-1))}
    return [place[row.tobytes()] for row in np.nan_to_num(np.round(kept * 4) / 4, nan=-1)]


def test_logged_means_stand_beside_the_forecasts_of_the_same_query(signal_fit, signal_runs):
    fit, _ = signal_fit

    rows = rows_in_common(signal_runs, fit.calibration_sample)

    assert sorted(rows) == list(range(len(signal_runs.query_ids)))
    kind = np.array(signal_runs.tags)[rows]
    for name, best in (("code", 3), ("law", 0)):  # code wants tenor, law wants basso
        assert fit.calibration_sample.quality[kind == name].mean(0)[best] > 0.75, name
    deployed = np.stack([fit.surface.at_text(signal_runs.texts[i]).quality for i in rows])
    for j in range(4):
        assert np.corrcoef(deployed[:, j], fit.calibration_sample.quality[:, j])[0, 1] > 0.7, j


def test_forecast_cost_is_forecast_tokens_times_prices(signal_fit):
    fit, grid = signal_fit
    paid_in = np.array([PRICES[point.model][0] for point in grid.points])
    paid_out = np.array([PRICES[point.model][1] for point in grid.points])

    forecast, logged = fit.calibration_sample.forecast(grid), fit.calibration_sample.logged_cost_usd(grid)

    expected = (
        fit.calibration_sample.prompt_tokens.astype(float) * paid_in
        + fit.calibration_sample.amount.astype(float) * paid_out
    ) / 1e6
    np.testing.assert_allclose(forecast.cost_usd, expected, rtol=1e-6)
    np.testing.assert_array_equal(np.isnan(logged), np.isnan(fit.calibration_sample.logged_amount))
    expected = (30 * paid_in + np.array(COMPLETION_TOKENS) * paid_out) / 1e6
    np.testing.assert_allclose(np.nanmean(logged, axis=0), expected, rtol=0.1)


def test_the_logged_cost_of_the_traffic_is_the_logged_cost(signal_fit, signal_runs):
    fit, grid = signal_fit
    rows = rows_in_common(signal_runs, fit.calibration_sample)

    np.testing.assert_allclose(
        fit.calibration_sample.logged_cost_usd(grid), signal_runs.means("cost_usd")[0][rows], rtol=1e-4, equal_nan=True
    )


@pytest.mark.parametrize(
    ("queries", "points", "size"),
    [(500, 10, 500), (10**6, 3, MOST_QUERIES), (10**6, 10**5, 200), (50, 10**5, 50)],
)
def test_the_traffic_is_a_sample_of_bounded_size(queries, points, size):
    assert sample_size(queries, points) == size


def test_a_traffic_at_the_cap_keeps_within_its_bytes():
    queries = sample_size(10**6, 40)

    assert SIZE_CAP_BYTES - 24 * 40 < queries * 40 * 6 * 4 <= SIZE_CAP_BYTES


def test_new_prices_change_the_cost_alone(signal_fit):
    fit, grid = signal_fit
    dearer = type(grid)(grid.points, {**grid.prices, "tenor": Price(4.0, 20.0)})

    before, after = fit.calibration_sample.forecast(grid), fit.calibration_sample.forecast(dearer)

    tenor = np.array([point.model == "tenor" for point in grid.points])
    np.testing.assert_array_equal(before.quality, after.quality)
    np.testing.assert_array_equal(before.cost_usd[:, ~tenor], after.cost_usd[:, ~tenor])
    np.testing.assert_allclose(after.cost_usd[:, tenor], 2 * before.cost_usd[:, tenor], rtol=1e-5)
