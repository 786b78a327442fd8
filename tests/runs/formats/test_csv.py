"""CSV: faults by the line an editor shows, and long cells."""

import csv

import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.read import read_runs
from tests.runs.logs import (
    GOOD,
    read_lines,
    write_csv,
)


def test_csv_faults_have_the_line_an_editor_shows(tmp_path):
    runs = read_lines(
        tmp_path,
        "\ufeffquery,model,quality,cost_usd",
        '"two\nlines",small,1,0.5',
        "a,small,1",
        "",
        "b,small,1,2,3",
        b"c\xff,small,1,2",
        "d,small,1,high",
        "e,small,0.5,inf",
        'f,small,"0.5"x,1',
        "g,small, 0.5 ,",
        name="log.csv",
    )

    found = [(row.line, row.field, row.reason) for row in runs.set_aside]
    assert found == [
        (4, "", "too few cells (3 where the header has 4)"),
        (6, "", "too many cells (5 where the header has 4)"),
        (7, "query", "not valid UTF-8 text (a stray byte or half a character)"),
        (8, "cost_usd", "text where a number belongs ('high')"),
        (9, "cost_usd", "not finite (inf)"),
        (10, "", "broken CSV: ',' expected after '\"'"),
    ]
    assert sorted(runs.texts) == ["g", "two\nlines"]


def test_a_csv_cell_longer_than_the_csv_modules_own_limit_is_read(tmp_path):
    before = csv.field_size_limit()

    runs = read_runs(write_csv(tmp_path / "log.csv", [GOOD | {"query": "x" * 300_000}]))

    assert len(runs.texts[0]) == 300_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("name", ['conversa"ion', 'tag"', 'a"b"c"d'])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_quote_inside_a_name_of_the_header_takes_no_row(tmp_path, name, separator):
    lines = [
        ["query", "model", "quality", name],
        ["a", "small", "1", "x"],
        ["b", "small", "0", "y"],
        ["c", "big", "1", "z"],
    ]
    (tmp_path / "log.csv").write_text("\n".join(separator.join(line) for line in lines), encoding="utf-8")

    assert len(read_runs(tmp_path / "log.csv")) == 3


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_header_whose_names_stand_in_quotes_over_lines_is_read_with_the_rows_after_it(tmp_path, separator):
    header = separator.join(['"query"', '"model"', '"quality"', '"a\nnote"'])
    rows = [separator.join(["a", "small", "1", "x"]), separator.join(["b", "", "1", "y"])]
    (tmp_path / "log.csv").write_text("\n".join(["", header, *rows]), encoding="utf-8")

    runs = read_runs(tmp_path / "log.csv")

    assert (len(runs), runs.set_aside[0].line) == (1, 5)


@pytest.mark.parametrize("rows", [1, 20_000])
def test_a_quote_that_is_never_closed_is_refused_with_the_lines_that_it_takes(tmp_path, rows):
    text = "query,model,quality\n" + "a,small,1\n" * rows + 'b,"small,1\n' + "c,small,1\n" * 7
    (tmp_path / "log.csv").write_text(text, encoding="utf-8")

    with pytest.raises(RunsError, match=rf"log.csv, line {rows + 2}: a quote is opened .* the 7 lines after it"):
        read_runs(tmp_path / "log.csv")


def test_a_quote_that_is_open_in_the_last_row_alone_sets_it_aside(tmp_path):
    (tmp_path / "log.csv").write_text('query,model,quality\na,small,1\nb,"small,1\n', encoding="utf-8")

    assert read_runs(tmp_path / "log.csv").set_aside_count == 1


def test_rows_with_few_and_many_cells_are_told_apart_by_their_counts(tmp_path):
    (tmp_path / "log.csv").write_text(
        "query,model,quality\na,small,1\nx\n" + "a,b,c,d\n" * 3 + "\ny,z\n", encoding="utf-8"
    )

    runs = read_runs(tmp_path / "log.csv")

    assert (len(runs), runs.set_aside_count) == (1, 5)
    assert [(row.line, row.reason) for row in runs.set_aside] == [
        (3, "too few cells (1 where the header has 3)"),
        *[(line, "too many cells (4 where the header has 3)") for line in (4, 5, 6)],
        (8, "too few cells (2 where the header has 3)"),
    ]


@pytest.mark.parametrize("note", ["x" * 1_000_000, "x\n" * 500_000], ids=["one line", "lines"])
def test_a_long_name_in_quotes_in_the_header_takes_no_row(tmp_path, note):
    path = tmp_path / "log.csv"
    path.write_text(f'query,model,quality,"{note}"\nq1,m,1,a\nq2,m,0,b\n', encoding="utf-8")

    assert len(read_runs(path)) == 2


def test_a_quote_in_the_header_that_is_never_closed_is_named(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text('query,model,quality,"note\nq1,m,1,a\nq2,m,0,b\n', encoding="utf-8")

    with pytest.raises(RunsError, match=r"log\.csv: the header cannot be read \(a quote is opened and never closed\)"):
        read_runs(path)
