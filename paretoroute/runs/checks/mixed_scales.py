"""Parts of a log whose quality lies in [0, 1] although the log is said to be on a wider scale, such as 0:5 or 0:100.

On such a scale the best of them would count as a fifth or a hundredth: either they are on another scale than the rest
of the log, or the scale is wrong. Files, models and tags are such parts. Where it may be chance it is asked about.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import RunsError, one_line
from paretoroute.runs.columns import Batch
from paretoroute.runs.columns.python_values import python_values
from paretoroute.runs.findings import Finding

WIDE = 10.0  # the upper end of a scale from which on a part of a log within [0, 1] is refused; reported below
FINE = 50.0  # the upper end of a scale on which numbers besides 0 and 1 are expected in its lowest tenth
LEAST_VALUES = 10  # fewer may all be near the worst end by chance
LEAST_ASKED = 3  # likewise, of values that are asked about
SHOWN = 3  # parts in a message
_PARTS = ("model", "tag", "benchmark")
_MANY = ("tag ", "benchmark ", "task ")  # parts of which a log has many


class MixedScales:
    """Keeps the greatest number of quality by file, model and tag."""

    def __init__(self, worst: float, best: float) -> None:
        self.scale = f"{worst:.6g}:{best:.6g}"
        self.low, self.high = min(worst, best), max(worst, best)
        self.most: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self.fractional: set[str] = set()  # parts with a number between 0 and 1
        self.fraction = ""  # the first number between 0 and 1
        self.above: Counter[bool] = Counter()  # numbers above 1, by whether they are whole
        self.ones = 0
        self.is_graded = False  # whether there are numbers other than 0, 1 and the upper end
        self.is_low_graded = False  # whether there are numbers besides 0 and 1 in the lowest tenth of the scale

    @property
    def _applies(self) -> bool:
        return self.low > -1 and self.high > 1  # a reward from -1 on may lie in [0, 1] for other reasons

    def see(self, source: str, batch: Batch, numbers: NDArray[np.float64]) -> None:
        """Note the numbers of a batch, NaN where quality is none, ``(rows,)``."""
        if not self._applies:
            return
        self.note(f"file {source}", numbers)
        for column in _PARTS:
            rows: defaultdict[str, list[int]] = defaultdict(list)
            stated = batch.columns.get(column)
            for row, name in enumerate(() if stated is None else python_values(stated)):
                if name is not None and name != "":
                    rows[one_line(name, 40)].append(row)
            for name, own in rows.items():
                self.note(f"{column} {name}", numbers[own])

    def note(self, part: str, numbers: NDArray[np.float64]) -> None:
        """Note the numbers of a part of the log, NaN where quality is none."""
        stated = numbers[~np.isnan(numbers)]
        if not self._applies or not len(stated):
            return
        self.most[part] = max(self.most.get(part, 0.0), float(stated.max()))
        self.counts[part] += len(stated)
        between = stated[(stated > 0) & (stated < 1)]
        if len(between):
            self.fractional.add(part)
            self.fraction = self.fraction or f"{between[0]:.6g}"
        self.ones += int((stated == 1).sum())
        others = stated[(stated != 0) & (stated != 1)]
        self.is_graded |= bool((others != self.high).any())
        self.is_low_graded |= bool((others <= self.high / 10).any())
        above = stated[stated > 1]
        self.above.update({True: int((above == np.floor(above)).sum()), False: int((above != np.floor(above)).sum())})

    def finish(self) -> list[Finding]:
        """Return the finding on parts of the log within [0, 1].

        Raises:
            RunsError: there are some, and the scale is so wide that they cannot be on it.
        """
        least = LEAST_VALUES if self.low >= 1 else LEAST_ASKED  # on 1:5 a 1 is the worst, and may stand in many rows
        within = [part for part, most in self.most.items() if 0 < most <= 1 and self.counts[part] >= least]
        if not within:
            return self._about_fractions() or self._about_ones()
        if len(within) == len(self.most):
            text = f"quality lies between 0 and 1 in the whole log, where the scale {self.scale} is given"
            remedy = "leave out the scale"
        else:
            more = ", ..." * (len(within) > SHOWN)
            text = f"quality lies between 0 and 1 throughout {', '.join(sorted(within)[:SHOWN])}{more}, on the scale "
            text += f"{self.scale} of the whole log"
            remedy = "bring every part of the log to one scale first, such as [0, 1]"
        if self.high >= WIDE and any(self._is_certain(part) for part in within):
            raise RunsError(f"{text}: its best would count as {1 / self.high:.2g} at most; {remedy}")
        return [Finding("note", f"{text}; if it is another scale, {remedy}")]

    def _is_certain(self, part: str) -> bool:
        """Return whether a part cannot be on the scale: it is long, or has fractions where the rest has none.

        A log has many tags, and the queries of one may be so hard that all answers are near the worst.
        """
        is_long = self.counts[part] >= LEAST_VALUES and (self.high >= FINE or not part.startswith(_MANY))
        return is_long or (part in self.fractional and self._is_whole_above)

    @property
    def _is_whole_above(self) -> bool:
        """Whether all numbers above 1 are whole, and there are some."""
        return self.above[True] >= LEAST_ASKED and not self.above[False]

    def _about_ones(self) -> list[Finding]:
        """Ask about ones that may be the best of another scale: no other number is near them."""
        is_alone = not self.is_graded or (self.high >= FINE and not self.is_low_graded)
        if self.ones < LEAST_ASKED or self.low >= 1 or not self.above.total() or not is_alone:
            return []
        text = (
            f"quality is 1 in some rows, and no other number is near it on the scale {self.scale}; if these rows are "
            "on [0, 1], bring all to one scale first"
        )
        return [Finding("note", text)]

    def _about_fractions(self) -> list[Finding]:
        """Ask about numbers between 0 and 1 among whole numbers."""
        if not self.fraction or not self._is_whole_above or self.low >= 1:
            return []
        text = (
            f"quality has numbers between 0 and 1, such as {self.fraction}, and whole numbers alone above 1, on the "
            f"scale {self.scale}; if some rows are on another scale, bring them to one first, such as [0, 1]"
        )
        return [Finding("note", text)]
