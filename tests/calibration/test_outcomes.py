"""Logged outcomes: rules applied to them, and missing cells imputed."""

import numpy as np
import pytest

from paretoroute.calibration.outcomes import aipw_imputed, logged_outcomes
from paretoroute.grid import Budget, Grid, Point
from paretoroute.solver.rules import PriceRule
from paretoroute.surface.traffic import CalibrationSample
from tests.calibration.tables import outcomes_of


def test_chosen_mixes_both_sides_of_a_tie_by_the_split():
    table = outcomes_of([[0.5, 0.7, 0.0]] * 4, [1.0, 2.0, 9.0])

    rule = PriceRule(0.2, 0.25)
    chosen, share = table.chosen(rule), table.call_shares(rule)

    np.testing.assert_allclose(chosen.quality, 0.55)
    np.testing.assert_allclose(chosen.cost_usd, 1.25)
    np.testing.assert_allclose(share, [0.75, 0.25, 0])


def test_the_logged_share_counts_logged_cells_only():
    logged = np.array([[0.5, np.nan], [np.nan, 0.9], [0.5, 0.9], [np.nan, 0.9]])
    table = outcomes_of(np.tile([[0.5, 0.9]], (4, 1)), [1.0, 2.0], logged_quality=logged)

    assert table.logged_share(PriceRule(10.0, 0.0)) == 0.5
    assert table.logged_share(PriceRule(0.0, 0.0)) == 0.75


def test_missing_cells_of_the_calibration_sample_are_imputed_without_bias():
    rng = np.random.default_rng(3)
    truth = rng.random((5000, 2)) * [0.4, 0.9]
    seen = rng.random(truth.shape) < 0.5
    logged = np.where(seen, truth, np.nan).astype(np.float32)
    wrong = np.full(truth.shape, 0.5, np.float32)
    grid = Grid((Point("a", Budget()), Point("b", Budget())), {})
    nothing = np.zeros(truth.shape, np.float32)

    filled = logged_outcomes(CalibrationSample(wrong, wrong, nothing, logged, logged, nothing), grid)

    np.testing.assert_allclose(filled.quality.mean(0), truth.mean(0), atol=0.02)
    np.testing.assert_allclose(filled.cost_usd.mean(0), truth.mean(0), atol=0.02)
    assert np.isnan(filled.logged_quality).any()


def test_imputed_means_are_unbiased():
    rng = np.random.default_rng(2)
    truth, forecast = rng.random((40_000, 3)), np.full((40_000, 3), 0.2)
    logged = np.where(rng.random((40_000, 3)) < [1.0, 0.5, 0.1], truth, np.nan)

    filled = aipw_imputed(forecast, logged, "quality")

    assert np.array_equal(filled[:, 0], truth[:, 0])
    assert filled.mean(axis=0) == pytest.approx(truth.mean(axis=0), abs=0.03)  # three standard errors at 10% logged
    assert np.array_equal(aipw_imputed(forecast, np.full_like(forecast, np.nan), "quality"), forecast)
