"""Join scores with the calls that they judge, and choose the score that is the quality.

A score names a call by the most specific id that it states: its own, else that of its trace, which counts only if the
trace has one call. An id of several points or queries counts only where the score states the model that it judges. A
score that names a call which is not in the log joins nothing, and scores that judge no call leave those of the log.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paretoroute.errors import RunsError, file_name, name_some, shown
from paretoroute.query import Misfit
from paretoroute.runs.checks.quality_scale import QualityScale
from paretoroute.runs.importers.calls import Aside, Call, Reading, Score
from paretoroute.runs.importers.messages import query_id
from paretoroute.runs.importers.model_names import is_same_model
from paretoroute.runs.importers.records import Record, opened
from paretoroute.runs.importers.values import first, mapping, text
from paretoroute.runs.values import grade

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".jsonl.gz", ".json.gz", ".csv.gz")
VALUES = ("value", "quality", "score")
TRACES = ("trace_id",)  # ids that several calls may share
_USUAL = ("quality", "correct", "correctness", "is_correct", "accuracy", "exact_match", "score", "pass", "passed")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD_TYPES = ("CATEGORICAL", "BOOLEAN", "TEXT")


@dataclass
class Joined:
    """Calls with their scores.

    Args:
        calls: the calls.
        unmatched: scores that name no call of the log.
        shared: scores of traces or ids with several calls, which belong to none of them.
    """

    calls: list[Call]
    unmatched: list[Score] = field(default_factory=list)
    shared: list[Score] = field(default_factory=list)


def read_scores(path: Path, reading: Reading) -> None:
    """Read a file of scores alone into a reading; records that are none are set aside.

    Raises:
        RunsError: the file cannot be read, or holds no score.
    """
    scores: list[Score] = []
    for record in opened(path):
        if isinstance(record, Aside):
            reading.asides.append(record)
        elif (score := score_of(record)) is not None:
            scores.append(score)
        else:
            reading.asides.append(Aside(record.place, "no score: it needs an id and value or quality"))
    if not scores:
        raise RunsError(
            f"{file_name(path)} holds no score; a score has value or quality, and an id of the call that it judges"
        )
    reading.scores += scores


def score_of(record: Record) -> Score | None:
    """Return the score that a record states, or None: a value and at least one id.

    Ids are the fields whose names end in ``id``, in any spelling; ``traceId`` is ``trace_id``. So is Gemini's ``key``.
    """
    row = record.value
    words, kind = (
        first(row.get("stringValue"), row.get("string_value")),
        first(row.get("dataType"), row.get("data_type")),
    )
    result = mapping(row.get("result")) or {key: row.get(f"result.{key}") for key in ("score", "label")}  # of Phoenix
    value = first(*(row.get(name) for name in VALUES), result.get("score"), result.get("label"))
    if words is not None and (value is None or kind in _WORD_TYPES):
        value = words
    ids = {snake(name): text(item) for name, item in row.items() if _is_id(name) and text(item)}
    if value is None and not any(name in row for name in VALUES) or not ids:
        return None
    return Score(
        record.place, text(first(row.get("name"), row.get("annotation_name"))), value, ids, text(row.get("model"))
    )


def _is_id(name: str) -> bool:
    return name.casefold().endswith("id") or name == "key"


def snake(name: str) -> str:
    """Return a name in lower case with underscores: ``observationId`` as ``observation_id``."""
    return _CAMEL.sub("_", name).casefold()


def join_scores(calls: Sequence[Call], scores: Sequence[Score], *, key: str | None) -> Joined:
    """Give each call the scores that name it; without any score the calls stay as they are.

    Args:
        calls: the calls.
        scores: the scores.
        key: the one id to join on, ``NAME`` or ``NAME_IN_LOG=NAME_IN_SCORES``; None: the most specific one.

    Raises:
        RunsError: no call or no score has the id named.
    """
    if not scores:
        return Joined(list(calls))
    keys = _keys(calls, key)
    index: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for i, call in enumerate(calls):
        for name, value in call.ids.items():
            index[name, value].append(i)
    _check_key(key, keys, index.keys(), scores)
    given: list[defaultdict[str, list[object]]] = [defaultdict(list) for _ in calls]
    traced: list[defaultdict[str, list[object]]] = [defaultdict(list) for _ in calls]
    joined = Joined([])
    for score in scores:
        named = _named(score, keys, index)
        is_trace = named is not None and named[0] in TRACES
        matches = _of_its_model(score, calls, index.get(named, []) if named else [])
        if not matches:
            joined.unmatched.append(score)
        elif len(matches) > 1 and (is_trace or not _is_one_point([calls[i] for i in matches])):
            joined.shared.append(score)
        else:
            for i in matches:
                (traced if is_trace else given)[i][score.name].append(score.value)
    if not any(given) and not any(traced):
        joined.calls = list(calls)
        return joined
    joined.calls = [
        replace(call, scores={**own, **direct}) if direct or own else replace(call, scores={})
        for call, direct, own in zip(calls, given, traced, strict=True)
    ]
    return joined


def _of_its_model(score: Score, calls: Sequence[Call], matches: Sequence[int]) -> Sequence[int]:
    """Return which of several calls with one id are by the model that a score states, if it states one."""
    if len(matches) < 2 or not score.model:
        return matches
    return [i for i in matches if calls[i].model == score.model or is_same_model(score.model, calls[i].model)]


def _is_one_point(calls: Sequence[Call]) -> bool:
    """Return whether calls are repeats: one query at one point."""
    return len({(call.model, call.budget, query_id(call.query, call.beside)) for call in calls}) == 1


@dataclass(frozen=True, slots=True)
class _Keys:
    """Names of the ids to join on, the most specific first.

    Args:
        ours: in the log.
        theirs: in the scores, in the same order.
    """

    ours: list[str]
    theirs: list[str]


def _keys(calls: Sequence[Call], key: str | None) -> _Keys:
    if key is not None:
        ours, _, theirs = key.partition("=")
        return _Keys([snake(ours.strip())], [snake((theirs or ours).strip())])
    names = list(dict.fromkeys(name for call in calls for name in call.ids))
    names.sort(key=lambda name: name in TRACES)
    return _Keys(names, names)


def _named(score: Score, keys: _Keys, index: Mapping[tuple[str, str], Sequence[int]]) -> tuple[str, str] | None:
    """Return name and value of the id that decides, where the score's ``id`` may be its own and not the call's."""
    for our, their in zip(keys.ours, keys.theirs, strict=True):
        if their in score.ids and (their != "id" or (our, score.ids[their]) in index):
            return our, score.ids[their]
    return None


def _check_key(key: str | None, keys: _Keys, known: Iterable[tuple[str, str]], scores: Sequence[Score]) -> None:
    in_log = sorted({name for name, _ in known})
    in_scores = sorted({name for score in scores for name in score.ids})
    if key is not None and (keys.ours[0] not in in_log or keys.theirs[0] not in in_scores):
        raise RunsError(
            f"--join {shown(key)}: the calls have the ids {', '.join(in_log) or 'none'}, the scores have "
            f"{', '.join(in_scores) or 'none'}; write NAME, or NAME_OF_THE_CALLS=NAME_OF_THE_SCORES"
        )
    if in_log and not set(keys.theirs) & set(in_scores):
        raise RunsError(
            f"the scores name calls by {', '.join(in_scores)}, and the log by {', '.join(in_log)}: they have no id in "
            "common; write --join NAME_IN_LOG=NAME_IN_SCORES"
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """The score that is the quality.

    Args:
        name: of it; None if no call has a score.
        sentence: for the user, where there was a choice.
    """

    name: str | None
    sentence: str = ""


def choose_score(calls: Sequence[Call], *, wanted: str | None, preferred: Sequence[str], scale: QualityScale) -> Choice:
    """Return the score that is the quality.

    The only name is taken. Of several, those whose values are no quality are left out. Then counts what the tool itself
    names first, then a usual name (correct, accuracy), then the name that judges the most calls.

    Args:
        calls: the calls with their scores.
        wanted: the name that the user gives.
        preferred: the names that the tool puts first.
        scale: the scale that numbers are on.

    Raises:
        RunsError: the wanted name is in no call, or several names are left.
    """
    counts = Counter(name for call in calls for name in call.scores)
    if wanted is not None:
        if wanted not in counts:
            raise RunsError(f"--score {shown(wanted)}: no call has such a score; there are {name_some(sorted(counts))}")
        return Choice(wanted)
    if len(counts) < 2:
        return Choice(next(iter(counts), None))
    usable = [name for name in counts if _is_quality(calls, name, scale)] or list(counts)
    chosen = next((name for name in preferred if name in usable), None)
    chosen = chosen or next((name for name in _USUAL if name in map(str.casefold, usable)), None)
    most = [name for name in usable if counts[name] == max(counts[name] for name in usable)]
    unfit = _unfit(counts, usable, preferred)
    if chosen is None and len(usable) > 1 and len(most) > 1:
        raise RunsError(
            f"the calls have several scores that may be the quality: {name_some(sorted(usable))}; name one with "
            f"--score NAME{unfit}"
        )
    name = next(name for name in usable if name.casefold() == (chosen or most[0]).casefold())
    others = name_some(sorted(set(counts) - {name}))
    return Choice(name, f"quality is the score {name!r}; the log also has {others} (choose with --score NAME){unfit}")


def _unfit(names: Iterable[str], usable: Sequence[str], preferred: Sequence[str]) -> str:
    """Return a clause on the score that the tool puts first, where its values are no quality."""
    first_one = next((name for name in preferred if name in names), None)
    if first_one is None or first_one in usable:
        return ""
    return f"; {first_one!r}, which the tool puts first, has values off the scale: --quality-scale WORST:BEST states it"


def _is_quality(calls: Sequence[Call], name: str, scale: QualityScale) -> bool:
    """Return whether the values of a score are numbers on the scale, or words that state a quality."""
    low, high = min(scale.worst, scale.best), max(scale.worst, scale.best)
    for call in calls:
        for value in call.scores.get(name, ()):
            try:
                read = grade(value)
            except Misfit:
                return False
            if read.is_number and not (low <= read.value <= high or read.value != read.value):
                return False
    return True


def quality_of(
    values: Sequence[object], *, scale: QualityScale, convert: Callable[[object], Any] = grade
) -> float | None:
    """Return the quality that the values of one score state: the mean of several; None without any.

    Numbers outside the scale are kept as they are rescaled: the reader of runs refuses a log on another scale.

    Raises:
        Misfit: a value states no quality.
    """
    total, number = 0.0, 0
    for value in values:
        read = convert(value)
        if read.value == read.value:
            total += (read.value - scale.worst) / (scale.best - scale.worst) if read.is_number else read.value
            number += 1
    return total / number if number else None


def flat(scores: Mapping[str, object]) -> dict[str, list[object]]:
    """Return scores by name as lists of values; those of an object are named ``NAME.KEY``.

    Example:
        >>> flat({"match": "C", "judge": {"style": 1, "fact": 0}})
        {'match': ['C'], 'judge.style': [1], 'judge.fact': [0]}
    """
    result: dict[str, list[object]] = {}
    for name, value in scores.items():
        if isinstance(value, Mapping):
            result |= {f"{name}.{key}": [item] for key, item in value.items() if item is not None}
        elif isinstance(value, list):
            result |= {f"{name}.{i}": [item] for i, item in enumerate(value) if item is not None}
        elif value is not None:
            result[name] = [value]
    return result
