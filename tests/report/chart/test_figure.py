"""The content of the picture: the order of points, and the marks on its axes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoroute.report.chart.figure import Axis, LogAxis, chart_of
from tests.report.documents import document


def test_points_of_a_model_are_joined_in_order_of_compute():
    doc = document({("m", label): (0.5, 0.001, 0.25) for label in ("max", "low", "high", "medium")})

    assert [dot.label for dot in chart_of(doc).dots] == ["low", "medium", "high", "max"]
    assert [dot.joined for dot in chart_of(doc).dots] == [False, True, True, True]


def test_points_without_an_order_are_not_joined():
    doc = document({("m", label): (0.5, 0.001, 0.25) for label in ("brisk", "low", "high", "calm")})

    assert [dot.label for dot in chart_of(doc).dots] == ["brisk", "calm", "low", "high"]
    assert [dot.joined for dot in chart_of(doc).dots] == [False, False, False, True]


@given(st.floats(1e-9, 1e3), st.floats(1.5, 1e12), st.booleans())
def test_ticks_of_cost_are_few_and_rise_along_the_axis(low, ratio, free):
    axis = LogAxis(low, low * ratio, free)
    ticks = axis.ticks()
    places = [axis.place(usd) for usd, _ in ticks]

    assert len(ticks) <= 9
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    assert len({text for _, text in ticks}) == len(ticks), ticks


@given(st.floats(0, 1), st.floats(0.04, 1.04))
def test_ticks_of_quality_are_round_and_inside(low, size):
    axis = Axis(low, low + size)

    assert 1 <= len(axis.ticks()) <= 9
    for value, text in axis.ticks():
        assert float(text) == pytest.approx(value, abs=1e-9)
        assert axis.low - 1e-9 <= value <= axis.high + 1e-9
