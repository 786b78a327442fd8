"""The layout in a terminal: its width, its encoding, its points."""

import re

import pytest

from paretoroute.report.chart.figure import chart_of
from tests.report.documents import PLAIN, every_document, printed


@every_document
@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_terminal_picture_keeps_to_its_width_and_encoding(doc, width, encoding):
    from rich.cells import cell_len

    text = printed(doc, width, encoding)

    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text, "names must not steer the terminal"
    assert "\x07" not in text


@every_document
def test_every_point_has_a_row_in_the_terminal_and_a_letter_in_the_plot(doc):
    text = printed(doc)
    table, plot = text.split("Quality over mean cost")

    for i, dot in enumerate(chart_of(doc).dots):
        letter = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[i]
        assert re.search(rf"^{letter}\s.*{dot.quality:.3f}", table, re.M), f"{letter} is missing"
    assert table.count("best single") >= 2, "marked among the points and in the trade-off"
    assert "*" in plot


def test_the_plot_in_the_terminal_goes_up_with_quality_and_right_with_cost():
    lines = printed(PLAIN, 80).split("Quality over mean cost")[1].splitlines()
    lines = [re.sub("[a-z]: ?[a-z@]+|[a-z]+@[a-z]+|this policy", lambda m: " " * len(m[0]), line) for line in lines]
    places = {
        letter: (row, line.index(letter)) for letter in "abcd" for row, line in enumerate(lines[1:-2]) if letter in line
    }

    assert set(places) == set("abcd")
    assert places["a"][0] > places["b"][0] > places["c"][0] > places["d"][0]
    assert places["a"][1] < places["b"][1] < places["c"][1] < places["d"][1]
