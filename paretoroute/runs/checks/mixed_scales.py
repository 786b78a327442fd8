"""Files and models whose quality lies in [0, 1] although the log is said to be on a wide scale, such as 0:100.

On such a scale the best of them would count as one hundredth: either they are on another scale than the rest of the
log, or the scale is wrong.
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
LEAST_VALUES = 10  # fewer may all be near the worst end by chance
SHOWN = 3  # parts in a message


class MixedScales:
    """Keeps the greatest number of quality by file and by model."""

    def __init__(self, worst: float, best: float) -> None:
        self.scale = f"{worst:.6g}:{best:.6g}"
        self.low, self.high = min(worst, best), max(worst, best)
        self.most: dict[str, float] = {}
        self.counts: Counter[str] = Counter()

    @property
    def _applies(self) -> bool:
        return self.low > -1 and self.high > 1  # a reward from -1 on may lie in [0, 1] for other reasons

    def see(self, source: str, batch: Batch, numbers: NDArray[np.float64]) -> None:
        """Note the numbers of a batch, NaN where quality is none, ``(rows,)``."""
        self.note(f"file {source}", numbers)
        models = batch.columns.get("model")
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for row, name in enumerate(() if models is None else python_values(models)):
            rows[one_line(name, 40)].append(row)
        for name, own in rows.items():
            self.note(f"model {name}", numbers[own])

    def note(self, part: str, numbers: NDArray[np.float64]) -> None:
        """Note the numbers of a part of the log, NaN where quality is none."""
        if not self._applies:
            return
        stated = numbers[~np.isnan(numbers)]
        if len(stated):
            self.most[part] = max(self.most.get(part, 0.0), float(stated.max()))
            self.counts[part] += len(stated)

    def finish(self) -> list[Finding]:
        """Return the finding on parts of the log within [0, 1].

        Raises:
            RunsError: there are some, and the scale is so wide that they cannot be on it.
        """
        within = [part for part, most in self.most.items() if 0 < most <= 1 and self.counts[part] >= LEAST_VALUES]
        if not within:
            return []
        if len(within) == len(self.most):
            text = f"quality lies between 0 and 1 in the whole log, where the scale {self.scale} is given"
            remedy = "leave out the scale"
        else:
            more = ", ..." * (len(within) > SHOWN)
            text = f"quality lies between 0 and 1 throughout {', '.join(sorted(within)[:SHOWN])}{more}, on the scale "
            text += f"{self.scale} of the whole log"
            remedy = "bring every part of the log to one scale first, such as [0, 1]"
        if self.high >= WIDE:
            raise RunsError(f"{text}: its best would count as {1 / self.high:.2g} at most; {remedy}")
        return [Finding("note", f"{text}; if it is another scale, {remedy}")]
