"""JSONL: lines that hold no object, and lines too long to hold."""

import json

import pytest

from tests.runs.logs import GOOD, only_fault, read_lines


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
