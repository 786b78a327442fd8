"""The page of a comparison without a browser: its figures are those of the JSON, and no text of the log is markup."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from xml.etree.ElementTree import Element

import pytest

from paretoroute.evaluation.details.losses import Losses, TargetLead
from paretoroute.report.labels import PointLabels
from paretoroute.report.page.comparison import SECTIONS
from paretoroute.report.page.examples import add_examples
from paretoroute.report.page.losses import add_losses, loss_sentences
from paretoroute.report.page.small_first import policy_sentences
from tests.report.comparisons import HOSTILE, around, comparison, details, hostile
from tests.report.page.parsed import Parsed


@pytest.fixture(params=["plain", "hostile"])
def page(request):
    return request.getfixturevalue(f"{request.param}_page")


def test_the_embedded_figures_are_those_of_the_json(plain_page):
    data = [text for attributes, text in Parsed(plain_page).scripts if attributes.get("id") == "comparison"]

    assert [json.loads(text) for text in data] == [json.loads(json.dumps(comparison().to_json()))]


def test_the_tables_hold_the_figures_of_the_json(plain_page):
    tables, plain = Parsed(plain_page).tables, comparison().to_json()

    head, *rows = tables["All routers"]
    assert [row[0] for row in rows] == [row["name"] for row in plain["rows"]]
    for row, figures in zip(rows, plain["routers"], strict=False):
        assert row[2] == f"{figures['gain']:+.2f} [{figures['gain_low']:+.2f}, {figures['gain_high']:+.2f}]"
    _, *results = tables["Cost and quality of every router for each cost target"]
    assert len(results) == sum(len(curve["targets"]) for curve in plain["details"]["curves"])
    assert results[4] == [
        "carrot", "0.500", "0.510 [0.460, 0.560]", "0.590 [0.570, 0.610]", "100%", "+11.00 [+9.00, +13.00]",
    ]  # fmt: skip
    assert [row[:2] for row in tables["Left out"][1:]] == [
        ["frugalgpt", "the log has no score"],
        ["llm-blender", "the log has no score"],
    ]
    assert [row[1:5] for row in tables["The default's lead by cost target"][1:]] == [
        ["ridge", "-1.50 [-2.50, -0.50]", "ridge", "0.510"],
        ["–", "–", "none spends so little", "1.020"],
    ]
    assert tables["The default's lead by kind of query"][1] == [
        "law", "carrot", "-2.00 [-3.00, -1.00]", "carrot", "-0.80 [-1.30, -0.30]", "120",
    ]  # fmt: skip
    assert len(tables["Ten queries and the default's picks"]) == 1 + len(plain["details"]["examples"]["queries"])


def test_every_section_is_there_and_reached_from_the_top(page):
    elements = Parsed(page).elements

    assert [a["id"] for tag, a in elements if tag == "section"] == list(SECTIONS)
    assert [a["href"] for tag, a in elements if tag == "a"] == [f"#{key}" for key in SECTIONS]


def test_only_the_four_scripts_of_the_package_are_there_and_the_policy_admits_no_other(page):
    parsed = Parsed(page)

    data, *scripts = parsed.scripts
    assert data[0] == {"id": "comparison", "type": "application/json"}
    assert [attributes for attributes, _ in scripts] == [{}] * 3, "no script is loaded from elsewhere"
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for _, text in scripts]
    admitted = re.search("script-src ([^;]*)", parsed.policy)
    assert admitted is not None and admitted[1].split() == [f"'sha256-{one}'" for one in hashes]
    assert parsed.policy.startswith("default-src 'none'")
    assert parsed.open == [], "every element is closed"
    assert "Permission to use, copy, modify" in scripts[0][1], "the licence goes with the copy"


def test_nothing_of_the_page_points_outside(page):
    for tag, attributes in Parsed(page).elements:
        assert tag not in ("link", "img", "iframe", "object", "form", "base"), tag
        assert not {"src", "srcset", "action", "data", "ping", "onerror", "onclick"} & set(attributes), (
            tag,
            attributes,
        )
        assert attributes.get("href", "#").startswith("#")
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_hostile_texts_are_shown_as_texts(hostile_page):
    parsed = Parsed(hostile_page)

    assert hostile_page.count("</script>") == 4
    one_line = " ".join(HOSTILE.split())  # of which the line separator is one
    _, first, _ = parsed.tables["Ten queries and the default's picks"]
    assert first[0] == one_line.replace("\x07", "\N{REPLACEMENT CHARACTER}")
    data = json.loads(parsed.scripts[0][1])
    assert data["verdict"] == HOSTILE and data["details"]["surface"]["models"] == [HOSTILE]
    assert data == json.loads(json.dumps(hostile().to_json()))


def test_losses_are_stated_plainly():
    sentences = loss_sentences(comparison())

    assert sentences[0] == (
        "On average over the cost targets, ahead of paretoroute: carrot (default's lead -0.50 [-1.50, +0.50])."
    )
    assert sentences[1] == "Some other router is ahead at 1 of 2 cost targets, beyond noise at 1 of them."
    assert sentences[3] == "Below the static mixture, beyond noise, on: law."


def test_the_policy_with_most_calls_to_small_points_is_named_with_its_loss():
    (sentence,) = policy_sentences(details())

    assert sentence == (
        "At no loss beyond noise, paretoroute gives small points 60% of the calls, at $2.04 per 1,000 queries; "
        "its quality is -0.50 [-2.50, +1.50] points over the best single point's."
    )


def test_a_lead_that_is_shown_as_0_is_none():
    plain = comparison()
    even = TargetLead(0.001, 0.001, "ridge", around(-0.001, 0.0005))
    tied = replace(plain, details=replace(plain.details, losses=Losses((even,), ())))

    assert loss_sentences(tied)[1] == "No other router is ahead at any of the 1 cost targets."
    place = Element("section")
    add_losses(place, tied)
    assert [cell.text for cell in place.iter("td")][:2] == ["neither", "-0.00 [-0.00, -0.00]"]


def test_the_price_of_quality_is_a_plain_amount_however_small_costs_are():
    place = Element("section")
    add_examples(place, replace(details().examples, target_usd=3e-6, quality_per_usd=1e5), PointLabels({}))

    text = "".join(place.find("p").itertext())
    assert text.startswith(
        "Out-of-fold forecasts solved for a mean cost of $0.00300 per 1,000 queries: one more quality"
    )
    assert "may cost $0.000100 per 1,000 queries" in text
