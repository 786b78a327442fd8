"""The logged surface: means of logged cells alone, overall and by kind."""

import numpy as np
import pytest

from paretoroute.calibration.intervals import wilson
from paretoroute.evaluation.details.kinds import kinds_of
from paretoroute.evaluation.details.surface import _interval, surface_of


def test_every_part_averages_its_logged_cells(compared):
    runs = compared.study.runs

    surface = surface_of(compared.study, kinds_of(runs))

    assert [part.tag for part in surface.parts] == [None, "code", "law", "poem"]
    assert (surface.models, surface.budgets) == (("basso", "tenor"), ("low", "high"))
    tags = np.array(runs.tags)
    for part in surface.parts:
        for j, point in enumerate(surface.points):
            rows = (runs.point == j) & ((tags[runs.query] == part.tag) | (part.tag is None))
            interval = part.quality[j]
            assert interval is not None and interval.value == pytest.approx(runs.quality[rows].mean()), point.name
            assert part.cost_usd[j] == pytest.approx(runs.cost_usd[rows].mean())
            assert interval.low < interval.value < interval.high
    assert [part.queries for part in surface.parts] == [300, 100, 100, 100]


def test_cells_that_are_all_right_have_the_score_interval():
    interval = _interval(np.array([1.0, np.nan, 1.0, 1.0]))

    low, high = wilson(np.array(1.0), np.array(3.0))
    assert (interval.value, interval.low, interval.high) == (1.0, pytest.approx(float(low)), pytest.approx(float(high)))
