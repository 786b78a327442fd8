"""Exports of OpenTelemetry in other forms: spans over many lines, log records, and texts that a limit cut off."""

import json

import pytest

from paretoroute.errors import RunsError
from tests.runs.importers import foreign_logs as make
from tests.runs.importers import foreign_spans as otel


def spans(folder, *exports):
    scores = [otel.span_score(i) for i in range(1, 10)]
    return make.imported("otel", make.lines(folder / "spans.jsonl", exports), make.lines(folder / "s.jsonl", scores))


def test_spans_over_many_lines_as_the_console_exporter_writes_them_are_read(tmp_path):
    printed = [
        {
            "context": {"trace_id": f"0x{i:032x}", "span_id": f"0x{i:016x}"},
            "start_time": "2026-11-26T11:00:00.000000Z",
            "end_time": "2026-11-26T11:00:01.500000Z",
            "status": {"status_code": "OK"},
            "attributes": otel.llmetry(),
        }
        for i in (1, 2)
    ]
    path = tmp_path / "spans.json"
    path.write_text("\n".join(json.dumps(span, indent=4) for span in printed), encoding="utf-8")

    log = make.imported("otel", path, scores=make.lines(tmp_path / "s.jsonl", map(otel.span_score, (1, 2))))

    assert [row["latency_s"] for row in log.rows] == [1.5, 1.5]

    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    with pytest.raises(RunsError, match=r"spans\.json, line \d+: broken JSON"):
        make.imported("otel", path)


def test_a_span_that_ends_before_it_starts_has_no_latency(tmp_path):
    span = otel.span(1, otel.llmetry(), endTimeUnixNano="1795691932000000000")

    (row,) = spans(tmp_path, otel.export(span)).rows

    assert "latency_s" not in row


def test_an_export_of_log_records_is_said_to_hold_no_spans(tmp_path):
    path = make.lines(tmp_path / "logs.jsonl", [{"resourceLogs": [{"scopeLogs": []}]}])

    with pytest.raises(RunsError, match="an export without spans of traces"):
        make.imported("otel", path)


def test_messages_that_a_limit_on_attributes_cut_off_are_no_query(tmp_path):
    whole = otel.llmetry()
    cut = whole | {"gen_ai.input.messages": str(whole["gen_ai.input.messages"])[:60]}

    log = spans(tmp_path, otel.export(otel.span(1, whole), otel.span(2, cut)))

    assert len(log.rows) == 1
    assert make.reasons(log) == ["chat messages that end early: the tool cut them off"]
