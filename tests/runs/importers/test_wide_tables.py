"""Wide tables: a row per query, columns per model."""

import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.importers.mapping.guess import guess_mapping
from tests.runs.importers import foreign_logs as make

WIDE = (
    "id,prompt,score_gpt-4,score_gpt-5-mini,gpt-4_cost,gpt-5-mini_cost\n1,Why is it?,1,0,0.5,0.1\n2,When?,,1,0.4,0.2\n"
)
EXPECTED = {
    ("Why is it?", "gpt-4"): (1, 0.5),
    ("Why is it?", "gpt-5-mini"): (0, 0.1),
    ("When?", "gpt-5-mini"): (1, 0.2),
}


def guessed(folder, log):
    mapping = folder / "mapping.yaml"
    mapping.write_text(guess_mapping(log).text, encoding="utf-8")
    return make.imported(str(mapping), log)


def table(folder, text):
    log = folder / "log.csv"
    log.write_text(text, encoding="utf-8")
    return log


def outcomes(log):
    return {(row["query"], row["model"]): (row["quality"], row["cost_usd"]) for row in log.rows}


@pytest.mark.parametrize(
    "score, cost",
    [
        ("score_{}", "{}_cost"),
        ("{}_score", "{}_cost"),
        ("{}|accuracy", "{}|total_cost_usd"),
        ("correct: {}", "cost: {}"),
        ("{}", "{} cost"),
        ("{}.correct", "{}.usage.cost"),
        ("scores.{}", "costs.{}"),
        ("answers.{}.quality", "answers.{}.cost_usd"),
        ("{} (score)", "{} (cost)"),
    ],
)
def test_columns_per_model_are_recognised_wherever_the_model_stands_in_their_names(tmp_path, score, cost):
    header = f"id,prompt,{score},{score},{cost},{cost}".format("gpt-4", "gpt-5-mini", "gpt-4", "gpt-5-mini")

    log = guessed(tmp_path, table(tmp_path, WIDE.replace(WIDE.split("\n")[0], header)))

    assert outcomes(log) == EXPECTED
    assert make.reasons(log) == ["no score"]


def test_models_without_known_names_are_recognised_by_their_costs(tmp_path):
    text = "question,small,big,small cost,big cost\nWhat is it?,0,1,0.1,0.4\n"
    log = guessed(tmp_path, table(tmp_path, text))

    assert (
        "columns that a model alone names are taken for its quality; are they?"
        in guess_mapping(tmp_path / "log.csv").text
    )
    assert outcomes(log) == {("What is it?", "small"): (0, 0.1), ("What is it?", "big"): (1, 0.4)}


def test_objects_per_model_are_recognised_though_the_names_hold_dots(tmp_path):
    row = {
        "prompt": "Why is it?",
        "gpt-4.1": {"score": True, "usage": {"prompt_tokens": 5}},
        "gpt-5": {"score": False, "usage": {"prompt_tokens": 7}},
    }

    rows = guessed(tmp_path, make.lines(tmp_path / "log.jsonl", [row])).rows

    assert [(row["model"], row["quality"], row["prompt_tokens"]) for row in rows] == [
        ("gpt-4.1", 1, 5),
        ("gpt-5", 0, 7),
    ]


def test_an_object_around_those_of_the_models_is_no_part_of_their_names(tmp_path):
    row = {"prompt": "Why is it?", "results": {"gpt-4.1": {"score": 1}, "gpt-4.1-mini": {"score": 0}}}

    rows = guessed(tmp_path, make.lines(tmp_path / "log.jsonl", [row])).rows

    assert [(row["model"], row["quality"]) for row in rows] == [("gpt-4.1", 1), ("gpt-4.1-mini", 0)]


def test_the_unit_in_a_name_is_that_of_each_model(tmp_path):
    text = "prompt,gpt-4 score,gpt-5 score,gpt-4 latency (ms),gpt-5 latency (ms)\nWho is it?,1,0,500,200\n"

    assert [row["latency_s"] for row in guessed(tmp_path, table(tmp_path, text)).rows] == [0.5, 0.2]


def test_lists_of_answers_in_a_line_are_rows_with_what_stands_beside_them(tmp_path):
    answers = [{"model": "gpt-4", "score": 1, "cost": 0.5}, {"model": "gpt-5", "score": 0, "cost": 0.1}]
    lines = [{"prompt": f"Why is it {i}?", "tag": "t", "outputs": answers} for i in (1, 2)]

    log = guessed(tmp_path, make.lines(tmp_path / "log.jsonl", lines))

    expected = {"gpt-4": (1, 0.5), "gpt-5": (0, 0.1)}
    assert outcomes(log) == {(f"Why is it {i}?", model): outcome for i in (1, 2) for model, outcome in expected.items()}
    assert {row["tag"] for row in log.rows} == {"t"}


def test_decimal_commas_and_stars_are_read_per_model(tmp_path):
    text = "Frage;gpt-4 Bewertung;gpt-5 Bewertung;gpt-4 Kosten;gpt-5 Kosten\nWer ist es?;★★★★★;★☆☆☆☆;0,5;0,1\n"

    assert outcomes(guessed(tmp_path, table(tmp_path, text))) == {
        ("Wer ist es?", "gpt-4"): (1, 0.5),
        ("Wer ist es?", "gpt-5"): (0, 0.1),
    }


@pytest.mark.parametrize(
    "header",
    [
        "prompt,judge_score,human_score,usd",  # two judges, no models
        "prompt,model,score_gpt-4,score_gpt-5",  # whose judgements of one model they are
        "prompt,prompt_tokens,completion_tokens,usd",
    ],
)
def test_other_columns_of_one_kind_are_no_wide_table(tmp_path, header):
    assert "{model}" not in guess_mapping(table(tmp_path, f"{header}\nWhat is it?,1,0,1\n")).text


@pytest.mark.parametrize(
    "text, message",
    [
        ("columns: {query: p, quality: 's_{model}'}", "models is missing beside a path with {model}"),
        ("models: [a, b]\ncolumns: {query: p, quality: s}", "models is given, and no path has {model}"),
        ("models: [a, a]\ncolumns: {query: p, quality: 's_{model}'}", "models is no list of different names"),
        ("models: a\ncolumns: {query: p, quality: 's_{model}'}", "models is no list of different names"),
        ("models: [a]\ncolumns: {query: p, model: m, quality: 's_{model}'}", "columns.model is given beside models"),
        ("models: [a, b]\ncolumns: {query: p, quality: 's_{model}'}", "no row has the field s_b"),
    ],
)
def test_a_mapping_of_a_wide_table_that_cannot_be_meant_is_refused(tmp_path, text, message):
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(f"mapping: 1\n{text}\n", encoding="utf-8")

    with pytest.raises(RunsError, match=message):
        make.imported(str(mapping), table(tmp_path, "p,s,s_a\nWhy?,1,1\n"))


def test_a_name_of_a_model_that_looks_like_a_number_stays_text(tmp_path):
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("mapping: 1\nmodels: [4.10, on]\ncolumns: {query: p, quality: '{model}_s'}\n", encoding="utf-8")

    rows = make.imported(str(mapping), table(tmp_path, "p,4.10_s,on_s\nWhy?,1,0\n")).rows

    assert [row["model"] for row in rows] == ["4.10", "on"]
