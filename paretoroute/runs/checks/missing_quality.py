"""Rows without a quality, by model: what is left may be chosen by its outcome, and by more at one model than others."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import one_line
from paretoroute.runs.columns import Coded
from paretoroute.runs.findings import Finding

MOST_MISSING = 0.05  # of all rows, or of those of a model; beyond it the rows left may be chosen by their outcome
LEAST_MISSING = 3  # of a model's rows: fewer are chance
_NAMED = 3


class MissingQuality:
    """Counts the rows without a quality, by model."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()

    def see(self, models: Coded, has_quality: NDArray[np.bool_]) -> None:
        """Count the rows of a batch.

        Args:
            models: of the rows.
            has_quality: whether a quality is stated, readable or not, ``(rows,)``.
        """
        size = len(models.values)
        rows = np.bincount(models.codes, minlength=size)
        missing = np.bincount(models.codes, ~has_quality, size)
        self.rows.update(dict(zip(models.values, rows.tolist(), strict=True)))
        self.missing.update({name: int(n) for name, n in zip(models.values, missing.tolist(), strict=True) if n})

    def finish(self) -> list[Finding]:
        """Return the finding on missing values, if they are more than a few of all rows or of those of a model."""
        missing, rows = self.missing.total(), self.rows.total()
        if missing == rows:
            return []
        share = {model: n / self.rows[model] for model, n in self.missing.items() if n >= LEAST_MISSING}
        if missing <= MOST_MISSING * rows and not any(part > MOST_MISSING for part in share.values()):
            return []
        text = (
            f"quality is missing in {missing} of {rows} rows ({missing / rows:.0%}{self._apart(share)}): all figures "
        )
        text += (
            "are of the other rows, which may be chosen by their outcome, such as where failed calls were not judged"
        )
        return [Finding("note", text)]

    def _apart(self, share: dict[str, float]) -> str:
        """Name the models that lack it more often than the log does, where models differ."""
        overall = self.missing.total() / self.rows.total()
        above = [model for model, part in share.items() if part > 1.5 * overall and part > MOST_MISSING]
        worst = sorted(above, key=lambda model: (-share[model], model))
        if not worst or len(self.rows) < 2:
            return ""
        parts = [f"{self.missing[name]} of {self.rows[name]} of {one_line(name, 40)}" for name in worst[:_NAMED]]
        more = f" and {len(worst) - _NAMED} more models" if len(worst) > _NAMED else ""
        return f"; {', '.join(parts)}{more}"
