"""A log of decisions is read as runs as it stands, propensities included, whatever happened while it was written."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.errors import GridError, QueryError, RunsError
from tests.planner.decisions import EASY_QUERY, HARD_QUERY
from tests.planner_cases import fitted, make_rows, no_signal
from tests.processes import ROOT

WRITER = """
import sys
import paretoroute as pr

planner, log = pr.Planner.load(sys.argv[1], explore=0.5), pr.DecisionLog(sys.argv[2])
decision = planner.plan("Which comes next?", query_id="q")
print("ready", flush=True)
for i in range(int(sys.argv[3])):
    log.append(decision, query=f"{sys.argv[4]} {i} " + "word " * 2000, quality=1.0, cost_usd=0.001)
    print(i, flush=True)
"""


def logged(path, count=40, **options) -> tuple[list[pr.Decision], pr.DecisionLog]:
    planner, log = pr.Planner(no_signal().policy, explore=0.3, **options), pr.DecisionLog(path)
    rows = make_rows(count, seed=3)[::5]
    decisions = planner.plan_batch([row["query"] for row in rows], query_ids=[row["query_id"] for row in rows])
    for decision, row in zip(decisions, rows, strict=True):
        log.append(
            decision,
            query=row["query"],
            quality=row["quality"],
            cost_usd=row["cost_usd"],
            prompt_tokens=row["prompt_tokens"],
            completion_tokens=row["completion_tokens"],
            latency_s=row["latency_s"],
            tag="kind",
            conversation=row["query_id"],
        )
    return decisions, log


def test_a_log_is_read_as_runs_without_a_notice(tmp_path):
    decisions, log = logged(tmp_path / "decisions.jsonl")

    runs = pr.read_runs(log.path)

    assert (runs.set_aside_count, runs.notices) == (0, ())
    assert len(set(runs.propensity)) > 2, "the case shows nothing"
    assert [runs.query_ids[i] for i in runs.query] == sorted(one.query_id for one in decisions)
    by_id = {decision.query_id: decision for decision in decisions}
    rows = {row["query_id"]: row for row in make_rows(40, seed=3)[::5]}
    for i in range(len(runs)):
        decision, row = by_id[runs.query_ids[runs.query[i]]], rows[runs.query_ids[runs.query[i]]]
        assert (runs.points[runs.point[i]], runs.propensity[i]) == (decision.point, decision.propensity)
        assert (runs.quality[i], runs.cost_usd[i]) == (row["quality"], row["cost_usd"])
        assert (runs.prompt_tokens[i], runs.completion_tokens[i]) == (row["prompt_tokens"], row["completion_tokens"])
        assert runs.texts[runs.query[i]] == row["query"]
    assert set(runs.tags) == {"kind"} and runs.conversations[0] == runs.query_ids[0]


def test_the_next_policy_is_fitted_by_the_propensities(tmp_path):
    _, log = logged(tmp_path / "decisions.jsonl", count=300)

    policy = pr.fit(pr.read_runs(log.path))

    assert "assumes that the logged propensities are the chances" in (policy.document.fitted_on.assumption or "")


def test_the_monitor_reads_the_forecasts_of_the_log(tmp_path):
    _, log = logged(tmp_path / "decisions.jsonl", count=60)

    report = pr.Monitor(no_signal().policy).update(log.path)

    assert report.calls == 60


def test_only_the_owner_reads_the_file_and_messages_are_logged_as_planned(tmp_path):
    planner, log = pr.Planner(fitted().policy), pr.DecisionLog(tmp_path / "decisions.jsonl")
    messages = [{"role": "system", "content": "Sei kurz.\n"}, {"role": "user", "content": "Wieso? 模型"}]

    log.append(planner.plan(messages), query=messages, quality=True, cost_usd=0.5, score=-3.5, trials=4)

    assert stat.S_IMODE(os.stat(log.path).st_mode) == 0o600
    (line,) = log.path.read_text(encoding="utf-8").splitlines()
    row = json.loads(line)
    assert (row["quality"], row["cost_usd"], row["score"], row["trials"]) == (1, 0.5, -3.5, 4)
    assert pr.read_runs(log.path).texts == ("system: Sei kurz.\n\nuser: Wieso? 模型",)


def test_a_log_stays_where_it_was_made_when_the_process_changes_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log, planner = pr.DecisionLog("decisions.jsonl"), pr.Planner(fitted().policy)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")

    log.append(planner.plan(EASY_QUERY), query=EASY_QUERY, quality=1, cost_usd=0.1)

    assert len(pr.read_runs(tmp_path / "decisions.jsonl").query_ids) == 1


def test_an_embedding_without_an_id_is_refused(tmp_path):
    planner, log = pr.Planner(fitted().policy), pr.DecisionLog(tmp_path / "decisions.jsonl")

    with pytest.raises(QueryError, match="planned with a query_id"):
        log.append(planner.plan("x", query_id=""), embedding=[1.0, 2.0], quality=1)


def test_embeddings_stand_in_for_texts(tmp_path):
    planner, log = pr.Planner(fitted().policy), pr.DecisionLog(tmp_path / "decisions.jsonl")

    for i in range(3):
        log.append(planner.plan(None, query_id=f"{i}"), embedding=np.eye(3)[i], quality=0.5, cost_usd=0.1)

    embeddings = pr.read_runs(log.path).embeddings
    assert embeddings is not None and np.array_equal(embeddings, np.eye(3))


def test_an_answer_of_a_fallback_is_set_aside_and_takes_no_propensity_with_it(tmp_path):
    planner, log = pr.Planner(fitted().policy), pr.DecisionLog(tmp_path / "decisions.jsonl")
    failed, answered = planner.plan(HARD_QUERY, query_id="1"), planner.plan(EASY_QUERY, query_id="2")

    log.append(failed, query=HARD_QUERY, quality=0.25, cost_usd=0.001, answered_by=failed.fallbacks[0])
    log.append(answered, query=EASY_QUERY, quality=1.0, cost_usd=0.001, answered_by=answered.point.name)

    runs = pr.read_runs(log.path)
    assert (runs.query_ids, runs.propensity.tolist(), runs.set_aside_count) == (("2",), [1.0], 1)
    assert runs.set_aside[0].line == 1
    row = json.loads(log.path.read_text(encoding="utf-8").splitlines()[0])
    assert (row["fallback_quality"], row["failed_point"]) == (0.25, failed.point.name)
    assert f"{row['model']}@{row['budget_label']}" == failed.fallbacks[0]


def test_the_columns_of_decisions_are_named_where_another_log_has_them(tmp_path):
    row = {"query": "a", "model": "m", "quality": 1, "cost_usd": 0.1, "status": "ok", "decision_id": "1"}
    (tmp_path / "runs.jsonl").write_text(json.dumps(row), encoding="utf-8")

    (notice,) = pr.read_runs(tmp_path / "runs.jsonl").notices

    assert "status" in notice.text and "decision_id" in notice.text


@pytest.mark.parametrize(
    "end", ['{"query_id": "torn", "qual', '{"query_id": "t', '{"query_id": "ü'.encode()[:-1].decode("latin1")]
)
def test_a_row_that_was_left_unfinished_is_set_aside_by_its_line_and_takes_no_other_with_it(tmp_path, end):
    decisions, log = logged(tmp_path / "decisions.jsonl")
    with log.path.open("ab") as file:
        file.write(end.encode("latin1"))
    torn = pr.read_runs(log.path)
    assert (len(torn), torn.set_aside_count, torn.set_aside[0].line) == (len(decisions), 1, len(decisions) + 1)

    log.append(pr.Planner(no_signal().policy).plan("another"), query="another", quality=1, cost_usd=0.1)

    runs = pr.read_runs(log.path)
    assert (len(runs), runs.set_aside_count, runs.set_aside[0].line) == (len(decisions) + 1, 1, len(decisions) + 1)
    assert any("rows set aside: 1 of" in notice.text for notice in runs.notices)
    with pytest.raises(RunsError, match=rf"decisions\.jsonl, line {len(decisions) + 1}"):
        pr.read_runs(log.path, strict=True)


def test_a_row_without_its_end_is_complete(tmp_path):
    decisions, log = logged(tmp_path / "decisions.jsonl")
    os.truncate(log.path, log.path.stat().st_size - 1)

    log.append(pr.Planner(no_signal().policy).plan("another"), query="another", quality=1, cost_usd=0.1)

    runs = pr.read_runs(log.path)
    assert (len(runs), runs.set_aside_count) == (len(decisions) + 1, 0)


def test_rows_of_threads_do_not_mix(tmp_path):
    planner, log = pr.Planner(fitted().policy), pr.DecisionLog(tmp_path / "decisions.jsonl")

    def write(writer: int) -> None:
        own = log if writer % 2 else pr.DecisionLog(log.path)
        for i in range(30):
            text = f"{writer} {i} " + "word " * 3000
            own.append(planner.plan("apple", query_id=f"{writer}-{i}"), query=text, quality=0.5, cost_usd=0.1)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))

    runs = pr.read_runs(log.path)
    assert (len(runs.query_ids), runs.set_aside_count) == (180, 0)
    assert set(runs.query_ids) == {f"{writer}-{i}" for writer in range(6) for i in range(30)}


@pytest.mark.skipif(sys.platform == "win32", reason="it has no SIGKILL")
def test_killed_writers_leave_every_finished_row_and_at_most_one_torn_line_each(tmp_path):
    path = tmp_path / "decisions.jsonl"
    arguments = [sys.executable, "-c", WRITER, str(fitted().policy_path), str(path), "100000"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    writers = [
        subprocess.Popen([*arguments, f"writer{i}"], stdout=subprocess.PIPE, text=True, env=environment)
        for i in range(2)
    ]
    finished = []
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    time.sleep(0.2)
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        out, _ = writer.communicate()
        finished.append(len(out.splitlines()))

    pr.DecisionLog(path).append(pr.Planner(fitted().policy).plan("a"), query="the last", quality=1, cost_usd=0.1)

    runs = pr.read_runs(path, join="id,text")
    assert min(finished) > 0, "the case shows nothing"
    assert runs.set_aside_count <= 2
    for i, count in enumerate(finished):
        rows = sum(str(text).startswith(f"writer{i} ") for text in runs.texts)
        assert count <= rows <= count + 1
    assert "the last" in runs.texts


@pytest.mark.parametrize(
    "outcome, error, message",
    [
        ({"quality": 97}, RunsError, r"quality must lie in \[0, 1\], got 97. Percent\?"),
        ({"quality": float("nan")}, RunsError, r"quality must lie in \[0, 1\]"),
        ({"quality": "1"}, RunsError, "quality must be a number, got '1'"),
        ({"quality": None}, RunsError, "quality is missing; append a decision once its outcome is known"),
        ({"quality": 1, "cost_usd": float("inf")}, RunsError, "cost_usd must be a finite number, got inf"),
        ({"quality": 1, "prompt_tokens": -1}, RunsError, "prompt_tokens must be a finite number of at least 0, got -1"),
        ({"quality": 1, "latency_s": float("nan")}, RunsError, "latency_s must be a finite number of at least 0"),
        ({"quality": 1, "trials": 2.5}, RunsError, "trials must be a whole number of at least 1, got 2.5"),
        ({"quality": 1, "tag": 7}, QueryError, "the tag must be of type str, got 7"),
        ({"quality": 1, "query": None}, QueryError, "a decision is logged with its query"),
        ({"quality": 1, "query": " [] "}, QueryError, "a decision is logged with its query"),
        ({"quality": 1, "query": "\ud800"}, QueryError, "half a character"),
        ({"quality": 1, "embedding": ["x"]}, QueryError, "the embedding must be a list of numbers"),
        ({"quality": 1, "embedding": [float("nan")]}, QueryError, "the embedding must be finite numbers"),
        ({"quality": 1, "answered_by": "thinkr@8000"}, GridError, "'thinkr@8000' is no fallback of this decision"),
    ],
)
def test_an_outcome_that_no_reader_could_take_is_refused_and_nothing_is_written(tmp_path, outcome, error, message):
    log = pr.DecisionLog(tmp_path / "decisions.jsonl")
    decision = pr.Planner(fitted().policy).plan(EASY_QUERY)

    with pytest.raises(error, match=message):
        log.append(decision, **{"query": EASY_QUERY} | outcome)

    assert log.path.read_bytes() == b""


def test_a_file_that_cannot_be_written_or_read_later_is_refused_at_once(tmp_path):
    with pytest.raises(RunsError, match=r"decisions\.csv: a log of decisions is JSONL; .* \.jsonl"):
        pr.DecisionLog(tmp_path / "decisions.csv")
    with pytest.raises(RunsError, match=r"decisions\.jsonl cannot be written: No such file or directory"):
        pr.DecisionLog(tmp_path / "nowhere" / "decisions.jsonl")
    with pytest.raises(RunsError, match="the decision must be of type Decision, got {}"):
        pr.DecisionLog(tmp_path / "d.jsonl").append({}, query="a", quality=1)  # pyright: ignore[reportArgumentType]  # refused
