"""The explorer page in a real browser: the policy, a query typed into the box, its decision and its surface."""

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from tests.serving.browser import CHROMIUM, browser
from tests.serving.cases import QUESTION, policy_in
from tests.serving.process import serve

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

POLICY_PICTURE = "document.getElementById('policy').shadowRoot?.querySelector('svg')"
POLICY = "document.getElementById('policy').shadowRoot"
IS_COLOURED = "cell => getComputedStyle(cell).backgroundColor !== 'rgba(0, 0, 0, 0)'"
TITLE = "document.getElementById('title').textContent"


def text(id):
    return f"document.getElementById('{id}').innerText"


def test_a_query_is_typed_and_its_decision_and_surface_are_shown(tmp_path):
    with serve(policy_in(tmp_path)) as service, browser(tmp_path / "profile") as page:
        page.open(service.url)
        page.wait(POLICY_PICTURE)
        assert page.value(TITLE) == "demo-same-quality"
        page.wait("document.querySelectorAll('#client option').length > 5")
        assert page.value(f"[...{POLICY}.querySelectorAll('td')].some({IS_COLOURED})")  # cells of the surface

        page.type("query", f"{QUESTION} <b>bold</b>")
        page.click("plan")
        shown = page.wait("!document.getElementById('surface').hidden && " + text("decision"))
        _, decision = service.post("/plan", {"query": f"{QUESTION} <b>bold</b>"})
        _, forecast = service.post("/forecast", {"query": f"{QUESTION} <b>bold</b>"})

        name = f"{decision['model']}@{decision['budget_label']}"
        assert shown.splitlines()[0] == name
        assert decision["why"] in shown and f"{decision['expected_quality']:.3f}" in shown
        assert page.value("document.querySelector('#points tr.chosen th').textContent") == name
        assert page.value("document.querySelectorAll('#points tbody tr').length") == len(forecast["points"])
        circles = page.value("document.querySelectorAll('#chart circle title').length")
        assert circles == len(forecast["points"])

        page.type("min-quality", "97")  # percent: the planner's own words are shown
        page.type("query", " ")
        page.press_enter(with_control=True)
        assert "Percent? Divide by 100." in page.wait(text("fault"))
        assert page.value("document.getElementById('decision').hidden")
        assert all("422" in fault for fault in page.faults), page.faults


def test_a_service_with_a_token_shows_nothing_before_it_is_typed(tmp_path):
    with serve(policy_in(tmp_path), PARETOROUTE_TOKEN="c0ffee") as service, browser(tmp_path / "profile") as page:
        page.open(service.url)
        page.wait("!document.getElementById('unlock').hidden")
        assert page.value(TITLE) == "paretoroute explorer"

        page.type("token", "wrong")
        page.press_enter()
        assert "token is missing or wrong" in page.wait(text("unlock-fault"))
        page.value("document.getElementById('token').value = ''")
        page.type("token", "c0ffee")
        page.press_enter()

        page.wait(POLICY_PICTURE)
        assert page.value(TITLE) == "demo-same-quality"
        assert page.value("document.getElementById('unlock').hidden")
        assert all("401" in fault for fault in page.faults), page.faults
