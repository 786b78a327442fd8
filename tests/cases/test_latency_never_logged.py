"""Limits on latency where no point, or not every point, has a logged latency."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import paretoroute as pr
from paretoroute.errors import TargetError
from tests.cases.case_log import Row, case_rows, run_command, write_jsonl


def fitted(rows: list[Row]) -> pr.Policy:
    return pr.fit(pr.read_runs(pd.DataFrame(rows)))


def with_latency(rows: list[Row], **seconds: float) -> list[Row]:
    """Add a latency of about so many seconds to the rows of the models that are named."""
    return [
        row | {"latency_s": seconds[row["model"]] * (1 + 0.001 * i)} if row["model"] in seconds else row
        for i, row in enumerate(rows)
    ]


def test_a_latency_limit_without_a_logged_latency_is_refused_and_an_unkept_limit_exits_with_3(tmp_path):
    pr.fit(pr.read_runs(write_jsonl(tmp_path / "runs.jsonl", case_rows()))).save(tmp_path / "p.yaml")
    queries = write_jsonl(tmp_path / "q.jsonl", [{"query": "prove task number 3", "query_id": "a"}, {"query": "b"}])

    refused = run_command(tmp_path, "plan", "p.yaml", "prove task number 3", "--max-latency", "60")
    unkept = run_command(
        tmp_path,
        "plan",
        "p.yaml",
        "--queries",
        queries,
        "--format",
        "jsonl",
        "--min-quality",
        "1",
        "--max-cost",
        "1e-9",
    )

    assert (refused.code, refused.out) == (2, "")
    assert "latency was not logged" in refused.err
    assert unkept.code == 3
    assert [json.loads(line)["status"] for line in unkept.out.splitlines()] == ["infeasible", "infeasible"]


@pytest.mark.parametrize("limit", [pr.MaxMeanLatency(5.0), pr.MaxCallLatency(5.0)])
def test_a_limit_of_the_policy_on_a_latency_that_was_not_logged_is_refused(limit):
    with pytest.raises(TargetError, match="no latency is forecast; log latency_s"):
        fitted(case_rows(20)).solve(limits=[limit])


def test_a_point_without_a_logged_latency_keeps_no_limit_on_it():
    policy = fitted(with_latency(case_rows(), big=5.0))
    planner = pr.Planner(policy)

    kept, unkept = (planner.plan("prove task number 3", max_latency_s=seconds) for seconds in (6.0, 3.0))
    only = planner.plan("prove task number 3", max_latency_s=6.0, models=["small"])

    assert (kept.model, kept.keeps_limits) == ("big", True)
    assert (unkept.model, unkept.status, unkept.keeps_limits) == ("big", "infeasible", False)
    assert unkept.why.startswith("no point is forecast to answer within 3 s; big@default comes nearest, at 5.")
    assert "the latency of small@default was not logged" in unkept.why
    assert only.expected_latency_s is None and only.status == "infeasible"
    assert "the latency of small@default was not logged, and small@default is called" in only.why


def test_a_mean_latency_of_the_policy_counts_only_points_with_a_logged_latency():
    policy = fitted(with_latency(case_rows(), big=5.0)).solve(pr.MinQuality(0.5), limits=[pr.MaxMeanLatency(6.0)])

    shares = {entry.model: entry.points[0].share for entry in policy.document.grid}
    assert shares == {"big": 1.0, "small": 0.0}
    (limit,) = policy.document.solution.limits
    assert 4.9 < limit.used < 6.0


def test_all_limits_of_a_call_are_named_in_turn():
    planner = pr.Planner(fitted(with_latency(case_rows(), big=5.0, small=2.0)))

    def why(**limits: float) -> str:
        decision = planner.plan("prove task number 3", **limits)
        assert not decision.keeps_limits
        return decision.why

    assert why(max_cost_usd=1e-9).startswith(
        "the cost of no point can be held under $0.000000001 for certain; small@default"
    )
    assert why(min_quality=1.0).startswith("no point is forecast to reach quality 1; ")
    # small is within 3 s and not good enough; big is good enough and slow: quality wins over latency.
    both = why(min_quality=planner.plan("prove task number 3").expected_quality - 0.01, max_latency_s=3.0)
    assert both.startswith("no point that keeps the limits before it is forecast to answer within 3 s; big@default")


def test_a_reason_after_a_remark_begins_with_a_capital_and_seconds_have_no_exponent():
    planner = pr.Planner(fitted(with_latency(case_rows(), big=5000.0, small=2000.0)))

    decision = planner.plan("", max_latency_s=5)

    remark, reason = decision.why.split(". ", maxsplit=1)
    assert remark == "Nothing of the query could be read, and the means of the log stand for it"
    assert reason.startswith("No point is forecast to answer within 5 s; small@default comes nearest, at ")
    assert 1000 < float(reason.split(" comes nearest, at ")[1].split(" s")[0]) < 3000 and "e+" not in reason
