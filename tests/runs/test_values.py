"""Values of a row: what is read, what is filled in, and what sets the row aside."""

import math

import pyarrow as pa
import pytest

from paretoroute.errors import RunsError
from paretoroute.grid import Budget, Point
from paretoroute.runs.read import read_runs
from paretoroute.runs.values import ABSENT
from tests.runs.logs import GOOD, only_fault, read_rows, write_csv, write_jsonl, write_parquet


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"quality": None}, "quality", "missing"),
        ({"quality": math.nan}, "quality", "missing"),
        ({"cost_usd": "1,234"}, "cost_usd", "a number whose comma may be a decimal or thousands ('1,234')"),
        ({"cost_usd": "€0.5"}, "cost_usd", "a sum in EUR where USD belong ('€0.5')"),
        ({"cost_usd": "inf"}, "cost_usd", "not finite (inf)"),
        ({"prompt_tokens": "-3"}, "prompt_tokens", "negative (-3.0)"),
        ({"cost_usd": True}, "cost_usd", "a boolean where a number belongs (True)"),
        ({"cost_usd": [1]}, "cost_usd", "a list where a number belongs ([1])"),
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
        ({"budget_kind": " ", "budget_label": "x"}, "budget_kind", "is blank; name what the budget counts"),
        ({"budget_kind": "a\tb", "budget_label": "x"}, "budget_kind", "has a character that cannot be printed"),
        ({"budget_kind": "k" * 65, "budget_label": "x"}, "budget_kind", "is longer than 64 characters; shorten it"),
        ({"budget_kind": "strategy"}, "budget_kind", "given without a budget_label or an amount ('strategy')"),
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
    (text,) = (notice.text for notice in runs.notices if notice.kind == "set_aside")
    assert text.startswith(f"rows set aside: 1 of 3; the commonest reason (1) is {field}: ")
    with pytest.raises(RunsError, match=rf"^log\.jsonl, line 2: {field}: "):
        read_rows(tmp_path, *log, strict=True)


def test_nan_in_an_optional_number_is_absent_and_not_an_error(tmp_path):
    runs = read_rows(tmp_path, GOOD | {"cost_usd": math.nan, "latency_s": math.nan, "query_id": math.nan})

    assert math.isnan(runs.cost_usd[0]) and runs.set_aside_count == 0
    assert runs.query_ids[0].startswith("q:") and len(runs.query_ids[0]) == 18


NUMBERS = {
    "cost_usd": "0.0125",
    "prompt_tokens": " 12 ",
    "latency_s": "2.5e-1",
    "quality": "1",
    "trials": "3",
    "propensity": ".5",
    "sample_index": "0",
    "budget": "8000",
}


@pytest.mark.parametrize(
    "others", [[], [{"query": "x", "query_id": "1", "model": "small", "quality": 1, "cost_usd": 0.5}]]
)
def test_numbers_are_read_alike_whether_they_are_written_as_text(tmp_path, others):
    stated = {"query": "a", "query_id": "0", "model": "small", "budget_kind": "thinking_tokens"}
    texts, numbers = stated | NUMBERS, stated | {name: float(text) for name, text in NUMBERS.items()}
    as_text = write_jsonl(tmp_path / "text.jsonl", [texts, *others])

    runs = read_runs(write_jsonl(tmp_path / "numbers.jsonl", [numbers, *others]))

    assert (runs.cost_usd[0], runs.prompt_tokens[0], runs.latency_s[0]) == (0.0125, 12, 0.25)
    assert read_runs(as_text).sha256 == runs.sha256
    assert read_runs(pa.Table.from_pylist([texts])).sha256 == read_runs(pa.Table.from_pylist([numbers])).sha256
    assert read_runs(write_csv(tmp_path / "log.csv", [texts])).sha256 == read_rows(tmp_path, numbers).sha256


@pytest.mark.parametrize(
    "word", ["", " ", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None", "nan", "-NaN", "-"]
)
@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_parquet])
def test_words_for_an_unknown_number_are_no_fault_in_any_format(tmp_path, word, write):
    suffix = write.__name__.removeprefix("write_")
    rows = [GOOD | {"prompt_tokens": "20", "query_id": f"q{i}"} for i in range(3)]
    rows[1] |= {"cost_usd": word, "prompt_tokens": word}
    rows = [row | {"cost_usd": str(row["cost_usd"])} for row in rows]

    runs = read_runs(write(tmp_path / f"log.{suffix}", rows), strict=True)

    assert runs.cost_usd.tolist()[0::2] == [0.001, 0.001] and math.isnan(runs.cost_usd[1])
    assert runs.prompt_tokens.tolist()[0::2] == [20, 20] and math.isnan(runs.prompt_tokens[1])


def test_the_words_of_pandas_for_a_missing_number_are_those_of_a_log():
    from pandas._libs.parsers import STR_NA_VALUES

    assert {word.casefold() for word in STR_NA_VALUES} | {"-"} == ABSENT


@pytest.mark.parametrize("text", ["1_000", "0x10", "1;5", "nan(1)", "infinit", "1e", "--", "١٢", "5 %", "true", "1 2"])
def test_a_whole_column_of_other_texts_is_refused_as_each_of_them_is(tmp_path, text):
    log = [GOOD | {"query": f"q{i}", "cost_usd": text} for i in range(3)]

    for path in (write_csv(tmp_path / "log.csv", log), write_jsonl(tmp_path / "log.jsonl", log)):
        with pytest.raises(RunsError, match="no usable row among 3: cost_usd: text where a number belongs"):
            read_runs(path)


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


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Budget("none", "default", None)),
        ({"budget_label": "high"}, Budget("effort", "high", None)),
        ({"budget_label": "fast"}, Budget("none", "fast", None)),
        ({"budget_kind": "thinking_tokens", "budget": 8000}, Budget("thinking_tokens", "8000", 8000.0)),
        ({"budget_kind": "none"}, Budget("none", "default", None)),
        ({"budget_kind": "strategy", "budget_label": "debate"}, Budget("strategy", "debate", None)),
        ({"budget_kind": "temperature", "budget": 0.7}, Budget("temperature", "0.7", 0.7)),
        ({"budget_kind": "agents", "budget": 0}, Budget("agents", "0", 0.0)),
    ],
)
def test_what_a_log_leaves_out_of_a_budget_is_filled_in(tmp_path, given, expected):
    assert read_rows(tmp_path, GOOD | given).points == (Point("small", expected),)


def test_every_bad_row_is_shown_with_its_own_value(tmp_path):
    log = [GOOD, *(GOOD | {"latency_s": value} for value in (-2, "x", -3, "y"))]

    found = [row.reason for row in read_rows(tmp_path, *log).set_aside]

    assert [reason.rpartition(" ")[2] for reason in found] == ["(-2.0)", "('x')", "(-3.0)", "('y')"]
