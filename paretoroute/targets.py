"""Targets: the quality or cost that a user asks for, in USD and in quality from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

from paretoroute.errors import TargetError, fraction, percent_hint, positive, real, shown
from paretoroute.price import rounded_usd

MOST_RATIO = 10.0  # of a quality to that of a point; more is meant as percent


@dataclass(frozen=True, slots=True)
class MaxCost:
    """Highest mean quality at a mean cost of at most ``usd`` per query.

    Raises:
        TargetError: ``usd`` is not a positive finite number.
    """

    usd: float

    def __post_init__(self) -> None:
        if real("the USD of MaxCost", self.usd) < 0:
            raise TargetError(f"the USD of MaxCost must be a positive number, got {self.usd}. Did you mean MinQuality?")
        object.__setattr__(self, "usd", positive("the USD of MaxCost", self.usd))  # a float of any real number

    def __str__(self) -> str:
        return f"mean cost at most {rounded_usd(self.usd, 6)} per query"


@dataclass(frozen=True, slots=True)
class MinQuality:
    """Lowest mean cost at a mean quality of at least ``quality``, or of ``ratio`` times that of the point ``of``.

    Args:
        quality: absolute floor in [0, 1]; leave it None to use a relative one.
        ratio: share of the reference point's quality, above 0 and at most 10; both sides are taken on the same queries.
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
        if relative and (isinstance(self.of, bool) or not isinstance(self.of, str | Integral)):
            raise TargetError(f"the point of MinQuality must be a name or a column, got {shown(self.of)}")
        if self.quality is not None:
            if self.ratio is not None:
                raise TargetError("MinQuality got a ratio without of=POINT")
            object.__setattr__(self, "quality", fraction("the quality of MinQuality", self.quality))
        elif self.ratio is None:
            object.__setattr__(self, "ratio", 1.0)
        else:
            object.__setattr__(self, "ratio", _ratio(self.ratio))

    def __str__(self) -> str:
        if self.quality is not None:
            return f"mean quality at least {self.quality:.6g}"
        return f"mean quality at least {self.ratio:.6g} of that of {self.of}"


def _ratio(value: float) -> float:
    ratio = positive("the ratio of MinQuality", value)
    if ratio > MOST_RATIO:
        raise TargetError(
            f"the ratio of MinQuality must be at most {MOST_RATIO:g}, since it is a share of the point's quality, got "
            f"{ratio:.12g}.{percent_hint(ratio)}"
        )
    return ratio


@dataclass(frozen=True, slots=True)
class BestTrade:
    """Highest mean of quality minus cost / ``usd_per_quality``, the value of a right answer in place of a wrong one.

    Raises:
        TargetError: ``usd_per_quality`` is not a positive finite number.
    """

    usd_per_quality: float

    def __post_init__(self) -> None:
        usd = positive("the USD per quality of BestTrade", self.usd_per_quality)
        object.__setattr__(self, "usd_per_quality", usd)

    def __str__(self) -> str:
        return f"best trade at {rounded_usd(self.usd_per_quality, 6)} for a right answer in place of a wrong one"


Target = MaxCost | MinQuality | BestTrade
