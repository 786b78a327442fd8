"""The page of a comparison in headless Chromium: its charts, its keys, and that nothing is fetched."""

import re
from pathlib import Path

import pytest

from tests.report.comparisons import HEIGHTS, comparison
from tests.report.page.browser import Page, browser, executable

pytestmark = pytest.mark.skipif(executable() is None, reason="no Chromium is installed")

AT_FIRST = len(HEIGHTS) - 1  # the oracle is hidden
LINES = "document.querySelectorAll('#curves-chart [data-mark=line] path').length"
DOT = """(() => {
  const dot = document.querySelectorAll('#curves-chart circle[data-mark=carrot]')[2];
  dot.scrollIntoView({block: 'center'});
  const box = dot.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})()"""
TIP = """[...document.querySelectorAll('#curves-chart [data-mark=tip] text')]
  .map((text) => text.textContent.replaceAll('\\u200b', ' ').trim()).join(' ')"""


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def load(started, tmp_path):
    """Load a page's text at 1280 pixels, in light, without what an earlier test left."""

    def loaded(text: str, *, runs_scripts: bool = True) -> Page:
        started.requests.clear()
        started.errors.clear()
        file = Path(tmp_path / "page.html")
        file.write_text(text, encoding="utf-8")
        started.allow_scripts(runs_scripts)
        started.emulate(width=1280)
        started.load(file)
        return started

    yield loaded
    started.allow_scripts(True)


def test_every_router_has_a_curve_and_nothing_but_the_page_is_requested(load, plain_page):
    page = load(plain_page)

    assert page.run(LINES) == AT_FIRST
    for chart in ("small-first", "quality-calibration", "cost-calibration", "spending"):
        assert page.run(f"document.querySelectorAll('#{chart}-chart svg[role=img] circle').length") >= 3, chart
    assert page.run("document.querySelectorAll('#legend input:checked').length") == AT_FIRST
    assert page.errors == []
    assert len(page.requests) == 1 and page.requests[0].endswith("/page.html")


def test_pointing_at_a_result_names_its_router_and_figures_and_a_click_hides_it(load, plain_page):
    page = load(plain_page)
    carrot = comparison().details.curves[1].targets[2]

    x, y = page.run(DOT)
    page.mouse("mouseMoved", x, y)
    page.wait(f"{TIP} !== ''")

    assert page.run(TIP).startswith("carrot"), page.run(TIP)
    assert f"quality {carrot.quality.value:.3f} [{carrot.quality.low:.3f}, {carrot.quality.high:.3f}]" in page.run(TIP)
    assert f"${1000 * carrot.cost_usd.value:.2f} per 1,000 queries" in page.run(TIP)
    page.mouse("mousePressed", x, y)
    page.mouse("mouseReleased", x, y)
    assert page.run(LINES) == AT_FIRST - 1
    unticked = "[...document.querySelectorAll('#legend label:has(input:not(:checked))')].map(one => one.textContent)"
    assert [text.split("+")[0] for text in page.run(unticked)] == ["oracle", "carrot"]
    assert page.errors == []


def test_the_oracle_is_hidden_until_it_is_asked_for(load, plain_page):
    page = load(plain_page)
    labels = "[...document.querySelectorAll('#curves-chart [data-mark$=label] text')]"
    top = f"Math.max(...{labels}.map(one => +one.textContent).filter(value => value < 1))"
    before = page.run(top)

    page.run("document.querySelector('#legend input').click()")

    assert page.run(LINES) == len(HEIGHTS)
    assert page.run(top) > before, "the axis reaches up to it"


def test_the_keyboard_reaches_every_result_and_hides_a_router(load, plain_page):
    page = load(plain_page)

    page.run("document.getElementById('curves-chart').focus()")
    page.press("ArrowRight")
    first = page.run("document.querySelector('[role=status]').textContent")
    page.press("ArrowRight")
    page.press("ArrowDown")
    second = page.run("document.querySelector('[role=status]').textContent")
    page.press("Delete")

    assert first.startswith("paretoroute, $0.51 per 1,000 queries"), first
    assert second.startswith("ridge, $1.02 per 1,000 queries"), second
    assert page.run(LINES) == AT_FIRST - 1
    assert page.run("document.activeElement.id") == "curves-chart"


def test_a_kind_of_query_is_chosen(load, plain_page):
    page = load(plain_page)
    seen = "[...document.querySelectorAll('#surface table')].filter(one => one.checkVisibility()).length"

    assert page.run(seen) == 2
    page.run(
        "(() => { const box = document.querySelector('#kind-of-query select'); box.value = '1';"
        " box.dispatchEvent(new Event('change')); })()"
    )

    assert page.run(seen) == 2
    assert page.run("document.querySelector('#surface details').checkVisibility()")
    assert "0.610" in page.run("document.querySelector('#surface').innerText")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_phones_and_both_colour_schemes(load, plain_page, width, scheme):
    page = load(plain_page)

    page.emulate(width=width, scheme=scheme)

    assert page.run("document.documentElement.scrollWidth") == width
    widths = page.run("[...document.querySelectorAll('.chart svg')].map(one => one.getBoundingClientRect().right)")
    assert max(widths) <= width
    red = int(re.findall(r"\d+", page.run("getComputedStyle(document.body).backgroundColor"))[0])
    assert (red > 128) == (scheme == "light")


def test_texts_of_a_log_run_nothing_and_fetch_nothing(load, hostile_page):
    page = load(hostile_page)

    assert page.run("document.title") == "Comparison of routers"
    assert page.run("document.querySelectorAll('img, script:not([id])').length") == 3
    assert page.run(LINES) == AT_FIRST
    assert (page.errors, len(page.requests)) == ([], 1)
    fetched = page.run("fetch('https://example.invalid/').then(() => 'fetched', () => 'refused')")
    assert fetched == "refused" and any("Content Security Policy" in error for error in page.errors)
    page.run("document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 1'}))")
    assert page.run("document.title") == "Comparison of routers"


def test_without_scripts_the_tables_are_there_and_a_note_stands_for_the_charts(load, plain_page):
    page = load(plain_page, runs_scripts=False)

    text = page.run("document.body.innerText")
    assert text.count("needs a script") == 5
    assert "+9.50 [+8.50, +10.50]" in text and "law, 120 queries" in text


def test_the_page_prints_in_light_colours_with_its_legend(load, plain_page, tmp_path):
    page = load(plain_page)

    page.emulate(width=1280, scheme="dark", media="print")
    ink = page.run("getComputedStyle(document.body).color")
    legend = page.run("document.querySelector('#legend .legend').checkVisibility()")
    buttons = page.run("document.querySelector('#legend button').checkVisibility()")
    page.pdf(tmp_path / "page.pdf")

    assert ink == "rgb(27, 31, 36)"
    assert legend and not buttons
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
