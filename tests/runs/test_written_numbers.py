"""Numbers as people write them: read where they can mean nothing else, refused by name where not."""

import math

import pytest

from paretoroute.query import Misfit
from paretoroute.runs import written_numbers
from paretoroute.runs.read import read_runs
from tests.runs.logs import read_lines, write_jsonl

ROW = {"query": "q", "model": "small", "quality": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("16k", 16e3), ("16K", 16e3), ("1.5k", 1500), ("2M", 2e6), ("16,000", 16e3), ("1,234,567", 1234567)),
        *(("1_024", 1024), ("16 000", 16e3), ("8k tokens", 8e3), ("512 tokens", 512), ("1e3", 1e3), ("1,5k", 1500)),
        *(("-1", -1), ("-1,000", -1000), ("12,5", 12.5)),
    ],
)
def test_counts_are_read_as_people_write_them(text, expected):
    assert written_numbers.count(text) == expected


@pytest.mark.parametrize("text", ["high", "k", "16q", "1,23,4", "16-32", "1.000.000", "", "k16", "9" * 200 + "k"])
def test_what_is_no_count_is_none(text):
    try:
        assert math.isnan(written_numbers.count(text)) == (text == "")
    except Misfit:
        assert text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("$0.001", 0.001), ("0.001 USD", 0.001), ("USD 0.001", 0.001), ("US$0.5", 0.5), ("0.5$", 0.5)),
        *(("1,5e-3", 0.0015), ("0,001", 0.001), ("$1,234.50", 1234.5), ("0,5 USD", 0.5), ("-$0.5", -0.5)),
        *(("3 cents", 0.03), ("3¢", 0.03), ("$-0.5", -0.5), ("0.5 dollars", 0.5), ("$ 1.5e-05", 1.5e-5)),
    ],
)
def test_sums_of_money_are_read_as_people_write_them(text, expected):
    assert written_numbers.usd(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(("€0.001", "a sum in EUR where USD belong"), ("0.001 EUR", "a sum in EUR"), ("£1", "in GBP")),
        *(("A$0.5", "in AUD"), ("0,5 CHF", "in CHF"), ("1,234", "may be a decimal or thousands")),
        *(("$1,234", "may be a decimal or thousands"), ("0.5 credits", "text where a number"), ("free", "text where")),
        *(("$5 / 1M", "text where a number"), ("$1.00-$2.00", "text where a number"), ("$1 cents", "text where")),
    ],
)
def test_other_sums_are_refused_by_name(text, reason):
    with pytest.raises(Misfit, match=reason):
        written_numbers.usd(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("350ms", 0.35), ("1.2s", 1.2), ("1,5", 1.5), ("2 min", 120), ("900 µs", 9e-4), ("5e8 ns", 0.5), ("1 hour", None)],
)
def test_times_are_read_with_their_unit(text, expected):
    if expected is None:
        with pytest.raises(Misfit):
            written_numbers.seconds(text)
    else:
        assert written_numbers.seconds(text) == pytest.approx(expected)


def test_a_log_reads_its_columns_as_they_are_written(tmp_path):
    written = {"prompt_tokens": "1,234", "completion_tokens": "2_000", "cost_usd": "$0.5", "latency_s": "350 ms"}
    log = write_jsonl(tmp_path / "log.jsonl", [{**ROW, **written, "budget_kind": "thinking_tokens", "budget": "16k"}])

    runs = read_runs(log)

    assert (runs.points[0].budget.label, runs.points[0].budget.amount) == ("16000", 16e3)
    assert (runs.prompt_tokens.tolist(), runs.completion_tokens.tolist()) == ([1234], [2000])
    assert (runs.cost_usd.tolist(), runs.latency_s.tolist()) == ([0.5], [0.35])


def test_a_cost_in_another_currency_sets_its_row_aside_by_name(tmp_path):
    rows = [{**ROW, "cost_usd": "$0.5"}, {**ROW, "query": "r", "cost_usd": "€0.5"}]

    runs = read_runs(write_jsonl(tmp_path / "log.jsonl", rows))

    assert [fault.reason for fault in runs.set_aside] == ["a sum in EUR where USD belong ('€0.5')"]
    assert len(runs) == 1


def test_counts_in_a_table_of_tabs_may_separate_thousands(tmp_path):
    header = "query\tmodel\tquality\tprompt_tokens\tcost_usd"

    runs = read_lines(tmp_path, header, "q\tsmall\t1\t1,234\t0.25", "r\tsmall\t1\t1,234,567\t0.5", name="log.tsv")

    assert sorted(runs.prompt_tokens) == [1234, 1234567]
