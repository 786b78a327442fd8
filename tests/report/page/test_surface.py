"""Heat maps: a coloured cell for every point, on one scale for all kinds of query."""

from xml.etree.ElementTree import Element

import pytest

from paretoroute.report.page.surface import Scale, Scales, add_surface, logged_map
from tests.report.comparisons import surface


def test_a_scale_runs_from_pale_to_full_and_that_of_costs_is_logarithmic():
    quality, cost = Scale.of([0.2, 0.6]), Scale.of([0.0, 0.001, 0.1], is_log=True)

    assert [quality.place(value) for value in (0.2, 0.3, 0.6)] == pytest.approx([0, 0.25, 1])
    assert [cost.place(value) for value in (0.0, 0.001, 0.01, 0.1)] == pytest.approx([0, 0, 0.5, 1])
    assert Scale.of([0.4]).place(0.4) == 0.5
    assert Scale.of([0.0], is_log=True).place(0.0) == 0.5, "all calls are free"


def test_every_point_has_a_coloured_cell_and_others_are_blank():
    shown = surface()
    maps = [logged_map(shown, part) for part in shown.parts]
    place = Element("div")

    add_surface(place, maps[0], Scales.of(maps), of="all")
    add_surface(place, maps[1], Scales.of(maps), of="law")

    quality, cost, law, _ = ([cell for cell in table.iter("td")] for table in place.iter("table"))
    assert [cell.text for cell in quality] == ["0.410", "0.520", "0.730", "–"]
    assert [cell.text for cell in cost] == ["0.100", "0.400", "6.000", "–"]
    assert [cell.get("class") for cell in quality] == [None, None, None, "blank"]
    assert quality[2].get("style") == "--v:1.000" and law[2].get("style") == "--v:0.000", "one scale for both"
    assert law[1].text == "–", "not logged for this kind"
    assert "".join(quality[0].itertext()) == "0.410 ±0.02"
