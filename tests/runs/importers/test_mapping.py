"""Logs of any other form, mapped by a YAML file, and a first guess at one."""

import io
import json
import sys

import pytest

from paretoroute import _yaml
from paretoroute.errors import ParetorouteError, RunsError
from paretoroute.runs.importers.mapping.guess import guess_mapping
from tests.runs.importers import foreign_logs as make

MAPPING = """
mapping: 1
rows: data.items
columns:
  query: request.messages
  model: {from: [answered_by, request.model]}
  quality: {from: review.stars, scale: [1, 5]}
  cost_usd: {from: price, unit: cents}
  latency_s: {from: took, unit: ms}
  prompt_tokens: usage.in
  completion_tokens: usage.out
  parameters: request
  tenant: {value: "007"}
  time: at
ids: {call_id: meta.id}
where: {status: [ok, true]}
"""
ITEM = {
    "request": {"messages": make.user("Why?"), "model": "openai/gpt-5", "reasoning_effort": "high"},
    "review": {"stars": 4},
    "price": 1.5,
    "took": 250,
    "usage": {"in": 10, "out": 20},
    "at": "2026-01-02T03:04:05Z",
    "status": "OK",
    "meta": {"id": "x1"},
}


def mapping(folder, text=MAPPING):
    path = folder / "map.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nested_paths_units_and_scales_are_read(tmp_path):
    rows = [ITEM, ITEM | {"answered_by": "gpt-4.1"}, ITEM | {"status": "error"}]
    log = make.document(tmp_path / "log.json", {"data": {"items": rows}})

    result = make.imported(str(mapping(tmp_path)), log)

    first, second = result.rows
    assert first["query"] == make.user("Why?")
    assert (first["model"], second["model"]) == ("gpt-5", "gpt-4.1")
    assert (first["budget_kind"], first["budget_label"]) == ("effort", "high")
    assert (first["quality"], first["cost_usd"], first["latency_s"]) == (0.75, 0.015, 0.25)
    assert (first["prompt_tokens"], first["completion_tokens"]) == (10, 20)
    assert (first["tenant"], first["time"]) == ("007", "2026-01-02T03:04:05+00:00")
    assert make.reasons(result) == ["where: status is none of ok, true"]


@pytest.mark.parametrize(
    "entry, value, quality",
    [
        ("{from: q, grades: {A: 1, B: 0.75, F: 0}}", "b", 0.75),
        ("{from: q, grades: {good: 1, bad: 0.25}}", "Bad", 0.25),
        ("q", True, 1),
        ("q", "incorrect", 0),
        ("q", "85%", 0.85),
        ("{from: q, scale: [1, 5]}", "★★★★☆", 0.75),
        ("{from: q, scale: [1, 5]}", "2/5", 0.25),
        ("{from: q, scale: [1, 5]}", "3 stars", 0.5),
        ("{from: q, scale: [5, 1]}", 5, 0),
        ("{from: q, scale: [0, 100]}", 40, 0.4),
    ],
)
def test_every_form_of_quality(tmp_path, entry, value, quality):
    text = f"mapping: 1\ncolumns: {{query: p, model: m, quality: {entry}}}\n"
    log = make.lines(tmp_path / "log.jsonl", [{"p": "Why?", "m": "a", "q": value}])

    assert make.imported(str(mapping(tmp_path, text)), log).rows[0]["quality"] == quality


@pytest.mark.parametrize("name, separator", [("log.csv", ";"), ("log.tsv", "\t"), ("log.csv", ",")])
def test_tables_with_decimal_commas(tmp_path, name, separator):
    decimal = "." if separator == "," else ","
    rows = [["p", "m", "q", "c"], ["Why?", "a", f"0{decimal}5", f"1{decimal}25"], ["How?", "a", "1", "2"]]
    (tmp_path / name).write_text("\n".join(separator.join(row) for row in rows) + "\n", encoding="utf-8")
    text = "mapping: 1\ncolumns: {query: p, model: m, quality: q, cost_usd: {from: c, unit: cents}}\n"

    log = make.imported(str(mapping(tmp_path, text)), tmp_path / name)

    assert [(row["quality"], row["cost_usd"]) for row in log.rows] == [(0.5, 0.0125), (1, 0.02)]


def test_standard_input_is_read(tmp_path, monkeypatch):
    body = json.dumps({"p": "Why?", "m": "a", "q": 1}) + "\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body.encode())))
    text = "mapping: 1\ncolumns: {query: p, model: m, quality: q}\n"

    assert len(make.imported(str(mapping(tmp_path, text)), "-").rows) == 1


@pytest.mark.parametrize(
    "text, message",
    [
        ("columns: {query: p, model: m}\n", "mapping is no version of a mapping; write mapping: 1"),
        ("mapping: 1\ncolumns: {query: p}\n", "columns.model is missing"),
        ("mapping: 1\ncolumns: {query: p, model: m, qality: q}\n", "columns.qality is no known key; is quality meant"),
        ("mapping: 1\ncolumns: {query: p, model: {form: m}}\n", "columns.model.form is no known key; is from meant"),
        (
            "mapping: 1\ncolumns: {query: p, model: m, latency_s: {from: t, unit: days}}\n",
            "unit is no unit: 'days'; use s",
        ),
        ("mapping: 1\ncolumns: {query: p, model: m, quality: {from: q, scale: [1, 1]}}\n", "quality.scale"),
        ("mapping: 1\ncolumns: {query: p, model: m, quality: {from: q, grades: {A: 2}}}\n", "is no quality: 2"),
        ("mapping: 1\ncolumns: {query: p, model: {from: m, value: x}}\n", "has neither from nor value, or both"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_with_its_key(tmp_path, text, message):
    with pytest.raises(ParetorouteError, match=message):
        make.imported(str(mapping(tmp_path, text)), tmp_path / "none.jsonl")


def test_a_field_that_no_row_has_is_refused_with_the_near_ones(tmp_path):
    log = make.lines(tmp_path / "log.jsonl", [{"p": "Why?", "m": "a", "quality_score": 1}])
    text = "mapping: 1\ncolumns: {query: p, model: m, quality: quality_scor}\n"

    with pytest.raises(RunsError, match="no row has the field quality_scor.*near: quality_score"):
        make.imported(str(mapping(tmp_path, text)), log)


def test_values_that_cannot_be_read_are_set_aside(tmp_path):
    row = {"p": "Why?", "m": "a", "q": 1, "c": 1}
    log = make.lines(
        tmp_path / "log.jsonl", [row, row | {"c": "many"}, row | {"q": "hm"}, row | {"m": None}, row | {"p": ""}]
    )
    text = "mapping: 1\ncolumns: {query: p, model: m, quality: q, cost_usd: c}\n"

    assert make.reasons(make.imported(str(mapping(tmp_path, text)), log)) == [
        "cost_usd: text where a number belongs",
        "quality: text where a number belongs",
        "no model",
        "no query text",
    ]


def test_words_for_an_unknown_number_are_missing_numbers(tmp_path):
    row = {"p": "Why?", "m": "a", "q": 1, "c": "0.5", "t": 350}
    log = make.lines(tmp_path / "log.jsonl", [row, row | {"p": "How?", "c": "N/A", "t": "-"}])
    text = "mapping: 1\ncolumns: {query: p, model: m, quality: q, cost_usd: c, latency_s: {from: t, unit: ms}}\n"

    rows = make.imported(str(mapping(tmp_path, text)), log).rows

    assert [(row.get("cost_usd"), row.get("latency_s")) for row in rows] == [(0.5, 0.35), (None, None)]


def test_scores_are_joined_on_the_ids_of_a_mapping(tmp_path):
    log = make.lines(tmp_path / "log.jsonl", [{"p": "Why?", "m": "a", "meta": {"id": 7}}])
    text = "mapping: 1\ncolumns: {query: p, model: m}\nids: {call_id: meta.id}\n"
    scores = make.lines(tmp_path / "s.jsonl", [{"call_id": "7", "quality": 0.5}])

    assert make.imported(str(mapping(tmp_path, text)), log, scores=scores).rows[0]["quality"] == 0.5


def test_a_guess_can_be_used_as_it_is_and_states_its_doubts(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "id;prompt;engine;stars;price_cents;took_ms;effort\n1;Why is it?;gpt-5;★★★☆☆;0,5;350;low\n", encoding="utf-8"
    )

    guess = guess_mapping(log)
    (row,) = make.imported(str(mapping(tmp_path, guess.text)), log).rows

    assert (row["model"], row["quality"], row["cost_usd"], row["latency_s"]) == ("gpt-5", 0.5, 0.005, 0.35)
    assert row["budget_label"] == "low"
    assert any("stars" in doubt for doubt in guess.doubts)
    assert "# unsure about quality" in guess.text


def test_a_guess_looks_into_documents_and_objects(tmp_path):
    item = dict(ITEM, review={"grade": "B"}, price={"usd": 0.5}, took={"ms": 1200}, answered_by="claude-opus-4-6")
    log = make.document(
        tmp_path / "log.json", {"meta": {"n": 1}, "data": {"items": [item, item | {"review": {"grade": "F"}}]}}
    )

    guess = guess_mapping(log)
    data = _yaml.loads(guess.text, name="guess")

    assert data["rows"] == "data.items"
    assert data["columns"]["query"] == "request.messages"
    assert data["columns"]["quality"] == {"from": "review.grade", "grades": {"B": 0.75, "F": 0}}
    assert data["columns"]["cost_usd"] == "price.usd"
    assert data["columns"]["latency_s"] == {"from": "took.ms", "unit": "ms"}
    assert data["columns"]["prompt_tokens"] == "usage.in"
    assert [row["quality"] for row in make.imported(str(mapping(tmp_path, guess.text)), log).rows] == [0.75, 0]


def test_a_guess_at_the_log_of_a_known_tool_names_its_source(tmp_path):
    guess = guess_mapping(make.lines(tmp_path / "log.jsonl", [make.payload()]))

    assert "paretoroute import litellm" in guess.doubts[0]


def test_a_guess_of_a_log_without_quality_says_what_is_missing(tmp_path):
    guess = guess_mapping(
        make.lines(tmp_path / "log.jsonl", [{"prompt": "Why is it so?", "model": "a", "cost_usd": 1}])
    )

    assert "quality: no field looks like it" in guess.doubts
    assert "# quality: PATH" in guess.text


@pytest.mark.parametrize(
    "entry, cell, expected",
    [
        ("c", "$0.02", 0.02),
        ("c", "3 cents", 0.03),
        ("{from: c, unit: cents}", "3 cents", 0.03),
        ("{from: c, unit: cents}", "3", 0.03),
        ("{from: c, times: 0.001}", "$20", 0.02),
        ("{from: c, unit: cents}", "$0.02", "cost_usd: a unit of its own beside that of the mapping"),
        ("c", "0.02 EUR", "cost_usd: a sum in EUR where USD belong"),
    ],
)
def test_a_cost_that_names_its_unit_is_read_in_it(tmp_path, entry, cell, expected):
    row = {"p": "Why?", "m": "a", "q": 1, "c": 1}
    log = make.lines(tmp_path / "log.jsonl", [{**row, "c": cell}, {**row, "c": None}])
    text = f"mapping: 1\ncolumns: {{query: p, model: m, quality: q, cost_usd: {entry}}}\n"

    result = make.imported(str(mapping(tmp_path, text)), log)

    assert (make.reasons(result) or [result.rows[0]["cost_usd"]]) == [expected]


@pytest.mark.parametrize("apart", ["file", "field"])
def test_files_and_fields_on_another_scale_than_the_mapping_are_asked_about_or_refused(tmp_path, apart):
    def read(best, shares, marks):
        names = ("a", "b") if apart == "field" else ("a", "a")
        parts = [
            [{"p": f"{name} {i}", "m": "x", name: mark} for i, mark in enumerate(some)]
            for name, some in zip(names, (shares, marks), strict=True)
        ]
        files = [make.lines(tmp_path / f"{i}.jsonl", part) for i, part in enumerate(parts)]
        files = files if apart == "file" else [make.lines(tmp_path / "all.jsonl", [*parts[0], *parts[1]])]
        text = f"mapping: 1\ncolumns: {{query: p, model: m, quality: {{from: [a, b], scale: [0, {best}]}}}}\n"
        return make.notes(make.imported(str(mapping(tmp_path, text)), *files))

    name = "field a" if apart == "field" else "file 0.jsonl"
    assert f"between 0 and 1 throughout {name}, on the scale 0:5" in read(5, [0, 0.5, 1], [3, 4, 5, 0])
    with pytest.raises(RunsError, match=f"throughout {name}, on the scale 0:100"):
        read(100, [0, 0.5, 1], [30, 40, 100, 0])


def mapped(folder, columns, *rows, more=""):
    log = make.lines(folder / "log.jsonl", [{"p": "Why?", "m": "a", "q": 1} | row for row in rows])
    return make.imported(str(mapping(folder, f"mapping: 1\ncolumns: {{query: p, model: m, {columns}}}\n{more}")), log)


def test_parameters_are_read_as_they_are_written_and_never_dropped(tmp_path):
    written = [{"n": 3}, '{"n": 3}', "{'n': 3}", "temperature=0, n=3", None, "", "high"]

    log = mapped(tmp_path, "quality: q, parameters: s", *({"s": one} for one in written))

    assert [row.get("budget") for row in log.rows] == [3, 3, 3, 3, None, None]
    assert make.reasons(log) == ["parameters: no object"]


def test_one_effort_in_several_spellings_is_one_budget(tmp_path):
    log = mapped(tmp_path, "quality: q, budget_label: e", *({"e": e} for e in ("High", "high", "N/A", "None", "none")))

    assert [row.get("budget_label") for row in log.rows] == ["high", "high", None, None, "none"]
    assert log.rows[0]["budget_kind"] == "effort"


def test_rows_that_are_equal_with_their_id_are_one_call(tmp_path):
    rows = [{"id": 1}, {"id": 1}, {"id": 1, "q": 0}, {"id": 2}]

    assert make.reasons(mapped(tmp_path, "quality: q", *rows, more="ids: {call_id: id}\n")) == [
        "a record of a call that was read before"
    ]
    assert not make.reasons(mapped(tmp_path, "quality: q", *rows, more="ids: {trace_id: id}\n"))


def test_words_that_are_no_quality_are_asked_about(tmp_path):
    log = mapped(tmp_path, "quality: q", {"q": "good"}, {"q": 1}, {"q": 0})

    assert "the quality of 1 of 3 rows cannot be read, so that the outcome chooses the others" in make.notes(log)
