"""Logged calls keep their order, their times and their gaps, and pass every check of a log."""

import json

import numpy as np
import pyarrow as pa
import pytest

from paretoroute.errors import RunsError
from paretoroute.evaluation.drift.calls import Calls, read_calls
from paretoroute.runs.read import read_runs

ROWS = [
    {"query_id": f"q{9 - i}", "query": f"question {9 - i}", "model": "m" if i % 2 else "n", "quality": i / 9}
    for i in range(10)
]


def ids(calls: Calls) -> list[str]:
    return [calls.runs.query_ids[calls.runs.query[i]] for i in calls.order]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_rows_without_a_time_keep_the_order_of_the_file(tmp_path):
    calls = read_calls([write(tmp_path / "a.jsonl", ROWS)])

    assert ids(calls) == [row["query_id"] for row in ROWS]
    assert (calls.is_ordered, calls.is_timed) == (True, False)


def test_rows_follow_their_times_in_any_form():
    times = ["2026-03-01", "2026-01-05T10:00:00Z", 1767225600, 1767225601000, "1767225602", "2026-01-02 03:04:05+02:00"]
    rows = [{**row, "time": str(time)} for row, time in zip(ROWS, times, strict=False)]

    calls = read_calls([pa.Table.from_pylist(rows)])

    assert calls.is_timed
    assert ids(calls) == ["q7", "q6", "q5", "q4", "q8", "q9"]


def test_one_row_without_a_time_leaves_all_in_the_order_of_the_file():
    rows = [{**row, "time": f"2026-01-{20 - i}"} for i, row in enumerate(ROWS)]
    rows[3]["time"] = "soon"

    calls = read_calls([pa.Table.from_pylist(rows)])

    assert not calls.is_timed
    assert ids(calls) == [row["query_id"] for row in ROWS]


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_rows_without_quality_are_kept_and_marked(tmp_path, suffix):
    rows = [{**row, "quality": None if i % 3 else row["quality"]} for i, row in enumerate(ROWS)]
    path = tmp_path / f"a.{suffix}"
    if suffix == "csv":
        lines = [
            "query_id,query,model,quality",
            *(
                f"{r['query_id']},{r['query']},{r['model']},{'' if r['quality'] is None else r['quality']}"
                for r in rows
            ),
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        write(path, rows)

    calls = read_calls([path])

    assert [bool(calls.has_quality[i]) for i in calls.order] == [i % 3 == 0 for i in range(10)]
    graded = [calls.runs.quality[i] for i in calls.order if calls.has_quality[i]]
    assert graded == pytest.approx([0, 3 / 9, 6 / 9, 1])
    assert len(calls.runs) == 10


def test_a_log_without_a_column_of_quality_is_read():
    rows = [{name: value for name, value in row.items() if name != "quality"} for row in ROWS]

    assert not read_calls([pa.Table.from_pylist(rows)]).has_quality.any()


def test_quality_on_another_scale_is_refused_even_where_most_rows_have_none():
    rows = [{**row, "quality": 4.0 if i == 0 else None} for i, row in enumerate(ROWS)]

    with pytest.raises(RunsError, match="scale"):
        read_calls([pa.Table.from_pylist(rows)])
    scaled = read_calls([pa.Table.from_pylist(rows)], quality_scale=(1, 5))
    assert scaled.runs.quality[scaled.has_quality] == pytest.approx([0.75])


def test_an_unknown_column_and_one_that_is_not_there_are_refused(tmp_path):
    path = write(tmp_path / "a.jsonl", ROWS)

    with pytest.raises(RunsError, match="'speed' is no known column"):
        read_calls([path], columns={"speed": "x"})
    with pytest.raises(RunsError, match="no column 'created'"):
        read_calls([path], columns={"time": "created"})


def test_runs_are_taken_in_an_order_that_ignores_their_ids():
    rows = [
        {"query_id": f"{topic}-{i}", "query": f"{topic} {i}", "model": "m", "quality": float(topic == "b")}
        for topic in "ab"
        for i in range(100)
    ]

    calls = Calls.of_runs(read_runs(pa.Table.from_pylist(rows)))

    first = [query_id[0] for query_id in ids(calls)][:100]
    assert 30 < first.count("a") < 70
    assert not calls.is_ordered
    assert np.isnan(calls.time).all()


def test_milliseconds_in_text_are_no_compact_dates():
    rows = [{**row, "time": str(1711122312000 + 1000 * i)} for i, row in enumerate(ROWS)]  # 1711-12-23 to a calendar
    calls = read_calls([pa.Table.from_pylist(rows)])
    assert calls.is_timed
    assert sorted(calls.time.tolist()) == [1711122312.0 + i for i in range(len(ROWS))]
