"""Quality is read from any form onto [0, 1], and a log on another scale is refused as a whole."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoroute.errors import RunsError
from paretoroute.runs.checks.quality_scale import QualityScale
from paretoroute.runs.findings import texts
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, assert_same, read_rows, write_csv, write_jsonl, write_parquet


def rows_of(qualities, **columns):
    """Return one row of a query of its own for each quality."""
    return [GOOD | columns | {"query": f"question {i:05d}", "quality": value} for i, value in enumerate(qualities)]


def qualities_of(runs):
    """Return the quality of each question, in the order in which :func:`rows_of` numbers them."""
    order = sorted(range(len(runs)), key=lambda i: runs.texts[runs.query[i]])
    return [float(runs.quality[i]) for i in order]


@pytest.mark.parametrize(
    ("qualities", "low", "high", "count", "option"),
    [
        ([1, 5, 4, 1, 3], "1", "5", "3 of 5", "--quality-scale 1:5"),
        ([1, 1, 1, 2], "1", "2", "1 of 4", "quality_scale=(1, 5)"),
        ([0, 0, 1, 100, 1, 87.5], "0", "100", "2 of 6", "--quality-scale 0:100"),
        ([-1, 0.25, 1], "-1", "1", "1 of 3", "--quality-scale -1:1"),
        ([0.5, 7.5], "0.5", "7.5", "1 of 2", "--quality-scale 0:10"),
        ([1, 2000], "1", "2000", "1 of 2", "--quality-scale 1:2000"),
        (["4", "true"], "4", "4", "1 of 2", "--quality-scale"),
        (["120%", 1], "1", "1.2", "1 of 2", "--quality-scale"),
    ],
)
def test_another_scale_is_refused_with_its_range_and_the_option(tmp_path, qualities, low, high, count, option):
    with pytest.raises(RunsError) as error:
        read_rows(tmp_path, *rows_of(qualities))

    message = str(error.value)
    assert message.startswith("quality is outside [0, 1]")
    assert f"range from {low} to {high}" in message and f"in {count} rows" in message and option in message


def test_one_outlier_in_ten_thousand_rows_is_refused_by_its_line_and_value(tmp_path):
    with pytest.raises(RunsError, match=r"in 1 of 10000 rows .*the first is log\.jsonl, line 9001: 7\).* If 7 marks"):
        read_rows(tmp_path, *rows_of([1.0] * 9000 + [7] + [0.0] * 999))


def test_the_range_is_that_of_all_sources_and_each_file_is_counted(tmp_path):
    first = write_jsonl(tmp_path / "a.jsonl", rows_of([1, 1, 2]))
    second = write_csv(tmp_path / "b.csv", rows_of([-3, 0, 9, 9]))

    with pytest.raises(RunsError, match=r"\(b\.csv: 3, a\.jsonl: 1; .*a\.jsonl, line 3: 2\).* from -3 to 9\."):
        read_runs(first, second)


def test_rows_that_are_bad_for_another_reason_also_show_the_scale(tmp_path):
    with pytest.raises(RunsError, match="range from 1 to 5"):
        read_rows(tmp_path, *rows_of([1, 1]), GOOD | {"quality": 5, "model": ""}, strict=False)


def test_counts_of_right_answers_are_named_as_such(tmp_path):
    with pytest.raises(RunsError, match="log quality = k/n"):
        read_rows(tmp_path, *rows_of([7, 0, 3, 10, 1], trials=10))


def test_a_scale_rescales_and_may_descend(tmp_path):
    stars = rows_of([1, 2, 5, 4.5])

    up, down = read_rows(tmp_path, *stars, quality_scale=(1, 5)), read_rows(tmp_path, *stars, quality_scale=(5, 1))

    assert qualities_of(up) == [0.0, 0.25, 1.0, 0.875]
    assert qualities_of(down) == [1.0, 0.75, 0.0, 0.125]
    (text,) = texts(up.notices)
    assert text == "quality is rescaled to [0, 1] from the scale 1:5, worst to best; its values range from 1 to 5"
    assert_same(up, read_runs(write_csv(tmp_path / "log.csv", stars), quality_scale=(1, 5)))
    assert_same(up, read_runs(write_parquet(tmp_path / "log.parquet", stars), quality_scale=(1, 5)))


@pytest.mark.parametrize("value", [0, 5.1, 6])
def test_a_value_outside_the_scale_given_is_refused(tmp_path, value):
    with pytest.raises(RunsError, match=r"outside the scale 1:5 in 1 of 4 rows .*range from"):
        read_rows(tmp_path, *rows_of([1, 2, 5, value]), quality_scale=(1, 5))


def test_rounding_beyond_the_ends_is_clipped(tmp_path):
    assert qualities_of(read_rows(tmp_path, *rows_of([1 + 5e-7, -5e-7]))) == [1.0, 0.0]
    assert qualities_of(read_rows(tmp_path, *rows_of([100.00005, -0.00005]), quality_scale=(0, 100))) == [1.0, 0.0]
    with pytest.raises(RunsError, match="outside"):
        read_rows(tmp_path, *rows_of([1 + 2e-6]))


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1))
def test_every_point_of_a_scale_goes_to_its_share_of_the_way(worst, best, share):
    if abs(worst - best) < 1e-3 * max(abs(worst), abs(best), 1.0):
        return
    value = np.array([worst + share * (best - worst)])

    assert QualityScale.of((worst, best)).rescaled(value)[0] == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize(
    "ends", [(1, 1), (1,), (1, 2, 3), "1:5", 5, (0, math.nan), (0, math.inf), (True, False), ("1", "5"), None, {}]
)
def test_ends_that_are_no_scale_are_refused(ends):
    with pytest.raises(RunsError, match=r"two different numbers.* such as \(1, 5\)"):
        QualityScale.of(ends)


@pytest.mark.parametrize("text", ["5", "1:1", "1:2:3", "a:b", "nan:1", "0:inf", "", ":", "1-5"])
def test_a_text_that_is_no_scale_is_refused_with_the_form(text):
    with pytest.raises(RunsError, match="write WORST:BEST, two different numbers such as 1:5"):
        QualityScale.parse(text)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False, 1, 0.5], [1, 0, 1, 0.5]),
        (["true", "False", " TRUE "], [1, 0, 1]),
        (["yes", "No"], [1, 0]),
        (["pass", "FAIL", "passed", "Failed"], [1, 0, 1, 0]),
        (["Correct", "incorrect"], [1, 0]),
        (["C", "I", "P", "N", "i"], [1, 0, 0.5, 0, 0]),
        (["C", "I", 0.25, "1", "0.5"], [1, 0, 0.25, 1, 0.5]),
        (["t", "f"], [1, 0]),
        (["Y", "N"], [1, 0]),
        (["85%", "0 %", "100%", "12.5%"], [0.85, 0, 1, 0.125]),
        (["0.5", " 1 ", "1e-1"], [0.5, 1, 0.1]),
    ],
)
def test_booleans_words_letters_and_percentages_are_read_in_every_format(tmp_path, values, expected):
    log = rows_of(values)

    runs = read_rows(tmp_path, *log)

    assert qualities_of(runs) == expected and runs.set_aside_count == 0
    assert_same(runs, read_runs(write_csv(tmp_path / "log.csv", log)))
    assert_same(runs, read_runs(pd.DataFrame(log)))
    if len({type(value) for value in values}) == 1:
        assert_same(runs, read_runs(write_parquet(tmp_path / "log.parquet", log)))


def test_arrow_booleans_and_dictionaries_are_read():
    table = pa.table({"query_id": ["a", "b"], "model": ["m", "m"], "quality": [True, False]})
    letters = pa.array(["C", "I"]).dictionary_encode()

    assert read_runs(table).quality.tolist() == [1.0, 0.0]
    assert read_runs(table.set_column(2, "quality", letters)).quality.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "values", [["P", "F"], ["P"], ["P", "N"], ["A", "B", "C"], ["C"] * 500 + ["D"], ["T", "C"], ["Y", "T"]]
)
def test_letters_whose_meaning_is_open_are_refused_however_rare(tmp_path, values):
    with pytest.raises(RunsError, match=r"quality has the letters .* whose meaning is open"):
        read_rows(tmp_path, *rows_of(values))


def test_words_keep_their_meaning_on_an_ascending_scale_and_have_none_on_a_descending_one(tmp_path):
    log = rows_of([3, True, "C", "85%"])

    assert qualities_of(read_rows(tmp_path, *log, quality_scale=(1, 5))) == [0.5, 1.0, 1.0, 0.85]
    with pytest.raises(RunsError, match=r"line 2: a quality that is no number has no place on .* scale 5:1"):
        read_rows(tmp_path, *log, quality_scale=(5, 1))


@pytest.mark.parametrize("value", ["excellent", "3/5", "0,5", [1], {"score": 1}, "1;0", math.inf, "inf%", "4 stars"])
def test_values_that_cannot_be_read_refuse_the_log_beyond_one_in_a_hundred(tmp_path, value):
    few, many = rows_of([1.0] * 199 + [value]), rows_of([1.0] * 98 + [value, value])

    runs = read_rows(tmp_path, *few)

    assert (runs.set_aside_count, runs.set_aside[0].field, runs.set_aside[0].line) == (1, "quality", 200)
    with pytest.raises(RunsError, match=r"quality cannot be read in 2 of 100 rows .*the first is log\.jsonl, line 99 "):
        read_rows(tmp_path, *many)
    with pytest.raises(RunsError, match=r"log\.jsonl, line 99: quality: "):
        read_rows(tmp_path, *many, strict=True)


def test_the_commonest_unreadable_values_are_named(tmp_path):
    with pytest.raises(RunsError, match=r"the commonest 'good' \(3\), 'bad' \(2\), '3/5' \(1\);.* such as '3/5', as"):
        read_rows(tmp_path, *rows_of([1, "good", "good", "bad", "good", "3/5", "bad"]))


@pytest.mark.parametrize("missing", [None, "", "N/A", "None", "nan", "null", " ", math.nan])
def test_a_missing_quality_sets_its_row_aside_and_a_large_share_is_a_notice(tmp_path, missing):
    few, many = rows_of([1.0] * 95 + [missing] * 5), rows_of([1.0] * 94 + [missing] * 6)

    few_runs, many_runs = read_rows(tmp_path, *few), read_rows(tmp_path, *many)

    assert (few_runs.set_aside_count, many_runs.set_aside_count) == (5, 6)
    assert few_runs.set_aside[0].reason == "missing"
    assert not [text for text in texts(few_runs.notices) if text.startswith("quality is missing")]
    (notice,) = [text for text in texts(many_runs.notices) if text.startswith("quality is missing")]
    assert notice.startswith("quality is missing in 6 of 100 rows (6%): all figures are of the other rows")
    assert_same(many_runs, read_runs(write_csv(tmp_path / "log.csv", many)))
