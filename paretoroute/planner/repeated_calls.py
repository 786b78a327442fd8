"""Samples as repeated calls, where a client cannot ask for several answers at once, and how answers become one.

A samples point of n samples is one call with ``n`` where the client has it, else n calls of one sample. Repeated calls
bill the prompt n times, one call with ``n`` bills it once: log the calls that were made, and plan with the same.

Self-consistency, the majority of sampled answers: Wang et al. (2023), "Self-Consistency Improves Chain of Thought
Reasoning in Language Models", ICLR. The best of n by a verifier: Cobbe et al. (2021), "Training Verifiers to Solve Math
Word Problems", arXiv:2110.14168.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from paretoroute.errors import DialectError, ParetorouteError
from paretoroute.grid import Point
from paretoroute.planner.dialects import request_kwargs, split

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class RepeatedCalls:
    """The calls of one point; iterating yields the arguments of each, a dictionary of its own.

    Args:
        kwargs: the arguments of every call.
        calls: how many calls to make.
        samples: how many answers they give in all.
    """

    kwargs: dict[str, Any]
    calls: int
    samples: int

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (copy.deepcopy(self.kwargs) for _ in range(self.calls))


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Answer]):
    """The answer that stands for all.

    Args:
        answer: as it was given.
        index: its place among the answers.
        score: its share of the votes, in [0, 1], or the scorer's number.
    """

    answer: Answer
    index: int
    score: float


def repeated_calls(dialect: str, point: Point, *, output_cap_tokens: int | None) -> RepeatedCalls:
    """Return the calls of a point; the output cap of all is divided among them, rounding down.

    Args:
        dialect: the client, see ``paretoroute.planner.dialects``.
        point: the point to call.
        output_cap_tokens: most completion tokens of all calls; None: no cap but the point's own.

    Raises:
        DialectError: the dialect is unknown, or cannot express the point under this cap.

    Example:
        >>> from paretoroute.grid import Budget
        >>> three = Point("claude-opus-4-6", Budget("samples", "maj@3", 3.0))
        >>> repeated_calls("anthropic", three, output_cap_tokens=3000)
        RepeatedCalls(kwargs={'model': 'claude-opus-4-6', 'max_tokens': 1000}, calls=3, samples=3)
    """
    calls, called = split(dialect, point)
    if calls > 1 and output_cap_tokens is not None and output_cap_tokens < calls:
        raise DialectError(
            f"dialect {dialect!r} cannot express point {point.name!r}: an output cap of {output_cap_tokens} tokens "
            f"does not give each of {calls} calls one; raise the cap or take a point with fewer samples"
        )
    cap = output_cap_tokens if output_cap_tokens is None or calls == 1 else output_cap_tokens // calls
    kwargs = request_kwargs(dialect, called, output_cap_tokens=cap)
    samples = int(point.budget.amount or 1) if point.budget.kind == "samples" else 1
    return RepeatedCalls(kwargs, calls, samples)


def majority(answers: Iterable[Answer | None], *, key: Callable[[Answer], Hashable] | None = None) -> Chosen[Answer]:
    """Return the answer that most samples agree on; of equally many, the one that came first.

    Args:
        answers: one per sample; None: the sample gave no answer, which is a vote for none.
        key: from an answer to what has to agree, such as its final number; None: the answer itself.

    Returns:
        The first answer of the majority, with its share of all samples, None included.

    Raises:
        ParetorouteError: there is no answer, or an answer cannot be compared.

    Example:
        >>> majority(["4", "5", " 4", None], key=str.strip)
        Chosen(answer='4', index=0, score=0.5)
    """
    listed = list(answers)
    votes: dict[Hashable, list[int]] = {}
    for index, answer in enumerate(listed):
        if answer is None:
            continue
        ballot = answer if key is None else key(answer)
        if not isinstance(ballot, Hashable):
            raise ParetorouteError(
                f"answer {index} is a {type(ballot).__name__}, which cannot be counted; give a key that makes it text"
            )
        votes.setdefault(ballot, []).append(index)
    if not votes:
        raise ParetorouteError(f"none of {len(listed)} samples gave an answer; there is nothing to vote on")
    winners = max(votes.values(), key=len)
    return Chosen(_given(listed, winners[0]), winners[0], len(winners) / len(listed))


def best(answers: Iterable[Answer | None], scorer: Callable[[Answer], float]) -> Chosen[Answer]:
    """Return the answer with the highest score; of equal ones, the one that came first.

    Args:
        answers: one per sample; None: the sample gave no answer.
        scorer: from an answer to a number, higher is better.

    Raises:
        ParetorouteError: there is no answer, or a score is NaN.
    """
    listed = list(answers)
    scores = {index: float(scorer(answer)) for index, answer in enumerate(listed) if answer is not None}
    if not scores:
        raise ParetorouteError(f"none of {len(listed)} samples gave an answer; there is nothing to choose from")
    for index, score in scores.items():
        if math.isnan(score):
            raise ParetorouteError(f"the scorer gave NaN for answer {index}; let it return a number for every answer")
    index = max(scores, key=scores.__getitem__)
    return Chosen(_given(listed, index), index, scores[index])


def _given(answers: list[Answer | None], index: int) -> Answer:
    answer = answers[index]
    assert answer is not None  # the votes and scores are of answers alone
    return answer
