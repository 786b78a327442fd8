"""Decisions with their outcomes, a JSON object per line, which :func:`paretoroute.read_runs` reads as runs."""

from __future__ import annotations

import datetime
import json
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from paretoroute._arrays import given_array
from paretoroute.errors import (
    QueryError,
    RunsError,
    TargetError,
    checked_path,
    expect,
    file_name,
    fraction,
    not_negative,
    one_line,
    real,
    shown,
)
from paretoroute.planner.decision import Decision
from paretoroute.planner.request import text_of
from paretoroute.query import Misfit, Query, sound
from paretoroute.serving.line_file import LineFile

SUFFIXES = (".jsonl", ".ndjson")
FALLBACK_QUALITY = "fallback_quality"  # where read_runs finds no quality, and sets the row aside


class DecisionLog:
    """Appends decisions with their outcomes to a file that ``read_runs`` reads as it is, propensities included.

    Threads and processes may share a file: each row is one write at its end. A row that a killed process left
    unfinished is set aside by the reader, with its line, and takes no other with it. The file holds the queries, and
    only its owner may read it.

    Args:
        path: the file, whose name ends in ``.jsonl`` or ``.ndjson``; made if it is missing.

    Raises:
        RunsError: the name has another ending, or the file cannot be opened for writing.

    Example:
        >>> import tempfile
        >>> import paretoroute as pr
        >>> planner = pr.Planner(pr.fit(pr.demo_runs(), pr.MaxCost(usd=4e-6)))
        >>> log = DecisionLog(tempfile.mkdtemp() + "/decisions.jsonl")
        >>> log.append(planner.plan("What is 2 + 2?"), query="What is 2 + 2?", quality=1.0, cost_usd=2e-6)
        >>> pr.read_runs(log.path).propensity.tolist()
        [1.0]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = checked_path(path, RunsError)
        if not self.path.name.endswith(SUFFIXES):
            raise RunsError(f"{file_name(self.path)}: a log of decisions is JSONL; give it a name that ends in .jsonl")
        try:
            self._file = LineFile(self.path)
        except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
            raise self._unwritable(error) from None

    def append(
        self,
        decision: Decision,
        *,
        query: Query | None = None,
        quality: float,
        cost_usd: float | None = None,
        prompt_tokens: float | None = None,
        completion_tokens: float | None = None,
        reasoning_tokens: float | None = None,
        cached_prompt_tokens: float | None = None,
        cache_write_tokens: float | None = None,
        latency_s: float | None = None,
        trials: int | None = None,
        score: float | None = None,
        tag: str | None = None,
        tenant: str | None = None,
        step: str | None = None,
        conversation: str | None = None,
        embedding: ArrayLike | None = None,
        answered_by: str | None = None,
    ) -> None:
        """Append a decision with the outcome of its call, once that is known.

        Args:
            decision: of the planner.
            query: the text or chat messages that were planned; None only where there is an embedding.
            quality: of the answer, in [0, 1]; True and False are 1 and 0.
            cost_usd: billed; below 0 for a refund. None, as for the other numbers: unknown.
            prompt_tokens: of the whole prompt, those of a cache included.
            completion_tokens: of the whole answer, hidden reasoning included.
            reasoning_tokens: of the answer, hidden reasoning.
            cached_prompt_tokens: of the prompt, read from a cache.
            cache_write_tokens: of the prompt, written to a cache.
            latency_s: seconds to the end of the answer.
            trials: generations that the quality is the mean of.
            score: confidence of a verifier or a vote in the answer.
            tag: of the query, for limits.
            tenant: likewise.
            step: likewise, of an agent's task.
            conversation: whose turns are kept together when something is judged out of fold.
            embedding: the features that were planned, for a policy that was fitted on an ``embedding`` column.
            answered_by: the fallback that answered where the call of the point failed. No draw chose its point, so
                that ``read_runs`` sets the row aside: its quality stands in ``fallback_quality``.

        Raises:
            QueryError: there is neither a text nor an embedding with a query id, or a label is no text.
            RunsError: a number is out of range, or the file cannot be written.
            GridError: the decision has no such fallback.
        """
        expect("the decision", decision, Decision, RunsError)
        row = decision.to_row(answered_by=answered_by)
        labels = {"tag": tag, "tenant": tenant, "step": step, "conversation": conversation}
        numbers = {
            "quality": quality,
            "trials": trials,
            "cost_usd": cost_usd,
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "reasoning_tokens": reasoning_tokens,
            "cached_prompt_tokens": cached_prompt_tokens,
            "cache_write_tokens": cache_write_tokens,
            "latency_s": latency_s,
            "score": score,
        }
        row |= _query(query, embedding, query_id=decision.query_id) | _numbers(numbers)
        labels |= {"query_id": decision.query_id}
        row |= {name: _label(name, label) for name, label in labels.items() if label is not None}
        if "failed_point" in row:
            row[FALLBACK_QUALITY] = row.pop("quality")
        row["time"] = datetime.datetime.now(datetime.UTC).isoformat()
        stated = {name: value for name, value in row.items() if value is not None}
        try:
            self._file.append(json.dumps(stated, allow_nan=False).encode())
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: Exception) -> RunsError:
        reason = getattr(error, "strerror", None) or one_line(error)
        return RunsError(f"{file_name(self.path)} cannot be written: {reason}; name another file")


def _query(query: Query | None, embedding: ArrayLike | None, *, query_id: str | None) -> dict[str, Any]:
    """Return the columns of a query: its text, and its features.

    Raises:
        QueryError: there is neither a text nor an embedding with an id, or one of them has another form.
    """
    text = text_of(query)
    columns: dict[str, Any] = {"query": text} if text else {}
    if embedding is not None:
        vector = given_array(embedding)
        if vector.ndim != 1 or vector.dtype.kind not in "fiu" or not vector.size:
            raise QueryError(f"the embedding must be a list of numbers, got {shown(embedding)}")
        if not (np.abs(vector) <= np.finfo(np.float32).max).all():
            raise QueryError("the embedding must be finite numbers in single precision; one is not")
        columns["embedding"] = [float(number) for number in vector]
    if not text and (embedding is None or not query_id):
        raise QueryError(
            "a decision is logged with its query, or nothing can be learnt from it; give query=, or an embedding of a "
            "query that was planned with a query_id"
        )
    return columns


def _label(name: str, label: object) -> str:
    expect(f"the {name}", label, str, QueryError)
    try:
        return sound(str(label))
    except Misfit as error:
        raise QueryError(f"the {name}: {error}") from None


def _numbers(given: dict[str, float | None]) -> dict[str, float | int]:
    """Return the numbers that are given, whole ones without a point.

    Raises:
        RunsError: one is out of range.
    """
    try:
        checked = {
            name: _CHECKS.get(name, not_negative)(name, value) for name, value in given.items() if value is not None
        }
    except TargetError as error:
        raise RunsError(str(error)) from None
    if "quality" not in checked:
        raise RunsError("quality is missing; append a decision once its outcome is known")
    return {name: int(value) if value.is_integer() else value for name, value in checked.items()}


def _quality(name: str, value: Any) -> float:
    return fraction(name, float(value) if isinstance(value, bool) else value)


def _finite(name: str, value: Any) -> float:
    number = real(name, value)
    if not math.isfinite(number):
        raise TargetError(f"{name} must be a finite number, got {number}")
    return number


def _trials(name: str, value: Any) -> float:
    number = real(name, value)
    if not (number.is_integer() and number >= 1):
        raise TargetError(f"{name} must be a whole number of at least 1, got {number:.12g}")
    return number


_CHECKS: dict[str, Callable[[str, Any], float]] = {
    "quality": _quality,
    "cost_usd": _finite,  # refunds are below 0
    "score": _finite,
    "trials": _trials,
}
