"""Reading logs: the same rows give the same table whatever their order and format, and no bad row gets through."""

import math
import random

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.errors import RunsError
from paretoroute.grid import Budget, Point
from paretoroute.runs.findings import Finding, texts
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, assert_same, logs, only_fault, read_rows, write_csv, write_jsonl, write_parquet


@settings(max_examples=60)
@given(logs, st.randoms(use_true_random=False))
def test_any_order_of_the_rows_gives_bit_identical_arrays(tmp_path_factory, log, chance):
    folder = tmp_path_factory.mktemp("logs")
    shuffled = chance.sample(log, len(log))
    half = len(log) // 2

    expected = read_runs(write_jsonl(folder / "a.jsonl", log))
    got = read_runs(write_jsonl(folder / "b.jsonl", shuffled))
    parts = [part for part in (shuffled[half:], shuffled[:half]) if part]
    in_parts = read_runs(*(write_jsonl(folder / f"part{i}.jsonl", part) for i, part in enumerate(parts)))

    assert_same(expected, got)
    assert_same(expected, in_parts)
    assert expected.notices == got.notices


@settings(max_examples=60)
@given(logs)
def test_the_same_rows_as_jsonl_csv_parquet_and_tables_give_equal_runs(tmp_path_factory, log):
    folder = tmp_path_factory.mktemp("logs")
    expected = read_runs(write_jsonl(folder / "log.jsonl", log))

    assert_same(expected, read_runs(write_csv(folder / "log.csv", log)))
    assert_same(expected, read_runs(write_parquet(folder / "log.parquet", log)))
    assert_same(expected, read_runs(pa.Table.from_pylist(log)))
    assert_same(expected, read_runs(pd.DataFrame(log)))


@settings(max_examples=30)
@given(logs)
def test_a_slow_reader_finds_the_same_rows(tmp_path_factory, log):
    path = write_jsonl(tmp_path_factory.mktemp("logs") / "log.jsonl", log)
    wanted = sorted(
        (row["query_id"] or "q", row["model"], row["quality"], row["trials"] or 1.0, str(row["cost_usd"]))
        for row in log
    )

    runs = read_runs(path)

    found = sorted(
        (
            "q" if runs.query_ids[runs.query[i]].startswith("q:") else runs.query_ids[runs.query[i]],
            runs.points[runs.point[i]].model,
            float(runs.quality[i]),
            float(runs.trials[i]),
            "None" if math.isnan(runs.cost_usd[i]) else str(float(runs.cost_usd[i])),
        )
        for i in range(len(runs))
    )
    assert wanted == found


def test_files_longer_than_one_batch_keep_their_line_numbers_and_order(tmp_path):
    log = [GOOD | {"query": f"q{i % 700}", "model": f"m{i % 3}", "sample_index": i, "tag": None} for i in range(70_000)]
    log[69_998]["cost_usd"] = -2.0
    shuffled = log[:]
    random.Random(0).shuffle(shuffled)

    jsonl = read_rows(tmp_path, *log)
    table = read_runs(write_parquet(tmp_path / "log.parquet", log))

    assert (only_fault(jsonl).line, only_fault(jsonl).unit) == (69_999, "line")
    assert (only_fault(table).line, only_fault(table).unit) == (69_999, "row")
    assert only_fault(read_runs(write_csv(tmp_path / "log.csv", log))).line == 70_000
    assert_same(jsonl, read_runs(write_csv(tmp_path / "shuffled.csv", shuffled)))
    assert_same(jsonl, table)


def test_one_label_with_several_amounts_is_one_point_with_the_smallest(tmp_path):
    given = {"budget_kind": "thinking_tokens", "budget_label": "long"}

    runs = read_rows(tmp_path, GOOD | given | {"budget": 9000}, GOOD | given | {"budget": 8000}, GOOD | given)

    assert runs.points == (Point("small", Budget("thinking_tokens", "long", 8000.0)),)
    assert "points logged with more than one budget amount: 1; the smallest is kept" in texts(runs.notices)


def test_points_of_bad_rows_only_are_not_points(tmp_path):
    assert len(read_rows(tmp_path, GOOD, GOOD | {"model": "ghost", "cost_usd": -7}).points) == 1


def test_columns_are_renamed_and_unknown_ones_named_once(tmp_path):
    log = [{"query": "x", "name": "small", "model": "ignored", "quality": 1, "spend": 0.5, "score": 3}] * 2

    runs = read_rows(tmp_path, *log, columns={"model": "name", "cost_usd": "spend"})

    assert runs.points[0].model == "small" and runs.cost_usd.tolist() == [0.5, 0.5]
    assert runs.notices == (Finding("column", "columns that are not known were ignored: model"),)


@pytest.mark.parametrize("write", [write_jsonl, write_csv, write_parquet])
def test_a_renamed_or_required_column_that_is_not_there_is_an_error_listing_what_is(tmp_path, write):
    path = write(
        tmp_path / f"log.{write.__name__.removeprefix('write_')}", [{"query": "x", "llm": "small", "quality": 1}]
    )

    with pytest.raises(
        RunsError, match=r"no column model; it has llm, quality, query; is llm the model\? .*--columns model=llm"
    ):
        read_runs(path)
    with pytest.raises(RunsError, match="no column 'modell', which was to be read as model; it has llm, "):
        read_runs(path, columns={"model": "modell"})
    with pytest.raises(RunsError, match="'qualty' is no known column; use one of quality"):
        read_runs(path, columns={"qualty": "x"})


def test_only_the_first_thousand_bad_rows_are_kept_and_all_are_counted(tmp_path):
    runs = read_rows(tmp_path, *[GOOD | {"cost_usd": -2}] * 1500, GOOD)

    assert (len(runs.set_aside), runs.set_aside_count) == (1000, 1500)
    assert [row.line for row in runs.set_aside] == list(range(1, 1001))


def test_exact_repeats_are_kept_and_counted(tmp_path):
    row = GOOD | {"sample_index": 0}

    runs = read_rows(tmp_path, row, row, row, GOOD | {"sample_index": 1})

    assert len(runs) == 4
    assert "rows that repeat another row exactly: 2; they are kept (was a file given twice?)" in texts(runs.notices)
    assert not read_rows(tmp_path, GOOD, GOOD).notices


def test_the_assumption_is_said_only_where_queries_have_one_point_and_no_propensity(tmp_path):
    single = [GOOD | {"query_id": str(i), "model": ("small", "large")[i % 2]} for i in range(5)]

    assert "did not look at the query" in (read_rows(tmp_path, *single).assumption or "")
    with_propensity = read_rows(tmp_path, *[row | {"propensity": 0.5} for row in single])
    assert "logged propensities are the chances" in (with_propensity.assumption or "")
    assert read_rows(tmp_path, *single, *[row | {"model": "third"} for row in single]).assumption is None
