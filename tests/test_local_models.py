"""The questions, grading, voting and bookkeeping of experiments/local_models; nothing here runs a model."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

EXPERIMENT = Path(__file__).parents[1] / "experiments" / "local_models"
NAMES = ("assemble", "collect", "models", "questions")


@pytest.fixture
def local(monkeypatch) -> Iterator[SimpleNamespace]:
    monkeypatch.syspath_prepend(str(EXPERIMENT))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    import assemble  # pyright: ignore
    import collect  # pyright: ignore
    import questions  # pyright: ignore

    yield SimpleNamespace(assemble=assemble, collect=collect, questions=questions)
    for name in NAMES:
        sys.modules.pop(name, None)


def test_questions_differ_repeat_and_a_longer_list_begins_with_the_shorter(local):
    write = local.questions.write_questions
    many = write(1353, seed=0)

    assert many == write(1353, seed=0) and many[:400] == write(400, seed=0) and many[:50] != write(50, seed=1)
    assert len({question.text for question in many}) == len({question.id for question in many}) == 1353
    assert min(Counter(question.kind for question in many[:1053]).values()) >= 60
    asked = {question.text for question in many}
    assert not asked & {text for kind in local.questions.KINDS for text, _ in local.questions.examples(kind)}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("17 + 25 = ?", "42"), ("12 x 3 = ?", "36"), ("20 - 7 = ?", "13"), ("What is 9 minus 4?", "5"),
        ("Which number is larger, 99 or 100?", "100"), ("What number comes next: 3, 5, 7, 9?", "11"),
    ],
)  # fmt: skip
def test_numbers_are_answered_as_a_second_reading_says(local, text, answer):
    words = (
        text.replace("?", "").replace("What is", "").replace("plus", "+").replace("minus", "-").replace("times", "x")
    )
    numbers = [int(word.strip(",:")) for word in words.split() if word.strip(",:").isdigit()]
    if "larger" in text:
        found = max(numbers)
    elif "next" in text:
        found = 2 * numbers[-1] - numbers[-2]
    else:
        a, b = numbers
        found = {"+": a + b, "-": a - b, "x": a * b}[next(sign for sign in "+-x" if f" {sign} " in f"{words} ")]
    assert str(found) == answer


def test_every_written_sum_and_comparison_has_the_answer_of_that_second_reading(local):
    checked = 0
    for question in local.questions.write_questions(650, seed=3):
        if question.kind in ("sum_small", "sum_large", "difference", "product", "larger", "next"):
            test_numbers_are_answered_as_a_second_reading_says(local, question.text, question.answer)
            checked += 1
    assert checked == 300


@pytest.mark.parametrize(
    ("answer", "wanted", "right"),
    [
        ("Paris", "Paris", True), ("paris.", "Paris", True), ('"Paris"\nQ: more', "Paris", True),
        ("the sea", "sea", True),
        ("42", "42", True), ("420", "42", False), ("", "Paris", False), ("Paris, France", "Paris", False),
    ],
)  # fmt: skip
def test_answers_are_graded_by_their_first_line(local, answer, wanted, right):
    assert local.questions.right(answer, wanted) is right


def test_the_vote_is_of_the_most_and_then_of_the_first(local):
    assert local.questions.vote(["a", "B", "b."]) == "b"
    assert local.questions.vote(["x", "y", "y", "x"]) == "x"


def test_a_vote_of_k_stands_on_separate_groups(local):
    question = local.questions.Question("q", "sum_small", "1 + 1 = ?", "2")
    said = {"prompt_tokens": 50, "answers": ["2", "3", "2", "2", "3", "3", "3", "2"] * 2, "tokens": list(range(1, 17))}
    took = {"prompt_seconds": 1.0, "seconds": [0.1 * n for n in range(1, 17)]}

    rows = {row["budget_label"]: row for row in local.assemble.rows_of("m", question, said, took)}

    assert list(rows) == ["1", "2", "4", "8", "16"]
    assert [rows[label]["trials"] for label in rows] == [16, 8, 4, 2, 1]
    assert rows["1"]["quality"] == 0.5
    assert rows["2"]["quality"] == (2 * 2) / 8  # 2-3: the first; 2-2: right; 3-3 and 3-2: wrong
    assert rows["4"]["quality"] == 0.5 and rows["8"]["quality"] == 1.0  # at four all, the first is right
    assert rows["16"]["completion_tokens"] == 136 and rows["4"]["completion_tokens"] == 34
    assert rows["16"]["latency_s"] == pytest.approx(1 + 13.6)
    usd = rows["2"]["latency_s"] * local.assemble.CORE_HOUR_USD / 3600
    assert rows["2"]["cost_usd"] == pytest.approx(usd)


def test_a_torn_line_is_dropped_and_both_files_are_cut_to_what_both_have(local, tmp_path):
    questions = local.questions.write_questions(5, seed=0)
    lines = [json.dumps({"id": question.id}).encode() + b"\n" for question in questions]
    paths = (tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    paths[0].write_bytes(b"".join(lines[:4]) + b'{"id": "ha')
    paths[1].write_bytes(b"".join(lines[:3]))

    assert local.collect.resume(paths, questions) == 3
    assert [path.read_bytes() for path in paths] == [b"".join(lines[:3])] * 2
    assert local.collect.resume((tmp_path / "c.jsonl", tmp_path / "d.jsonl"), questions) == 0


def test_files_of_other_questions_are_not_continued(local, tmp_path):
    paths = (tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    for path in paths:
        path.write_text('{"id": "other"}\n')

    with pytest.raises(SystemExit, match="a.jsonl: other stands where .* belongs; use a new folder"):
        local.collect.resume(paths, local.questions.write_questions(2, seed=0))
