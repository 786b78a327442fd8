"""The two forms of text output: folded to a width, and plain."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from paretoroute.report.layout import Column, Entries, Entry, Row, Table, wrapped

TABLE = Table(
    "A table of three columns with a title that is longer than the narrowest terminal",
    (Column("name"), Column("quality", is_number=True), Column("cost vs best", is_number=True, is_optional=True)),
    (Row(("a-long-name/with a blank", "0.401 [0.381, 0.421]", "x0.352")), Row(("b", "0.5", ""))),
)


def printed(block, width: int) -> list[str]:
    stream = io.StringIO()
    Console(width=width, file=stream).print(block)
    return stream.getvalue().splitlines()


def test_a_sentence_hangs_below_its_key_and_an_interval_stays_whole():
    entries = Entries((Entry("expected", "quality 0.401 [0.381, 0.421] at a cost"),))

    assert printed(entries, 26) == ["expected  quality 0.401", "          [0.381, 0.421]", "          at a cost"]
    assert entries.plain() == "expected  quality 0.401 [0.381, 0.421] at a cost"


@given(st.text(st.sampled_from("ab[], 模\t"), max_size=60), st.integers(4, 30))
def test_no_wrapped_line_is_wider_than_asked_and_no_character_is_lost(text, width):
    lines = wrapped(text, width)

    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize("width", [38, 40, 60, 100])
def test_a_table_fits_its_width_and_never_breaks_a_number(width):
    lines = printed(TABLE, width)

    assert max(map(cell_len, lines)) <= width
    assert sum("0.401 [0.381, 0.421]" in line for line in lines) == 1


def test_an_optional_column_is_left_out_of_a_narrow_terminal_only():
    assert "x0.352" in "".join(printed(TABLE, 100))
    assert "x0.352" not in "".join(printed(TABLE, 34))
    assert "x0.352" in TABLE.plain()


def test_a_plain_table_has_one_line_per_row_and_a_dash_for_a_blank_cell():
    assert TABLE.plain().splitlines() == [
        TABLE.title,
        "name                                   quality  cost vs best",
        "a-long-name/with a blank  0.401 [0.381, 0.421]        x0.352",
        "b                                          0.5             -",
    ]


def test_control_characters_are_escaped():
    assert Entries((Entry("model", "\x1b[31mred"),)).plain() == "model     \\x1b[31mred"
    assert "\x1b" not in "".join(printed(Table("t", (Column("a"),), (Row(("\x1b[31m",)),)), 40))


def test_a_name_stays_whole_where_the_head_of_a_number_can_fold():
    columns = (Column("router"), Column("peak quality", is_number=True))

    lines = printed(Table("t", columns, (Row(("static mixture", "0.901")),)), 23)

    assert lines[-1] == "static mixture    0.901"
