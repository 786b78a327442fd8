"""The quality of each imported call: which of its scores that is, and on which scale.

Where each task has scores of its own, as in benchmarks, the quality is chosen for each task. Elsewhere one name counts
for the whole log, and a call that only other scores judge is set aside.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute.errors import RunsError, name_some, shown
from paretoroute.query import Misfit
from paretoroute.runs.checks.mixed_scales import MixedScales
from paretoroute.runs.checks.quality_scale import MOST_UNREADABLE, QualityScale, check_letters
from paretoroute.runs.findings import Finding
from paretoroute.runs.importers.calls import NO_SCORE, OTHER_SCORE, Aside, Call, Reading
from paretoroute.runs.importers.scores import Choice, choose_score, quality_of
from paretoroute.runs.importers.values import stars_in
from paretoroute.runs.values import Grade, grade

_MOST_TASKS = 8  # in a sentence
_SHOWN_VALUES = 3


@dataclass(frozen=True, slots=True)
class Scored:
    """Calls with a quality.

    Args:
        calls: the calls.
        qualities: of each.
        findings: sentences for the user.
    """

    calls: list[Call]
    qualities: list[float]
    findings: list[Finding]


def scored(calls: Sequence[Call], reading: Reading, *, wanted: str | None, scale: QualityScale) -> Scored:
    """Return the calls with a quality; set the others aside.

    Args:
        calls: the calls with their scores.
        reading: what the source states of its scores; it takes in what is set aside.
        wanted: the name of the score that the user gives, or None.
        scale: the scale that numbers are on.

    Raises:
        RunsError: the wanted name is in no call, several names may be the quality, or parts of the log are on another
            scale.
    """
    choices = _choices(calls, reading, wanted=wanted, scale=scale)
    result, several, unread = Scored([], [], _about(choices, calls)), 0, Counter[str]()
    _check_letters(calls, reading, choices)
    for call in calls:
        name = _choice(choices, call).name
        values: Sequence[object] = call.scores.get(name, ()) if name is not None else ()
        try:
            quality = quality_of(values, scale=scale, convert=grade if scale == QualityScale() else _grade_or_stars)
        except Misfit as misfit:
            unread[shown(next(iter(values)))] += 1
            detail = f"{misfit}: {shown(next(iter(values)))}"
            reading.asides.append(Aside(call.place, "a score that is no quality", detail))
            continue
        if quality is None:
            reading.asides.append(_unscored(call, name))
            continue
        several += len(values) > 1
        result.calls.append(call)
        result.qualities.append(quality)
    result.findings.extend(_about_scales(result.calls, reading, choices, scale))
    result.findings.extend(_about_unread(unread, len(result.calls)))
    if several:
        text = f"calls with several scores of one name: {several}; their mean counts"
        result.findings.append(Finding("note", text))
    return result


def _choices(
    calls: Sequence[Call], reading: Reading, *, wanted: str | None, scale: QualityScale
) -> Mapping[str | None, Choice]:
    """Return the choice of a score by task; the only one under None where tasks have no scores of their own."""
    if not reading.by_task or wanted is not None:
        return {None: choose_score(calls, wanted=wanted, preferred=reading.preferred, scale=scale)}
    tasks: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        tasks[call.tag].append(call)
    choices: dict[str | None, Choice] = {}
    for task, own in tasks.items():
        preferred = reading.by_task.get(task, [])
        try:
            choices[task] = choose_score(own, wanted=None, preferred=preferred, scale=scale)
        except RunsError as error:
            raise error if len(tasks) == 1 else RunsError(f"task {shown(task)}: {error}") from None
    return choices


def _choice(choices: Mapping[str | None, Choice], call: Call) -> Choice:
    return choices[call.tag] if call.tag in choices else choices[None]


def _about(choices: Mapping[str | None, Choice], calls: Sequence[Call]) -> list[Finding]:
    """Return which score is the quality, where there was a choice or tasks differ."""
    sentences = {choice.sentence for choice in choices.values()}
    names = {choice.name for choice in choices.values() if choice.name is not None}
    if len(sentences) == 1 and (len(choices) == 1 or len(names) < 2):
        return [Finding("note", sentence) for sentence in sentences if sentence]
    chosen = [f"{choice.name!r} of {task}" for task, choice in sorted(choices.items(), key=str) if choice.name]
    more = f" and of {len(chosen) - _MOST_TASKS} more tasks" if len(chosen) > _MOST_TASKS else ""
    text = f"quality is the score {', '.join(chosen[:_MOST_TASKS])}{more}"
    others = sorted({name for call in calls for name in call.scores} - names)
    text += f"; the log also has {name_some(others)}" if others else ""
    text += " (--score NAME takes one for all tasks)"
    return [Finding("note", text)]


def _grade_or_stars(value: object) -> Grade:
    """Return the quality that a value states on a scale, to which the number of drawn stars belongs."""
    stars = stars_in(value) if isinstance(value, str) else None
    return grade(value) if stars is None else Grade(stars)


def _check_letters(calls: Sequence[Call], reading: Reading, choices: Mapping[str | None, Choice]) -> None:
    """Refuse letters that may be marks: an F is the worst of them, and a C is not the best.

    Raises:
        RunsError: they are not letters of one kind.
    """
    letters = {
        value.strip().upper()
        for call in calls
        for value in call.scores.get(_choice(choices, call).name or "", ())
        if isinstance(value, str) and len(value.strip()) == 1 and value.strip().isalpha()
    }
    try:
        check_letters(letters, is_partial_alone_open=not reading.by_task)
    except RunsError as error:
        raise RunsError(f"{error}; --score NAME takes another score of the log") from None


def _about_unread(unread: Counter[str], calls: int) -> list[Finding]:
    """Ask about scores that state no quality, where so many are set aside that the outcome chooses the others."""
    total = unread.total()
    if total <= MOST_UNREADABLE * (total + calls):
        return []
    values = ", ".join(f"{value} ({n})" for value, n in unread.most_common(_SHOWN_VALUES))
    text = (
        f"scores of {total} of {total + calls} calls are no quality, the commonest {values}: the calls that are left "
        "are chosen by their outcome; give each word a number, or take another score with --score NAME"
    )
    return [Finding("note", text)]


def _unscored(call: Call, name: str | None) -> Aside:
    others = sorted(other for other in call.scores if other != name and call.scores[other])
    if name is None or not others:
        return Aside(call.place, NO_SCORE)
    return Aside(call.place, OTHER_SCORE, f"{name!r} is missing, there is {name_some(others)}; --score NAME chooses")


def _about_scales(
    calls: Sequence[Call], reading: Reading, choices: Mapping[str | None, Choice], scale: QualityScale
) -> list[Finding]:
    """Ask about files, models and tasks that may be on another scale than the one of the log.

    Raises:
        RunsError: some must be.
    """
    mixed = MixedScales(scale.worst, scale.best)
    parts: defaultdict[str, list[float]] = defaultdict(list)
    for call in calls:
        for value in call.scores[_choice(choices, call).name or ""]:
            read = _grade_or_stars(value)
            if read.is_number:
                parts[f"model {call.model}"].append(read.value)
                parts[f"task {call.tag}" if call.tag else ""].append(read.value)
                parts["" if reading.scores else f"file {call.place.file}"].append(read.value)
    names = {choice.name for choice in choices.values()}
    for score in reading.scores:
        if score.name in names and (number := _number(score.value)) is not None:
            parts[f"file {score.place.file}"].append(number)
    parts.pop("", None)
    for part, values in parts.items():
        mixed.note(part, np.asarray(values))
    return mixed.finish()


def _number(value: object) -> float | None:
    """Return the number that a score is; None for a word, and for what is no quality."""
    try:
        read = _grade_or_stars(value)
    except Misfit:
        return None
    return read.value if read.is_number else None
