"""Logs of inspect_ai: `.eval` and `.json` alike, without the judges."""

import pytest

from paretoroute.errors import RunsError
from tests.runs.importers import foreign_logs as make


def eval_file(path, *samples, header=None, **archive):
    members = {f"samples/{s['id']}_epoch_{s['epoch']}.json": s for s in samples}
    return make.zstd_zip(path, {**members, "header.json": header or make.eval_header()}, **archive)


def test_a_sample_is_a_run_of_the_model_alone(tmp_path):
    (row,) = make.imported("inspect", eval_file(tmp_path / "a.eval", make.eval_sample(epoch=2))).rows

    assert row["query"] == make.QUESTION
    assert (row["model"], row["budget_kind"], row["budget_label"]) == ("gpt-5-mini", "effort", "medium")
    assert (row["prompt_tokens"], row["completion_tokens"], row["reasoning_tokens"]) == (17, 40, 30)
    assert (row["cached_prompt_tokens"], row["cache_write_tokens"]) == (5, 2)
    assert (row["latency_s"], row["quality"], row["sample_index"]) == (0.2, 1, 2)  # not the working time of the sample
    assert (row["tag"], row["time"]) == ("quiz", "2026-11-26T11:07:25.176879+00:00")


def test_both_forms_of_a_log_give_the_same_runs_and_given_together_count_once(tmp_path):
    samples = [make.eval_sample("s1"), make.eval_sample(2)]
    archive = eval_file(tmp_path / "a.eval", *samples)
    document = make.document(tmp_path / "a.json", make.eval_header(samples=samples))

    assert make.imported("inspect", archive).rows == make.imported("inspect", document).rows
    both = make.imported("inspect", archive, document)
    assert len(both.rows) == 2
    assert set(make.reasons(both)) == {"a record of a call that was read before"}


@pytest.mark.parametrize(
    "judge",
    [
        make.model_event("openai/judge", usage={"input_tokens": 900, "output_tokens": 900}, working_time=7),
        make.model_event(role="grader", usage={"input_tokens": 900, "output_tokens": 900}, working_time=7),
        make.model_event(span_id="judging", usage={"input_tokens": 900, "output_tokens": 900}, working_time=7),
        make.model_event(error="overloaded", usage={"input_tokens": 900, "output_tokens": 0}, working_time=7),
    ],
)
def test_the_calls_of_a_judge_count_neither_in_tokens_nor_in_time(tmp_path, judge):
    sample = make.eval_sample()
    spans = [
        {"event": "span_begin", "id": "scoring", "parent_id": None, "type": "scorers"},
        {"event": "span_begin", "id": "judging", "parent_id": "scoring", "type": "agent"},
    ]
    sample["events"] = [*sample["events"], *spans, judge]
    usage = sample["model_usage"]["openai/gpt-5-mini"]
    total = {name: value + judge["output"]["usage"].get(name, 0) for name, value in usage.items()}
    sample["model_usage"] = {"openai/judge": total, "openai/gpt-5-mini": usage}
    if judge["model"] == "openai/gpt-5-mini":
        sample["model_usage"] = {"openai/gpt-5-mini": total}

    (row,) = make.imported("inspect", eval_file(tmp_path / "a.eval", sample)).rows

    assert (row["prompt_tokens"], row["completion_tokens"], row["latency_s"]) == (17, 40, 0.2)


@pytest.mark.parametrize(
    "total, prompt, completion",
    [(57, 17, 40), (50, 10, 40), (87, 17, 70), (80, 10, 70), (999, 17, 40)],  # 10 + 7 of a cache, 40 with 30 hidden
)
def test_the_logged_total_decides_what_lies_inside_prompt_and_answer(tmp_path, total, prompt, completion):
    sample = make.eval_sample(events=[])
    sample["model_usage"]["openai/gpt-5-mini"]["total_tokens"] = total

    (row,) = make.imported("inspect", eval_file(tmp_path / "a.eval", sample)).rows

    assert (row["prompt_tokens"], row["completion_tokens"]) == (prompt, completion)


@pytest.mark.parametrize("place", ["plan", "model", "event"])
def test_the_effort_is_read_wherever_the_log_states_it(tmp_path, place):
    header, sample = make.eval_header(), make.eval_sample(events=[])
    config = {"effort": "high"}
    if place == "plan":
        header["plan"]["config"] |= config
    elif place == "model":
        header["eval"]["model_generate_config"] = config
    else:
        sample["events"] = [make.model_event(config=config)]

    (row,) = make.imported("inspect", eval_file(tmp_path / "a.eval", sample, header=header)).rows

    assert row["budget_label"] == "high"


@pytest.mark.parametrize("value, quality", [("C", 1), ("P", 0.5), ("I", 0), ("N", 0), (0.75, 0.75), (True, 1)])
def test_grades_are_numbers(tmp_path, value, quality):
    (row,) = make.imported(
        "inspect", eval_file(tmp_path / "a.eval", make.eval_sample(scores={"match": {"value": value}}))
    ).rows

    assert row["quality"] == quality


def test_of_two_scorers_the_headline_counts_and_the_other_can_be_chosen(tmp_path):
    header = make.eval_header(results={"headline": {"score": "judge"}, "scores": [{"name": "match"}]})
    scores = {"match": {"value": "I"}, "judge": {"value": "C"}, "parts": {"value": {"style": 1, "fact": 0}}}
    path = eval_file(tmp_path / "a.eval", make.eval_sample(scores=scores), header=header)

    default, chosen = make.imported("inspect", path), make.imported("inspect", path, score="match")
    part = make.imported("inspect", path, score="parts.style")

    assert [log.rows[0]["quality"] for log in (default, chosen, part)] == [1, 0, 1]
    assert "quality is the score 'judge'" in make.notes(default)


def test_messages_and_texts_that_the_log_stores_apart_are_the_query(tmp_path):
    messages = [
        {"id": "x", "role": "system", "content": "Be brief."},
        {"id": "y", "role": "user", "content": [{"type": "text", "text": "attachment://abc"}, {"type": "image"}]},
    ]
    sample = make.eval_sample(input=messages, attachments={"abc": "Why?"})

    (row,) = make.imported("inspect", eval_file(tmp_path / "a.eval", sample)).rows

    assert row["query"][0] == {"role": "system", "content": "Be brief."}
    assert row["query"][1]["content"] == [{"type": "text", "text": "Why?"}, {"type": "image"}]


def test_failed_and_cached_samples_are_set_aside(tmp_path):
    samples = [
        make.eval_sample(1),
        make.eval_sample(2, error={"message": "boom"}),
        make.eval_sample(3, events=[make.model_event(cache="read")]),
        make.eval_sample(4, scores={}),
        make.eval_sample(5, events=[make.model_event(cache="read"), make.model_event()]),
    ]

    log = make.imported("inspect", eval_file(tmp_path / "a.eval", *samples))

    assert make.reasons(log) == ["failed call", "answered from a cache", "answered from a cache", "no score"]
    assert "1 of its 2 calls" in str(log.asides[2])
    assert "samples/2_epoch_1.json" in str(log.asides[0])


def test_a_damaged_member_refuses_the_file(tmp_path):
    path = eval_file(tmp_path / "a.eval", make.eval_sample(), damaged="samples/s1_epoch_1.json")

    with pytest.raises(RunsError, match=r"a\.eval: samples/s1_epoch_1\.json is damaged"):
        make.imported("inspect", path)


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_a_file_that_is_cut_short_is_refused(tmp_path, cut):
    path = eval_file(tmp_path / "a.eval", make.eval_sample())
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(RunsError, match=r"a\.eval is damaged, or no zip file"):
        make.imported("inspect", path)


def test_a_member_that_claims_gigabytes_is_refused_before_it_is_unpacked(tmp_path):
    path = eval_file(tmp_path / "a.eval", make.eval_sample())
    raw = path.read_bytes()
    place = raw.index(b"PK\x01\x02") + 24
    path.write_bytes(raw[:place] + (2**31).to_bytes(4, "little") + raw[place + 4 :])

    with pytest.raises(RunsError, match="unpacks to 2,147 MB"):
        make.imported("inspect", path)


def test_one_question_with_other_choices_is_another_query(tmp_path):
    choices = (["4", "6"], ["4", "8"], ["4", "6"])
    samples = [make.eval_sample(f"s{i}", choices=some) for i, some in enumerate(choices)]
    path = make.document(tmp_path / "a.json", {**make.eval_header(), "samples": samples})

    ids = [row["query_id"] for row in make.imported("inspect", path).rows]

    assert (ids[0] == ids[2], ids[0] == ids[1]) == (True, False)


def test_marks_from_a_to_f_are_refused_since_a_c_is_not_the_best_of_them(tmp_path):
    samples = [make.eval_sample(f"s{i}", scores={"match": {"value": mark}}) for i, mark in enumerate("ABCF")]
    path = make.document(tmp_path / "a.json", {**make.eval_header(), "samples": samples})

    with pytest.raises(RunsError, match="quality has the letters A, B, C, F, whose meaning is open.*--score NAME"):
        make.imported("inspect", path)


@pytest.mark.parametrize("scale", [None, (0, 100)])
def test_letters_of_inspect_are_on_no_scale(tmp_path, scale):
    samples = [make.eval_sample(f"s{i}", scores={"match": {"value": mark}}) for i, mark in enumerate("PPN")]
    path = make.document(tmp_path / "a.json", {**make.eval_header(), "samples": samples})

    log = make.imported("inspect", path, quality_scale=scale)

    assert [row["quality"] for row in log.rows] == [0.5, 0.5, 0]


def test_a_sample_that_was_declared_invalid_is_set_aside(tmp_path):
    samples = [make.eval_sample("a", invalidation={"reason": "wrong target"}), make.eval_sample("b", invalidation=None)]
    path = make.document(tmp_path / "a.json", {**make.eval_header(), "samples": samples})

    log = make.imported("inspect", path)

    assert (make.reasons(log), len(log.rows)) == (["declared invalid in the log"], 1)
