"""Numbers that are likely in another unit than their column are asked about, and kept."""

import re

import pandas as pd
import pytest

import paretoroute as pr
from paretoroute.runs.findings import texts
from tests.cases.case_log import case_rows
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


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("cost_usd", 250.0, r"carries 99\.\d% of its logged cost: \$250.00, .* is cost_usd in USD there\?"),
        ("latency_s", 1e6, r"carries 100% of its time: 1,000,000\.0 s, .* is latency_s in seconds there\?"),
        (
            "completion_tokens",
            10**7,
            r"carries .*% of its completion tokens: 10,000,000, .* is completion_tokens right there\?",
        ),
    ],
)
def test_a_run_that_carries_most_of_a_sum_is_named(column, value, text):
    rows = [row | {"latency_s": 1.0 + i % 3} for i, row in enumerate(case_rows())]
    big = next(row for row in rows if row["model"] == "big")
    about = [str(note) for note in pr.read_runs(pd.DataFrame(rows)).notices if "carries" in str(note)]
    big[column] = value
    (note,) = [str(note) for note in pr.read_runs(pd.DataFrame(rows)).notices if "carries" in str(note)]

    assert not about
    assert re.match(rf"one of 60 runs of big {text}", note)


def test_one_of_few_runs_is_not_named():
    rows = case_rows(10)
    rows[1]["cost_usd"] = 250.0

    assert not any("carries" in str(note) for note in pr.read_runs(pd.DataFrame(rows)).notices)
