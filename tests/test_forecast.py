"""A forecast is checked where it is built; its errors name the figure, the place and the fix."""

import math

import numpy as np
import pytest

from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.solver.solve import solve
from paretoroute.targets import MaxCost

QUALITY = np.full((3, 2), 0.5)


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"quality": np.ones(3)}, r"quality has shape \(queries, points\), got \(3,\)"),
        ({"cost_usd": np.ones(3)}, r"cost_usd has shape \(3, 2\) or \(2,\), got \(3,\)"),
        ({"labels": {"tag": np.array(["a"])}}, r"labels\['tag'\] have shape \(3,\), got \(1,\)"),
        ({"cost_usd": np.array([1.0, np.nan])}, "must be finite; mark points without one as not callable"),
        ({"cost_usd": np.array([1.0, -2.0])}, "cost_usd must not be negative, got -2.0"),
        ({"quality": QUALITY - 0.6}, r"quality must lie in \[0, 1\], got -0.1 to -0.1"),
        ({"quality": 100 * QUALITY}, r"quality must lie in \[0, 1\], got 50 to 50; rescale it"),
        ({"quality": QUALITY * np.inf}, "must be finite"),
        ({"callable": np.array([[1, 1], [0, 0], [1, 0]], bool)}, "query 1 has no callable point; allow at least one"),
    ],
    ids=[
        "shape of quality",
        "shape of cost",
        "shape of labels",
        "not finite",
        "negative",
        "quality below 0",
        "percent",
        "infinite quality",
        "not callable",
    ],
)
def test_figures_that_do_not_fit_are_refused_with_their_place(figures, message):
    with pytest.raises(TargetError, match=message):
        Forecast(**{"quality": QUALITY, "cost_usd": np.ones(2), **figures})


def test_some_rows_keep_the_figures_that_all_queries_share():
    some = Forecast(QUALITY, np.ones(2), latency_s=np.arange(6.0).reshape(3, 2)).take(np.array([2]))

    assert some.quality.shape == (1, 2) and some.cost_usd.shape == (2,)
    np.testing.assert_array_equal(some.latency_s, [[4.0, 5.0]])


def test_a_quality_that_rounding_left_just_outside_the_range_is_taken():
    assert Forecast(np.array([[np.nextafter(1, 2), -1e-17]]), np.ones(2)).quality.shape == (1, 2)


def test_lists_and_masks_of_0_and_1_are_taken_as_arrays():
    given = Forecast([[0.2, 0.9], [0.4, 0.5]], [1, 2], latency_s=[1.0, 2.0], callable=[[1, 0], [1, 1]])
    arrays = Forecast(
        np.array([[0.2, 0.9], [0.4, 0.5]]), np.array([1, 2]), callable=np.array([[True, False], [True, True]])
    )

    assert given.callable.dtype == bool and given.labels is None
    assert solve(given, MaxCost(5.0)).choice.tolist() == solve(arrays, MaxCost(5.0)).choice.tolist() == [0, 1]
    assert Forecast([[0.2]], [1.0], labels={"tag": ["a"]}).labels["tag"].tolist() == ["a"]


@pytest.mark.parametrize("mask", [[[2, 1]], [[0.5, 1.0]], [[math.nan, 1.0]]])
def test_a_mask_of_other_numbers_is_refused(mask):
    with pytest.raises(TargetError, match="callable must be an array of True and False, got one of"):
        Forecast([[0.2, 0.9]], [1.0, 2.0], callable=mask)
