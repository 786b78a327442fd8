"""A replay and a decision in words and figures."""

from dataclasses import replace

import pytest

from paretoroute.evaluation.replay import Replay
from paretoroute.grid import Budget, Grid, Point
from paretoroute.report.labels import labels_of_points
from paretoroute.report.outcomes import decision_text, replay_text
from tests.planner_cases import fitted

REPLAY = Replay(
    quality=0.71,
    quality_low=0.68,
    quality_high=0.74,
    cost_usd=0.002,
    cost_usd_low=0.0018,
    cost_usd_high=0.0022,
    predicted_quality=0.72,
    predicted_cost_usd=0.0021,
    queries=400,
    effective_queries=400.0,
    calls={"small@default": 300, "large@high": 100},
)
LABEL = labels_of_points([Point("small", Budget()), Point("large", Budget("effort", "high"))])


def lines(replay: Replay) -> list[str]:
    return replay_text(replay, LABEL).plain().splitlines()


def test_a_replay_gives_realised_and_predicted_figures_and_no_warning():
    assert lines(REPLAY) == [
        "quality   0.710 [0.680, 0.740]; the policy predicts 0.720",
        "cost      $2.00 [$1.80, $2.20] per 1,000 queries; the policy predicts $2.10",
        "rests on  400 of 400 queries: those logged at the point that the policy calls",
        "calls     small 75%, large@high 25%",
    ]


def test_a_replay_on_a_partial_log_explains_which_queries_count():
    assert lines(replace(REPLAY, effective_queries=380.0))[2] == (
        "rests on  380 of 400 queries: those logged at the point that the policy calls; "
        "the outcomes of the others are unknown"
    )


@pytest.mark.parametrize(
    ("missed", "first"),
    [
        (
            {"predicted_quality": 0.751},
            "!         quality is 4.1 points below what the policy predicts, outside the 90% interval",
        ),
        (
            {"predicted_quality": 0.679},
            "!         quality is 3.1 points above what the policy predicts, outside the 90% interval",
        ),
        (
            {"predicted_cost_usd": 0.001},
            "!         cost is $1.00 per 1,000 queries above what the policy predicts, outside the 90% interval "
            "(x2.00)",
        ),
    ],
)
def test_a_prediction_outside_the_interval_comes_first(missed, first):
    assert lines(replace(REPLAY, **missed))[0] == first


def test_a_prediction_at_the_end_of_the_interval_is_no_miss():
    assert not lines(replace(REPLAY, predicted_quality=0.74, predicted_cost_usd=0.0018))[0].startswith("!")


def test_a_cost_that_was_not_logged_is_no_miss():
    nothing = dict.fromkeys(("cost_usd", "cost_usd_low", "cost_usd_high"), float("nan"))

    assert lines(replace(REPLAY, **nothing))[1] == ("cost      not logged; the policy predicts $2.10 per 1,000 queries")
    assert not lines(replace(REPLAY, **nothing))[0].startswith("!")


def test_calls_beyond_the_sixth_point_are_counted():
    calls = {f"m{i}@high": 100 - 10 * i for i in range(8)}

    shown = lines(replace(REPLAY, calls=calls))[3]

    assert shown.endswith("m5@high 12%, 2 other points 18%")
    assert lines(replace(REPLAY, calls=dict(list(calls.items())[:7])))[3].endswith("1 other point 10%")


def test_a_replay_lists_limits_and_warns_of_few_queries_and_of_runs_that_were_fitted_on():
    limits = {"share of large at most 0.2": 0.25, "latency at most 2 s": None}

    text = "\n".join(lines(replace(REPLAY, effective_queries=30.0, seen=True, limits=limits)))

    assert "limit     share of large at most 0.2: realised 0.25\n" in text
    assert "limit     latency at most 2 s: realised nothing logged\n" in text
    assert "warning   the policy was fitted on these very runs" in text
    assert "warning   fewer than 50 queries count" in text


def test_a_decision_explains_its_interval_and_names_points_as_people_read_them():
    policy = fitted().policy
    decision = replace(
        _decision(policy.grid),
        why="small@default has the most quality for its cost; against thinker@2000: +1.0 quality points.",
    )

    call, expected, why, *_ = decision_text(decision, labels_of_points(policy.grid.points)).plain().splitlines()

    assert call == "call      small (met)"
    assert expected == "expected  quality 0.900 +- 0.033 (90% interval), $0.0500 per 1,000 queries, 1.5 s"
    assert why == "why       small has the most quality for its cost; against thinker@2000: +1.0 quality points."


def _decision(grid: Grid):
    from paretoroute.planner.planner import Planner

    decision = Planner(fitted().policy).plan("apple")
    return replace(
        decision,
        point=grid.points[grid.index("small@default")],
        expected_quality=0.9,
        expected_quality_se=0.02,
        expected_cost_usd=5e-05,
        expected_latency_s=1.5,
        status="met",
    )
