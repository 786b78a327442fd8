"""How the numbers of a table are written: read where it is certain or stated, refused where it may be otherwise."""

import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.importers.mapping.guess import guess_mapping
from tests.runs.importers import foreign_logs as make
from tests.runs.logs import read_lines

MAPPING = """
mapping: 1
columns: {query: q, model: m, quality: note, cost_usd: usd, prompt_tokens: in, completion_tokens: out}
"""


def imported(folder, cells, *, decimal="", separator=";"):
    log, mapping = folder / "log.csv", folder / "mapping.yaml"
    rows = [separator.join(row) for row in (("q", "m", "note", "usd", "in", "out"), ("Why?", "m", *cells))]
    log.write_text("\n".join(rows) + "\n", encoding="utf-8")
    mapping.write_text(MAPPING + (f'decimal: "{decimal}"\n' if decimal else ""), encoding="utf-8")
    return make.imported(str(mapping), log)


def numbers(log):
    (row,) = log.rows
    return tuple(row[name] for name in ("quality", "cost_usd", "prompt_tokens", "completion_tokens"))


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("count", ["1.234", "12.345", "1.234.567"])
def test_a_count_that_may_be_thousands_is_refused_with_the_option(tmp_path, count, separator):
    with pytest.raises(RunsError, match=f"prompt_tokens '{count}' in line 2 may be thousands.*decimal: \",\""):
        imported(tmp_path, ("1", "3", count, "10"), separator=separator)


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_read_runs_refuses_it_too(tmp_path, separator):
    rows = [separator.join(row) for row in (("query", "model", "quality", "prompt_tokens"), ("a", "m", "1", "1.234"))]

    with pytest.raises(RunsError, match=r"prompt_tokens '1.234' in line 2 may be thousands"):
        read_lines(tmp_path, *rows, name="log.csv")


@pytest.mark.parametrize("mean", ["12.5", "0.125", "1234.567", "1.2345e3"])
def test_one_count_that_can_only_be_a_mean_decides(tmp_path, mean):
    runs = read_lines(tmp_path, "query,model,quality,prompt_tokens", "a,m,1,1.234", f"b,m,1,{mean}", name="log.csv")

    assert sorted(runs.prompt_tokens.tolist()) == sorted([1.234, float(mean)])


@pytest.mark.parametrize(
    "cells, decimal, expected",
    [
        (("0,5", "1.234,56", "1.234", "12.345.678"), ",", (0.5, 1234.56, 1234, 12345678)),
        (("85,5%", "0,5 USD", "16k", "1,5k"), ",", (0.855, 0.5, 16000, 1500)),
        (("1", "3", "1,234", "1,234.0"), ".", (1, 3, 1234, 1234)),
        (("1", "1,234", "120", "10"), ".", (1, 1234, 120, 10)),
        (("good", "1e-3", "7", "10"), ",", None),
    ],
)
def test_the_option_states_how_numbers_are_written(tmp_path, cells, decimal, expected):
    if expected is None:
        with pytest.raises(RunsError, match="quality: text where a quality belongs|quality"):
            imported(tmp_path, cells, decimal=decimal)
    else:
        assert numbers(imported(tmp_path, cells, decimal=decimal)) == expected


def test_the_option_holds_for_columns_of_any_name(tmp_path):
    log, mapping = tmp_path / "log.csv", tmp_path / "mapping.yaml"
    log.write_text("query;model;quality;cost_usd;prompt_tokens\nWhy?;m;0,5;1.234,5;1.234\n", encoding="utf-8")
    columns = "{query: query, model: model, quality: quality, cost_usd: cost_usd, prompt_tokens: prompt_tokens}"
    mapping.write_text(f'mapping: 1\ndecimal: ","\ncolumns: {columns}\n', encoding="utf-8")

    (row,) = make.imported(str(mapping), log).rows

    assert (row["quality"], row["cost_usd"], row["prompt_tokens"]) == (0.5, 1234.5, 1234)


def test_a_number_that_is_written_otherwise_is_set_aside(tmp_path):
    with pytest.raises(RunsError, match="cost_usd: a number whose decimals do not stand after ','"):
        imported(tmp_path, ("1", "1.5", "12", "10"), decimal=",")


def test_a_mapping_takes_no_other_sign(tmp_path):
    with pytest.raises(RunsError, match="decimal is neither a comma nor a point"):
        imported(tmp_path, ("1", "3", "12", "10"), decimal=";")


def test_a_guess_states_the_comma_where_one_is_certain_and_asks_where_none_is(tmp_path):
    log, mapping = tmp_path / "log.csv", tmp_path / "mapping.yaml"
    log.write_text(
        "Frage;Modell;quality;Kosten;tokens_in;tokens_out\nWer ist es?;m;0,5;0,12;1.234;10\n", encoding="utf-8"
    )
    mapping.write_text(guess_mapping(log).text, encoding="utf-8")

    assert numbers(make.imported(str(mapping), log)) == (0.5, 0.12, 1234, 10)

    log.write_text("Frage;Modell;quality;tokens_in;tokens_out\nWer ist es?;m;1;1.234;10\n", encoding="utf-8")
    assert 'tokens_in: if 1.234 are thousands, add decimal: ","' in guess_mapping(log).text
