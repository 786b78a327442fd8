"""Which score is the quality where tasks have scores of their own, and parts of a log that are on another scale."""

import pytest

from paretoroute.errors import RunsError
from tests.runs.importers import foreign_benchmarks as bench
from tests.runs.importers import foreign_logs as make


def task_log(folder, task, *scorers, model="openai/gpt-5-mini", values=("C", "I")):
    """Write a log of inspect_ai of one task; each scorer gives the values to its samples."""
    header = make.eval_header(model, results={"scores": [{"name": name} for name in scorers]})
    header["eval"] |= {"task": task, "run_id": f"{task} {model}"}
    samples = [
        make.eval_sample(
            i,
            input=f"{task} {i}",
            scores={name: {"value": value} for name in scorers},
            uuid=f"{task} {model} {i}",
            events=[],
        )
        for i, value in enumerate(values)
    ]
    return make.document(folder / f"{task}-{model.rpartition('/')[2]}.json", header | {"samples": samples})


def test_each_task_of_a_benchmark_has_its_own_score(tmp_path):
    log = make.imported(
        "inspect", task_log(tmp_path, "sums", "match", "includes"), task_log(tmp_path, "law", "choice", "match")
    )

    assert [row["quality"] for row in log.rows] == [1, 0, 1, 0]
    assert not log.asides
    assert "'match' of sums" in make.notes(log)
    assert "'choice' of law" in make.notes(log)
    assert "the log also has 'includes'" in make.notes(log)


def test_tasks_of_lm_eval_with_other_metrics_and_filters_are_all_read(tmp_path):
    two = [
        bench.harness_sample(filter="strict", exact_match=0.0),
        bench.harness_sample(filter="flexible", exact_match=1.0),
    ]
    filters = [{"name": name, "filter": [{"function": "take_first"}]} for name in ("strict", "flexible")]
    files = bench.harness(tmp_path, "tiny", *two, filters=filters)
    other = bench.harness_sample(doc=7, metrics=["acc"], acc=1.0)
    del other["exact_match"]
    stamp = files[0].name.removeprefix("samples_sums")

    log = make.imported("lm-eval", *files, make.lines(files[0].with_name(f"samples_law{stamp}"), [other]))

    assert [(row["tag"], row["quality"]) for row in log.rows] == [("sums", 0), ("law", 1)]


def test_a_score_that_the_user_names_counts_for_all_tasks_and_the_reason_tells_what_else_there_is(tmp_path):
    log = make.imported(
        "inspect", task_log(tmp_path, "sums", "match"), task_log(tmp_path, "law", "choice"), score="choice"
    )

    assert [row["tag"] for row in log.rows] == ["law", "law"]
    assert make.reasons(log) == ["judged by other scores than the one that is the quality"] * 2
    assert "'choice' is missing, there is 'match'" in str(log.asides[0])


def test_a_task_whose_scores_need_a_choice_is_named(tmp_path):
    header = make.eval_header(results={})
    unclear = make.eval_sample(scores={"style": {"value": 1}, "fact": {"value": 0}}, events=[])
    path = make.document(tmp_path / "a.json", header | {"samples": [unclear]})

    with pytest.raises(RunsError, match=r"task 'quiz': .*'fact', 'style'; name one with --score NAME"):
        make.imported("inspect", path, task_log(tmp_path, "sums", "match"))


@pytest.mark.parametrize("apart", ["task", "model"])
def test_a_part_that_is_on_another_scale_than_the_one_stated_is_refused(tmp_path, apart):
    shares, percent = [0.5, 1.0] * 6, [50, 100] * 6
    names = {"task": ("law", "openai/gpt-5-mini"), "model": ("sums", "openai/gpt-5")}
    task, model = names[apart]
    files = [
        task_log(tmp_path, "sums", "match", values=percent),
        task_log(tmp_path, task, "match", model=model, values=shares),
    ]

    with pytest.raises(RunsError, match=f"throughout file .*, {apart} .*bring every part of the log to one scale"):
        make.imported("inspect", *files, quality_scale=(0, 100))
    assert {row["quality"] for row in make.imported("inspect", files[0], quality_scale=(0, 100)).rows} == {0.5, 1}


def test_the_first_score_of_a_tool_that_is_off_the_scale_is_named(tmp_path):
    results = [make.promptfoo_result(i, score=value, namedScores={"fact": 1}) for i, value in enumerate((0.5, 3))]
    path = make.document(tmp_path / "r.json", {"results": {"results": results}, "config": make.promptfoo_config()})

    log = make.imported("promptfoo", path)

    assert "quality is the score 'fact'" in make.notes(log)
    assert "'score', which the tool puts first, has values off the scale" in make.notes(log)


def scored_by(tmp_path, *values):
    """Import as many calls as there are values, scored by two files: the first half and the second."""
    calls = make.lines(tmp_path / "calls.jsonl", [make.payload(i) for i in range(len(values))])
    scores = [make.call_score(i, value) for i, value in enumerate(values)]
    middle = len(values) // 2
    files = [make.lines(tmp_path / "a.jsonl", scores[:middle]), make.lines(tmp_path / "b.jsonl", scores[middle:])]
    return make.imported("litellm", calls, scores=files, quality_scale=(0, max(values)))


def test_scores_on_another_scale_than_those_of_another_file_are_asked_about_or_refused(tmp_path):
    asked = make.notes(scored_by(tmp_path, 0, 0.5, 1, 1, 4, 5, 0, 3))

    assert "quality lies between 0 and 1 throughout file a.jsonl, on the scale 0:5 of the whole log" in asked
    with pytest.raises(RunsError, match=r"throughout file a\.jsonl, on the scale 0:100"):
        scored_by(tmp_path, 0, 0.5, 1, 1, 40, 100, 0, 90)


def test_stars_are_read_on_a_scale(tmp_path):
    calls = make.lines(tmp_path / "calls.jsonl", [make.payload(i) for i in (1, 2, 3)])
    scores = [make.call_score(1, "★★★★★"), make.call_score(2, "★★☆☆☆"), make.call_score(3, "4/5")]

    log = make.imported("litellm", calls, scores=make.lines(tmp_path / "s.jsonl", scores), quality_scale=(1, 5))

    assert [row["quality"] for row in log.rows] == [1, 0.25, 0.75]


def test_a_log_whose_traces_are_scored_and_hold_several_calls_is_refused_with_this_reason(tmp_path):
    calls = make.lines(tmp_path / "calls.jsonl", [make.payload(i, trace_id="t") for i in (1, 2)])

    with pytest.raises(RunsError, match="scores of a trace or an id with several calls, which judge none"):
        make.imported("litellm", calls, scores=make.lines(tmp_path / "s.jsonl", [{"trace_id": "t", "value": 1}]))
