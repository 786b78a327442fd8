"""Counts that cannot lie inside their total are added or set aside; costs below 0 are refunds, or are named."""

import numpy as np
import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.read import read_runs
from tests.cases.case_log import case_rows, without, write_jsonl


def read(tmp_path, rows, **options):
    return read_runs(write_jsonl(tmp_path / "runs.jsonl", rows), **options)


def read_unpriced(tmp_path, rows, **options):
    return read(tmp_path, without(rows, "cost_usd"), **options)


def of(runs, model, column):
    return getattr(runs, column)[np.array([point.model == model for point in runs.points])[runs.point]]


def notes(runs):
    return [notice.text for notice in runs.notices]


def planted(every, **change):
    """Change every n-th row of ``big``; ``change`` are functions of the row."""
    rows = case_rows(100)
    for row in [row for row in rows if row["model"] == "big"][::every]:
        row.update({name: value(row) for name, value in change.items()})
    return rows


@pytest.mark.parametrize("every", [1, 50])
def test_reasoning_above_the_completion_is_counted_in_addition_on_all_runs_of_the_model(tmp_path, every):
    rows = case_rows(100)
    for row in rows:
        row["reasoning_tokens"] = 10
    of_big = [row for row in rows if row["model"] == "big"]
    for row in of_big[::every]:
        row["reasoning_tokens"] = 5 * row["completion_tokens"]

    runs = read_unpriced(tmp_path, rows)

    expected = sorted(row["completion_tokens"] + row["reasoning_tokens"] for row in of_big)
    assert sorted(of(runs, "big", "completion_tokens")) == expected
    assert sorted(of(runs, "small", "completion_tokens")) == sorted(
        row["completion_tokens"] for row in rows if row["model"] == "small"
    )
    (text,) = notes(runs)
    assert f"reasoning_tokens of big exceed completion_tokens in {100 // every} of 100 runs: they are counted" in text


def test_tokens_of_a_cache_above_the_prompt_are_counted_in_addition(tmp_path):
    rows = planted(1, cached_prompt_tokens=lambda row: 20_000, cache_write_tokens=lambda row: 500)

    runs = read_unpriced(tmp_path, rows)

    assert min(of(runs, "big", "prompt_tokens")) > 20_500
    assert max(of(runs, "small", "prompt_tokens")) < 100
    assert (
        "cached_prompt_tokens and cache_write_tokens of big exceed prompt_tokens in 100 of 100 runs" in notes(runs)[0]
    )


def test_parts_inside_their_total_leave_the_log_as_it_is(tmp_path):
    inside = {"reasoning_tokens": lambda row: row["completion_tokens"], "cached_prompt_tokens": lambda row: 1}
    runs = read_unpriced(tmp_path, planted(1, **inside))

    assert notes(runs) == []
    assert np.array_equal(of(runs, "big", "completion_tokens"), of(runs, "big", "reasoning_tokens"))


def test_a_rounding_of_one_token_is_no_excess(tmp_path):
    runs = read_unpriced(tmp_path, planted(1, reasoning_tokens=lambda row: row["completion_tokens"] + 1))

    assert notes(runs) == []


def test_a_single_row_in_many_is_set_aside_with_its_line_and_column(tmp_path):
    rows = case_rows(150)
    of_big = [row for row in rows if row["model"] == "big"]
    for row in of_big:
        row["reasoning_tokens"] = 5
    of_big[10]["reasoning_tokens"] = 10_000

    runs = read_unpriced(tmp_path, rows)

    assert len(runs) == 299 and runs.set_aside_count == 1
    (bad,) = runs.set_aside
    assert (bad.line, bad.field) == (rows.index(of_big[10]) + 1, "reasoning_tokens")
    assert bad.reason.startswith("above completion_tokens, which contain them (10000 > ")
    with pytest.raises(RunsError, match="reasoning_tokens: above completion_tokens"):
        read_unpriced(tmp_path, rows, strict=True)


def test_a_query_and_a_point_that_lose_their_only_run_are_gone(tmp_path):
    rows = case_rows(150)
    for row in rows:
        row["reasoning_tokens"] = 5
    lost = {**rows[1], "query_id": "only here", "query": "only here", "budget_kind": "effort", "budget_label": "x"}
    runs = read_unpriced(tmp_path, [*rows, lost | {"reasoning_tokens": 10_000}])

    assert len(runs) == 300
    assert "only here" not in runs.query_ids and len(runs.query_ids) == 150
    assert [point.name for point in runs.points] == ["big@default", "small@default"]


def test_a_few_rows_above_a_total_that_most_rows_nearly_fill_are_errors(tmp_path):
    rows = case_rows(100)
    for row in rows:
        row["reasoning_tokens"] = round(0.97 * row["completion_tokens"])
    of_big = [row for row in rows if row["model"] == "big"]
    for row in of_big[::20]:
        row["reasoning_tokens"] = 2 * row["completion_tokens"]

    runs = read_unpriced(tmp_path, rows)

    assert runs.set_aside_count == 5
    assert max(of(runs, "big", "completion_tokens")) < 300


def test_where_cost_is_logged_it_decides_and_no_count_is_changed(tmp_path):
    runs = read(tmp_path, planted(1, reasoning_tokens=lambda row: 5 * row["completion_tokens"]))

    assert notes(runs) == []
    assert max(of(runs, "big", "completion_tokens")) < 300


def test_refunds_count_in_the_sum_and_are_named(tmp_path):
    rows = planted(25, cost_usd=lambda row: -0.001)

    runs = read(tmp_path, rows)

    assert len(runs) == 200
    assert of(runs, "big", "cost_usd").sum() == pytest.approx(
        sum(row["cost_usd"] for row in rows if row["model"] == "big")
    )
    assert "4 runs of big cost less than 0, -$0.004 together: refunds" in notes(runs)


@pytest.mark.parametrize("cost", [-1.0, -0.3])
def test_costs_below_zero_that_are_no_refunds_are_set_aside_with_their_sum(tmp_path, cost):
    runs = read(tmp_path, planted(25, cost_usd=lambda row: cost))

    assert len(runs) == 196
    assert {bad.field for bad in runs.set_aside} == {"cost_usd"}
    (text,) = [text for text in notes(runs) if "for their cost" in text]
    assert f"4 of big, below 0 by ${-4 * cost:.2f} together" in text


def test_refunds_beyond_all_charges_are_set_aside(tmp_path):
    runs = read(tmp_path, planted(1, cost_usd=lambda row: -row["cost_usd"]))

    assert of(runs, "big", "cost_usd").size == 0
    assert "100 of big, below 0" in " ".join(notes(runs))


def test_the_cost_of_rows_that_are_set_aside_is_stated(tmp_path):
    runs = read(tmp_path, planted(50, model=lambda row: "", cost_usd=lambda row: 0.25))

    assert "rows set aside carry $0.50 of logged cost (2 rows), which is in no sum" in notes(runs)


def test_a_log_without_the_new_column_keeps_its_hash(tmp_path):
    plain = read(tmp_path, case_rows(20))
    empty = read(tmp_path, [{**row, "cache_write_tokens": None} for row in case_rows(20)])
    written = read(tmp_path, [{**row, "cache_write_tokens": 3} for row in case_rows(20)])

    assert plain.sha256 == empty.sha256 != written.sha256
