"""Reading logs: the same rows give the same table whatever their order and format, and no bad row gets through."""

import csv
import gzip
import json
import math
import random
from collections import defaultdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.errors import RunsError
from paretoroute.grid import Budget, Point
from paretoroute.runs.read import read_runs
from paretoroute.runs.table import ROW_NUMBERS

GOOD = {"query": "What is 2+2?", "model": "small", "quality": 1.0, "cost_usd": 0.001}

names = st.sampled_from(["small", "large", "gpt@5", "模型", "a b"])
budgets = st.sampled_from(
    [
        (None, None, None),
        ("none", "default", None),
        ("effort", "off", None),
        ("effort", "low", 1.0),
        ("effort", "high", 3.0),
        ("thinking_tokens", "16000", 16000.0),
        ("thinking_tokens", "1:30", 90.0),
        ("samples", "007", 7.0),
        (None, "true", None),
    ]
)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1, max_size=12)
amount = st.none() | st.floats(0, 1e6, allow_nan=False)


@st.composite
def rows(draw):
    kind, label, size = draw(budgets)
    return {
        "query_id": draw(st.none() | st.sampled_from(["a", "b", "c", "0042"])),
        "query": draw(text),
        "model": draw(names),
        "budget_kind": kind,
        "budget_label": label,
        "budget": size,
        "quality": draw(st.sampled_from([0.0, 0.25, 1.0]) | st.floats(0, 1)),
        "trials": draw(st.none() | st.sampled_from([1.0, 5.0])),
        "cost_usd": draw(amount),
        "prompt_tokens": draw(amount),
        "completion_tokens": draw(amount),
        "latency_s": draw(amount),
        "sample_index": draw(st.none() | st.sampled_from([0.0, 1.0, 2.0])),
        "propensity": draw(st.none() | st.floats(0.01, 1)),
        "cost_source": draw(st.none() | st.sampled_from(["mean", "sample"])),
        "tag": draw(st.none() | st.sampled_from(["math", "code"])),
        "conversation": draw(st.none() | st.sampled_from(["x", "y"])),
    }


logs = st.lists(rows(), min_size=1, max_size=25)


def write_jsonl(path, log):
    path.write_text("".join(json.dumps(row) + "\n" for row in log), encoding="utf-8")
    return path


def write_csv(path, log):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(log[0]))
        writer.writeheader()
        writer.writerows(log)
    return path


def write_parquet(path, log):
    pq.write_table(pa.Table.from_pylist(log), path)
    return path


def arrays(runs):
    found = {name: getattr(runs, name) for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    if runs.embeddings is not None:
        found["embeddings"] = runs.embeddings
    return found


def assert_same(left, right):
    for what in ("query_ids", "texts", "tags", "conversations", "tenants", "steps", "points"):
        assert getattr(left, what) == getattr(right, what)
    for name, values in arrays(left).items():
        assert values.tobytes() == arrays(right)[name].tobytes(), name
    assert left.sha256 == right.sha256


def read_lines(tmp_path, *lines, name="log.jsonl", **options):
    path = tmp_path / name
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\n")
    return read_runs(path, **options)


def read_rows(tmp_path, *log, **options):
    return read_runs(write_jsonl(tmp_path / "log.jsonl", log), **options)


def only_fault(runs):
    assert runs.set_aside_count == len(runs.set_aside) == 1
    return runs.set_aside[0]


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


@settings(max_examples=40)
@given(logs, st.sampled_from(["quality", "cost_usd", "latency_s"]))
def test_means_are_those_of_a_slow_and_obvious_loop(tmp_path_factory, log, column):
    path = write_jsonl(tmp_path_factory.mktemp("logs") / "log.jsonl", log)
    total, weight = defaultdict(float), defaultdict(float)
    runs = read_runs(path)
    for i in range(len(runs)):
        value = getattr(runs, column)[i]
        if not math.isnan(value):
            total[runs.query[i], runs.point[i]] += runs.trials[i] * value
            weight[runs.query[i], runs.point[i]] += runs.trials[i]

    mean, count = runs.means(column)

    assert mean.shape == count.shape == (len(runs.query_ids), len(runs.points))
    for q, p in np.ndindex(mean.shape):
        assert count[q, p] == weight[q, p]
        if weight[q, p]:
            assert mean[q, p] == pytest.approx(total[q, p] / weight[q, p], rel=1e-12, abs=1e-300)
        else:
            assert math.isnan(mean[q, p])


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
    log[69_998]["quality"] = 2.0
    shuffled = log[:]
    random.Random(0).shuffle(shuffled)

    jsonl = read_rows(tmp_path, *log)
    table = read_runs(write_parquet(tmp_path / "log.parquet", log))

    assert (only_fault(jsonl).line, only_fault(jsonl).unit) == (69_999, "line")
    assert (only_fault(table).line, only_fault(table).unit) == (69_999, "row")
    assert only_fault(read_runs(write_csv(tmp_path / "log.csv", log))).line == 70_000
    assert_same(jsonl, read_runs(write_csv(tmp_path / "shuffled.csv", shuffled)))
    assert_same(jsonl, table)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"quality": 1.5}, "quality", "not in [0, 1] (1.5)"),
        ({"quality": -0.1}, "quality", "not in [0, 1] (-0.1)"),
        ({"quality": None}, "quality", "missing"),
        ({"quality": math.nan}, "quality", "missing"),
        ({"quality": math.inf}, "quality", "not finite (inf)"),
        ({"quality": "0.5"}, "quality", "text where a number belongs ('0.5')"),
        ({"quality": True}, "quality", "a boolean where a number belongs (True)"),
        ({"quality": [1]}, "quality", "a list where a number belongs ([1])"),
        ({"cost_usd": -1}, "cost_usd", "negative (-1.0)"),
        ({"cost_usd": math.inf}, "cost_usd", "not finite (inf)"),
        ({"cost_usd": -math.inf}, "cost_usd", "not finite (-inf)"),
        ({"prompt_tokens": -3}, "prompt_tokens", "negative (-3.0)"),
        ({"completion_tokens": "many"}, "completion_tokens", "text where a number belongs ('many')"),
        ({"latency_s": -0.5}, "latency_s", "negative (-0.5)"),
        ({"latency_s": 10**400}, "latency_s", "not finite (inf)"),
        ({"trials": 0}, "trials", "not a whole number of at least 1 (0.0)"),
        ({"trials": 2.5}, "trials", "not a whole number of at least 1 (2.5)"),
        ({"propensity": 0}, "propensity", "not in (0, 1] (0.0)"),
        ({"propensity": 1.1}, "propensity", "not in (0, 1] (1.1)"),
        ({"model": None}, "model", "missing"),
        ({"model": " "}, "model", "missing"),
        ({"model": 5}, "model", "a number where a name belongs (5)"),
        ({"model": "\ud800"}, "model", "not valid UTF-8 text (a stray byte or half a character) ('\\ud800')"),
        ({"query": "\udfff"}, "query", "not valid UTF-8 text (a stray byte or half a character)"),
        ({"query": ""}, "query", "missing, and so is query_id"),
        ({"query": 7}, "query", "a number where text or a list of chat messages belongs"),
        ({"query": {"role": "user"}}, "query", "an object where text or a list of chat messages belongs"),
        ({"query": [{"content": "x"}]}, "query", "chat message 1 has no role"),
        ({"query_id": ["x"]}, "query_id", "a list where text belongs (['x'])"),
        ({"budget_kind": "tokens"}, "budget_kind", "unknown; use one of"),
        ({"budget": 8000}, "budget_kind", "missing beside a budget amount"),
        ({"budget_kind": "effort"}, "budget_kind", "given without a budget_label or an amount ('effort')"),
        ({"embedding": [1.0, "x"]}, "embedding", "not a list of numbers"),
        ({"embedding": [1.0, math.inf]}, "embedding", "not a list of finite numbers"),
    ],
)
def test_a_bad_row_is_set_aside_with_file_line_field_and_reason(tmp_path, change, field, reason):
    good = GOOD | {"embedding": [0.5, 1.0]} if "embedding" in change else GOOD
    log = [good, good | change, good | {"quality": 0.0}]

    runs = read_rows(tmp_path, *log)

    fault = only_fault(runs)
    assert (fault.file, fault.line, fault.field) == ("log.jsonl", 2, field)
    assert fault.reason.startswith(reason)
    assert len(runs) == 2
    assert any(f"rows set aside: 1 of 3; the commonest reason (1) is {field}: " in notice for notice in runs.notices)
    with pytest.raises(RunsError, match=rf"^log\.jsonl, line 2: {field}: "):
        read_rows(tmp_path, *log, strict=True)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"query": "x"', "broken JSON: Expecting"),
        (b"[1, 2]", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"NaN", "no JSON object"),
        (b'{"query": "\xff"}', "not valid UTF-8 text"),
        (b"[" * 100_000, "JSON that is nested too deeply"),
        (b'{"quality": ' + b"9" * 5000 + b", nan}", "JSON with a number of too many digits"),
    ],
)
def test_a_line_that_is_no_json_object_is_set_aside(tmp_path, line, reason):
    good = json.dumps(GOOD)

    fault = only_fault(read_lines(tmp_path, good, "", line, good))

    assert (fault.line, fault.field) == (3, "")
    assert fault.reason.startswith(reason)


def test_a_line_too_long_to_hold_is_skipped_and_named(tmp_path):
    good = json.dumps(GOOD)

    fault = only_fault(read_lines(tmp_path, good, json.dumps(GOOD | {"query": "x" * 40 * 2**20}), good))

    assert (fault.line, fault.reason) == (2, "longer than 16 MiB")


def test_csv_faults_have_the_line_an_editor_shows(tmp_path):
    runs = read_lines(
        tmp_path,
        "\ufeffquery,model,quality,cost_usd",
        '"two\nlines",small,1,0.5',
        "a,small,1",
        "",
        "b,small,1,2,3",
        b"c\xff,small,1,2",
        "d,small,high,2",
        "e,small,0.5,inf",
        'f,small,"0.5"x,1',
        "g,small, 0.5 ,",
        name="log.csv",
    )

    found = [(row.line, row.field, row.reason) for row in runs.set_aside]
    assert found == [
        (4, "", "too few cells (3 where the header has 4)"),
        (6, "", "too many cells (5 where the header has 4)"),
        (7, "query", "not valid UTF-8 text (a stray byte or half a character)"),
        (8, "quality", "text where a number belongs ('high')"),
        (9, "cost_usd", "not finite (inf)"),
        (10, "", "broken CSV: ',' expected after '\"'"),
    ]
    assert sorted(runs.texts) == ["g", "two\nlines"]


def test_a_csv_cell_longer_than_the_csv_modules_own_limit_is_read(tmp_path):
    before = csv.field_size_limit()

    runs = read_runs(write_csv(tmp_path / "log.csv", [GOOD | {"query": "x" * 300_000}]))

    assert len(runs.texts[0]) == 300_000
    assert csv.field_size_limit() == before


def test_nan_in_an_optional_number_is_absent_and_not_an_error(tmp_path):
    runs = read_rows(tmp_path, GOOD | {"cost_usd": math.nan, "latency_s": math.nan, "query_id": math.nan})

    assert math.isnan(runs.cost_usd[0]) and runs.set_aside_count == 0
    assert runs.query_ids[0].startswith("q:") and len(runs.query_ids[0]) == 18


@pytest.mark.parametrize("label", ["off", "1:30", "16000", "007", "true", "null", "1e3"])
def test_a_label_stays_the_text_that_stands_there(tmp_path, label):
    log = [GOOD | {"budget_kind": "samples", "budget_label": label}]

    for path in (
        write_jsonl(tmp_path / "a.jsonl", log),
        write_csv(tmp_path / "a.csv", log),
        write_parquet(tmp_path / "a.parquet", log),
    ):
        assert read_runs(path).points == (Point("small", Budget("samples", label)),)


@pytest.mark.parametrize(
    ("label", "expected"), [(16000, "16000"), (16000.0, "16000"), (True, "true"), (False, "false")]
)
def test_a_label_that_is_no_text_becomes_text(tmp_path, label, expected):
    log = [GOOD | {"budget_kind": "samples", "budget_label": label}]

    assert read_rows(tmp_path, *log).points[0].budget.label == expected
    assert read_runs(pa.Table.from_pylist(log)).points[0].budget.label == expected


def test_labels_of_mixed_types_in_a_data_frame_are_read(tmp_path):
    frame = pd.DataFrame([GOOD | {"budget_kind": "samples", "budget_label": label} for label in ("off", 16000, None)])

    runs = read_runs(frame)

    assert [point.budget.label for point in runs.points] == ["16000", "off"]
    assert only_fault(runs).reason.startswith("given without a budget_label")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Budget("none", "default", None)),
        ({"budget_label": "high"}, Budget("effort", "high", None)),
        ({"budget_label": "fast"}, Budget("none", "fast", None)),
        ({"budget_kind": "thinking_tokens", "budget": 8000}, Budget("thinking_tokens", "8000", 8000.0)),
        ({"budget_kind": "none"}, Budget("none", "default", None)),
    ],
)
def test_what_a_log_leaves_out_of_a_budget_is_filled_in(tmp_path, given, expected):
    assert read_rows(tmp_path, GOOD | given).points == (Point("small", expected),)


def test_one_label_with_several_amounts_is_one_point_with_the_smallest(tmp_path):
    given = {"budget_kind": "thinking_tokens", "budget_label": "long"}

    runs = read_rows(tmp_path, GOOD | given | {"budget": 9000}, GOOD | given | {"budget": 8000}, GOOD | given)

    assert runs.points == (Point("small", Budget("thinking_tokens", "long", 8000.0)),)
    assert "points logged with more than one budget amount: 1; the smallest is kept" in runs.notices


def test_points_of_bad_rows_only_are_not_points(tmp_path):
    assert len(read_rows(tmp_path, GOOD, GOOD | {"model": "ghost", "quality": 7}).points) == 1


def test_chat_messages_become_one_text(tmp_path):
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "x"}}]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": parts}]
    log = [GOOD | {"query": messages}, GOOD | {"query": "plain"}]

    runs = read_rows(tmp_path, *log)

    assert sorted(runs.texts) == ["plain", "system: Be brief.\nuser: look\n[image_url]"]
    table = read_runs(pa.table({**{k: [v] for k, v in GOOD.items()}, "query": [[{"role": "user", "content": "hi"}]]}))
    assert table.texts == ("user: hi",)


def test_a_query_with_two_texts_or_tags_keeps_the_one_that_sorts_first(tmp_path):
    log = [
        GOOD | {"query_id": 7, "query": text, "benchmark": tag} for text, tag in (("b", "y"), ("a", None), ("", "x"))
    ]

    runs = read_rows(tmp_path, *log)

    assert (runs.query_ids, runs.texts, runs.tags) == (("7",), ("a",), ("x",))
    assert "queries logged with more than one text: 1; the one that sorts first is kept" in runs.notices
    assert "queries logged with more than one tag: 1; the one that sorts first is kept" in runs.notices


def test_embeddings_are_kept_once_a_query_and_in_its_order(tmp_path):
    log = [
        {"query_id": name, "embedding": vector, "model": "small", "quality": 1.0}
        for name, vector in (("b", [3.0, 4.0]), ("a", [1.0, 2.5]), ("b", [3.0, 4.0]))
    ]
    in_cells = [row | {"embedding": json.dumps(row["embedding"])} for row in log]

    runs = read_rows(tmp_path, *log)

    assert runs.embeddings is not None and runs.embeddings.dtype == np.float32
    assert runs.embeddings.tolist() == [[1.0, 2.5], [3.0, 4.0]]
    assert_same(runs, read_runs(write_parquet(tmp_path / "log.parquet", log)))
    assert_same(runs, read_runs(write_csv(tmp_path / "log.csv", in_cells)))


def test_embeddings_of_two_widths_are_refused(tmp_path):
    log = [GOOD | {"query_id": name, "embedding": vector} for name, vector in (("a", [1.0]), ("b", [1.0, 2.0]))]

    with pytest.raises(RunsError, match="an embedding has 2 numbers where others have 1"):
        read_rows(tmp_path, *log)


def test_columns_are_renamed_and_unknown_ones_named_once(tmp_path):
    log = [{"query": "x", "name": "small", "model": "ignored", "quality": 1, "spend": 0.5, "score": 3}] * 2

    runs = read_rows(tmp_path, *log, columns={"model": "name", "cost_usd": "spend"})

    assert runs.points[0].model == "small" and runs.cost_usd.tolist() == [0.5, 0.5]
    assert runs.notices == ("columns that are not known were ignored: model",)


@pytest.mark.parametrize("write", [write_jsonl, write_csv, write_parquet])
def test_a_renamed_or_required_column_that_is_not_there_is_an_error_listing_what_is(tmp_path, write):
    path = write(
        tmp_path / f"log.{write.__name__.removeprefix('write_')}", [{"query": "x", "llm": "small", "quality": 1}]
    )

    with pytest.raises(RunsError, match=r"no column model; it has llm, quality, query\. .*--columns model=NAME"):
        read_runs(path)
    with pytest.raises(RunsError, match="no column 'modell', which was to be read as model; it has llm, "):
        read_runs(path, columns={"model": "modell"})
    with pytest.raises(RunsError, match="'qualty' is no known column; use one of quality"):
        read_runs(path, columns={"qualty": "x"})


def test_a_log_that_cannot_be_used_at_all_is_one_clear_error(tmp_path):
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "header.csv").write_text("query,model,quality\n")
    (tmp_path / "log.txt").touch()
    (tmp_path / "bad.parquet").write_bytes(b"not Parquet at all")
    (tmp_path / "bad.arrow").write_bytes(b"not Arrow at all")
    (tmp_path / "bad.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 100_000)[:-20])
    bad = write_jsonl(tmp_path / "bad.jsonl", [GOOD | {"quality": 80}, GOOD | {"quality": 90}, GOOD | {"model": ""}])
    for source, said in (
        (tmp_path / "none.jsonl", "none.jsonl does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / "log.txt", "log.txt has an extension that names no known format; give .jsonl"),
        (tmp_path / "empty.jsonl", "empty.jsonl: the log is empty"),
        (tmp_path / "header.csv", "header.csv: the log is empty"),
        (tmp_path / "bad.parquet", "bad.parquet cannot be read as Parquet"),
        (tmp_path / "bad.arrow", "bad.arrow cannot be read as an Arrow file"),
        (tmp_path / "bad.jsonl.gz", "bad.jsonl.gz is not a whole gzip file"),
        (bad, r"no usable row among 3: quality: not in \[0, 1\] \(2 of them; first: bad.jsonl, line 1: quality: "),
        ({"query": "x"}, "table 1: cannot read runs from a dict"),
    ):
        with pytest.raises(RunsError, match=said):
            read_runs(source)
    with pytest.raises(RunsError, match="no log was given"):
        read_runs()


def test_every_source_of_a_table_gives_the_same_runs(tmp_path):
    table = pa.Table.from_pylist([GOOD | {"query": f"q{i}", "quality": i / 10} for i in range(10)])
    expected = read_runs(table)
    pyarrow.feather.write_feather(table, str(tmp_path / "log.feather"))
    with pa.ipc.new_stream(tmp_path / "log.arrow", table.schema) as stream:
        stream.write_table(table)
    with gzip.open(tmp_path / "log.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in table.to_pylist())

    class Capsule:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    class Convertible:
        def to_arrow(self):
            return table

    categories = table.to_pandas().astype({"model": "category"})
    for source in (
        tmp_path / "log.feather",
        str(tmp_path / "log.arrow"),
        tmp_path / "log.jsonl.gz",
        table.to_reader(),
        table.to_batches()[0],
        Capsule(),
        Convertible(),
        categories,
    ):
        assert_same(expected, read_runs(source))


def test_text_in_arrow_that_is_not_utf8_is_set_aside():
    raw = pa.array([b"good", b"bad\xff"])
    text = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    messages = pa.array([[{"role": "user", "content": "x"}]] * 2)
    nested = pa.array([b"user", b"\xff"])
    roles = pa.StructArray.from_arrays(
        [pa.Array.from_buffers(pa.string(), 2, nested.buffers()), messages.flatten().field("content")],
        names=["role", "content"],
    )
    rest = {"model": ["small"] * 2, "quality": [1.0] * 2}

    for column, kept in ((text, "good"), (pa.ListArray.from_arrays([0, 1, 2], roles), "user: x")):
        runs = read_runs(pa.table({"query": column, **rest}))

        assert runs.texts == (kept,)
        assert (only_fault(runs).line, only_fault(runs).field) == (2, "query")
        assert only_fault(runs).reason.startswith("not valid UTF-8 text")


def test_arrow_types_that_mean_the_same_read_the_same():
    plain = pa.table({"query_id": ["7"], "query": ["x"], "model": ["m"], "quality": [1.0], "cost_usd": [0.5]})
    fields = {
        "query_id": pa.int8(),
        "query": pa.string_view(),
        "model": pa.large_string(),
        "quality": pa.int64(),
        "cost_usd": pa.decimal128(5, 2),
    }
    other = pa.table({name: plain[name].cast(kind) for name, kind in fields.items()})

    assert_same(read_runs(plain), read_runs(other))
    with pytest.raises(RunsError, match=r"quality: a date where a number belongs \(1 of them"):
        read_runs(plain.set_column(3, "quality", pa.array([1]).cast(pa.int32()).cast(pa.date32())))


def test_a_damaged_table_is_an_error_that_says_where(tmp_path):
    path = write_parquet(tmp_path / "log.parquet", [GOOD | {"query": f"q{i}"} for i in range(1000)])
    data = bytearray(path.read_bytes())
    data[100:400] = bytes(300)
    path.write_bytes(data)

    with pytest.raises(RunsError, match="log.parquet is damaged after row 0: "):
        read_runs(path)


def test_only_the_first_thousand_bad_rows_are_kept_and_all_are_counted(tmp_path):
    runs = read_rows(tmp_path, *[GOOD | {"quality": 2}] * 1500, GOOD)

    assert (len(runs.set_aside), runs.set_aside_count) == (1000, 1500)
    assert [row.line for row in runs.set_aside] == list(range(1, 1001))


def test_exact_repeats_are_kept_and_counted(tmp_path):
    row = GOOD | {"sample_index": 0}

    runs = read_rows(tmp_path, row, row, row, GOOD | {"sample_index": 1})

    assert len(runs) == 4
    assert "rows that repeat another row exactly: 2; they are kept (was a file given twice?)" in runs.notices
    assert not read_rows(tmp_path, GOOD, GOOD).notices


def test_select_keeps_the_runs_of_some_queries_and_all_points(tmp_path):
    log = [GOOD | {"query_id": q, "model": m, "tag": f"t{q}"} for q in "abc" for m in ("large", "small")]
    runs = read_rows(tmp_path, *log[:5])

    some = runs.select(np.array([True, False, True]))

    assert (some.query_ids, some.tags, len(some), some.points) == (("a", "c"), ("ta", "tc"), 3, runs.points)
    assert some.query.tolist() == [0, 0, 1]
    assert some.sha256 != runs.sha256
    with pytest.raises(RunsError, match=r"bool mask of shape \(3,\)"):
        runs.select(np.array([0, 2]))
    with pytest.raises(RunsError, match="keep no query"):
        runs.select(np.zeros(3, bool))


def test_the_assumption_is_said_only_where_queries_have_one_point_and_no_propensity(tmp_path):
    single = [GOOD | {"query_id": str(i), "model": ("small", "large")[i % 2]} for i in range(5)]

    assert "did not look at the query" in (read_rows(tmp_path, *single).assumption or "")
    assert read_rows(tmp_path, *[row | {"propensity": 0.5} for row in single]).assumption is None
    assert read_rows(tmp_path, *single, *[row | {"model": "third"} for row in single]).assumption is None


def test_one_point_is_no_choice(tmp_path):
    with pytest.raises(RunsError, match="all runs are at one point, 'small@default': there is nothing to choose"):
        read_rows(tmp_path, GOOD).require_choice()
    read_rows(tmp_path, GOOD, GOOD | {"model": "large"}).require_choice()


def test_the_hash_changes_with_any_number(tmp_path):
    base = read_rows(tmp_path, GOOD).sha256

    for change in ({"quality": 0.5}, {"latency_s": 0.0}, {"query": "x"}, {"tag": "x"}, {"cost_source": "mean"}):
        assert read_rows(tmp_path, GOOD | change).sha256 != base


def test_every_bad_row_is_shown_with_its_own_value(tmp_path):
    log = [GOOD | {"quality": 0.5}, *(GOOD | {"quality": value} for value in (2, "x", 3, "y"))]

    found = [row.reason for row in read_rows(tmp_path, *log).set_aside]

    assert [reason.rpartition(" ")[2] for reason in found] == ["(2.0)", "('x')", "(3.0)", "('y')"]


def test_a_tag_goes_before_a_benchmark(tmp_path):
    assert read_rows(tmp_path, GOOD | {"tag": "x", "benchmark": "a"}).tags == ("x",)


def test_of_two_embeddings_of_a_query_one_is_kept_whatever_the_order(tmp_path):
    log = [GOOD | {"query_id": "a", "embedding": vector} for vector in ([1.0, 2.0], [2.0, 1.0], [1.0, 3.0])]

    runs = read_rows(tmp_path, *log)

    assert "queries logged with more than one embedding: 1; the one that sorts first is kept" in runs.notices
    assert_same(runs, read_rows(tmp_path, *log[::-1]))


def test_one_bit_pattern_stands_for_unknown():
    odd = np.array([0x7FF8DEAD00000000, 0x3FE0000000000000], np.uint64).view(np.float64)
    rest = {"query": ["x", "y"], "model": ["m", "m"], "quality": [1.0, 1.0]}

    assert_same(read_runs(pa.table({**rest, "cost_usd": odd})), read_runs(pa.table({**rest, "cost_usd": [None, 0.5]})))
