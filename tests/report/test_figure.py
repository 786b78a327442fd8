import io
import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from paretoroute import report
from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.captions import dots_to_name
from paretoroute.report.figure import Axis, LogAxis, chart_of
from paretoroute.report.label_placement import Box, Spot, Wanted, place

SVG = "{http://www.w3.org/2000/svg}"
ODD = 'a<b>&"c'
LONG = "a-provider/with-a-very-long-model-name-that-goes-on-and-on-2029-11-30-preview-turbo"


def document(
    points: dict[tuple[str, str], tuple[float, float, float]],
    *,
    best: str | None = None,
    name: str = "a policy",
    trade_off: int = 5,
    cost: float = 0.002,
    intervals: bool = True,
) -> PolicyDocument:
    """A document of points ``(model, label) -> (quality, cost_usd, share)``."""
    grid: dict[str, list[dict]] = {}
    for (model, label), (quality, cost_usd, share) in points.items():
        point = {"kind": "effort", "label": label, "amount": None, "share": share}
        if intervals:
            point |= {"quality_low": max(quality - 0.041, 0.0), "quality_high": min(quality + 0.042, 1.0)}
        grid.setdefault(model, []).append(point | {"quality": quality, "cost_usd": cost_usd, "queries": 50})
    first = next(iter(points))
    rows = [
        {"quality_per_usd": float(9 - i), "cost_usd": cost * 2.0**i, "quality": 0.5 + 0.08 * i,
         "quality_low": 0.46 + 0.08 * i, "quality_high": 0.54 + 0.08 * i}
        for i in range(trade_off)
    ]  # fmt: skip
    return PolicyDocument.model_validate({
        "schema": 1,
        "name": name,
        "target": {"kind": "max_cost", "usd": 0.002},
        "solution": {
            "status": "met", "quality_per_usd": 12.0, "split": 0.0, "quality_shift": 0.0, "cost_ratio": 1.0, "gap": 0.0,
            "meaning": "one more point costs more", "nearest": None, "binds": ["cost"],
        },
        "expected": {
            "quality": 0.7, "quality_low": 0.66, "quality_high": 0.74, "cost_usd": cost, "cost_usd_low": 0.9 * cost,
            "cost_usd_high": 1.1 * cost, "queries": 50, "effective_queries": 40.0, "saving": None,
            "best_single": {"point": best or "@".join(first), "quality": 0.7, "cost_usd": 0.01},
        },
        "grid": [{"model": m, "price_usd_per_mtok": None, "cost": "logged", "points": p} for m, p in grid.items()],
        "features": {"kind": "function", "name": "f", "width": 3, "fingerprint": "a" * 64, "settings": {}},
        "surface": {"kind": "k", "settings": {}},
        "fitted_on": {
            "runs": 500, "queries": 50, "points": len(points), "set_aside": 0, "runs_sha256": "b" * 64, "seed": 0,
            "assumption": None, "findings": ["nothing odd, <really> & truly"],
        },
        "versions": {},
        "trade_off": rows,
        "coin_seed": "1",
    })  # fmt: skip


PLAIN = document(
    {
        ("small", "low"): (0.5, 0.0005, 0.0),
        ("small", "high"): (0.6, 0.001, 0.7),
        ("large", "low"): (0.7, 0.004, 0.3),
        ("large", "high"): (0.72, 0.01, 0.0),
    },
    best="large@high",
)
MANY = document(
    {(f"model-{i // 4}", ("low", "medium", "high", "max")[i % 4]): (0.4 + 0.012 * i, 1e-4 * 1.15**i, (i == 20) * 1.0)
     for i in range(40)},
    best="model-9@max",
)  # fmt: skip
DOCUMENTS = {
    "plain": PLAIN,
    "many": MANY,
    "odd": document(
        {
            (ODD, "1:30"): (0.6, 0.001, 0.5),
            ("é\x1b[31m\x07[bold]", "]]>"): (0.8, 0.02, 0.5),
            ("模型", "高"): (0.7, 0.01, 0.0),
        },
        best=f"{ODD}@1:30", name="<script>alert('x')</script>", intervals=False,
    ),
    "long": document({(LONG, LONG): (0.6, 0.001, 1.0), (LONG + "2", "low"): (0.6, 0.001, 0.0)}, name=LONG * 3),
    "free": document({("free", "low"): (0.0, 0.0, 1.0), ("free", "high"): (1.0, 0.0, 0.0)}, cost=0.0),
    "some free": document({("free", "low"): (0.3, 0.0, 0.5), ("paid", "high"): (0.9, 3.0, 0.5)}),
    "one each": document({(f"m{i}", "default"): (0.5 + 0.1 * i, 0.001 * 5**i, 0.25) for i in range(4)}),
    "one point": document({("m", "default"): (0.7, 0.002, 1.0)}, trade_off=0),
    "tiny costs": document({("m", "low"): (0.7, 1e-9, 1.0), ("m", "high"): (0.8, 1e-8, 0.0)}, cost=2e-9),
}  # fmt: skip
every_document = pytest.mark.parametrize("doc", DOCUMENTS.values(), ids=DOCUMENTS)


def printed(doc: PolicyDocument, width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="")
    Console(file=stream, width=width, highlight=False, markup=False, emoji=False).print(report.to_terminal(doc))
    stream.flush()
    return raw.getvalue().decode(encoding)


def titles(doc: PolicyDocument) -> list[str]:
    return [element.text or "" for element in ET.fromstring(report.to_svg(doc)).iter(f"{SVG}title")]


def as_drawn(name: str) -> str:
    return re.sub(r"[\x00-\x1f]", "\N{REPLACEMENT CHARACTER}", name)


@every_document
def test_the_svg_is_well_formed_and_tells_itself_in_words(doc):
    root = ET.fromstring(report.to_svg(doc))

    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    ids = {element.get("id"): element for element in root.iter()}
    title, desc = (ids[name] for name in root.get("aria-labelledby", "").split())
    assert as_drawn(doc.name) in (title.text or "")
    assert "quality 0.700" in (desc.text or "")


@every_document
def test_every_point_appears_in_the_svg_with_its_share(doc):
    found = titles(doc)

    for entry in doc.grid:
        for point in entry.points:
            own = [text for text in found if text.startswith(f"{as_drawn(f'{entry.model}@{point.label}')}: ")]
            assert len(own) == 1, found
    assert sum(text.startswith("this policy: ") for text in found) == 1
    assert sum("best single point" in text for text in found) == 1


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


@every_document
def test_the_page_holds_the_picture_and_a_row_for_every_point(doc):
    root = ET.fromstring(report.to_html(doc).removeprefix("<!DOCTYPE html>"))
    html = "{http://www.w3.org/1999/xhtml}"

    assert root.find(f".//{SVG}svg") is not None
    points, trade_off = root.iter(f"{html}table")
    names = [element.text for element in points.iter(f"{html}th") if element.get("scope") == "row"]
    assert names == [as_drawn(dot.name) for dot in chart_of(doc).dots]
    assert len(list(trade_off.iter(f"{html}tr"))) == len(doc.trade_off) + 2
    assert "<script" not in report.to_html(doc)


@every_document
@pytest.mark.parametrize("width", [60, 80, 120])
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
    table, plot = text.split("quality over mean cost")

    for i, dot in enumerate(chart_of(doc).dots):
        letter = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[i]
        assert re.search(rf"^\s+{letter}\s.*{dot.quality:.3f}", table, re.M), f"{letter} is missing"
    assert table.count("best single") >= 2, "marked among the points and in the trade-off"
    assert "*" in plot


def test_the_interval_of_a_point_stands_beside_its_quality_in_all_pictures_and_not_where_it_is_unknown():
    assert "[0.559, 0.642]" in printed(PLAIN)
    assert "0.559 to 0.642" in report.to_html(PLAIN)
    assert "quality 0.600 [0.559, 0.642] at" in report.to_svg(PLAIN)
    for draw in (printed, report.to_html):
        assert draw(DOCUMENTS["odd"]).count("90% interval") == draw(PLAIN).count("90% interval") - 1


def test_the_plot_in_the_terminal_goes_up_with_quality_and_right_with_cost():
    lines = printed(PLAIN, 80).split("quality over mean cost")[1].splitlines()
    lines = [re.sub("[a-z]: ?[a-z@]+|[a-z]+@[a-z]+|this policy", lambda m: " " * len(m[0]), line) for line in lines]
    found = {
        letter: (row, line.index(letter)) for letter in "abcd" for row, line in enumerate(lines[1:-2]) if letter in line
    }

    assert set(found) == set("abcd")
    assert found["a"][0] > found["b"][0] > found["c"][0] > found["d"][0]
    assert found["a"][1] < found["b"][1] < found["c"][1] < found["d"][1]


def test_points_of_a_model_are_joined_in_order_of_compute():
    doc = document({("m", label): (0.5, 0.001, 0.1) for label in ("max", "low", "high", "medium")})

    assert [dot.label for dot in chart_of(doc).dots] == ["low", "medium", "high", "max"]
    assert [dot.joined for dot in chart_of(doc).dots] == [False, True, True, True]


def test_of_many_points_those_that_matter_are_named():
    dots = dots_to_name(chart_of(MANY).dots)

    assert len(dots) <= 14
    assert [dot.name for dot in dots][:2] == ["model-9@max", "model-5@low"], (
        "the best single point, then the one called"
    )


def test_every_name_in_the_plot_is_whole_where_there_are_few_points():
    texts = [element.text for element in ET.fromstring(report.to_svg(PLAIN)).iter(f"{SVG}text")]

    for dot in chart_of(PLAIN).dots:
        assert dot.name in texts


def test_labels_of_crowded_dots_cover_neither_each_other_nor_a_dot():
    dots = [Spot(400 + 12 * (i % 3), 200 + 9 * (i // 3)) for i in range(9)]
    boxes = [Box(x - 4, y - 4, x + 4, y + 4) for x, y in dots]

    labels = place([Wanted(dot, 4, 90, 16) for dot in dots], Box(0, 0, 900, 440), hard=boxes, soft=[])

    starts = [label.start for label in labels]
    written = [Box(x, y - 8, x + 90, y + 8) for x, y in starts]
    for one, other in [*combinations(written, 2), *((a, b) for a in written for b in boxes)]:
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


@given(st.floats(1e-9, 1e3), st.floats(1.5, 1e12), st.booleans())
def test_ticks_of_cost_are_few_and_rise_along_the_axis(low, ratio, free):
    axis = LogAxis(low, low * ratio, free)
    ticks = axis.ticks()
    places = [axis.place(usd) for usd, _ in ticks]

    assert len(ticks) <= 9
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    assert len({words for _, words in ticks}) == len(ticks), ticks


@given(st.floats(0, 1), st.floats(0.04, 1.04))
def test_ticks_of_quality_are_round_and_inside(low, size):
    axis = Axis(low, low + size)

    assert 1 <= len(axis.ticks()) <= 9
    for value, words in axis.ticks():
        assert float(words) == pytest.approx(value, abs=1e-9)
        assert axis.low - 1e-9 <= value <= axis.high + 1e-9


def test_the_same_document_gives_the_same_bytes():
    assert report.to_svg(MANY) == report.to_svg(MANY)
    assert report.to_html(MANY) == report.to_html(MANY)
