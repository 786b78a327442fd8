"""The frontier that is drawn: concave, and above every point."""

import numpy as np
import pytest

from paretoroute.report.chart.figure import chart_of
from paretoroute.report.chart.frontier import corners, drawn
from tests.report.documents import document, every_document


@every_document
def test_no_point_lies_above_the_drawn_frontier(doc):
    chart = chart_of(doc)
    places = drawn(doc, chart.cost)
    across = [chart.cost.place(place.cost_usd) for place in places]
    expected = doc.expected
    offers = [(dot.cost_usd, dot.quality) for dot in chart.dots] + [(expected.cost_usd, expected.quality)]
    offers += [(row.cost_usd, row.quality) for row in doc.trade_off]

    for cost, quality in offers:
        assert quality <= np.interp(chart.cost.place(cost), across, [place.quality for place in places]) + 1e-9


@every_document
def test_the_frontier_rises_ever_more_slowly(doc):
    hull = corners(doc)
    slopes = [(b.quality - a.quality) / (b.cost_usd - a.cost_usd) for a, b in zip(hull, hull[1:], strict=False)]

    assert all(slope > 0 for slope in slopes)
    assert slopes == sorted(slopes, reverse=True)


def test_a_place_between_two_corners_is_their_mixture():
    doc = document(
        {("a", "low"): (0.2, 0.001, 0.0), ("b", "low"): (0.9, 0.009, 1.0)}, trade_off=0, cost=0.009, intervals=False
    )
    doc = doc.model_copy(update={"expected": doc.expected.model_copy(update={"quality": 0.9, "quality_high": 0.95})})

    for place in drawn(doc, chart_of(doc).cost):
        assert place.quality == pytest.approx(0.2 + 0.7 * (place.cost_usd - 0.001) / 0.008)
