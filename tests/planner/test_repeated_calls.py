"""Samples as repeated calls, and the answer that stands for all."""

import pytest

import paretoroute as pr
from paretoroute.grid import Budget, Point
from paretoroute.planner.repeated_calls import Chosen, best, majority, repeated_calls


def samples(n: float, model: str = "m") -> Point:
    return Point(model, Budget("samples", f"maj@{n:g}", n))


@pytest.mark.parametrize(
    ("dialect", "model", "n", "calls"),
    [
        ("openai", "m", 5, 1),
        ("openai", "m", 129, 129),
        ("anthropic", "m", 5, 5),
        ("anthropic", "m", 1, 1),
        ("openai_responses", "m", 3, 3),
        ("gemini", "m", 8, 1),
        ("gemini", "m", 9, 9),
        ("litellm", "anthropic/claude-haiku-4-5", 3, 3),
        ("litellm", "openai/gpt-5", 3, 1),
    ],
)
def test_calls_are_repeated_only_where_one_call_cannot_hold_the_samples(dialect, model, n, calls):
    repeated = repeated_calls(dialect, samples(float(n), model), output_cap_tokens=n * 100)

    assert (repeated.calls, repeated.samples) == (calls, n)
    assert len(list(repeated)) == calls
    assert "100" in str(repeated.kwargs)


def test_each_call_has_arguments_of_its_own():
    first, second = repeated_calls("anthropic", samples(2.0), output_cap_tokens=9)
    first["max_tokens"] = 1

    assert second == {"model": "m", "max_tokens": 4}


def test_a_cap_has_to_give_each_call_a_token():
    with pytest.raises(pr.DialectError, match="2 tokens does not give each of 3 calls one"):
        repeated_calls("anthropic", samples(3.0), output_cap_tokens=2)


def test_a_point_of_another_kind_is_one_call():
    repeated = repeated_calls("openai", Point("m", Budget("effort", "low")), output_cap_tokens=None)

    assert (repeated.calls, repeated.samples, repeated.kwargs["reasoning_effort"]) == (1, 1, "low")


def test_the_majority_wins_and_the_first_of_equals():
    assert majority(["a", "b", "b"]) == Chosen("b", 1, 2 / 3)
    assert majority(["b", "a", "a", "b"]) == Chosen("b", 0, 0.5)
    assert majority([None, "a"]) == Chosen("a", 1, 0.5)
    assert majority(["4.0", "4", "5"], key=float) == Chosen("4.0", 0, 2 / 3)


def test_the_best_has_the_highest_score_and_is_the_first_of_equals():
    assert best(["aa", None, "bbb", "ccc"], len) == Chosen("bbb", 2, 3.0)


def test_what_cannot_be_aggregated_is_refused():
    with pytest.raises(pr.ParetorouteError, match="none of 2 samples gave an answer"):
        majority([None, None])
    with pytest.raises(pr.ParetorouteError, match="none of 0 samples gave an answer"):
        best([], len)
    with pytest.raises(pr.ParetorouteError, match="answer 0 is a list, which cannot be counted"):
        majority([["a"]])
    with pytest.raises(pr.ParetorouteError, match="the scorer gave NaN for answer 0"):
        best(["a"], lambda answer: float("nan"))
