"""Move the price until the logged cost or quality of the chosen points meets the target.

An argmax picks points whose cost happened to be under-forecast and whose quality was over-forecast, so the optimum of
the forecasts costs more and gives less than it promises. Every step of the forecast frontier changes one query's
point, so what was logged along the whole frontier is a running sum too, and the target is met where that curve
crosses it. It is noisy and may cross several times: isotonic regression (pool adjacent violators: Ayer et al., "An
empirical distribution function for sampling with incomplete information", Annals of Mathematical Statistics 26(4),
1955, doi:10.1214/aoms/1177728423) gives the one place that a rising curve would have, and the crossing nearest to it
is taken. Forecasts have to be out of fold: made without the logged numbers of the same query.

Where cells were not logged they are estimated by forecast + logged / p_j (logged value - forecast), p_j being the share
of queries with point j logged. This is unbiased when cells are missing at random given the point; with full logs it is
the logged value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.calibration.estimate import PolicyValue, estimate_value
from paretoroute.calibration.isotonic import isotonic, meet
from paretoroute.calibration.outcomes import aipw_imputed
from paretoroute.forecast import Forecast, Tables
from paretoroute.solver.frontier import Frontier, frontier, gains, running_sum, values
from paretoroute.solver.rules import PriceRule
from paretoroute.solver.solution import ROUNDING, Status, floor_of, meaning
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target


@dataclass(frozen=True)
class Calibrated:
    """A target met on what was logged. Where it is infeasible, the estimate is about ``nearest``.

    Args:
        status: ``met``, ``slack`` (the limit does not bind) or ``infeasible``.
        target: what was asked for.
        nearest: the target closest to it that can be met; None unless infeasible.
        estimate: the price to use, and what it gives.
    """

    status: Status
    target: Target
    nearest: Target | None
    estimate: PolicyValue

    @property
    def rule(self) -> PriceRule:
        """What to go by."""
        return self.estimate.rule  # pyright: ignore[reportReturnType]  # of one price

    @property
    def price(self) -> float:
        """Quality per USD at which to choose, on the forecasts."""
        return self.rule.price

    @property
    def split(self) -> float:
        """Probability with which a tied query takes its costlier side."""
        return self.rule.split

    @property
    def expected_quality(self) -> float:
        """Calibrated mean quality."""
        return self.estimate.quality

    @property
    def expected_cost_usd(self) -> float:
        """Calibrated mean cost per query."""
        return self.estimate.cost_usd

    @property
    def quality_shift(self) -> float:
        """What to add to the forecast quality of a chosen point."""
        return self.estimate.quality_shift

    @property
    def cost_ratio(self) -> float:
        """What to multiply the forecast cost of a chosen point by."""
        return self.estimate.cost_ratio

    @property
    def shadow_price(self) -> float:
        """Quality that one more USD per query buys, in calibrated USD; 0 where the limit does not bind."""
        return 0.0 if self.status == "slack" else self.price / self.cost_ratio

    @property
    def shadow_prices(self) -> dict[str, float]:
        """By limit: ``cost`` in quality per USD, or ``quality`` in USD per quality."""
        if isinstance(self.target, BestTrade):
            return {}
        if isinstance(self.target, MaxCost):
            return {"cost": self.shadow_price}
        return {"quality": 1 / self.shadow_price if self.shadow_price > 0 else 0.0}

    @property
    def binds(self) -> tuple[str, ...]:
        """Names of the limits that bind."""
        return tuple(name for name, value in self.shadow_prices.items() if value > 0)

    @property
    def meaning(self) -> str:
        """Say in a sentence what the price means."""
        return meaning(self.status, self.target, self.nearest, self.shadow_price)


def calibrate(forecast: Forecast, logged_quality: Floats, logged_cost_usd: Floats, target: Target) -> Calibrated:
    """Find the price at which the logged means of the chosen points meet the target.

    Args:
        forecast: out-of-fold forecasts at the logged queries, ``(queries, points)``.
        logged_quality: logged mean quality, ``(queries, points)``, NaN where nothing was logged.
        logged_cost_usd: logged mean cost, ``(queries, points)``, NaN where nothing was logged.
        target: what to meet. A relative one is taken against the logged quality of its column on the same queries.

    Raises:
        TargetError: shapes disagree, a logged number is infinite, or a relative target names no column.
    """
    line = _line(forecast, logged_quality, logged_cost_usd)
    if isinstance(target, BestTrade):
        price = 1 / target.usd_per_quality
        found = _estimate(line, float((line.frontier.price > price).sum()))
        return Calibrated("met", target, None, replace(found, rule=PriceRule(price, 0.0)))
    if isinstance(target, MaxCost):
        status, place, nearest = _spend(line.cost, target)
    else:
        floor_line = Forecast(line.logged.quality, forecast.cost_usd)
        status, place, nearest = _reach(line.quality, target, floor_line)
    return Calibrated(status, target, nearest, _estimate(line, place))


def curve(forecast: Forecast, logged_quality: Floats, logged_cost_usd: Floats, *, n: int = 8) -> list[PolicyValue]:
    """Give the calibrated trade-off from the cheapest to the richest choice, costs spaced evenly in their logarithm.

    Args:
        forecast: out-of-fold forecasts at the logged queries, ``(queries, points)``.
        logged_quality: logged mean quality, ``(queries, points)``, NaN where nothing was logged.
        logged_cost_usd: logged mean cost, ``(queries, points)``, NaN where nothing was logged.
        n: number of rows at most; fewer where the costs do not differ.

    Raises:
        TargetError: shapes disagree, or a logged number is infinite.
    """
    line = _line(forecast, logged_quality, logged_cost_usd)
    low, high = line.cost[0], line.cost[-1]
    # A free cheapest choice has no logarithm: go on from a thousandth of the richest.
    costs = np.geomspace(max(low, high / 1000), high, n)[1:-1] if 0 < high > low else []
    places = [0.0]
    for place in [*(meet(line.cost, float(cost), "right") for cost in costs), float(line.cost.size - 1)]:
        if place > places[-1]:
            places.append(place)
    return [_estimate(line, place) for place in places]


@dataclass(frozen=True)
class _Line:
    """The forecast frontier, and the mean cost and quality logged along it, ``(breakpoints + 1,)``."""

    frontier: Frontier
    forecast: Forecast
    logged: Tables
    cost: Floats
    quality: Floats


def _line(forecast: Forecast, logged_quality: Floats, logged_cost_usd: Floats) -> _Line:
    """Sum up what was logged along the forecast frontier."""
    shape = forecast.quality.shape
    cost = np.broadcast_to(forecast.cost_usd, shape)
    logged = Tables(  # estimates of single cells may be negative, which a Forecast would refuse
        aipw_imputed(forecast.quality, logged_quality, "quality"), aipw_imputed(cost, logged_cost_usd, "cost_usd")
    )
    walk = frontier(forecast)
    queries = shape[0]
    means = [
        running_sum(at_start.sum(), gain)[walk.first] / queries
        for at_start, gain in zip(values(logged, walk.start), gains(logged, walk.steps), strict=True)
    ]
    return _Line(walk, forecast, logged, *means)


def _spend(cost: Floats, target: MaxCost) -> tuple[Status, float, Target | None]:
    """Find the place on the frontier where a cost is spent."""
    least = float(isotonic(cost)[0])
    if target.usd < least * (1 - ROUNDING):
        return "infeasible", meet(cost, least, "left"), MaxCost(usd=least)
    if target.usd >= cost[-1]:
        return "slack", float(cost.size - 1), None
    return "met", meet(cost, max(target.usd, least), "right"), None


def _reach(quality: Floats, target: MinQuality, logged: Forecast) -> tuple[Status, float, Target | None]:
    """Find the place on the frontier where a quality is reached."""
    floor, most = floor_of(target, logged), float(isotonic(quality)[-1])
    if floor <= quality[0]:
        return "slack", 0.0, None
    if floor <= most * (1 + ROUNDING):
        return "met", meet(quality, min(floor, most), "left"), None
    nearest = MinQuality(quality=min(max(most, 0.0), 1.0))
    if target.quality is None:
        nearest = MinQuality(ratio=most / floor * float(target.ratio or 1.0), of=target.of)
    return "infeasible", meet(quality, most, "left"), nearest


def _estimate(line: _Line, place: float) -> PolicyValue:
    """Describe a place on the frontier: the price that leads to it, and what was logged there."""
    breakpoints = line.frontier.price.size
    whole = min(int(place), max(breakpoints - 1, 0))
    split = place - whole
    sides = line.frontier.choice(whole), line.frontier.choice(min(whole + 1, breakpoints))
    cost, quality = _mixed(line.logged, sides, split)
    forecast_cost, forecast_quality = _mixed(line.forecast, sides, split)
    at = np.arange(breakpoints + 1)
    mean_cost, mean_quality = (float(np.interp(place, at, curve)) for curve in (line.cost, line.quality))
    # At the far end money is no object: price 0 says so, and leads to the same points.
    price = 0.0 if place >= breakpoints else float(line.frontier.price[whole])
    rule = PriceRule(price, split if price else 0.0)
    return estimate_value(rule, (quality, mean_quality), (cost, mean_cost), forecast_quality, forecast_cost)


def _mixed(table: Tables, sides: tuple[Indices, Indices], split: float) -> tuple[Floats, Floats]:
    """Mix cost and quality of two points per query, ``(queries,)`` each."""
    cheap, dear = (values(table, side) for side in sides)
    return (1 - split) * cheap[0] + split * dear[0], (1 - split) * cheap[1] + split * dear[1]
