"""Solutions: status, choice, shadow prices, and their meaning in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Mask, beyond
from paretoroute.errors import TargetError, shown
from paretoroute.forecast import MOST, Tables
from paretoroute.price import UNIT, rounded_usd
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target

Status = Literal["met", "slack", "infeasible", "unsupported"]
# Sums of many float64 terms agree to about this much; a target this close to the reachable range is met.
ROUNDING = 1e-12
# Sums of money for texts, with their amount in USD per query.
_AMOUNTS = (
    ("cent per 1,000,000 queries", 1e-8),
    ("cent per 1,000 queries", 1e-5),
    ("dollar per 1,000 queries", 1e-3),
)


@dataclass(frozen=True)
class Solution:
    """Solution of a single target. Where it is infeasible, all other fields are about ``nearest``.

    Args:
        status: ``met``; ``slack`` when the target does not bind (spending more would not raise forecast quality, or the
            cheapest choice already has the quality asked for); ``infeasible``.
        target: as given.
        nearest: the target closest to it that can be met; None unless infeasible.
        price: quality per USD at which queries weigh cost, finite.
        split: probability with which a tied query takes ``high`` rather than ``low``.
        low: the cheapest of each query's tied best points, ``(queries,)``.
        high: the costliest of them, ``(queries,)``.
        choice: one draw, ``(queries,)``.
        expected_quality: mean quality of the relaxation.
        expected_cost_usd: mean cost per query of the relaxation.
        shadow_prices: by limit: ``cost`` in quality per USD, ``quality`` in USD per quality; 0 where it does not bind.
        gap: duality gap beyond rounding, relative to the objective.
        is_best: whether no choice has a higher mean quality.
    """

    status: Status
    target: Target
    nearest: Target | None
    price: float
    split: float
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    choice: NDArray[np.int32]
    expected_quality: float
    expected_cost_usd: float
    shadow_prices: dict[str, float]
    gap: float
    is_best: bool = False

    @property
    def tied(self) -> Mask:
        """Which queries are tied, so that ``low`` or ``high`` is drawn, ``(queries,)``."""
        return self.low != self.high

    @property
    def shadow_price(self) -> float:
        """Quality that one more USD per query buys; 0 where no limit binds."""
        return self.price if self.binds else 0.0

    @property
    def binds(self) -> tuple[str, ...]:
        """Names of the limits that bind."""
        return binding(self.shadow_prices)

    @property
    def meaning(self) -> str:
        """Meaning of status and price, in a sentence."""
        facts = Facts(shadow_price=self.shadow_price, is_best=self.is_best)
        return meaning(self.status, self.target, self.nearest, facts)


def binding(shadow_prices: Mapping[str, float]) -> tuple[str, ...]:
    """Return the names of the limits that bind: those with a positive shadow price."""
    return tuple(name for name, price in shadow_prices.items() if price > 0)


def quality_per_usd(target: Target, shadow_prices: Mapping[str, float]) -> float:
    """Return the quality that one more USD per query buys; 0 where the target does not bind.

    Args:
        target: of the solution.
        shadow_prices: ``cost`` in quality per USD, or ``quality`` in USD per quality where cost is minimised.
    """
    if isinstance(target, MinQuality):
        price = shadow_prices["quality"]
        return 1 / price if price > 0 else 0.0
    return shadow_prices.get("cost", 0.0)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts about a solution that its sentence states.

    Args:
        shadow_price: quality per USD, 0 where the target does not bind.
        is_best: whether every query gets its point of the highest forecast quality, so that no quality is left to buy.
        has_limits: whether limits leave out some choices.
    """

    shadow_price: float
    is_best: bool = False
    has_limits: bool = False


def meaning(status: Status, target: Target, nearest: Target | None, facts: Facts) -> str:
    """Return the meaning of a status and a shadow price, in a sentence.

    Args:
        status: of the solution.
        target: as given.
        nearest: the target that can be met instead, where infeasible.
        facts: about the choice.

    Example:
        >>> from paretoroute.targets import MaxCost
        >>> meaning("met", MaxCost(0.004), None, Facts(shadow_price=200.0))
        'one more cent per 1,000 queries buys 0.2 quality points (of 100), at the margin'
    """
    within = " within the limits" if facts.has_limits else ""
    if status == "infeasible":
        return f"{_asked(target)} cannot be met{within}; the nearest that can is: {_asked(nearest)}"
    if isinstance(target, BestTrade):
        worth = f"one more right answer is forecast to cost less than {rounded_usd(target.usd_per_quality, 4)}"
        return f"money is spent wherever {worth}{', as far as the limits allow' if facts.has_limits else ''}"
    if isinstance(target, MinQuality):
        return _floor_meaning(status, facts, within)
    if status == "slack":
        return f"spending more would not raise forecast quality{within}"
    return f"one more {_purchase(facts.shadow_price)} quality points (of 100), at the margin"


def _asked(target: Target | None) -> str:
    """Describe a target with its cost per 1,000 queries, as in all that people read."""
    if not isinstance(target, MaxCost):
        return str(target)
    return f"mean cost at most {rounded_usd(1000 * target.usd, 6)} {UNIT}"


def _floor_meaning(status: Status, facts: Facts, within: str) -> str:
    if status == "slack":
        return f"the cheapest choice{within} already has the quality asked for"
    if facts.is_best:
        return f"the quality asked for takes the best choice{within}: no other has a higher forecast quality"
    price = rounded_usd(10 / facts.shadow_price, 2)
    return f"one more quality point (of 100) costs {price} more per 1,000 queries, at the margin"


def _purchase(shadow_price: float) -> str:
    """Describe the smallest amount that buys a printable gain; at a price too low for any of them, a dollar a query."""
    for amount, usd in _AMOUNTS:
        if 100 * shadow_price * usd >= 0.01:
            return f"{amount} buys {100 * shadow_price * usd:.2g}"
    return f"dollar per query buys {100 * shadow_price:.2g}"


def floor_of(target: MinQuality, forecast: Tables) -> float:
    """Compute the mean quality that a target asks for at these queries.

    Raises:
        TargetError: the reference point is given by text, or by a column that does not exist.
    """
    if target.quality is not None:
        return target.quality
    points = forecast.quality.shape[1]
    if isinstance(target.of, str) or not 0 <= int(target.of or 0) < points:
        raise TargetError(
            f"MinQuality is relative to {shown(target.of)}; a bare forecast needs a column of 0 to {points - 1}: "
            "resolve the name first, grid.index(name)"
        )
    return min(float(target.ratio or 1.0) * float(forecast.quality[:, target.of].mean(dtype=np.float64)), MOST)


def attainable(target: Target) -> Target:
    """Return a target that was just reached with the digits that are printed, so that it is met where it is typed."""
    if isinstance(target, MaxCost):
        return MaxCost(usd=beyond(target.usd, up=True))
    if isinstance(target, BestTrade):
        return target
    if target.quality is not None:
        return MinQuality(quality=beyond(target.quality, up=False))
    return replace(target, ratio=beyond(float(target.ratio or 1.0), up=False))


def nearest_quality(target: MinQuality, forecast: Tables, quality: float) -> MinQuality:
    """Return the target that asks for a mean quality that was reached, of the same form if that has a ratio above 0."""
    reference = 0.0 if target.quality is not None else floor_of(MinQuality(ratio=1.0, of=target.of), forecast)
    if reference > 0 and 0 < quality / reference < math.inf:
        return MinQuality(ratio=quality / reference, of=target.of)
    return MinQuality(quality=min(max(quality, 0.0), 1.0))
