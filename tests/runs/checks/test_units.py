"""Numbers that are likely in another unit than their column are asked about, and kept."""

import pytest

from paretoroute.runs.findings import texts
from tests.runs.logs import GOOD, read_rows


def asked(tmp_path, *rows):
    runs = read_rows(tmp_path, *(GOOD | row | {"query": f"q{i}"} for i, row in enumerate(rows)))
    return [text for text in texts(runs.notices) if text.startswith("is latency_s in seconds?")]


@pytest.mark.parametrize(
    "latency, tokens, figures",
    [
        (1240, 300, "Its median is 1,240, 0.24 completion tokens a second"),
        (350_000, 40_000, "Its median is 3.5e+05, 0.11 completion tokens a second"),
        (1240, None, "Its median is 1,240"),
    ],
)
def test_latencies_in_milliseconds_are_asked_about(tmp_path, latency, tokens, figures):
    rows = [{"latency_s": latency, "completion_tokens": tokens}] * 3 + [{"latency_s": 0}, {}]

    assert asked(tmp_path, *rows) == [
        f"is latency_s in seconds? {figures}: if it is in milliseconds, divide it by 1000"
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"latency_s": 1.24, "completion_tokens": 300},
        {"latency_s": 600, "completion_tokens": 30_000},
        {"latency_s": 90, "completion_tokens": 100},
        {"latency_s": 600},
        {"latency_s": 0},
        {},
    ],
)
def test_slow_models_are_not(tmp_path, row):
    assert asked(tmp_path, row, row) == []


def test_one_model_of_milliseconds_is_named(tmp_path):
    seconds = {"model": "small", "latency_s": 1.2, "completion_tokens": 300}
    rows = [seconds] * 8 + [{"model": "big", "latency_s": 1561, "completion_tokens": 300}] * 6
    runs = read_rows(tmp_path, *(GOOD | row | {"query": f"q{i}"} for i, row in enumerate(rows)))
    few = read_rows(tmp_path, *(GOOD | row | {"query": f"q{i}"} for i, row in enumerate(rows[:12])))

    text = "is latency_s in seconds throughout? Its median is of big 1,561, 0.19 completion tokens a second"
    assert [notice.text.partition(":")[0] for notice in runs.notices] == [text]
    assert not few.notices  # four runs are too few
