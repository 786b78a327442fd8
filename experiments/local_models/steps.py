"""Write the step-by-step prompt: worked examples for the kinds of question that have steps.

Tiny models do not follow instructions to think; they copy a form. Each kind has the form that asks least of a single
token: counting on, counting back, counting by, tens and ones apart, spelling. The answer follows "The answer is", where
grading looks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from questions import Question, examples

SUFFIX = "+steps"  # of a model name: uses this prompt
LONGEST = 64  # tokens of a worked answer; the longest example has fewer with either model


def _count_on(numbers: list[int]) -> str:
    a, b = max(numbers), min(numbers)
    return f"Start at {a} and count {b} more: {_listed(range(a + 1, a + b + 1))}."


def _count_back(numbers: list[int]) -> str:
    a, b = numbers
    return f"Start at {a} and count {b} back: {_listed(range(a - 1, a - b - 1, -1))}."


def _tens_and_ones(numbers: list[int]) -> str:
    a, b = numbers
    tens, ones = a // 10 * 10 + b // 10 * 10, a % 10 + b % 10
    added = f"{a // 10 * 10} + {b // 10 * 10} = {tens}, {a % 10} + {b % 10} = {ones}"
    return f"{added}, {tens} + {ones} = {a + b}."


def _count_by(numbers: list[int]) -> str:
    a, b = max(numbers), min(numbers)
    return f"Count by {a}, {b} times: {_listed(a * n for n in range(1, b + 1))}."


def _difference_first(numbers: list[int]) -> str:
    step, last = numbers[1] - numbers[0], numbers[-1]
    return f"{numbers[1]} - {numbers[0]} = {step}, {last} + {step} = {last + step}."


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


WORKED = {
    "sum_small": _count_on,
    "sum_large": _tens_and_ones,
    "difference": _count_back,
    "product": _count_by,
    "next": _difference_first,
}
KINDS_WITH_STEPS = (*WORKED, "story", "letter")  # elsewhere there is nothing to work out: the plain prompt


def worked(kind: str, text: str, answer: str) -> str:
    """Write the worked answer to a question, given its answer."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if kind == "letter":
        word = re.findall(r'"(\w+)"', text)[0]
        which = "first" if "first" in text else "last"
        steps = f"{' '.join(word)}. The {which} is {answer}."
    elif kind == "story":
        sign = "-" if "gives away" in text else "+"
        steps = f"{numbers[0]} {sign} {numbers[1]} = {answer}."
    else:
        steps = WORKED[kind](numbers)
    return f"{steps} The answer is {answer}"


def steps_prompt(question: Question) -> str:
    """Return the prompt: five questions of the kind with worked answers, then the question."""
    before = "".join(
        f"Q: {text}\nA: {worked(question.kind, text, answer)}\n\n" for text, answer in examples(question.kind)
    )
    return f"{before}Q: {question.text}\nA:"
