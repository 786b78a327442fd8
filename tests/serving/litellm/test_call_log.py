"""The file of logging payloads: one line each, whatever happened before."""

import json
import os
import stat
import threading
from datetime import UTC, datetime

import pytest

from paretoroute.serving.litellm.call_log import CallLog


def test_payloads_are_lines_that_only_the_owner_reads(tmp_path):
    log = CallLog(tmp_path / "calls.jsonl")

    log.append({"id": 1, "text": "zwei\nZeilen ü \ud800"})
    log.append({"id": 2, "time": datetime(2026, 1, 1, tzinfo=UTC)})

    rows = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [1, 2]
    assert rows[0]["text"] == "zwei\nZeilen ü \ud800"
    assert stat.S_IMODE(os.stat(tmp_path / "calls.jsonl").st_mode) == 0o600


def test_a_line_that_a_killed_process_left_unfinished_takes_no_other_with_it(tmp_path):
    (tmp_path / "calls.jsonl").write_text('{"id": 1}\n{"id": 2, "te', encoding="utf-8")

    CallLog(tmp_path / "calls.jsonl").append({"id": 3})

    assert (tmp_path / "calls.jsonl").read_text(encoding="utf-8").splitlines() == [
        '{"id": 1}',
        '{"id": 2, "te',
        '{"id": 3}',
    ]


def test_lines_of_several_writers_do_not_mix(tmp_path):
    path = tmp_path / "calls.jsonl"

    def write(writer: int) -> None:
        log = CallLog(path)
        for i in range(50):
            log.append({"id": f"{writer}-{i}", "text": "x" * 5000})

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ids = [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert sorted(ids) == sorted(f"{writer}-{i}" for writer in range(4) for i in range(50))


def test_a_log_that_cannot_be_written_is_refused_at_once(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        CallLog(tmp_path / "nowhere" / "calls.jsonl")
