"""Steps and memory of the readers are linear in the input; experiments/growth measures their time as well.

Steps are lines of Python that are run, which no clock decides. ``FUZZ=long`` tries every case.
"""

import os
import sys
import tracemalloc
import warnings

import pytest

import paretoroute as pr
from tests.fuzz.growth import crowds, inputs

LONG = os.environ.get("FUZZ") == "long"
SMALL, LARGE = 2_000, 16_000
MOST_GROWTH = 12.0  # of the steps, where the input is 8 times as long
QUICK = [
    *(
        f"{name}: {shape}"
        for name in ("near names", "label form", "limit", "missing column", "number", "text key")
        for shape in ("paths", "providers", "digits", "latencies", "quotes", "ligatures")
    ),
    *(f"CSV header{where}: {shape}" for where in ("", " in quotes") for shape in ("lines", "quoted lines", "commas")),
    *(
        f"JSONL {crowd}"
        for crowd in ("models", "models with prefixes", "labels", "ids", "tags of one id", "unreadable qualities")
    ),
    "CSV columns",
    "CSV blank lines first",
    "CSV short rows",
    "prices of many models",
    "many names",
    "many long names",
]
CASES = {case.name: case for cases in crowds.groups().values() for case in cases}


def steps(call):
    """Count the lines of Python that a call runs."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", CASES if LONG else QUICK)
def test_the_steps_of_a_reader_are_linear_in_its_input(name, tmp_path):
    case = CASES[name]
    case.prepare(SMALL, tmp_path / "input")()  # imports

    small = steps(case.prepare(SMALL, tmp_path / "input"))
    large = steps(case.prepare(LARGE, tmp_path / "input"))

    assert large <= MOST_GROWTH * max(small, 500)


def test_the_steps_of_a_log_with_a_new_column_in_every_row_are_linear_in_its_rows(tmp_path):
    def read(rows):
        path = tmp_path / f"{rows}.jsonl"
        path.write_bytes(inputs.as_jsonl(inputs.crowd("columns that differ", rows * 100)))
        return lambda: pr.read_runs(path)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read(20)()  # imports
        small, large = steps(read(300)), steps(read(2400))

    assert large <= MOST_GROWTH * small


def test_quadratic_steps_are_noticed():
    def pairs(size):
        return lambda: [1 for i in range(size) for j in range(size)]

    assert steps(pairs(80)) > MOST_GROWTH * steps(pairs(10))


@pytest.mark.parametrize("name", ["CSV cell query: ligatures", "JSONL value model: ligatures", "JSONL wide lists", "gzipped JSONL copies", "CSV header in quotes: lines"])  # fmt: skip  # noqa: E501  # one list
def test_a_reader_takes_at_most_ten_times_its_file_and_300_mb(name, tmp_path):
    size = 1_000_000
    call = CASES[name].prepare(size, tmp_path / "input")
    file = max(path.stat().st_size for path in tmp_path.iterdir())

    tracemalloc.start()
    try:
        call()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak <= 10 * file + 100e6  # a third of what is allowed: Arrow's own memory is not traced
