"""The page of a policy: the picture, its surface, and a row for every point."""

import xml.etree.ElementTree as ET

from paretoroute import report
from paretoroute.report.chart.figure import chart_of
from paretoroute.report.text import trade_off_rows
from tests.report.documents import as_drawn, every_document

SVG = "{http://www.w3.org/2000/svg}"


@every_document
def test_the_page_holds_the_picture_and_a_row_for_every_point(doc):
    root = ET.fromstring(report.to_html(doc).removeprefix("<!DOCTYPE html>"))
    html = "{http://www.w3.org/1999/xhtml}"

    assert root.find(f".//{SVG}svg") is not None
    quality, cost, points, trade_off = root.iter(f"{html}table")
    cells = len(list(quality.iter(f"{html}td"))), sum(td.get("class") is None for td in quality.iter(f"{html}td"))
    assert cells[0] >= cells[1] == len(chart_of(doc).dots), "a coloured cell for every point"
    assert len(list(cost.iter(f"{html}td"))) == cells[0]
    names = [element.text for element in points.iter(f"{html}th") if element.get("scope") == "row"]
    assert names == [as_drawn(dot.name) for dot in chart_of(doc).dots]
    assert len(list(trade_off.iter(f"{html}tr"))) == len(trade_off_rows(doc)) + 1
    assert "<script" not in report.to_html(doc)
