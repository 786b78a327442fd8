"""Calls of a deployed policy that turn out worse from some time on: found, dated, and the promise withdrawn."""

import json

import numpy as np
import pytest

import paretoroute as pr
from tests.cases.case_log import Row, case_rows, run_command, write_jsonl


@pytest.fixture(scope="module")
def policy(tmp_path_factory) -> tuple[pr.Policy, object]:
    folder = tmp_path_factory.mktemp("drift")
    log = write_jsonl(folder / "log.jsonl", case_rows(200, seed=1))
    path = folder / "policy.yaml"
    pr.fit(pr.read_runs(log), pr.MaxCost(usd=0.0015)).save(path)
    return pr.Policy.load(path), path


def deployed(policy: pr.Policy, queries: int, *, chances: tuple[float, float], seed: int, start: int = 0) -> list[Row]:
    """Answer new queries at the points that the policy chooses, one a minute."""
    planner, rows = pr.Planner(policy), []
    pairs = case_rows(queries, chances=chances, seed=seed)
    for i, pair in enumerate(zip(pairs[::2], pairs[1::2], strict=True)):
        key = f"d{start + i}"
        decision = planner.plan(pair[0]["query"], query_id=key)
        row = next(row for row in pair if row["model"] == decision.model)
        rows.append(row | {"query_id": key, "time": 1_767_225_600 + 60 * (start + i)})
    return rows


def test_a_model_that_gets_worse_is_reported_by_the_command(policy, tmp_path):
    loaded, path = policy
    rows = deployed(loaded, 600, chances=(0.5, 0.8), seed=2)
    rows += deployed(loaded, 600, chances=(0.5, 0.4), seed=3, start=600)

    done = run_command(tmp_path, "monitor", path, write_jsonl(tmp_path / "calls.jsonl", rows), "--fail-on-drift")

    assert done.code == 3
    assert done.out.startswith("!         Quality of big fell by ")
    assert "since about 2026-01-01 09:5" in done.out or "since about 2026-01-01 10:" in done.out  # ten hours
    assert "The promise no longer stands" in done.out


@pytest.mark.parametrize("seed", range(3))
def test_stable_calls_raise_no_alarm(policy, seed):
    loaded, _ = policy

    report = pr.Monitor(loaded).update(table(deployed(loaded, 800, chances=(0.5, 0.8), seed=10 + seed)))

    assert not report.drifted


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_quality_on_some_calls_alone_is_enough(policy, share):
    loaded, _ = policy
    rows = deployed(loaded, 600, chances=(0.5, 0.8), seed=4) + deployed(
        loaded, 1500, chances=(0.5, 0.2), seed=5, start=600
    )
    draw = np.random.default_rng(6)
    partly = [row if draw.random() < share else row | {"quality": None} for row in rows]

    report = pr.Monitor(loaded).update(table(partly))

    assert ("quality", "big") in {(stream.figure, stream.model) for stream in report.streams if stream.shifted}
    assert sum(stream.calls for stream in report.streams if stream.figure == "quality") < 0.6 * len(rows)


def table(rows: list[Row]):
    """Return rows as a table."""
    import pyarrow as pa

    return pa.Table.from_pylist([json.loads(json.dumps(row)) for row in rows])
