"""Separators other than commas, and decimal commas: read where certain, refused where not."""

import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.read import read_runs
from tests.runs.logs import read_lines


def read_cells(tmp_path, *costs, separator=";", name="log.csv"):
    header = separator.join(("query", "model", "quality", "prompt_tokens", "cost_usd"))
    rows = [separator.join((f"q{i}, or so", "small", "1", "12", cost)) for i, cost in enumerate(costs)]
    return read_lines(tmp_path, header, *rows, name=name).cost_usd.tolist()


@pytest.mark.parametrize(
    ("separator", "name"), [(";", "log.csv"), ("\t", "log.csv"), ("\t", "log.tsv"), (";", "log.tsv")]
)
def test_the_separator_is_the_one_that_finds_the_required_columns(tmp_path, separator, name):
    assert read_cells(tmp_path, "0.25", "3", separator=separator, name=name) == [0.25, 3.0]


def test_a_tsv_may_be_separated_by_commas(tmp_path):
    assert len(read_lines(tmp_path, "query,model,quality", "a;b,small,1", name="log.tsv")) == 1


def test_the_separator_that_excel_names_in_the_first_line_is_followed_and_lines_still_count(tmp_path):
    runs = read_lines(
        tmp_path, "sep=;", "query;model;quality;latency_s", "x;small;1;", "y;small;1;high", name="log.csv"
    )

    assert (len(runs), runs.set_aside[0].line) == (1, 4)


def test_renamed_columns_decide_on_the_separator(tmp_path):
    names = {"query": "question", "model": "llm", "quality": "note, 0 to 1"}

    runs = read_lines(tmp_path, "question;llm;note, 0 to 1", "x;small;1", name="log.csv", columns=names)

    assert runs.texts == ("x",)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("0,5", "12"), [0.5, 12.0]),
        (("0,0012", "1,234"), [0.0012, 1.234]),
        (("1234,567", ",5"), [1234.567, 0.5]),
        (("1,5e-3", " 2,25 "), [0.0015, 2.25]),
        (("0,125", "7"), [0.125, 7.0]),
    ],
)
def test_decimal_commas_are_read_where_one_is_certain(tmp_path, cells, expected):
    assert read_cells(tmp_path, *cells) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("1,234", "5"), r"'1,234' in line 2 may be a decimal or thousands; write every number with a decimal point"),
        (("0,5", "0.5"), r"a comma \('0,5' in line 2\) and with a point \('0.5' in line 3\)"),
        (("1,234", "0.5"), "cannot both be decimals"),
        (("1,234,567",), "line 2: '1,234,567' has thousands separators"),
        (("1.234,5",), "line 2: '1.234,5' has thousands separators"),
        (("1,234.5",), "line 2: '1,234.5' has thousands separators"),
    ],
)
def test_a_file_whose_numbers_may_be_misread_is_refused(tmp_path, cells, message):
    with pytest.raises(RunsError, match=message):
        read_cells(tmp_path, *cells)


def test_a_comma_in_text_and_labels_stays(tmp_path):
    runs = read_lines(
        tmp_path,
        "query;model;quality;budget_kind;budget_label;budget",
        "1,5?;small;0,5;temperature;0,7;0,7",
        name="a.csv",
    )

    assert runs.texts == ("1,5?",)
    assert (runs.points[0].budget.label, runs.points[0].budget.amount, runs.quality[0]) == ("0,7", 0.7, 0.5)


def test_a_header_cell_loses_the_space_around_it(tmp_path):
    assert len(read_lines(tmp_path, "query, model, quality", "x,small,1", name="log.csv")) == 1


def test_a_header_over_two_lines_keeps_the_line_numbers(tmp_path):
    runs = read_lines(
        tmp_path, 'query,model,latency_s,quality," a', 'note"', "x,small,1,1,", "y,small,high,1,", name="log.csv"
    )

    assert runs.set_aside[0].line == 4


def test_no_separator_finds_the_columns(tmp_path):
    with pytest.raises(RunsError, match="no column query and no model and no quality; it has answer, llm, text"):
        read_lines(tmp_path, "text;llm;answer", "a;b;c", name="log.csv")


def test_a_wrong_header_of_a_read_file_names_the_file(tmp_path):
    with pytest.raises(RunsError, match="log.csv: the header names 'model' twice"):
        read_runs(write(tmp_path / "log.csv", "query;model;quality;model\nx;a;1;b\n"))


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path
