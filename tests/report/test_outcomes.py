"""A replay and a decision in words and figures."""

from dataclasses import replace

import pytest

from paretoroute.evaluation.replay_result import CrossChecks, Difference, Estimated, Evidence, Replay
from paretoroute.grid import Budget, Grid, Point
from paretoroute.report.labels import labels_of_points
from paretoroute.report.outcomes import decision_text, replay_table, replay_text
from tests.planner_cases import fitted

FULL = Evidence(
    propensities="full",
    looks=False,
    largest_weight=1.0,
    mean_weight=1.0,
    supported_share=1.0,
    mean_inverse_propensity=2.0,
    points=2,
    alarm=None,
    clusters=None,
)
SMALL = Estimated(0.6, 0.55, 0.65, 0.0005, 0.0004, 0.0006, 210.0)
LOGGED = Estimated(0.73, 0.7, 0.76, 0.003, 0.0028, 0.0032, 400.0)
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
    status="supported",
    needed_queries=None,
    evidence=FULL,
    checks=CrossChecks(0.71, 0.002, 0.71, 0.002, 400),
)
PARTIAL = replace(
    REPLAY,
    effective_queries=83.0,
    evidence=replace(FULL, propensities="logged", largest_weight=2.5, mean_weight=1.02, supported_share=0.98),
    points={"large@high": replace(SMALL, quality=0.9), "small@default": SMALL},
    logging=LOGGED,
)
LABEL = labels_of_points([Point("small", Budget()), Point("large", Budget("effort", "high"))])


def lines(replay: Replay) -> list[str]:
    return replay_text(replay, LABEL).plain().splitlines()


def test_a_replay_gives_realised_and_predicted_figures_and_no_warning():
    assert lines(REPLAY) == [
        "quality   0.710 [0.680, 0.740]; the policy predicts 0.720",
        "cost      $2.00 [$1.80, $2.20] per 1,000 queries; the policy predicts $2.10",
        "based on  400 of 400 queries: those logged at the point chosen",
        "calls     small 75%, large@high 25%",
    ]


def test_a_replay_on_a_partial_log_explains_what_it_rests_on_and_what_the_log_itself_reached():
    assert lines(PARTIAL)[2] == (
        "based on  an effective 83 of 400 queries, by the logged propensities; largest weight 2.5, mean weight 1.02; "
        "the log supports 98% of the calls"
    )
    assert lines(PARTIAL)[-1] == "warning   the choices in the log have 2.0 quality points more than this policy"


def test_an_unsupported_policy_has_no_interval_and_no_missed_prediction():
    nothing = dict.fromkeys(("quality_low", "quality_high", "cost_usd_low", "cost_usd_high"))
    shown = lines(replace(PARTIAL, **nothing, predicted_quality=0.9, status="unsupported", needed_queries=1200))

    assert shown[:2] == [
        "quality   0.710 without an interval; the policy predicts 0.900",
        "cost      $2.00 per 1,000 queries without an interval; the policy predicts $2.10",
    ]
    assert (
        "warning   unsupported: too few of the policy's calls were logged to give an interval: about 1,200 queries of "
        "such a log would be needed"
    ) in shown


def test_an_alarm_comes_first():
    evidence = replace(PARTIAL.evidence, alarm="the logged propensities do not fit the log")

    assert lines(replace(PARTIAL, evidence=evidence))[0] == "!         the logged propensities do not fit the log"


def test_the_table_has_the_policy_the_choices_in_the_log_and_the_points_best_first():
    rows = replay_table(PARTIAL, LABEL).plain().splitlines()

    assert rows[0] == "Estimates on the 400 replayed queries"
    assert [row.split("  ")[0] for row in rows[2:]] == [
        "> this policy",
        "the choices in the log",
        "large@high",
        "small",
    ]
    assert rows[2].split("  ")[-1].strip() == "83"
    assert "[0.550, 0.650]" in rows[5] and "[0.400, 0.600]" in rows[5]


def test_a_comparison_gives_the_paired_differences():
    difference = Difference("other.yaml", LOGGED, -0.02, -0.05, 0.01, 0.001, 0.0008, 0.0012, 0.4, 80.0)

    shown = lines(replace(REPLAY, against=difference))

    assert shown[-1] == (
        "against   -2.0 quality points [-5.0, +1.0], +$1.00 [+$0.800, +$1.20] per 1,000 queries compared with "
        "other.yaml; 40% of the calls differ"
    )
    assert "other.yaml" in replay_table(replace(REPLAY, against=difference), LABEL).plain()


def test_a_comparison_without_intervals_or_costs_gives_the_difference_alone():
    nan = float("nan")
    difference = Difference("other.yaml", LOGGED, 0.03, None, None, nan, None, None, 0.4, 8.0)

    assert lines(replace(REPLAY, against=difference))[-1] == (
        "against   +3.0 quality points compared with other.yaml; 40% of the calls differ"
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

    seen = ("the policy was fitted on these runs",)
    text = "\n".join(lines(replace(REPLAY, effective_queries=30.0, status="few", notices=seen, limits=limits)))

    assert "limit     share of large at most 0.2: realised 0.25\n" in text
    assert "limit     latency at most 2 s: realised nothing logged\n" in text
    assert "warning   the policy was fitted on these runs" in text
    assert "warning   fewer than 50 queries count" in text


def test_a_decision_explains_its_interval_and_names_points_as_people_read_them():
    policy = fitted().policy
    why = "small@default has the most quality for its cost; against thinker@2000: +1.0 quality points."
    decision = _decision(policy.grid)
    decision = replace(decision, reason=decision.reason._replace(stated=why, is_compared=False))

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
