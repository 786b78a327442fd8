"""First mappings of tables as people write them, each imported as it was guessed."""

import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.importers.mapping.guess import guess_mapping
from tests.runs.importers import foreign_logs as make

CASES = {
    "units in the cells": (
        "question,llm,score,cost,latency,input_tokens\nWho is it?,a,85%,$0.001,1.2s,12\nWhat?,a,50%,2 cents,350ms,9\n",
        {"quality": [0.85, 0.5], "cost_usd": [0.001, 0.02], "latency_s": [1.2, 0.35]},
        "",
    ),
    "other languages": (
        "Frage;Modell;Bewertung;Kosten;Dauer_ms\nWas ist?;gpt-5;★★★★☆;0,0012;350\nWer ist?;gpt-5;★☆☆☆☆;0,0008;210\n",
        {"quality": [0.75, 0], "cost_usd": [0.0012, 0.0008], "latency_s": [0.35, 0.21]},
        "quality: stars are taken to go from 1 to 5",
    ),
    "verdicts by their values": (
        "prompt,model,usd,outcome_of_test\nWho is it?,a,0.1,passed\nWhat is it?,a,0.2,failed\n",
        {"quality": [1, 0], "cost_usd": [0.1, 0.2]},
        "",
    ),
    "a budget in short": (
        "prompt,model,thinking_budget,accuracy,usd\nWho is it?,a,16k,1,0.1\nWhat is it?,a,4k,0,0.2\n",
        {"budget": [16000, 4000], "budget_kind": ["thinking_tokens"] * 2},
        "budget_kind: is budget a number of thinking tokens?",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_table_is_imported_by_its_first_mapping(tmp_path, name):
    table, expected, doubt = CASES[name]
    log, mapping = tmp_path / "log.csv", tmp_path / "mapping.yaml"
    log.write_text(table, encoding="utf-8")

    guess = guess_mapping(log)
    mapping.write_text(guess.text, encoding="utf-8")
    rows = make.imported(str(mapping), log).rows

    assert {column: [row[column] for row in rows] for column in expected} == expected
    assert doubt in " ".join(guess.doubts)


@pytest.mark.parametrize(
    "row",
    [
        {"traceID": "1", "spans": []},
        {"batches": []},
        {"context.span_id": "1", "attributes.llm.model_name": "a"},
        {"context": {}, "attributes": {}},
    ],
)
def test_exports_of_spans_are_recognised(tmp_path, row):
    assert "paretoroute import otel" in guess_mapping(make.lines(tmp_path / "spans.jsonl", [row])).text


def test_a_field_whose_rows_are_all_set_aside_for_another_is_no_missing_field(tmp_path):
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("mapping: 1\ncolumns: {query: p, model: m, quality: q, budget: b}\n", encoding="utf-8")
    log = make.lines(tmp_path / "log.jsonl", [{"p": "Why?", "m": "a", "q": 1, "b": 5}])

    with pytest.raises(RunsError, match="budget: missing beside a budget amount"):
        make.imported(str(mapping), log)


@pytest.mark.parametrize("effort, expected", [("", 'budget: "n"'), ("effort", "# unsure about n: calls of several")])
def test_several_samples_are_a_budget_or_a_doubt(tmp_path, effort, expected):
    row = {"prompt": "Who is it?", "model": "a", "accuracy": 1, "usd": 1, "n": 3} | ({effort: "low"} if effort else {})

    text = guess_mapping(make.lines(tmp_path / "log.jsonl", [row])).text

    assert expected in text
    assert ("#   n: 3" in text) == bool(effort)
