"""Questions, grading, voting and bookkeeping of experiments/local_models, without running a model."""

import importlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "local_models"
NAMES = ("assemble", "collect", "grading", "models", "questions", "served_cost", "server", "steps", "time_served")


@pytest.fixture
def local(monkeypatch) -> Iterator[SimpleNamespace]:
    monkeypatch.syspath_prepend(str(EXPERIMENT))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    wanted = ("assemble", "collect", "grading", "questions", "served_cost", "steps")

    yield SimpleNamespace(**{name: importlib.import_module(name) for name in wanted})
    for name in NAMES:
        sys.modules.pop(name, None)


def test_questions_are_distinct_and_reproducible_and_a_shorter_list_is_a_prefix(local):
    write = local.questions.write_questions
    many = write(1353, seed=0)

    assert many == write(1353, seed=0) and many[:400] == write(400, seed=0) and many[:50] != write(50, seed=1)
    assert len({question.text for question in many}) == len({question.id for question in many}) == 1353
    assert min(Counter(question.kind for question in many[:1053]).values()) >= 60
    texts = {question.text for question in many}
    assert not texts & {text for kind in local.questions.KINDS for text, _ in local.questions.examples(kind)}


def answer_from_text(text: str) -> int:
    """Answer a question about numbers from its text alone."""
    formula = text.replace("?", "").replace("What is", "")
    for word, sign in (("plus", "+"), ("minus", "-"), ("times", "x")):
        formula = formula.replace(word, sign)
    numbers = [int(token.strip(",:")) for token in formula.split() if token.strip(",:").isdigit()]
    if "larger" in text:
        return max(numbers)
    if "next" in text:
        return 2 * numbers[-1] - numbers[-2]
    a, b = numbers
    return {"+": a + b, "-": a - b, "x": a * b}[next(sign for sign in "+-x" if f" {sign} " in f"{formula} ")]


def test_answers_of_sums_and_comparisons_follow_from_the_text(local):
    checked = 0
    for question in local.questions.write_questions(650, seed=3):
        if question.kind in ("sum_small", "sum_large", "difference", "product", "larger", "next"):
            assert str(answer_from_text(question.text)) == question.answer, question.text
            checked += 1
    assert checked == 300


@pytest.mark.parametrize(
    ("kind", "answer", "wanted", "right"),
    [
        ("capital", "Paris", "Paris", True), ("capital", "paris.", "Paris", True),
        ("capital", '"Paris"\nQ: more', "Paris", True), ("capital", "", "Paris", False),
        ("capital", "Paris, France", "Paris", False), ("capital", "Bogotá", "Bogota", True),
        ("capital", "Kiev", "Kyiv", True), ("capital", "Delhi", "New Delhi", False),
        ("spanish", "the sea", "sea", True), ("spanish", "ano", "año", False), ("spanish", "ave", "pájaro", True),
        ("sum_small", "42", "42", True), ("sum_small", "420", "42", False), ("sum_small", "40 + 2 = 42", "42", True),
        ("sum_small", "40 + 2", "42", False), ("larger", "The answer is 42", "42", True),
        ("opposite", "hard", "difficult", True), ("opposite", "hard", "dark", False),
    ],
)  # fmt: skip
def test_answers_are_graded_by_their_first_line_and_other_right_answers_count(local, kind, answer, wanted, right):
    assert local.grading.right(answer, local.questions.Question("q", kind, "?", wanted)) is right


def test_every_other_right_answer_belongs_to_an_answer_of_a_template(local):
    answers = {"opposite": local.questions.OPPOSITES, "spanish": local.questions.SPANISH}

    for kind, wanted in local.grading.ALSO_RIGHT:
        assert wanted in answers[kind].values(), (kind, wanted)


def test_a_vote_returns_the_most_frequent_answer_then_the_first_across_spellings(local):
    assert local.grading.vote(["a", "B", "b."]) == "b"
    assert local.grading.vote(["x", "y", "y", "x"]) == "x"
    assert local.grading.vote(["Cali", "Cali", "Bogota", "Bogotá", "Bogotá"]) == "bogota"


def test_worked_examples_end_with_the_right_answer(local):
    for question in local.questions.write_questions(400, seed=3):
        if question.kind in local.steps.KINDS_WITH_STEPS:
            worked = local.steps.worked(question.kind, question.text, question.answer)
            assert local.grading.right(worked, question)
            if question.kind in local.steps.WORKED:  # the steps contain it, too
                assert worked.replace(".", " ").replace(",", " ").split().count(question.answer) >= 2, worked


def test_the_cost_of_a_prompt_is_the_excess_of_the_first_request(local):
    timings = [
        {"id": "a", "pass": 0, "prompt_tokens": prompt, "tokens": tokens, "seconds": [first, *later]}
        for prompt, tokens in ((100, [2, 4]), (110, [3, 12]), (250, [5, 7]), (250, [1, 1, 9]))
        for later in [[0.01 + 0.02 * count for count in tokens[1:]]]
        for first in [0.05 + 0.004 * prompt + 0.01 + 0.02 * tokens[0]]
    ]

    cost = local.served_cost.served_cost(timings)

    fitted = (cost.overhead_s, cost.per_token_s, cost.prompt_s, cost.per_prompt_token_s)
    assert fitted == pytest.approx((0.01, 0.02, 0.05, 0.004))
    assert cost.vote_s(100, [2, 4]) == pytest.approx(0.45 + 0.02 + 0.02 * 6)


def test_a_vote_of_k_uses_disjoint_groups(local):
    question = local.questions.Question("q", "sum_small", "1 + 1 = ?", "2")
    answers, tokens = ["2", "3", "2", "2", "3", "3", "3", "2"] * 2, ([*range(1, 14)] * 2)[:16]
    generated = {"prompt_tokens": 50, "answers": answers, "tokens": tokens}
    cost = local.served_cost.ServedCost(overhead_s=0.01, per_token_s=0.1, prompt_s=0.5, per_prompt_token_s=0.01)

    rows = {row["budget_label"]: row for row in local.assemble.rows_of("m", question, generated, cost)}

    assert list(rows) == ["1", "2", "4", "8", "16"]
    assert [rows[label]["trials"] for label in rows] == [16, 8, 4, 2, 1]
    assert rows["1"]["quality"] == 0.5
    assert rows["2"]["quality"] == (2 * 2) / 8  # 2-3: the first; 2-2: right; 3-3 and 3-2: wrong
    assert rows["4"]["quality"] == 0.5 and rows["8"]["quality"] == 1.0  # at a tie of four, the first is right
    total = sum(range(1, 14)) - 1 + 1 + 2 + 3  # the answer truncated at 12 has no 13th token
    assert rows["16"]["completion_tokens"] == total and rows["4"]["completion_tokens"] == total / 4
    assert rows["16"]["latency_s"] == pytest.approx(1 + 16 * 0.01 + 0.1 * total)
    usd = rows["2"]["latency_s"] * local.assemble.CORE_HOUR_USD / 3600
    assert rows["2"]["cost_usd"] == pytest.approx(usd, rel=1e-6)
    scores = {label: row["score"] for label, row in rows.items()}
    # of two: 2-3 and 3-2 agree by half, 2-2 and 3-3 fully; of four: 2-3-2-2 and 3-3-3-2; of eight and sixteen: ties
    assert scores == {"1": 1.0, "2": (0.5 + 1 + 1 + 0.5) / 4, "4": 0.75, "8": 0.5, "16": 0.5}


def test_the_agreement_with_a_vote_counts_other_spellings_as_one(local):
    agreement = local.grading.agreement

    assert agreement(["Cali", "Bogota", "Bogotá", "bogota."]) == 0.75
    assert agreement(["Cali"]) == agreement(["Kiev", "Kyiv"]) == 1.0
    assert agreement(["a1", "b2", "c3", "d4"]) == 0.25


def test_a_torn_line_is_dropped_and_complete_lines_stay(local, tmp_path):
    questions = local.questions.write_questions(5, seed=0)
    lines = [json.dumps({"id": question.id}).encode() + b"\n" for question in questions]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(lines[:3]) + b'{"id": "ha')

    assert local.collect.resume(path, questions) == 3
    assert path.read_bytes() == b"".join(lines[:3])
    assert local.collect.resume(tmp_path / "b.jsonl", questions) == 0


def test_a_file_of_other_questions_is_not_continued(local, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "other"}\n', encoding="utf-8")

    with pytest.raises(SystemExit, match="a.jsonl: other stands where .* belongs; use a new folder"):
        local.collect.resume(path, local.questions.write_questions(2, seed=0))
