"""APGR and CPT, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.metrics.strong_share import StrongShareCurve


def test_a_random_choice_recovers_half_the_gap():
    curve = StrongShareCurve(np.array([0.0, 1.0]), np.array([0.4, 0.8]), 0.4, 0.8)

    assert curve.area == pytest.approx(0.6)
    assert curve.apgr == pytest.approx(0.5)
    assert curve.cpt(0.5) == pytest.approx(0.5)


def test_the_first_crossing_counts_on_a_curve_that_falls_again():
    quality = np.array([0.0, 0.1, 0.2, 0.3, 0.6, 0.35, 0.4, 0.4, 0.45, 0.7, 1.0])
    curve = StrongShareCurve(np.linspace(0, 1, 11), quality, 0.0, 1.0)

    assert curve.cpt(0.5) == pytest.approx(0.3 + 0.1 * 0.2 / 0.3)
    assert curve.code_cpt(0.5) == pytest.approx(0.8 + 0.1 * 0.05 / 0.25)
    assert curve.cpt(0.0) == 0.0
    assert curve.cpt(1.0) == 1.0


def test_what_does_not_apply_is_none():
    reached = StrongShareCurve(np.array([0.0, 1.0]), np.array([0.5, 0.6]), 0.5, 0.9)
    upside_down = StrongShareCurve(np.array([0.0, 1.0]), np.array([0.5, 0.4]), 0.5, 0.4)

    assert reached.cpt(0.5) is None
    assert upside_down.apgr is None and upside_down.cpt(0.5) is None
