"""A forecast is checked where it is built; its errors name the figure, the place and the fix."""

import numpy as np
import pytest

from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast

QUALITY = np.full((3, 2), 0.5)


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"quality": np.ones(3)}, r"quality has shape \(queries, points\), got \(3,\)"),
        ({"cost_usd": np.ones(3)}, r"cost_usd has shape \(3, 2\) or \(2,\), got \(3,\)"),
        ({"labels": {"tag": np.array(["a"])}}, r"labels\['tag'\] have shape \(3,\), got \(1,\)"),
        ({"cost_usd": np.array([1.0, np.nan])}, "must be finite; mark points without one as not callable"),
        ({"cost_usd": np.array([1.0, -2.0])}, "cost_usd must not be negative, got -2.0"),
        ({"callable": np.array([[1, 1], [0, 0], [1, 0]], bool)}, "query 1 has no callable point; allow at least one"),
    ],
    ids=["shape of quality", "shape of cost", "shape of labels", "not finite", "negative", "not callable"],
)
def test_figures_that_do_not_fit_are_refused_with_their_place(figures, message):
    with pytest.raises(TargetError, match=message):
        Forecast(**{"quality": QUALITY, "cost_usd": np.ones(2), **figures})


def test_some_rows_keep_the_figures_that_all_queries_share():
    some = Forecast(QUALITY, np.ones(2), latency_s=np.arange(6.0).reshape(3, 2)).take(np.array([2]))

    assert some.quality.shape == (1, 2) and some.cost_usd.shape == (2,)
    np.testing.assert_array_equal(some.latency_s, [[4.0, 5.0]])
