"""Ridge against scikit-learn, and its smeared costs."""

import numpy as np
from sklearn.linear_model import Ridge as OtherRidge

from paretoroute.evaluation.routers.methods import regression
from paretoroute.fitting.methods import ridge


def test_ridge_on_the_known_cells_is_that_of_scikit_learn(table):
    features, values, _ = table

    models = regression.fit_columns(features, values)

    for s, strength in enumerate(ridge.STRENGTHS):
        for j in range(4):
            known = ~np.isnan(values[:, j])
            other = OtherRidge(alpha=strength).fit(features[known], values[known, j])
            np.testing.assert_allclose(models.slopes[s, :, j], other.coef_, rtol=1e-6, atol=1e-8)
            np.testing.assert_allclose(models.intercepts[s, j], other.intercept_, rtol=1e-6)


def test_smeared_cost_has_the_mean_that_was_logged(table):
    features, values, _ = table
    cost = np.exp(3 * values - 8)

    forecast = regression.forecast_cost(features, cost, features)

    known = ~np.isnan(cost)
    for by_strength in forecast:
        np.testing.assert_allclose(np.where(known, by_strength, 0).sum(0), np.nansum(cost, 0))


def test_a_free_call_does_not_break_the_logarithm(table):
    features, values, batch = table
    cost = np.where(np.arange(80)[:, None] % 5 == 0, 0.0, values)

    forecast = regression.forecast_cost(features, cost, batch)

    assert np.isfinite(forecast).all() and (forecast >= 0).all()
