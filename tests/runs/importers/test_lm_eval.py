"""Samples of lm-eval: filters that vote are another budget, others another score."""

import gzip
import json

import pytest

from tests.runs.importers import foreign_benchmarks as bench
from tests.runs.importers import foreign_logs as make

TAKE_FIRST = {"name": "first", "filter": [{"function": "take_first"}]}
VOTE = {"name": "vote", "filter": [{"function": "majority_vote"}, {"function": "take_first"}]}


def test_the_model_is_that_of_the_results_of_the_same_stamp(tmp_path):
    files = [
        *bench.harness(tmp_path, "org__tiny-a", bench.harness_sample()),
        *bench.harness(tmp_path, "tiny-b", bench.harness_sample(exact_match=0.0)),
    ]

    log = make.imported("lm-eval", *files)

    assert [(row["model"], row["quality"]) for row in log.rows] == [("org__tiny-a", 1), ("tiny-b", 0)]
    assert log.rows[0]["query"] == "Q: 0\nA:"
    assert log.rows[0]["tag"] == "sums"
    assert log.rows[0]["query_id"] == log.rows[1]["query_id"]
    assert {"cost_usd", "prompt_tokens", "latency_s", "time"}.isdisjoint(log.rows[0])


def test_without_results_the_folder_names_the_model(tmp_path):
    samples, results = bench.harness(tmp_path, "org__tiny-a", bench.harness_sample())
    results.unlink()

    assert make.imported("lm-eval", samples).rows[0]["model"] == "org/tiny-a"


def test_a_vote_over_repeats_is_a_budget_of_samples(tmp_path):
    repeats = {"resps": [["5", "4", "5"]]}
    samples = [
        bench.harness_sample(filter="first", exact_match=0.0, **repeats),
        bench.harness_sample(filter="vote", exact_match=1.0, **repeats),
    ]

    log = make.imported("lm-eval", *bench.harness(tmp_path, "tiny", *samples, filters=[TAKE_FIRST, VOTE]))

    assert [(row.get("budget_kind"), row.get("budget"), row["quality"]) for row in log.rows] == [
        (None, None, 0),
        ("samples", 3, 1),
    ]


def test_a_vote_over_the_first_k_is_a_budget_of_k(tmp_path):
    steps = [{"function": "take_first_k", "kwargs": {"k": 2}}, *VOTE["filter"]]
    samples = [bench.harness_sample(filter="maj@2", resps=[["5", "4", "5", "5"]])]

    log = make.imported(
        "lm-eval", *bench.harness(tmp_path, "t", *samples, filters=[{"name": "maj@2", "filter": steps}])
    )

    assert (log.rows[0]["budget_kind"], log.rows[0]["budget"]) == ("samples", 2)


def test_filters_of_one_generation_are_scores_of_one_run(tmp_path):
    filters = [dict(TAKE_FIRST, name="strict"), dict(TAKE_FIRST, name="flexible")]
    samples = [
        bench.harness_sample(filter="flexible", exact_match=1.0),
        bench.harness_sample(filter="strict", exact_match=0.0),
    ]
    files = bench.harness(tmp_path, "tiny", *samples, filters=filters)

    default, chosen = make.imported("lm-eval", *files), make.imported("lm-eval", *files, score="exact_match,flexible")

    assert [row["quality"] for row in default.rows] == [0]
    assert [row["quality"] for row in chosen.rows] == [1]


def test_a_filter_that_neither_takes_the_first_nor_votes_is_set_aside(tmp_path):
    best_of = {"name": "pass", "filter": [{"function": "custom"}]}
    samples = [bench.harness_sample(1), bench.harness_sample(filter="pass", resps=[["5", "4"]])]

    log = make.imported("lm-eval", *bench.harness(tmp_path, "tiny", *samples, filters=[best_of]))

    assert make.reasons(log) == ["a filter that neither takes the first response nor votes"]


@pytest.mark.parametrize("arguments", [[["Q: 0\nA:", {"until": []}]], {"gen_args_0": {"arg_0": "Q: 0\nA:"}}])
def test_both_forms_of_arguments_are_read(tmp_path, arguments):
    log = make.imported("lm-eval", *bench.harness(tmp_path, "t", bench.harness_sample(arguments=arguments)))

    assert log.rows[0]["query"] == "Q: 0\nA:"


def test_an_effort_among_the_arguments_of_the_model_is_its_budget(tmp_path):
    files = bench.harness(tmp_path, "t", bench.harness_sample(), gen_kwargs={"reasoning_effort": "high"})

    assert make.imported("lm-eval", *files).rows[0]["budget_label"] == "high"


@pytest.mark.parametrize("is_listed", [True, False])
def test_chat_messages_for_an_api_are_the_query(tmp_path, is_listed):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 3 ="}]
    written = json.dumps(messages)
    arguments = {"gen_args_0": {"arg_0": [written] if is_listed else written, "arg_1": {}}}

    log = make.imported("lm-eval", *bench.harness(tmp_path, "tiny", bench.harness_sample(arguments=arguments)))

    assert log.rows[0]["query"] == messages


def test_a_prompt_that_is_a_list_in_json_stays_text(tmp_path):
    arguments = {"gen_args_0": {"arg_0": "[1, 2, 3]", "arg_1": {}}}

    log = make.imported("lm-eval", *bench.harness(tmp_path, "tiny", bench.harness_sample(arguments=arguments)))

    assert log.rows[0]["query"] == "[1, 2, 3]"


def test_a_folder_of_compressed_files_keeps_evaluations_apart(tmp_path):
    for stamp, model in (("2026-11-26T11-12-07.386348", "first"), ("2026-11-27T11-12-07.386348", "second")):
        for path in bench.harness(tmp_path / model, "tiny", bench.harness_sample()):
            name = path.name.replace("2026-11-26T11-12-07.386348", stamp)
            data = path.read_bytes().replace(b'"model_name": "tiny"', f'"model_name": "{model}"'.encode())
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(data))
            path.unlink()

    log = make.imported("lm-eval", tmp_path)

    assert [row["model"] for row in log.rows] == ["first", "second"]
