"""The monitor on calls of a fitted policy: stable, worse, dearer, other queries; batches, gaps, repeats, and state."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import paretoroute as pr
from paretoroute.errors import PolicyError, RunsError, TargetError
from paretoroute.evaluation.drift import summary
from paretoroute.evaluation.drift.report import UNTESTED
from tests.evaluation.drift.deployed import calls, table, worse
from tests.planner_cases import fitted, make_rows, no_signal


@pytest.fixture(scope="module")
def stable() -> list[dict]:
    return calls(600, seed=21)


@pytest.fixture(scope="module")
def watched(stable) -> pr.DriftReport:
    return pr.Monitor(fitted().policy).update(table(stable))


def shifted(report: pr.DriftReport) -> set[tuple[str, str]]:
    return {(stream.figure, stream.model) for stream in report.streams if stream.shifted}


def test_calls_like_the_log_raise_no_alarm_and_the_table_has_their_means(watched, stable):
    assert not watched.drifted
    assert watched.calls == 600
    assert watched.certificate.startswith("The policy carries no certificate. The promise still stands")
    for point in watched.points:
        rows = [row for row in stable if point.point == f"{row['model']}@{row['budget_label'] or 'default'}"]
        values = [row[point.figure] for row in rows if row.get(point.figure) is not None]
        assert point.calls == len(values)
        assert point.outcome == pytest.approx(np.mean(values))
    quality = sum(point.calls for point in watched.points if point.figure == "quality")
    assert quality == watched.promise.calls == 600
    assert watched.promise.quality == pytest.approx(np.mean([row["quality"] for row in stable]))


def test_of_a_query_that_was_called_at_every_point_the_chosen_call_counts_for_the_promise(stable):
    rows = make_rows(600, seed=21)  # the same queries, each called at every point: a model's other calls are repeats
    renamed = [row | {"query_id": f"21-{row['query_id']}"} for row in rows]

    report = pr.Monitor(fitted().policy).update(pa.Table.from_pylist(renamed))

    assert report.promise.calls == 600
    assert report.promise.quality == pytest.approx(np.mean([row["quality"] for row in stable]))
    assert "still stands" in report.certificate


def test_calls_of_the_fit_are_named():
    rows = make_rows(40, seed=21)
    policy = pr.fit(pr.read_runs(pa.Table.from_pylist(make_rows(200, seed=5))), pr.MaxCost(usd=5e-4))
    known = [row | {"query_id": f"again-{row['query_id']}"} for row in make_rows(200, seed=5)]

    notes = pr.Monitor(policy).update(pa.Table.from_pylist(known + rows)).notes

    (note,) = [note for note in notes if "in the fit" in note]
    assert note.startswith("200 of 240 queries, or copies of them, were in the fit")
    assert not [one for one in pr.Monitor(policy).update(pa.Table.from_pylist(rows)).notes if "in the fit" in one]


def test_calls_of_renamed_models_are_not_called_stable(stable):
    report = pr.Monitor(fitted().policy).update(table([row | {"model": f"{row['model']}-2"} for row in stable]))

    assert report.notes[0] == "no call could be compared with a forecast, so that nothing was tested"
    assert not report.points and sum(report.apart.values()) == report.calls == len(stable)
    assert UNTESTED not in pr.Monitor(fitted().policy).update(table(stable)).notes


def test_a_model_that_fails_is_named_with_its_time_and_the_promise_falls(stable):
    report = pr.Monitor(fitted().policy).update(table(worse(stable, after=300)))

    assert shifted(report) == {("quality", "thinker")}
    (sentence,) = report.findings
    assert sentence.startswith("Quality of thinker fell by")
    assert "since about 2026-01-13" in sentence  # 300 hours
    assert "no longer stands" in report.certificate
    (stream,) = (stream for stream in report.streams if stream.shifted)
    assert stream.since_call is not None and stream.detected_call is not None
    assert 280 <= stream.since_call <= 310 < stream.detected_call < 400
    lost = np.mean([row["quality"] for row in stable[300:] if row["model"] == "thinker"])
    assert stream.shift.low < -lost < stream.shift.high


def test_longer_answers_and_new_prices_are_told_apart(stable):
    longer = [
        row | {"completion_tokens": row["completion_tokens"] * 1.6}
        if row["model"] == "thinker" and "completion_tokens" in row
        else row
        for row in stable
    ]
    dearer = [row | {"cost_usd": row["cost_usd"] * 1.6} if row["model"] == "thinker" else row for row in stable]

    assert shifted(pr.Monitor(fitted().policy).update(table(longer))) == {("completion_tokens", "thinker")}
    report = pr.Monitor(fitted().policy).update(table(dearer))
    assert shifted(report) == {("cost_usd", "thinker")}
    assert report.findings[0].startswith("Cost of thinker rose to x1.")
    assert "still stands" in report.certificate  # quality is promised, and did not shift


def test_other_queries_are_found_without_any_outcome(stable):
    other = [
        {
            "query_id": f"o{i}",
            "query": f"zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich {i % 7}",
            "model": row["model"],
            "budget_kind": row["budget_kind"],
            "budget_label": row["budget_label"],
            "time": row["time"],
        }
        for i, row in enumerate(stable)
    ]

    report = pr.Monitor(fitted().policy).update(table(other))

    assert ("unfamiliar", "") in shifted(report)
    assert "no longer stands" in report.certificate
    assert report.promise.verdict == "unknown"


def test_batches_and_one_go_give_the_same_through_a_saved_state(stable, watched, tmp_path):
    state, policy = tmp_path / "state.json", fitted().policy
    pr.Monitor(policy).save(state)
    for start in (0, 150, 151, 420):
        stop = {0: 150, 150: 151, 151: 420, 420: 600}[start]
        monitor = pr.Monitor.load(state, policy)
        monitor.update(table(stable[start:stop]))
        monitor.save(state)

    report = pr.Monitor.load(state, policy).report()

    assert report == watched
    assert state.stat().st_size < 64_000
    assert not any(row["query"] in state.read_text(encoding="utf-8") for row in stable)


def test_rows_of_decisions_without_a_text_are_compared_with_what_they_expected(stable):
    rows = []
    for row in stable:
        logged = dict(row["logged"])
        rows.append({**logged, "quality": row["quality"], "cost_usd": row["cost_usd"], "time": row["time"]})

    report = pr.Monitor(fitted().policy).update(table(rows))

    assert report.apart == {}
    assert not report.drifted
    for point in report.points:
        if point.figure == "quality":
            same = [row for row in rows if f"{row['model']}@{row['budget_label']}" == point.point]
            assert point.forecast == pytest.approx(np.mean([row["expected_quality"] for row in same]))


def test_calls_that_cannot_be_compared_are_counted_by_reason(stable):
    rows = [{**row, "policy_sha256": ""} for row in stable[:40]]
    for row in rows[:3]:
        row["model"] = "newcomer"
    for row in rows[3:5]:
        row["query"] = None
    for row in rows[5:9]:
        row["policy_sha256"] = "f" * 64
    rows += rows[20:30]

    report = pr.Monitor(fitted().policy).update(table(rows))

    assert sum(count for reason, count in report.apart.items() if "the policy lacks" in reason) == 3
    reasons = {reason: count for reason, count in report.apart.items() if "the policy lacks" not in reason}
    assert reasons == {
        "repeats of a query at its model, left out": 10,
        "without a text and without a forecast by this policy, left out": 2,
        "decided by another policy, compared all the same": 4,
    }
    assert sum(point.calls for point in report.points if point.figure == "quality") == 35


def test_a_quality_that_comes_later_counts_and_its_call_does_not_count_twice(stable):
    monitor = pr.Monitor(fitted().policy)
    monitor.update(table([{**row, "quality": None} for row in stable[:50]]))

    report = monitor.update(table(stable[:50]))

    assert {p.figure: 0 for p in report.points}.keys() >= {"quality", "cost_usd"}
    for figure in ("quality", "cost_usd"):
        assert sum(point.calls for point in report.points if point.figure == figure) == 50
    assert next(s.calls for s in report.streams if s.figure == "features") == 50


def test_the_very_same_calls_are_refused_and_early_ones_are_noted(stable):
    monitor = pr.Monitor(fitted().policy)
    monitor.update(table(stable[100:200]))
    before = monitor.report()

    with pytest.raises(RunsError, match="the very same calls"):
        monitor.update(table(stable[100:200]))
    assert monitor.report() == before
    assert any("20 calls are not later" in note for note in monitor.update(table(stable[180:240])).notes)


def test_calls_at_other_points_have_a_reference_of_their_own():
    """On a full log most calls are not the policy's: their residuals are not compared with those of its choices."""
    report = pr.Monitor(fitted().policy).update(fitted().runs)

    assert not {stream for stream in report.streams if stream.shifted and stream.figure == "quality"}
    assert report.calls == len(fitted().runs)
    assert report.promise.calls < 0.4 * report.calls
    assert any("no order" in note for note in report.notes)


def test_calls_that_explore_are_not_among_those_that_the_policy_chose(stable):
    sha256 = fitted().policy.sha256
    rows = [{**row, "policy_sha256": sha256} for row in stable[:100]]
    explored = [
        row | {"model": "org/模型@v1", "budget_kind": "samples", "budget_label": "maj@5", "budget": 5}
        for row in rows[:10]
        if row["model"] != "org/模型@v1"
    ]

    report = pr.Monitor(fitted().policy).update(table(explored + rows[10:]))

    assert report.promise.calls == 90
    assert sum(point.calls for point in report.points if point.figure == "quality") == 90 + len(explored)


def test_a_context_free_policy_is_monitored_too():
    report = pr.Monitor(no_signal().policy).update(no_signal().runs)

    assert not report.drifted
    assert report.promise.calls > 0


@pytest.mark.parametrize(
    ("figure", "value", "cap_usd", "stands"),
    [
        ("quality", -0.1, None, False),
        ("quality", 0.1, None, True),
        ("features", 0.3, None, False),
        ("latency_s", 2.0, None, True),
        ("cost_usd", 2.0, None, True),
        ("cost_usd", 2.0, 0.01, False),
        ("cost_usd", 0.5, 0.01, True),
        ("completion_tokens", 2.0, 0.01, False),
        ("quality", -0.1, 0.01, True),
        ("unfamiliar", 0.3, 0.01, False),
    ],
)
def test_a_certificate_falls_with_what_it_rests_on(watched, figure, value, cap_usd, stands):
    monitor = pr.Monitor(fitted().policy)
    monitor.record.calls = 600
    shift = replace(watched.streams[0].shift, value=value)
    stream = replace(watched.streams[0], figure=figure, model="thinker", shifted=True, shift=shift)
    certificate = SimpleNamespace(claim="mean quality at least 0.7", cap_usd=cap_usd)
    policy: Any = SimpleNamespace(document=SimpleNamespace(certificate=certificate))

    answer, sentence = summary.certificate_state(monitor.record, policy, [stream], watched.promise)

    assert answer is stands
    verdict = "still stands" if stands else "no longer stands"
    assert sentence.startswith(f"The certificate (mean quality at least 0.7) {verdict}")


def test_a_promise_far_above_the_outcomes_is_not_kept_even_without_a_shift(watched):
    monitor = pr.Monitor(fitted().policy)
    monitor.record.promise.add(0.0)
    for _ in range(400):
        monitor.record.promise.add(0.2)

    report = monitor.report()

    assert report.promise.verdict == "below"
    assert not report.drifted
    assert "no longer stands: quality over all calls is 0.2" in report.certificate


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: "[", "is no JSON"),
        (lambda state: "[]", "is no state of a monitor"),
        (lambda state: json.dumps({**state, "schema": 99}), "is no state of a monitor of schema"),
        (lambda state: json.dumps({**state, "policy": "0" * 64}), "of another policy"),
        (lambda state: json.dumps({**state, "detectors": 3}), "is damaged"),
        (lambda state: json.dumps({**state, "horizon_calls": "many"}), "is damaged"),
        (lambda state: json.dumps({k: v for k, v in state.items() if k != "calls"}), "is damaged"),
    ],
)
def test_a_file_that_is_no_state_is_refused(tmp_path, change, message):
    path = tmp_path / "state.json"
    pr.Monitor(fitted().policy).save(path)
    path.write_text(change(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")

    with pytest.raises(PolicyError, match=message):
        pr.Monitor.load(path, fitted().policy)


def test_a_state_that_is_missing_or_cannot_be_written_is_an_error_of_the_package(tmp_path):
    with pytest.raises(PolicyError, match="cannot be read"):
        pr.Monitor.load(tmp_path / "none.json", fitted().policy)
    with pytest.raises(PolicyError, match="cannot be written"):
        pr.Monitor(fitted().policy).save(tmp_path / "no folder" / "state.json")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon_calls": 0}, "at least 1"),
        ({"horizon_calls": 1.5}, "horizon_calls"),
        ({"false_alarms": 1.0}, "between 0 and 1"),
        ({"false_alarms": "few"}, "false_alarms"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(TargetError, match=message):
        pr.Monitor(fitted().policy, **options)


def test_no_log_is_refused():
    with pytest.raises(RunsError, match="no log was given"):
        pr.Monitor(fitted().policy).update()


def test_arguments_of_a_wrong_type_are_errors_of_the_package(stable, tmp_path):
    wrong: Any = 3
    monitor = pr.Monitor(fitted().policy)

    for call in (
        lambda: pr.Monitor(wrong),
        lambda: monitor.update(wrong),
        lambda: monitor.update(table(stable[:5]), columns=wrong),
        lambda: monitor.update(table(stable[:5]), columns={"time": wrong}),
        lambda: monitor.update(table(stable[:5]), quality_scale=wrong),
        lambda: monitor.update(table(stable[:5]), join=wrong),
        lambda: monitor.save(wrong),
        lambda: pr.Monitor.load(wrong, fitted().policy),
        lambda: pr.Monitor.load(tmp_path / "x", wrong),
    ):
        with pytest.raises(pr.ParetorouteError):
            call()
    assert monitor.report().calls == 0
