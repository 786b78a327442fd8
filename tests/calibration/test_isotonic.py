"""Isotonic regression, and crossings of noisy curves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.calibration.isotonic import isotonic, meet
from tests.reference import isotonic as slow_isotonic


@settings(max_examples=200)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=40))
def test_isotonic_equals_scikit_learn_and_the_min_max_formula(values):
    from sklearn.isotonic import IsotonicRegression

    values = np.array(values, dtype=float)
    fitted = isotonic(values)

    assert fitted == pytest.approx(slow_isotonic(values), abs=1e-12)
    assert fitted == pytest.approx(IsotonicRegression().fit_transform(np.arange(values.size), values), abs=1e-9)


def test_a_rising_curve_is_met_by_interpolation():
    assert meet(np.array([1.0, 3.0, 4.0]), 2.0, "left") == 0.5


def test_of_several_crossings_the_one_nearest_to_the_isotonic_fit_is_met():
    curve = np.array([0.0, 1.0, 0.4, 1.2, 2.0])

    # It crosses 0.9 between 0 and 1, between 1 and 2, and between 2 and 3; the fit crosses it after 2.
    assert meet(curve, 0.9, "left") == pytest.approx(2 + 0.5 / 0.8)


def test_the_side_decides_where_a_flat_curve_is_met():
    curve = np.array([0.0, 1.0, 1.0, 2.0])

    assert (meet(curve, 1.0, "left"), meet(curve, 1.0, "right")) == (1.0, 2.0)
