"""JSON files: an array of objects, also inside an object, and what is refused."""

import json

import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.formats import origin
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, assert_same, only_fault, read_rows

LOG = [GOOD | {"query": f"q{i}", "cost_usd": i / 7} for i in range(5)]


def read_json(tmp_path, text):
    (tmp_path / "log.json").write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return read_runs(tmp_path / "log.json")


@pytest.mark.parametrize(
    "text",
    [
        LOG,
        json.dumps(LOG, indent=2),
        "\ufeff" + json.dumps(LOG),
        {"data": LOG},
        {"meta": {"n": 5}, "runs": LOG, "x": [1]},
    ],
)
def test_an_array_of_objects_reads_as_one_object_per_line_does(tmp_path, text):
    assert_same(read_rows(tmp_path, *LOG), read_json(tmp_path, text))


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_in_a_file_of_json_lines_is_read(tmp_path, indent):
    (tmp_path / "array.jsonl").write_text(
        ["\ufeff", "\n"][indent is None] + json.dumps(LOG, indent=indent) + "\n", encoding="utf-8"
    )

    assert_same(read_rows(tmp_path, *LOG), read_runs(tmp_path / "array.jsonl"))


def test_lists_on_several_lines_are_no_array(tmp_path):
    (tmp_path / "lists.jsonl").write_text("[1]\n" + json.dumps(GOOD) + "\n", encoding="utf-8")

    assert only_fault(read_runs(tmp_path / "lists.jsonl")).reason == "no JSON object"


def test_an_item_that_is_no_object_is_set_aside_by_its_row(tmp_path):
    fault = only_fault(read_json(tmp_path, [GOOD, 7, GOOD]))

    assert (fault.line, fault.unit, fault.reason) == (2, "row", "no JSON object")


def test_a_nan_that_other_programs_write_is_read(tmp_path):
    assert len(read_json(tmp_path, json.dumps([GOOD | {"latency_s": float("nan")}]))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"a": LOG, "b": LOG}, r"log.json should hold one array of objects and holds 2 arrays of objects \('a', 'b'\)"),
        (
            {"columns": ["query"], "data": [["x"]]},
            r"holds none; write an array of objects \(in pandas to_json\(orient=",
        ),
        (GOOD, "holds a single object, not an array of them; write"),
        ("7", "holds no array of objects; write"),
        ("\n".join(map(json.dumps, LOG)), "log.json holds several JSON values; name it .jsonl if it has one a line"),
        ('[{"query": "x"', "log.json, line 1: broken JSON: "),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "log.json: the log is empty"),
        ("", "log.json: the log is empty"),
    ],
)
def test_other_json_is_refused_with_what_to_do(tmp_path, text, message):
    with pytest.raises(RunsError, match=message):
        read_json(tmp_path, text)


def test_a_file_too_large_to_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(origin, "MOST_BYTES", 50)

    with pytest.raises(RunsError, match=r"log.json holds more than .* write one object per line as .jsonl"):
        read_json(tmp_path, LOG)
