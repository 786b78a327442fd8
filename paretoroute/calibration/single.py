"""Move the price until the logged cost or quality of the chosen points meets the target.

The optimum of the forecasts costs more and gives less than it predicts: an argmax picks points whose cost happened to
be under-forecast and whose quality was over-forecast. Every breakpoint of the forecast frontier changes the points of
some queries, so the logged cost and quality along the frontier are running sums, and the target is met where that
curve crosses it. The curve is noisy and may cross several times: :func:`~paretoroute.calibration.isotonic.meet` picks
the crossing nearest to that of its isotonic fit.

Forecasts have to be out of fold: made without the logged numbers of the same query. Missing cells are imputed (see
:mod:`paretoroute.calibration.outcomes`); with full logs nothing is imputed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from paretoroute._arrays import SINGLE, Floats, Indices, Mask
from paretoroute.calibration.estimate import (
    Evidence,
    PolicyValue,
    estimate_corrected,
    estimate_value,
)
from paretoroute.calibration.isotonic import isotonic, meet
from paretoroute.calibration.left_out import LeftOut
from paretoroute.calibration.logged_frontier import LoggedFrontier, logged_frontier
from paretoroute.calibration.outcomes import Chosen
from paretoroute.calibration.partial_logs.corrected import CorrectedOutcomes
from paretoroute.errors import TargetError, expect
from paretoroute.forecast import Forecast, Tables
from paretoroute.solver.constraints import trade_price
from paretoroute.solver.frontier import values
from paretoroute.solver.rules import PriceRule
from paretoroute.solver.solution import Facts, Status, binding, floor_of, meaning
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target

_PRINTED = 1e-5  # largest relative difference from six digits; a floor this near to the best quality takes all of it
_AT_END = 1e-9  # in breakpoints; a place so near to the end of the frontier lies at the end


@dataclass(frozen=True)
class Calibrated:
    """A target met on logged outcomes.

    Args:
        status: ``met``, ``slack`` (the target does not bind) or ``infeasible``.
        target: the target that was asked for.
        nearest: the closest target that can be met; None unless infeasible.
        estimate: the rule to follow and its value: ``estimate.rule.price`` in quality per USD of forecast cost,
            ``estimate.rule.split``, ``estimate.quality``, ``estimate.cost_usd`` and their intervals. Of an infeasible
            target, all of it belongs to ``nearest``.
        is_best: whether every query gets its point of the highest forecast quality.
    """

    status: Status
    target: Target
    nearest: Target | None
    estimate: PolicyValue[PriceRule]
    is_best: bool = False

    @property
    def shadow_price(self) -> float:
        """Quality that one more USD per query buys, in calibrated USD; 0 if the target does not bind."""
        return 0.0 if self.status == "slack" else self.estimate.rule.price / self.estimate.cost_ratio

    @property
    def shadow_prices(self) -> dict[str, float]:
        """By constraint: ``cost`` in quality per USD, or ``quality`` in USD per quality."""
        if isinstance(self.target, BestTrade):
            return {}
        if isinstance(self.target, MaxCost):
            return {"cost": self.shadow_price}
        return {"quality": 1 / self.shadow_price if self.shadow_price > 0 else 0.0}

    @property
    def binds(self) -> tuple[str, ...]:
        """Names of the constraints that bind; a floor that takes the best choice has no finite price, and binds."""
        if self.status == "met" and self.is_best and isinstance(self.target, MinQuality):
            return ("quality",)
        return binding(self.shadow_prices)

    @property
    def meaning(self) -> str:
        """The status and the price in one sentence."""
        return meaning(self.status, self.target, self.nearest, self.facts())

    def facts(self, *, has_limits: bool = False) -> Facts:
        """Return what a sentence states; ``has_limits``: whether limits left out some choices."""
        return Facts(shadow_price=self.shadow_price, is_best=self.is_best, has_limits=has_limits)


def calibrate(
    forecast: Forecast,
    logged_quality: Floats,
    logged_cost_usd: Floats,
    target: Target,
    *,
    is_logged: Mask | None = None,
    corrected: CorrectedOutcomes | None = None,
    left_out: LeftOut | None = None,
) -> Calibrated:
    """Compute the price at which the logged means of the chosen points meet the target.

    Args:
        forecast: out-of-fold forecasts at the logged queries, ``(queries, points)``.
        logged_quality: logged mean quality, ``(queries, points)``, NaN where nothing was logged.
        logged_cost_usd: logged mean cost, ``(queries, points)``, NaN where nothing was logged.
        target: the target to meet. A relative one refers to the logged quality of its column on the same queries.
        is_logged: which cells of ``logged_quality`` are logged outcomes and not interpolated; None: all but NaN.
        corrected: of a partial log: estimates in place of logged means with imputed cells.
        left_out: of a full log: forecasts without each query's fold, by which the fold is judged; None: judge all
            queries by ``forecast``.

    Raises:
        TargetError: shapes disagree, a logged number is infinite, or a relative target names no column.
    """
    expect("the forecast", forecast, Forecast, TargetError)
    expect("the target", target, (MaxCost, MinQuality, BestTrade), TargetError)
    for name, figures in (("logged_quality", logged_quality), ("logged_cost_usd", logged_cost_usd)):
        expect(name, figures, np.ndarray, TargetError)
        if figures.dtype.kind not in "fiu":
            raise TargetError(f"{name} must be an array of numbers, got one of {figures.dtype}")
    line = logged_frontier(
        forecast, logged_quality, logged_cost_usd, is_logged=is_logged, corrected=corrected, left_out=left_out
    )
    if isinstance(target, BestTrade):
        price = trade_price(target)
        place = float((line.frontier.price > price).sum())
        value = replace(_value_at(line, place), rule=PriceRule(price, 0.0))
        return Calibrated("met", target, None, value, is_best=place >= line.frontier.price.size)
    if isinstance(target, MaxCost):
        crossing = _meet_cost(line.cost_usd, target)
    else:
        crossing = _meet_quality(line.quality, target, Tables(line.logged.quality, forecast.cost_usd))
    place, end = crossing.place, line.frontier.price.size
    if abs(place - end) < _AT_END:
        place = float(end)
    return Calibrated(crossing.status, target, crossing.nearest, _value_at(line, place), is_best=place >= end)


def curve(
    forecast: Forecast,
    logged_quality: Floats,
    logged_cost_usd: Floats,
    *,
    n: int = 8,
    is_logged: Mask | None = None,
    corrected: CorrectedOutcomes | None = None,
    left_out: LeftOut | None = None,
) -> list[PolicyValue[PriceRule]]:
    """Compute the calibrated trade-off from the cheapest to the richest choices, at costs spaced evenly in log cost.

    Args:
        forecast: out-of-fold forecasts at the logged queries, ``(queries, points)``.
        logged_quality: logged mean quality, ``(queries, points)``, NaN where nothing was logged.
        logged_cost_usd: logged mean cost, ``(queries, points)``, NaN where nothing was logged.
        n: largest number of rows; there are fewer if costs coincide.
        is_logged: which cells of ``logged_quality`` are logged outcomes and not interpolated; None: all but NaN.
        corrected: of a partial log: estimates in place of logged means with imputed cells.
        left_out: of a full log: forecasts without each query's fold, by which the fold is judged; None: judge all
            queries by ``forecast``.

    Raises:
        TargetError: shapes disagree, or a logged number is infinite.
    """
    line = logged_frontier(
        forecast, logged_quality, logged_cost_usd, is_logged=is_logged, corrected=corrected, left_out=left_out
    )
    low, high = line.cost_usd[0], line.cost_usd[-1]
    # A free cheapest choice has no logarithm: start at a thousandth of the richest.
    costs = np.geomspace(max(low, high / 1000), high, n)[1:-1] if 0 < high > low else []
    places = [0.0]
    for place in [*(meet(line.cost_usd, float(cost), "right") for cost in costs), float(line.cost_usd.size - 1)]:
        if place > places[-1]:
            places.append(place)
    return [_value_at(line, place) for place in places]


@dataclass(frozen=True)
class _Crossing:
    """The place on the frontier that meets a target, or comes nearest to it."""

    status: Status
    place: float
    nearest: Target | None = None


def _meet_cost(cost: Floats, target: MaxCost) -> _Crossing:
    """Locate the place at which the mean logged cost equals the limit."""
    least = float(isotonic(cost)[0])
    if target.usd < least * (1 - SINGLE):
        return _Crossing("infeasible", meet(cost, least, "left"), MaxCost(usd=least))
    if target.usd >= cost[-1] * (1 - SINGLE):
        return _Crossing("slack", float(cost.size - 1))
    return _Crossing("met", meet(cost, max(target.usd, least), "right"))


def _meet_quality(quality: Floats, target: MinQuality, logged: Tables) -> _Crossing:
    """Locate the place at which the mean logged quality equals the floor."""
    floor, most = floor_of(target, logged), float(isotonic(quality)[-1])
    if floor <= quality[0] * (1 + SINGLE):
        return _Crossing("slack", 0.0)
    if floor <= most * (1 + SINGLE):
        at_most = floor >= most * (1 - _PRINTED)
        return _Crossing("met", meet(quality, most if at_most else floor, "left"))
    nearest = MinQuality(quality=min(max(most, 0.0), 1.0))
    if target.quality is None:
        nearest = MinQuality(ratio=most / floor * float(target.ratio or 1.0), of=target.of)
    return _Crossing("infeasible", meet(quality, most, "left"), nearest)


def _value_at(line: LoggedFrontier, place: float) -> PolicyValue[PriceRule]:
    """Estimate the value of the rule at a place on the frontier."""
    breakpoints = line.frontier.price.size
    whole = min(int(place), max(breakpoints - 1, 0))
    split = place - whole
    low, high = line.frontier.choice(whole), line.frontier.choice(min(whole + 1, breakpoints))
    runs = np.zeros(len(line.variance))
    for share, point in ((1 - split, low), (split, high)):
        runs += np.bincount(point, share * line.is_logged[np.arange(len(point)), point], len(runs))
    at = np.arange(breakpoints + 1)
    # Beyond the last breakpoint cost has no weight: price 0 leads to the same points.
    price = 0.0 if place >= breakpoints else float(line.frontier.price[whole])
    if line.corrected is not None and line.policies is not None:
        return estimate_corrected(
            PriceRule(price, split if price else 0.0),
            line.corrected,
            line.policies.chance(place),
            forecast=_mixed(line.forecast, low, high, split=split),
            mean_quality=float(np.interp(place, at, line.quality)),
            mean_cost_usd=float(np.interp(place, at, line.cost_usd)),
        )
    return estimate_value(
        PriceRule(price, split if price else 0.0),
        logged=_mixed(line.logged, low, high, split=split),
        forecast=_mixed(line.forecast, low, high, split=split),
        mean_quality=float(np.interp(place, at, line.quality)),
        mean_cost_usd=float(np.interp(place, at, line.cost_usd)),
        evidence=Evidence(runs, line.variance),
        luck=0.0 if line.luck is None else float(np.interp(place, at, line.luck)),
    )


def _mixed(tables: Tables, low: Indices, high: Indices, *, split: float) -> Chosen:
    """Mix the figures of two points per query, the second with probability ``split``."""
    (low_cost, low_quality), (high_cost, high_quality) = values(tables, low), values(tables, high)
    return Chosen(
        quality=(1 - split) * low_quality + split * high_quality,
        cost_usd=(1 - split) * low_cost + split * high_cost,
    )
