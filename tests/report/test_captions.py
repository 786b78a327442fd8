"""The names in a picture."""

from paretoroute.report.captions import dots_to_name
from paretoroute.report.chart.figure import chart_of
from tests.report.documents import MANY


def test_of_many_points_those_that_matter_are_named():
    dots = dots_to_name(chart_of(MANY).dots)

    assert len(dots) <= 14
    assert [dot.name for dot in dots][:2] == ["model-9@max", "model-5@low"], (
        "the best single point, then the one called"
    )
