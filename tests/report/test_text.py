"""A policy in words and figures: its target, its summary and its trade-off."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from paretoroute.policy.schema import (
    PolicyDocument,
    TargetBestTrade,
    TargetMaxCost,
    TargetMinQuality,
    TargetMinQualityOf,
)
from paretoroute.report.text import summary, target_text, trade_off_rows, trade_off_table
from tests.report.documents import DOCUMENTS, PLAIN, document, every_document


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (
            TargetMaxCost(kind="max_cost", usd=0.002),
            "highest quality at a mean cost of at most $2 per 1,000 queries ($0.002 per query)",
        ),
        (
            TargetMaxCost(kind="max_cost", usd=4e-06),
            "highest quality at a mean cost of at most $0.004 per 1,000 queries ($0.000004 per query)",
        ),
        (TargetMinQuality(kind="min_quality", quality=0.8), "lowest cost at a mean quality of at least 0.8"),
        (
            TargetMinQualityOf(kind="min_quality_of", of="m@high", ratio=0.9),
            "lowest cost at 0.9 times the quality of m@high",
        ),
        (TargetMinQualityOf(kind="min_quality_of", of="m@high", ratio=1.0), "lowest cost at the quality of m@high"),
        (
            TargetBestTrade(kind="best_trade", usd_per_quality=0.01),
            "best trade at $0.01 for a right answer in place of a wrong one",
        ),
    ],
)
def test_a_target_is_written_in_words(target, text):
    assert target_text(PLAIN.model_copy(update={"target": target})) == text


def judged(doc: PolicyDocument, effective: float) -> PolicyDocument:
    fitted_on = doc.fitted_on.model_copy(update={"findings": ("routing pays",), "finding_kinds": ("verdict",)})
    expected = doc.expected.model_copy(update={"effective_queries": effective})
    return doc.model_copy(update={"fitted_on": fitted_on, "expected": expected})


def test_the_summary_begins_with_the_verdict_and_counts_1000_queries():
    lines = summary(judged(PLAIN, 40.0)).plain().splitlines()

    assert [line.split()[0] for line in lines] == ["verdict", "target", "status", "expected", "based"]
    assert lines[3] == "expected  quality 0.700 [0.660, 0.740], $2.00 [$1.80, $2.20] per 1,000 queries"
    assert lines[4] == "based on  40 of 50 queries: those with something logged at the point chosen"


def test_the_evidence_is_not_repeated_where_every_query_counts():
    assert "based on" not in summary(judged(PLAIN, 50.0)).plain()


def test_the_trade_off_begins_with_the_policy_and_the_best_single_point_and_then_rises():
    names = [row.name for row in trade_off_rows(PLAIN)]
    costs = [row.cost_usd for row in trade_off_rows(PLAIN)[2:]]

    assert names[:2] == ["this policy", "best single: large@high"]
    assert set(names[2:]) == {"frontier"}
    assert costs == sorted(costs) and costs


def test_no_row_of_the_frontier_is_beaten_by_another_row():
    worse = [row.model_copy(update={"quality": 0.59, "quality_low": 0.5}) for row in PLAIN.trade_off[-1:]]
    doc = PLAIN.model_copy(update={"trade_off": (*PLAIN.trade_off[:3], *worse)})
    rows = trade_off_rows(doc)

    for row in rows[2:]:
        assert not any(
            other is not row and other.cost_usd <= row.cost_usd and other.quality >= row.quality for other in rows
        )
    assert len(rows) < len(doc.trade_off) + 2


def test_costs_of_a_column_have_equal_decimals_and_no_exponent():
    rows = trade_off_table(DOCUMENTS["tiny costs"]).rows
    costs = [row.cells[1] for row in rows]

    assert {len(cost.partition(".")[2]) for cost in costs} == {8}
    assert costs[0] == "0.00000200"


@every_document
@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_trade_off_fits_its_width_and_keeps_every_figure_whole(doc, width):
    stream = io.StringIO()
    Console(width=width, file=stream).print(trade_off_table(doc))
    text = stream.getvalue()
    costs = [row.cells[1] for row in trade_off_table(doc).rows]

    assert max(map(cell_len, text.splitlines())) <= width
    assert all(cost in text.split() for cost in costs)
    for row in trade_off_rows(doc):
        assert f"{row.quality:.3f}" in text.split()
        if row.low is not None and len(costs[0]) < 9:
            assert f"[{row.low:.3f}, {row.high:.3f}]" in text


def test_a_model_with_one_default_point_is_named_alone():
    doc = document({("a", "default"): (0.6, 0.001, 0.0), ("b", "default"): (0.7, 0.002, 1.0)}, best="b@default")

    assert "best single: b " in trade_off_table(doc).plain()
