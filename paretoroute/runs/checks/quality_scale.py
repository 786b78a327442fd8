"""The column of quality: values of any form read onto [0, 1], and a check that they are on the scale named.

A log whose quality is on another scale is refused as a whole: if only the rows in [0, 1] were kept, the outcome would
select them. The same holds where more than a few values cannot be read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import RunsError, one_line
from paretoroute.query import Misfit
from paretoroute.runs.checks.missing_quality import MissingQuality
from paretoroute.runs.checks.mixed_scales import MixedScales
from paretoroute.runs.columns import Batch, Coded, Fault, uniform_numbers
from paretoroute.runs.columns.python_values import python_values
from paretoroute.runs.findings import Finding
from paretoroute.runs.formats.base import Source
from paretoroute.runs.values import Grade, grade

ROUNDING = 1e-6  # of the scale; beyond its ends by less is clipped
MOST_UNREADABLE = 0.01  # of the rows that state a quality; beyond it the log is refused
FEW = 0.01  # of the rows: outside the scale by error rather than on another one
SHOWN = 3  # files and values in a message
MOST_DISTINCT = 1000  # unreadable values that are told apart
_COMMON_SCALES = ((1, 5), (1, 10), (0, 5), (0, 10), (0, 100), (-1, 1), (-100, 100))
_LETTERS = (frozenset("CIPN"), frozenset("TF"), frozenset("YN"))
_FORMS = "a number in [0, 1], true or false, pass or fail, correct or incorrect, a letter C, I, P, N, or a percentage"


@dataclass(frozen=True, slots=True)
class QualityScale:
    """The scale that numbers of quality are on.

    Args:
        worst: the number that means quality 0.
        best: the number that means quality 1; below ``worst`` where less is better.
    """

    worst: float = 0.0
    best: float = 1.0

    @classmethod
    def of(cls, ends: object) -> QualityScale:
        """Check two ends as a caller gives them.

        Raises:
            RunsError: they are not two different finite numbers.
        """
        pair = list(ends) if isinstance(ends, Sequence) and not isinstance(ends, str) and len(ends) == 2 else []
        is_pair = len(pair) == 2 and all(isinstance(end, int | float) and not isinstance(end, bool) for end in pair)
        if not is_pair or not all(math.isfinite(end) for end in pair) or pair[0] == pair[1]:
            raise RunsError(
                f"quality_scale {one_line(ends)!r}: give two different numbers, the worst and the best quality of the "
                "scale, such as (1, 5), or --quality-scale 1:5 on the command line"
            )
        return cls(float(pair[0]), float(pair[1]))

    @classmethod
    def parse(cls, text: str) -> QualityScale:
        """Parse the form of the command line, ``WORST:BEST``.

        Raises:
            RunsError: the text has another form.

        Example:
            >>> QualityScale.parse("1:5")
            QualityScale(worst=1.0, best=5.0)
        """
        try:
            return cls.of([float(end) for end in text.split(":")])
        except ValueError:
            raise RunsError(
                f"--quality-scale {one_line(text)!r}: write WORST:BEST, two different numbers such as 1:5; "
                "5:1 where 1 is the best"
            ) from None

    def __str__(self) -> str:
        return f"{self.worst:.6g}:{self.best:.6g}"

    @property
    def name(self) -> str:
        """Its name in messages."""
        return "[0, 1]" if self == QualityScale() else f"the scale {self}"

    def rescaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return numbers of this scale as quality, ``(rows,)``."""
        return (values - self.worst) / (self.best - self.worst)


class _Graded(NamedTuple):
    """The values of one column.

    Args:
        values: as `Grade.value`, NaN where missing or unreadable, ``(rows,)``.
        is_number: as `Grade.is_number`, bool ``(rows,)``.
        unreadable: positions of the rows by the reason why they state no quality.
    """

    values: NDArray[np.float64]
    is_number: NDArray[np.bool_]
    unreadable: dict[str, list[int]]


@dataclass
class _Outside:
    """The numbers outside the scale.

    Args:
        by_source: number of rows by name of the source.
        first: place and value of the first one.
        values: the first two distinct values.
        counts: how many could count the right answers among the row's trials.
    """

    by_source: Counter[str] = field(default_factory=Counter)
    first: str = ""
    values: set[float] = field(default_factory=set)
    counts: int = 0


class QualityCheck:
    """Reads the quality of every batch and checks the log as a whole.

    Args:
        scale: the scale that numbers are on. Booleans, words, letters and percentages mean the same on every
            ascending scale; on a descending one they are refused.
    """

    def __init__(self, scale: QualityScale) -> None:
        self.scale = scale
        self.rows = 0
        self.stated = 0
        self.low, self.high = math.inf, -math.inf
        self.mixed = MixedScales(scale.worst, scale.best)
        self.missing = MissingQuality()
        self.outside = _Outside()
        self.letters: set[str] = set()
        self.first_word = ""
        self.unreadable: Counter[str] = Counter()
        self.first_unreadable = ""

    def read(
        self, source: Source, batch: Batch, faults: list[Fault], *, trials: NDArray[np.float64], models: Coded
    ) -> NDArray[np.float64]:
        """Read the quality of a batch in [0, 1], ``(rows,)``, NaN where it is missing or unreadable.

        Rows outside the scale are kept here, with any value, since :meth:`finish` refuses their log.

        Args:
            source: where the batch is from.
            batch: the rows.
            faults: of the batch; those of unreadable values are appended.
            trials: number of trials of each row, ``(rows,)``.
            models: of the rows.
        """
        graded = self._graded(batch)
        values, is_number = graded.values, graded.is_number
        self._record_unreadable(source, batch, graded.unreadable, faults)
        has_value = ~np.isnan(values)
        self.rows += len(values)
        self.stated += int(has_value.sum())
        unread = np.concatenate([np.array(rows, np.int64) for rows in ([], *graded.unreadable.values())])
        self.missing.see(models, has_value | np.isin(np.arange(len(values)), unread))
        quality = np.where(is_number, self.scale.rescaled(values), values)
        is_outside = (quality < -ROUNDING) | (quality > 1 + ROUNDING)
        ranged = values[has_value & (is_number | is_outside)]
        self.low, self.high = min(self.low, ranged.min(initial=math.inf)), max(self.high, ranged.max(initial=-math.inf))
        self.mixed.see(source.name, batch, np.where(is_number, values, np.nan))
        if not self.first_word and not is_number.all():
            self.first_word = self._place(source, batch, int(is_number.argmin()))
        self._record_outside(source, batch, values, is_outside=is_outside, trials=trials)
        return np.clip(quality, 0.0, 1.0) + 0.0

    def _graded(self, batch: Batch) -> _Graded:
        column = batch.columns.get("quality")
        size = len(batch.lines)
        values = np.full(size, np.nan) if column is None else uniform_numbers(column)
        is_number = np.ones(size, bool)
        if values is not None:
            infinite = np.flatnonzero(np.isinf(values)).tolist()
            values[infinite] = np.nan
            return _Graded(values, is_number, {"not finite": infinite} if infinite else {})
        values, unreadable, cache = np.full(size, np.nan), {}, {}
        for row, value in enumerate(python_values(column)):
            key = value if isinstance(value, str) else None
            stated = cache.get(key) if key is not None else None
            if stated is None:
                stated = _grade_or_reason(value)
                cache |= {} if key is None else {key: stated}
            if isinstance(stated, str):
                unreadable.setdefault(stated, []).append(row)
                continue
            values[row], is_number[row] = stated.value, stated.is_number
            if stated.letter:
                self.letters.add(stated.letter)
        return _Graded(values, is_number, unreadable)

    def _record_unreadable(
        self, source: Source, batch: Batch, unreadable: dict[str, list[int]], faults: list[Fault]
    ) -> None:
        if not unreadable:
            return
        values = python_values(batch.columns["quality"])
        for reason, rows in unreadable.items():
            faults.append(Fault("quality", reason, np.array(rows), lambda i, rows=rows: values[rows[i]]))
            self.stated += len(rows)
            for row in rows:
                value = values[row]
                if isinstance(value, str) and len(value.strip()) == 1 and value.strip().isalpha():
                    self.letters.add(value.strip().upper())
                shown = repr(one_line(value, 40)) if isinstance(value, str) else one_line(value, 40)
                self.unreadable[shown if len(self.unreadable) < MOST_DISTINCT else "others"] += 1
        if not self.first_unreadable:
            reason, rows = min(unreadable.items(), key=lambda item: item[1][0])
            self.first_unreadable = f"{self._place(source, batch, rows[0])} ({reason})"

    def _record_outside(
        self,
        source: Source,
        batch: Batch,
        values: NDArray[np.float64],
        *,
        is_outside: NDArray[np.bool_],
        trials: NDArray[np.float64],
    ) -> None:
        if not is_outside.any():
            return
        outside = self.outside
        numbers = values[is_outside]
        if not outside.first:
            outside.first = f"{self._place(source, batch, int(is_outside.argmax()))}: {numbers[0]:.6g}"
        outside.by_source[source.name] += len(numbers)
        outside.values |= set(np.unique(numbers)[:2].tolist())
        outside.counts += int(((numbers == np.floor(numbers)) & (numbers > 1) & (numbers <= trials[is_outside])).sum())

    def _place(self, source: Source, batch: Batch, row: int) -> str:
        return f"{source.name}, {source.unit} {batch.lines[row]}"

    def finish(self) -> list[Finding]:
        """Return what the user should know about the column.

        Raises:
            RunsError: the values are on another scale, or cannot be read in more than 1% of the rows that state one.
        """
        if self.outside.by_source:
            raise RunsError(self._wrong_scale())
        check_letters(self.letters)
        if sum(self.unreadable.values()) > MOST_UNREADABLE * self.stated:
            raise RunsError(self._not_readable())
        if self.first_word and self.scale.best < self.scale.worst:
            raise RunsError(
                f"{self.first_word}: a quality that is no number has no place on the descending scale {self.scale}; "
                "write numbers, or leave out the scale"
            )
        return [*self.missing.finish(), *self._rescaled(), *self.mixed.finish()]

    def _wrong_scale(self) -> str:
        outside = self.outside
        count = outside.by_source.total()
        files = ", ".join(f"{name}: {n}" for name, n in outside.by_source.most_common(SHOWN))
        more = "" if len(outside.by_source) <= SHOWN else f", and {len(outside.by_source) - SHOWN} more files"
        return (
            f"quality is outside {self.scale.name} in {count} of {self.stated} rows ({files}{more}; "
            f"the first is {outside.first}): its values range from {self.low:.6g} to {self.high:.6g}. "
            f"{self._way_out(count)} No row is set aside for its outcome"
        )

    def _way_out(self, count: int) -> str:
        """Advise on values outside the scale, the likeliest cause first."""
        advice = []
        if self.outside.counts == count:
            advice.append("If quality counts the right answers among trials, log quality = k/n.")
        elif len(self.outside.values) == 1:
            value = next(iter(self.outside.values))
            advice.append(f"If {value:.6g} marks a missing quality or is an error, leave it empty or correct it.")
        elif count <= FEW * self.stated:
            advice.append("Correct these rows if their values are errors.")
        if self.scale == QualityScale():
            scale = _likely_scale(self.low, self.high)
            ends = f"({scale.worst:.6g}, {scale.best:.6g})"
            advice.append(
                "If quality is on another scale, name its worst and its best value, also those that this log lacks: "
                f"--quality-scale {scale}, or read_runs(..., quality_scale={ends})."
            )
        else:
            advice.append("Name the ends that the scale really has with --quality-scale WORST:BEST.")
        return " ".join(advice)

    def _not_readable(self) -> str:
        count = self.unreadable.total()
        values = ", ".join(f"{value} ({n})" for value, n in self.unreadable.most_common(SHOWN))
        fraction = next((value for value in self.unreadable if "/" in value), None)
        hint = f" Write k of n, such as {fraction}, as quality = k/n with trials = n." if fraction else ""
        return (
            f"quality cannot be read in {count} of {self.stated} rows that state one, the commonest {values}; "
            f"the first is {self.first_unreadable}. Log {_FORMS}.{hint} These rows are not set aside, since the rows "
            "left would be chosen by their outcome"
        )

    def _rescaled(self) -> list[Finding]:
        if self.scale == QualityScale():
            return []
        seen = f"its values range from {self.low:.6g} to {self.high:.6g}"
        text = f"quality is rescaled to [0, 1] from the scale {self.scale}, worst to best; "
        text += seen if self.low <= self.high else "it has no numbers, so that nothing changes"
        return [Finding("note", text)]


def check_letters(letters: Set[str], *, is_partial_alone_open: bool = True) -> None:
    """Refuse letters that may mean one thing or another.

    Args:
        letters: all that a log has, in upper case.
        is_partial_alone_open: whether ``P`` without ``C`` and ``I`` may mean passed.

    Raises:
        RunsError: they are not letters of one kind.
    """
    is_partial_alone = is_partial_alone_open and "P" in letters and not letters & {"C", "I"}
    if not any(letters <= together for together in _LETTERS) or is_partial_alone:
        raise RunsError(
            f"quality has the letters {', '.join(sorted(letters))}, whose meaning is open: C, I, P, N are read "
            "together (correct, incorrect, partial, no answer), T and F, Y and N; write words such as pass and "
            "fail, or numbers in [0, 1]"
        )


def _grade_or_reason(value: object) -> Grade | str:
    """Return the quality that a value states, or the reason why it states none."""
    try:
        stated = grade(value)
    except Misfit as misfit:
        return str(misfit)
    return "not finite" if math.isinf(stated.value) else stated


def _likely_scale(low: float, high: float) -> QualityScale:
    """Return the narrowest common scale that holds the values seen, or these themselves."""
    scales = (QualityScale(*map(float, ends)) for ends in _COMMON_SCALES)
    return next((scale for scale in scales if scale.worst <= low and high <= scale.best), QualityScale(low, high))
