"""The table and the text of a comparison."""

import io

from rich.console import Console

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.comparison import Comparison, PolicyResult, RouterResult
from paretoroute.report.comparison import comparison_table, comparison_text

COMPARISON = Comparison(
    runs=1200,
    queries=300,
    points=4,
    folds=3,
    seed=0,
    best_single="tenor@high",
    best_single_quality=0.72,
    best_single_cost_usd=0.006,
    from_cost_usd=0.0004,
    rows=(
        RouterResult("oracle", Interval(30.0, 28.0, 32.0), Interval(-20.0, -22.0, -18.0), 0.99, 0.001),
        RouterResult("paretoroute", Interval(10.0, 8.0, 12.0), None, 0.81, 0.003),
        RouterResult("static mixture", Interval(-0.5, -1.0, 0.01), Interval(10.5, 9.0, 12.0), 0.7, None),
    ),
    solved_policies=PolicyResult(Interval(9.0, 7.0, 11.0), 1.01, 0.93, 1.08),
    verdict="paretoroute is ahead.",
    notices=(),
)


def test_the_table_shows_every_router_on_one_line():
    console = Console(width=100, file=io.StringIO(), record=True)

    console.print(comparison_table(COMPARISON))

    lines = console.export_text().splitlines()
    for row in COMPARISON.rows:
        line = next(line for line in lines if line.strip().startswith(row.name))
        assert f"{row.gain.value:+.2f} [{row.gain.low:+.2f}, {row.gain.high:+.2f}]" in line
        assert f"{row.peak_quality:.4f}" in line
        assert ("never" in line) == (row.cost_usd_at_best_single is None)


def test_the_text_gives_the_best_single_point_the_solved_policies_and_the_verdict():
    best, policies, verdict = comparison_text(COMPARISON).splitlines()

    assert best == "best single      tenor@high: quality 0.7200 at $0.006 per query"
    assert policies.startswith("solved policies  +9.00 [+7.00, +11.00] over ")
    assert policies.endswith("realised / target cost 1.01 (0.93 to 1.08)")
    assert verdict == "verdict          paretoroute is ahead."
