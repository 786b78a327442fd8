"""A limit on calls that no logged query can keep: the policy is infeasible, in every command."""

from __future__ import annotations

import pandas as pd

import paretoroute as pr
from tests.cases.case_log import case_rows, run_command, write_jsonl

LIMIT = "cost of a call at most $0.00000001"


def test_a_call_limit_kept_at_no_query_is_infeasible_in_solve_and_in_plan(tmp_path):
    policy = pr.fit(pr.read_runs(pd.DataFrame(case_rows())))
    policy.save(tmp_path / "p.yaml")

    solved = run_command(tmp_path, "solve", "p.yaml", "--max-cost", "1", "--limit", LIMIT, "--out", "q.yaml")
    planned = run_command(tmp_path, "plan", "q.yaml", "prove task number 3")

    assert solved.code == 3
    assert "infeasible: the limits on calls cannot be kept" in " ".join(solved.out.split())
    assert pr.Policy.load(tmp_path / "q.yaml").document.solution.status == "infeasible"
    assert planned.code == 3 and "infeasible" in planned.out


def test_a_fit_with_such_a_limit_exits_likewise(tmp_path):
    runs = write_jsonl(tmp_path / "runs.jsonl", case_rows())

    fitted = run_command(tmp_path, "fit", runs, "--out", "p.yaml", "--limit", LIMIT)

    assert fitted.code == 3
    assert "the limits on calls cannot be kept: at 100% of the logged queries" in " ".join(fitted.out.split())
