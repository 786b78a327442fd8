"""Conversion of mapped values: units of money, time and tokens, scales and grades of quality."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from paretoroute.errors import shown
from paretoroute.query import Misfit
from paretoroute.runs.importers.calls import Unusable
from paretoroute.runs.importers.values import literal, parsed, stars_in
from paretoroute.runs.values import Grade, grade, is_absent_text, number
from paretoroute.runs.written_numbers import COUNTS, Written, count, duration, money, with_point

UNITS: dict[str, dict[str, float]] = {
    "cost_usd": {"usd": 1.0, "cents": 0.01, "millicents": 1e-5, "usd_micros": 1e-6, "usd_nanos": 1e-9},
    "latency_s": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0},
    **dict.fromkeys(
        ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_prompt_tokens", "cache_write_tokens"),
        {"tokens": 1.0, "thousand": 1000.0},
    ),
}
NUMBERS = (*UNITS, "budget", "sample_index", "propensity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How a value becomes one of a column.

    Args:
        column: that it becomes one of.
        unit: what one of it is, such as 0.001 for milliseconds; None: that of the column, or the one that it names.
        times: a factor beside the unit.
        scale: the worst and the best number of quality, or None.
        grades: quality by word or letter, in lower case.
        decimal: what stands before the decimals of a number that is text, ``,`` or ``.``; ``""``: not stated.
    """

    column: str = ""
    unit: float | None = None
    times: float = 1.0
    scale: tuple[float, float] | None = None
    grades: Mapping[str, float] = field(default_factory=dict)
    decimal: str = ""

    def number(self, value: object) -> float | None:
        """Return a number in the unit of the column; None for a missing one.

        Raises:
            Misfit: the value is no number, or it names another unit than the mapping.
        """
        if value is None or (isinstance(value, str) and is_absent_text(value)):
            return None
        read = self._read(value)
        if math.isnan(read.value):
            return None
        if math.isinf(read.value):
            raise Misfit("not a number")
        if read.unit is not None and self.unit not in (None, read.unit):
            raise Misfit("a unit of its own beside that of the mapping")
        unit = next((unit for unit in (self.unit, read.unit) if unit is not None), 1.0)
        return float(f"{read.value * unit * self.times:.15g}")  # 350 ms are 0.35 s, and not 0.35000000000000003

    def _read(self, value: object) -> Written:
        value = with_point(value, self.decimal) if self.decimal and isinstance(value, str) else value
        if self.column == "cost_usd":
            return money(value)
        if self.column == "latency_s":
            return duration(value)
        return Written(count(value) if self.column in COUNTS else number(value))

    def quality(self, value: object) -> float | None:
        """Return a quality in [0, 1]; None for a missing one. A number outside the scale is returned as it falls.

        Raises:
            Misfit: the value states no quality.
        """
        if isinstance(value, str) and value.strip().casefold() in self.grades:
            return self.grades[value.strip().casefold()]
        if self.grades and not isinstance(value, str) and str(value).casefold() in self.grades:
            return self.grades[str(value).casefold()]
        if self.grades and isinstance(value, str) and value.strip():
            raise Misfit("a grade that the mapping does not name")
        read = self._graded(value)
        if read.value != read.value:
            return None
        if not read.is_number or self.scale is None:
            return read.value
        worst, best = self.scale
        return (read.value - worst) / (best - worst)

    def number_of_quality(self, value: object) -> float | None:
        """Return the number to which the scale applies; None for a word, a grade, and for what is no quality."""
        if self.grades:
            return None
        try:
            read = self._graded(value)
        except Misfit:
            return None
        return read.value if read.is_number and math.isfinite(read.value) else None

    def _graded(self, value: object) -> Grade:
        value = with_point(value, self.decimal) if self.decimal and isinstance(value, str) else value
        stars = stars_in(value) if self.scale is not None and isinstance(value, str) else None
        return grade(value) if stars is None else Grade(stars)


def parameters_in(value: object) -> Mapping[str, Any]:
    """Return the parameters of a request: an object, the text of one in JSON or Python, or ``a=1, b=2``.

    Raises:
        Unusable: it is none.

    Example:
        >>> parameters_in("{'n': 3}"), parameters_in("reasoning_effort=high, n=1"), parameters_in(None)
        ({'n': 3}, {'reasoning_effort': 'high', 'n': '1'}, {})
    """
    read = literal(parsed(value))
    if isinstance(read, Mapping):
        return read
    if read is None or (isinstance(read, str) and is_absent_text(read)):
        return {}
    pairs = [part.partition("=") for part in read.split(",")] if isinstance(read, str) else []
    if pairs and all(name.strip() and equals for name, equals, _ in pairs):
        return {name.strip(): stated.strip() for name, _, stated in pairs}
    raise Unusable("parameters: no object", shown(value))
