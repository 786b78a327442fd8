"""The SVG picture: well-formed, self-contained, complete and described."""

import re
import xml.etree.ElementTree as ET

from paretoroute import report
from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.chart.figure import chart_of
from tests.report.documents import PLAIN, as_drawn, every_document

SVG = "{http://www.w3.org/2000/svg}"


def titles(doc: PolicyDocument) -> list[str]:
    return [element.text or "" for element in ET.fromstring(report.to_svg(doc)).iter(f"{SVG}title")]


@every_document
def test_the_svg_is_well_formed_and_has_a_title_and_a_description(doc):
    root = ET.fromstring(report.to_svg(doc))

    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    ids = {element.get("id"): element for element in root.iter()}
    title, desc = (ids[name] for name in root.get("aria-labelledby", "").split())
    assert as_drawn(doc.name) in (title.text or "")
    assert "quality 0.700" in (desc.text or "")


@every_document
def test_every_point_appears_in_the_svg_with_its_share(doc):
    titles_drawn = titles(doc)

    for dot in chart_of(doc).dots:
        own = [text for text in titles_drawn if text.startswith(f"{as_drawn(dot.name)}: ")]
        assert len(own) == 1, titles_drawn
    assert sum(text.startswith("this policy: ") for text in titles_drawn) == 1
    assert sum("best single point" in text for text in titles_drawn) == 1


@every_document
def test_everything_in_the_svg_lies_inside_it(doc):
    root = ET.fromstring(report.to_svg(doc))
    _, _, width, height = map(float, root.get("viewBox", "").split())

    for element in root.iter(f"{SVG}text"):
        assert 0 <= float(element.get("x", "")) <= width, element.text
        assert 0 <= float(element.get("y", "")) <= height, element.text
    for element in root.iter(f"{SVG}circle"):
        assert 0 <= float(element.get("cx", "")) <= width
    assert "nan" not in report.to_svg(doc)


@every_document
def test_the_svg_needs_nothing_from_elsewhere(doc):
    text = report.to_svg(doc).replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"https?:|href|url\(|<script|@import", text)


def test_every_name_in_the_plot_is_whole_where_there_are_few_points():
    texts = [element.text for element in ET.fromstring(report.to_svg(PLAIN)).iter(f"{SVG}text")]

    for dot in chart_of(PLAIN).dots:
        assert dot.name in texts
