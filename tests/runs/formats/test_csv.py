"""CSV: faults by the line an editor shows, and long cells."""

import csv

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
