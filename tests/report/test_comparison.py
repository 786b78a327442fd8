"""The table and the text of a comparison."""

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.comparison import Comparison, PolicyResult, RouterResult
from paretoroute.evaluation.protocol.metrics import Metrics
from paretoroute.grid import Budget, Point
from paretoroute.report.comparison import comparison_table, comparison_text, log_notices
from paretoroute.report.labels import labels_of_points
from paretoroute.runs.findings import Finding
from tests.report.comparisons import details


def row(name, gain, fair_gain, peak_quality, *, cost_usd_at_best_single):
    lead = None if name == "paretoroute" else Interval(1.5, 1.0, 2.0)
    return RouterResult(
        name, gain, lead, peak_quality, cost_usd_at_best_single, "control", fair_gain, lead, Metrics({}, {})
    )


COMPARISON = Comparison(
    runs=1200,
    queries=300,
    points=4,
    folds=3,
    seed=0,
    best_single="tenor@default",
    best_single_quality=0.72,
    best_single_cost_usd=0.006,
    from_cost_usd=0.0004,
    rows=(
        row("oracle", Interval(30.0, 28.0, 32.0), Interval(29.0, 27.0, 31.0), 0.99, cost_usd_at_best_single=0.001),
        row("paretoroute", Interval(10.0, 8.0, 12.0), Interval(9.0, 7.0, 11.0), 0.81, cost_usd_at_best_single=0.003),
        row("static", Interval(-0.5, -1.0, 0.01), Interval(-0.2, -0.5, 0.1), 0.7, cost_usd_at_best_single=None),
    ),
    solved_policies=PolicyResult(Interval(9.0, 7.0, 11.0), 1.01, 0.93, 1.08),
    verdict="paretoroute is ahead.",
    notices=(),
    left_out={"frugalgpt": "the log has no score"},
    details=details(),
)


LABEL = labels_of_points([Point("tenor", Budget())])


def test_the_table_shows_every_router_on_one_line():
    console = Console(width=140, file=io.StringIO(), record=True)

    console.print(comparison_table(COMPARISON))

    lines = console.export_text().splitlines()
    for row in COMPARISON.rows:
        line = next(line for line in lines if line.strip().startswith(row.name))
        for gain in (row.gain, row.fair_gain):
            assert f"{gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]" in line
        assert f"{row.peak_quality:.3f}" in line
        assert ("never" in line) == (row.cost_usd_at_best_single is None)


def test_the_text_begins_with_the_verdict_and_explains_the_oracle():
    verdict, best, spending, left_out, oracle = comparison_text(COMPARISON, LABEL).plain().splitlines()

    assert verdict == "verdict   paretoroute is ahead."
    assert best == "single    the best single point is tenor: quality 0.720 at $6.00 per 1,000 queries"
    assert spending == (
        "spending  policies solved for cost targets spend x1.01 of the target (0.93 to 1.08 over folds and targets)"
    )
    assert oracle == "oracle    sees every outcome before it chooses: an upper bound, which no router can reach"


def test_findings_of_the_log_come_last_and_without_derived_prices():
    notices = (Finding("price", "derived"), Finding("note", "about tenor: x"), Finding("note", "about alto: x"))
    runs = cast(Any, SimpleNamespace(points=[Point("tenor", Budget()), Point("alto", Budget())], set_aside=()))

    text = log_notices(runs, replace(COMPARISON, notices=notices), LABEL).plain()

    assert text.splitlines() == [
        "log       compared 1200 runs of 300 queries at 4 points",
        "note      about tenor, alto: x",
    ]
