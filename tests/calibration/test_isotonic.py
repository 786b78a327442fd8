"""Isotonic regression against scikit-learn and the min-max formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.calibration.isotonic import isotonic
from tests.reference import isotonic as slow_isotonic


@settings(max_examples=200)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=40))
def test_isotonic_equals_scikit_learn_and_the_min_max_formula(values):
    from sklearn.isotonic import IsotonicRegression

    values = np.array(values, dtype=float)
    fitted = isotonic(values)

    assert fitted == pytest.approx(slow_isotonic(values), abs=1e-12)
    assert fitted == pytest.approx(IsotonicRegression().fit_transform(np.arange(values.size), values), abs=1e-9)
