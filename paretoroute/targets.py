"""What a user may ask for, in their own words and units."""

from __future__ import annotations

import math
from dataclasses import dataclass

from paretoroute.errors import TargetError


@dataclass(frozen=True, slots=True)
class MaxCost:
    """Highest mean quality at a mean cost of at most ``usd`` per query.

    Raises:
        TargetError: ``usd`` is not a positive finite number.
    """

    usd: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.usd) and self.usd > 0):
            hint = " Did you mean MinQuality?" if self.usd < 0 else ""
            raise TargetError(f"MaxCost needs a positive amount of USD per query, got {self.usd}.{hint}")

    def __str__(self) -> str:
        return f"mean cost at most ${self.usd:.6g} per query"


@dataclass(frozen=True, slots=True)
class MinQuality:
    """Lowest mean cost at a mean quality of at least ``quality``, or of ``ratio`` times that of the point ``of``.

    Args:
        quality: absolute floor in [0, 1]; leave it None to use a relative one.
        ratio: share of the reference point's quality, positive; both sides are taken on the same queries.
        of: the reference point: its name (``model@label``), or its column when solving a bare forecast.

    Raises:
        TargetError: a number out of range, or both or neither form given.
    """

    quality: float | None = None
    ratio: float | None = None
    of: str | int | None = None

    def __post_init__(self) -> None:
        relative = self.of is not None
        if relative == (self.quality is not None):
            raise TargetError("MinQuality needs either a quality in [0, 1], or of=POINT with a ratio")
        if self.quality is not None:
            if self.ratio is not None:
                raise TargetError("MinQuality got a ratio without of=POINT")
            if not (math.isfinite(self.quality) and 0 <= self.quality <= 1):
                hint = " Percent? Divide by 100." if 1 < self.quality <= 100 else ""
                raise TargetError(f"MinQuality needs a quality in [0, 1], got {self.quality}.{hint}")
        elif self.ratio is None:
            object.__setattr__(self, "ratio", 1.0)
        elif not (math.isfinite(self.ratio) and self.ratio > 0):
            raise TargetError(f"MinQuality needs a positive ratio, got {self.ratio}")

    def __str__(self) -> str:
        if self.quality is not None:
            return f"mean quality at least {self.quality:.6g}"
        return f"mean quality at least {self.ratio:.6g} of that of {self.of}"


@dataclass(frozen=True, slots=True)
class BestTrade:
    """Highest mean of quality minus cost over ``usd_per_quality``: what a right answer for a wrong one is worth.

    Raises:
        TargetError: ``usd_per_quality`` is not a positive finite number.
    """

    usd_per_quality: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.usd_per_quality) and self.usd_per_quality > 0):
            raise TargetError(f"BestTrade needs a positive amount of USD per quality, got {self.usd_per_quality}")

    def __str__(self) -> str:
        return f"best trade at ${self.usd_per_quality:.6g} for a right answer in place of a wrong one"


Target = MaxCost | MinQuality | BestTrade
