"""Heat maps: a coloured cell for every point."""

from xml.etree.ElementTree import Element

import pytest

from paretoroute.report.page.surface import Scale, add_surface, logged_map
from tests.report.comparisons import surface


def test_a_scale_runs_from_pale_to_full_and_that_of_costs_is_logarithmic():
    quality, cost = Scale.of([0.2, 0.6]), Scale.of([0.0, 0.001, 0.1], is_log=True)

    assert [quality.place(value) for value in (0.2, 0.3, 0.6)] == pytest.approx([0, 0.25, 1])
    assert [cost.place(value) for value in (0.0, 0.001, 0.01, 0.1)] == pytest.approx([0, 0, 0.5, 1])
    assert Scale.of([0.4]).place(0.4) == 0.5
    assert Scale.of([0.0], is_log=True).place(0.0) == 0.5, "all calls are free"


def test_every_point_has_a_coloured_cell_and_others_are_blank():
    shown = surface()
    place = Element("div")

    for part in shown.parts:
        add_surface(place, logged_map(shown, part))

    quality, cost, law, _ = ([cell for cell in table.iter("td")] for table in place.iter("table"))
    assert [cell.text for cell in quality] == ["0.410", "0.520", "0.730", "–"]
    assert [cell.text for cell in cost] == ["0.100", "0.400", "6.000", "–"]
    assert [cell.get("class") for cell in quality] == [None, None, None, "blank"]
    assert [cell.get("style") for cell in quality[:3]] == ["--v:0.000", "--v:0.344", "--v:1.000"]
    assert [law[0].get("style"), law[2].get("style")] == ["--v:1.000", "--v:0.000"]
    assert law[1].text == "–", "not logged for this kind"
    assert "".join(quality[0].itertext()) == "0.410 ±0.02"
