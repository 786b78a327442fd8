"""No violation of the accessibility rules of axe-core; ``axe.sh`` beside this file installs axe-core and runs it."""

import os
from pathlib import Path

import pytest

from paretoroute import report
from tests.report.documents import DOCUMENTS
from tests.report.page.browser import browser, executable

AXE = os.environ.get("PARETOROUTE_AXE", "")
pytestmark = [
    pytest.mark.skipif(executable() is None, reason="no Chromium is installed"),
    pytest.mark.skipif(not AXE, reason="PARETOROUTE_AXE names no axe.min.js"),
]
VIOLATIONS = """axe.run().then(({violations}) => violations.map(({id, nodes}) =>
  id + ': ' + nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')))"""


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("kind", ["plain", "hostile", "policy"])
def test_axe_finds_no_violation(started, tmp_path, request, kind):
    text = report.to_html(DOCUMENTS["plain"]) if kind == "policy" else request.getfixturevalue(f"{kind}_page")
    file = tmp_path / "page.html"
    file.write_text(text, encoding="utf-8")

    for width in (390, 1280):
        for scheme in ("light", "dark"):
            started.load(file)
            started.emulate(width=width, scheme=scheme)
            started.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            started.run(f"{Path(AXE).read_text(encoding='utf-8')};0")
            assert started.run(VIOLATIONS) == [], (width, scheme)
