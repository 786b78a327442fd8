"""A target with limits on the population, met on what was logged.

As with a single limit (see :mod:`paretoroute.calibration`), the optimum of the forecasts costs more and gives less than
it promises. So every limit is aimed at with a margin: the solver is asked again and again, each time with the totals
moved by what the logged outcomes of its last answer missed them by. Its answers lie on both sides of every limit; they
are then mixed anew, with the highest forecast objective at which the logged sums keep every limit. What was logged
decides about the limits only, and forecasts about the rest, so that luck is not mistaken for merit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from paretoroute.choice import Floats
from paretoroute.coupling import Mixture, Programme
from paretoroute.estimate import Estimate, estimate_of
from paretoroute.evidence import Record
from paretoroute.forecast import Forecast
from paretoroute.limit_problem import Objective
from paretoroute.limit_rows import Row, row_of
from paretoroute.limited import beside_target, moved, nearest_to, programme, towards, with_latencies
from paretoroute.limits import MaxShare, PopulationLimit
from paretoroute.mixing import KEPT, mix
from paretoroute.rules import MixtureRule, mixture_rule
from paretoroute.solver import Status
from paretoroute.targets import MinQuality, Target

MOST_ROUNDS = 8
NEAR = 1e-6  # gap of a round's optimum: far below the noise of what was logged
CLOSE = 1e-3  # a limit hit within this share of its total needs no further round
_HAIR = 1e-7


@dataclass(frozen=True)
class LimitedCalibration:
    """A target and limits met on what was logged. Where that is infeasible, the estimate is about what is nearest.

    Args:
        status: ``met``, ``slack`` (the target itself does not bind) or ``infeasible``.
        target: what was asked for.
        nearest: the target closest to it that the limits leave, or None.
        relaxed: limits that had to move: in words, and moved as little as possible.
        estimate: the rule to go by, and what it gives.
        rows: the target's row, if it has one, and the limits'.
        used: what the rows' means come to on what was logged, ``(rows,)``.
        shadow_prices: by limit, per unit of the number that states it, on the forecasts.
        gap: of the last solution of the forecasts, relative.
    """

    status: Status
    target: Target
    nearest: Target | None
    relaxed: tuple[tuple[str, PopulationLimit], ...]
    estimate: Estimate
    rows: tuple[Row, ...]
    used: Floats
    shadow_prices: dict[str, float]
    gap: float

    @property
    def rule(self) -> MixtureRule:
        """What to go by."""
        return self.estimate.rule  # pyright: ignore[reportReturnType]  # of several limits

    @property
    def shadow_price(self) -> float:
        """Quality that one more USD per query buys, in calibrated USD; 0 where the target does not bind."""
        if isinstance(self.target, MinQuality):
            price = self.shadow_prices["quality"]
            return 1 / price / self.estimate.cost_ratio if price > 0 else 0.0
        return self.shadow_prices.get("cost", 0.0) / self.estimate.cost_ratio

    @property
    def binds(self) -> tuple[str, ...]:
        """Names of the limits that bind."""
        return tuple(name for name, price in self.shadow_prices.items() if price > 0)


def calibrate_limited(known: Record, target: Target, limits: Sequence[PopulationLimit]) -> LimitedCalibration:
    """Find the mixture of choices whose logged outcomes meet the target and keep every limit.

    Args:
        known: out-of-fold forecasts, and what was logged with its holes filled.
        target: what to meet; a relative one is taken against the logged quality of its column.
        limits: side conditions on the population, models resolved to columns.

    Raises:
        TargetError: a limit speaks of a label or a latency that was not logged.
    """
    forecast = with_latencies(known.forecast, limits)
    logged = _logged(known, forecast)
    objective, own = programme(target, logged)
    found = [(limit, row) for limit in limits if (row := row_of(limit, forecast)) is not None]
    rows = (*([own] if own else []), *(row for _, row in found))
    solved = _aim(forecast, logged, objective, rows)
    pool = _Logged.of(solved, forecast, logged, objective, rows)
    if own and not _feasible(pool, pool.totals, slice(None)):
        # The target has to give way: look where the limits alone would go.
        solved = [*(beside_target(one, 0.0) for one in _aim(forecast, logged, towards(own), rows[1:])), *solved]
        pool = _Logged.of(solved, forecast, logged, objective, rows)
    mixed, status, nearest, relaxed = _blend(pool, target, own, found, logged)
    last = solved[-1]
    groups = [*([None] if own else []), *(_group(limit) for limit, _ in found)]
    rule = replace(mixture_rule(objective, rows, groups, last), sides=pool.sides(mixed))
    if status == "met" and own and last.shares[0] <= KEPT:
        status = "slack"
    size = np.array([row.size for row in rows])
    prices = np.where(last.shares > KEPT, last.prices.limits, 0.0) * size / len(known.quality)
    return LimitedCalibration(
        status=status,
        target=target,
        nearest=nearest,
        relaxed=relaxed,
        estimate=_estimate(rule, known, forecast),
        rows=rows,
        used=pool.used(mixed) / size,
        shadow_prices={row.name: float(price) for row, price in zip(rows, prices, strict=True)},
        gap=abs(last.bound - last.value) / max(abs(last.bound), abs(last.value), np.finfo(float).tiny)
        if last.feasible
        else 0.0,
    )


def _group(limit: PopulationLimit) -> tuple[str, str] | None:
    return None if isinstance(limit, MaxShare) or limit.of is None else (limit.by, limit.of)


def _logged(known: Record, forecast: Forecast) -> Forecast:
    """Put what was logged in the place of the forecasts; estimates of single cells may be negative."""
    logged = object.__new__(Forecast)
    latency = forecast.latency_s if known.latency_s is None else known.latency_s
    for name, table in (("quality", known.quality), ("cost_usd", known.cost_usd), ("latency_s", latency)):
        object.__setattr__(logged, name, table)
    return logged


def _aim(forecast: Forecast, logged: Forecast, objective: Objective, rows: Sequence[Row]) -> list[Mixture]:
    """Solve with totals moved until the logged sums hit those asked for; give all solutions, the last the nearest."""
    totals = np.array([row.total for row in rows])
    aims, solved, missed = totals.copy(), [], []
    # A share is of calls and not of outcomes: there is nothing to correct.
    judged = np.array([bool(row.quality or row.cost or row.latency) for row in rows], bool)
    programme = Programme(forecast, objective, rows)
    for _ in range(MOST_ROUNDS):
        mixture = programme.optimum(aims, gap=NEAR)
        used = np.array([_sum(row, mixture, logged) for row in rows])
        binds = mixture.shares > KEPT
        off = np.where(judged & (binds | (used > totals)), used - totals, 0.0)
        solved.append(mixture)
        missed.append(float(np.max(np.abs(off) / np.maximum(np.abs(totals), 1e-300), initial=0.0)))
        if missed[-1] <= CLOSE:
            break
        aims = np.where(binds, aims, np.where(off > 0, mixture.used, aims)) - off
    best = int(np.argmin(missed))
    return [*solved[:best], *solved[best + 1 :], solved[best]]


def _sum(row: Row, mixture: Mixture, table: Forecast) -> float:
    """Sum a row up over a mixture's choices."""
    return float(sum(side.weight[mixture.kind] @ figures(row, side.choice, table) for side in mixture.sides))


def figures(row: Row, choice, table: Forecast) -> Floats:
    """Give what every query adds to a row with its choice, ``(queries,)``; 0 where it does not count."""
    at = np.arange(len(choice)), choice
    value = row.quality * table.quality[at] + row.cost * table.cost_usd[at]
    if row.latency and table.latency_s is not None:
        value = value + row.latency * np.broadcast_to(table.latency_s, table.quality.shape)[at]
    if row.points is not None:
        value = value + row.points[choice]
    return value if row.queries is None else np.where(row.queries, value, 0.0)


@dataclass(frozen=True)
class _Logged:
    """All choices that were tried, as columns of a programme on logged sums: one per kind and set of prices.

    ``value`` is the forecast objective of each and ``quality`` and ``cost`` what was logged, ``(sets, kinds)``; ``use``
    the logged sums of the rows, ``(sets, kinds, rows)``.
    """

    prices: list
    value: Floats
    quality: Floats
    cost: Floats
    use: Floats
    totals: Floats
    scale: Floats

    @staticmethod
    def of(solved, forecast: Forecast, logged: Forecast, objective: Objective, rows: Sequence[Row]) -> _Logged:
        seen = {(side.prices.objective, *side.prices.limits.tolist()): side for one in solved for side in one.sides}
        kind, kinds = solved[-1].kind, len(solved[-1].member)
        value, quality, cost, use = [], [], [], []
        plain = [Row("", 0.0, 0, quality=1.0), Row("", 0.0, 0, cost=1.0)]
        gain = Row("", 0.0, 0, quality=objective.quality, cost=-objective.cost)
        for side in seen.values():
            value.append(np.bincount(kind, figures(gain, side.choice, forecast), kinds))
            for sums, row in zip((quality, cost), plain, strict=True):
                sums.append(np.bincount(kind, figures(row, side.choice, logged), kinds))
            use.append(
                np.stack([np.bincount(kind, figures(row, side.choice, logged), kinds) for row in rows], axis=1)
                if rows
                else np.zeros((kinds, 0))
            )
        totals = np.array([row.total for row in rows])
        stacked = np.stack(use)
        scale = np.maximum(np.maximum(np.abs(stacked).max(axis=0).sum(axis=0), np.abs(totals)), 1e-300)
        prices = [side.prices for side in seen.values()]
        return _Logged(prices, np.stack(value), np.stack(quality), np.stack(cost), stacked, totals, scale)

    def best(self, value: Floats, totals: Floats, rows: slice, *, may_exceed: bool = False):
        """Mix the columns for the highest value at which some rows keep their totals: ``Mixed``, scaled."""
        sets, kinds, _ = self.use.shape
        unit = float(np.abs(value).max(axis=0).sum()) or 1.0
        free = np.zeros(len(self.totals[rows]))
        use = (self.use[:, :, rows] / self.scale[rows]).reshape(sets * kinds, -1)
        return mix(
            0.0 * value.ravel() if may_exceed else value.ravel() / unit,
            use,
            np.tile(np.arange(kinds), sets),
            (totals / self.scale)[rows],
            low=free,
            high=free + (1.0 if may_exceed else np.inf),
        )

    def weights(self, mixed) -> Floats:
        return mixed.weight.reshape(self.value.shape)

    def sides(self, mixed) -> list:
        """Give prices and weights ``(kinds,)`` of what is mixed, the heaviest first."""
        weight = self.weights(mixed)
        order = [t for t in np.argsort(-weight.sum(axis=1), kind="stable") if (weight[t] > 0).any()]
        return [(self.prices[t], weight[t]) for t in order]

    def used(self, mixed) -> Floats:
        return np.einsum("tg,tgk->k", self.weights(mixed), self.use)

    def total(self, mixed, table: Floats) -> float:
        return float((self.weights(mixed) * table).sum())


def _blend(pool: _Logged, target: Target, own: Row | None, found, logged: Forecast):
    """Mix what was tried so that the logged sums keep the rows; where they cannot, the target gives way first."""
    everything, limits = slice(None), slice(1 if own else 0, None)
    if _feasible(pool, pool.totals, everything):
        return pool.best(pool.value, _eased(pool), everything), "met", None, ()
    totals, relaxed = pool.totals.copy(), []
    if not _feasible(pool, totals, limits):
        least = pool.best(pool.value, totals, limits, may_exceed=True)
        excess = least.excess * pool.scale[limits]
        for k, (limit, row) in enumerate(found):
            if least.excess[k] > _HAIR:
                totals[limits][k] += excess[k] * (1 + _HAIR)
                relaxed.append((str(limit), moved(limit, float(excess[k]) / row.size)))
        if own is None or _feasible(pool, totals, everything):
            eased = totals + _HAIR * pool.scale
            return pool.best(pool.value, eased, everything), "infeasible", None, tuple(relaxed)
    assert own is not None  # without a target's row the limits are all there is
    mixed = pool.best(-pool.cost if own.cost else pool.quality, totals + _HAIR * pool.scale, limits)
    queries = logged.quality.shape[0]
    reached = pool.total(mixed, pool.cost if own.cost else pool.quality) / queries
    return mixed, "infeasible", nearest_to(target, logged, reached), tuple(relaxed)


def _feasible(pool: _Logged, totals: Floats, rows: slice) -> bool:
    return not (pool.best(pool.value, totals, rows, may_exceed=True).excess > _HAIR).any()


def _eased(pool: _Logged) -> Floats:
    """Leave the totals what rounding takes."""
    least = pool.best(pool.value, pool.totals, slice(None), may_exceed=True)
    return pool.totals + least.excess * pool.scale


def _estimate(rule: MixtureRule, known: Record, forecast: Forecast) -> Estimate:
    record = replace(known, forecast=forecast)
    quality, cost, _ = record.chosen(rule)
    shape = forecast.quality.shape
    promised = [record.mean_of(rule, np.broadcast_to(table, shape)) for table in (forecast.quality, forecast.cost_usd)]
    return estimate_of(rule, (quality, float(quality.mean())), (cost, float(cost.mean())), promised[0], promised[1])
