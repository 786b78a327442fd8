"""Hulls, AIQ and costs at a quality, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.metrics import cost_quality
from paretoroute.evaluation.metrics.cost_quality import CostCurve

CURVE = CostCurve(np.array([1.0, 2.0, 3.0]), np.array([0.4, 0.7, 0.6]))


def test_the_hull_is_concave_and_does_not_fall():
    cost, quality = np.array([3.0, 1.0, 2.0, 1.0, 4.0]), np.array([0.6, 0.4, 0.45, 0.3, 0.5])

    assert cost_quality.hull(cost, quality).tolist() == [1, 0]
    assert cost_quality.hull(np.array([1.0, 1.0, 1.0]), np.array([0.2, 0.5, 0.5])).tolist() == [1]
    assert cost_quality.hull(np.array([2.0]), np.array([0.1])).tolist() == [0]
    line = cost_quality.hull(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.5, 1.0]))
    assert line.tolist() == [0, 2], "a point on the line between others is no vertex"


def test_aiq_is_the_mean_height_of_the_hull():
    # from 1 to 2 the mean of .4 and .7, from 2 to 3 flat at .7
    assert cost_quality.aiq(CURVE) == pytest.approx((0.55 + 0.7) / 2)
    assert cost_quality.aiq(CURVE, to=5.0) == pytest.approx((0.55 + 3 * 0.7) / 4)
    assert cost_quality.aiq(CostCurve(np.array([1.0]), np.array([0.5]))) is None


def test_the_codes_aiq_falls_when_all_costs_rise():
    shifted = CostCurve(CURVE.cost + 5, CURVE.quality)

    assert cost_quality.code_aiq(CURVE, 3.0) == pytest.approx((0.55 + 0.7) / 3)
    assert cost_quality.code_aiq(shifted, 8.0) == pytest.approx((0.55 + 0.7) / 8)
    assert cost_quality.aiq(shifted) == pytest.approx(cost_quality.aiq(CURVE))


def test_the_deferral_area_is_flat_at_both_ends():
    rising = CostCurve(np.array([1.0, 3.0]), np.array([0.2, 0.6]))

    assert cost_quality.deferral_area(rising, 4.0) == pytest.approx((0.2 + 2 * 0.4 + 0.6) / 4)
    assert cost_quality.deferral_area(rising, 4.0, share=0.5) == pytest.approx((0.2 + 0.3) / 2)


def test_qnc_is_the_cost_of_the_best_single_quality():
    single = CostCurve(np.array([1.0, 4.0, 6.0]), np.array([0.3, 0.5, 0.5]))
    rising = CostCurve(np.array([1.0, 3.0]), np.array([0.2, 0.6]))

    assert cost_quality.qnc(rising, single) == pytest.approx(2.5 / 4)
    assert cost_quality.qnc(CostCurve(np.array([1.0]), np.array([0.4])), single) is None
    assert cost_quality.qnc(CostCurve(np.array([2.0]), np.array([0.7])), single) == pytest.approx(0.5)


def test_the_area_against_single_models_by_hand():
    single = CostCurve(np.array([0.0, 2.0]), np.array([0.2, 0.6]))
    against = cost_quality.area_against_single(CostCurve(np.array([1.0]), np.array([0.5])), single)

    assert against.area == pytest.approx(((0.2 + 0.5) / 2 + 0.5) / 2)
    assert (against.most_above, against.most_below) == pytest.approx((0.1, 0.1))
