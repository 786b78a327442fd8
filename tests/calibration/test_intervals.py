"""Bootstrap intervals."""

import numpy as np
import pytest

from paretoroute.calibration.intervals import resampled


def test_queries_of_one_group_are_drawn_together():
    values = np.repeat(np.random.default_rng(0).standard_normal(50), 4)[:, None]

    apart, together = (resampled(values, g, seed=0)[0] for g in (np.arange(200), np.repeat(np.arange(50), 4)))

    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(2.0, rel=0.1)
