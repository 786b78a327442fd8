"""The sections of a policy file: rounded figures for a review, exact ones for the rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paretoroute.calibration import baselines, intervals
from paretoroute.calibration.coupled import LimitedCalibration
from paretoroute.calibration.estimate import PolicyValue
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.calibration.point_means import mean_qualities
from paretoroute.calibration.single import Calibrated, curve
from paretoroute.grid import Grid
from paretoroute.limits import CallLimit, Limit, MaxCostOf, MaxMeanLatency, MaxShare, PopulationLimit
from paretoroute.policy import schema as doc
from paretoroute.policy.codec import target_entry
from paretoroute.solver.solution import meaning
from paretoroute.surface.surface import Surface
from paretoroute.targets import MinQuality, Target

TRADE_OFF_ROWS = 8
Answer = Calibrated | LimitedCalibration


def solution_section(
    known: LoggedOutcomes,
    answer: Answer,
    target: Target,
    nearest: Target | None,
    limits: Sequence[Limit],
    kept: float,
    *,
    prompt_blind: bool,
) -> doc.SolutionEntry:
    """Write the solution down.

    Args:
        known: the traffic it was judged on.
        answer: what was found.
        target: what was asked for, points by name.
        nearest: the nearest target that can be met, or None.
        limits: all side conditions.
        kept: share of the queries at which some point keeps the limits on calls.
        prompt_blind: whether forecasts are the points' means.
    """
    limited = isinstance(answer, LimitedCalibration)
    words = meaning(answer.status, target, nearest, answer.shadow_price)
    if limited and answer.relaxed:
        moved = "; ".join(str(limit) for _, limit in answer.relaxed)
        words = f"the limits cannot be kept together; the nearest that can: {moved}"
    return doc.SolutionEntry(
        status=answer.status,
        quality_per_usd=float(answer.shadow_price if limited else answer.price),
        split=0.0 if limited else float(answer.split),
        quality_shift=float(answer.estimate.quality_shift) + 0.0,  # never -0
        cost_ratio=float(answer.estimate.cost_ratio),
        gap=float(answer.gap if limited else known.gap(answer.rule)),
        meaning=words,
        prompt_blind=prompt_blind,
        nearest=None if nearest is None else target_entry(nearest),
        binds=answer.binds,
        limits=tuple(_limit(limit, answer, target, kept) for limit in limits),
        mixture=_mixture(answer) if limited else None,
    )


def _limit(limit: Limit, answer: Answer, target: Target, kept: float) -> doc.LimitEntry:
    words = str(limit)
    if isinstance(limit, CallLimit):
        said = "kept at every logged query"
        if kept < 1:
            broken = f"{100 * (1 - kept):.3g}% of the logged queries"
            said = f"at {broken} no point keeps the limits on calls, and the nearest is called"
        return doc.LimitEntry(limit=words, used=None, shadow_price=0.0, meaning=said)
    names = [row.name for row in answer.rows] if isinstance(answer, LimitedCalibration) else []
    if words not in names or not isinstance(answer, LimitedCalibration):
        return doc.LimitEntry(limit=words, used=None, shadow_price=0.0, meaning="no logged query has this label")
    price, used = answer.shadow_prices[words], abs(float(answer.used[names.index(words)]))
    said = limit_meaning(limit, price, isinstance(target, MinQuality)) if price > 0 else "does not bind"
    if answer.status == "infeasible":
        moved = [str(other) for name, other in answer.relaxed if name == words]
        said = f"cannot be kept; the nearest that can: {moved[0]}" if moved else "kept"
    return doc.LimitEntry(limit=words, used=readable(used), shadow_price=readable(price), meaning=said)


def limit_meaning(limit: PopulationLimit, price: float, saves: bool) -> str:
    """Say what a limit costs.

    Args:
        limit: that binds.
        price: of a unit of its number, in quality, or in USD per query where cost is minimised.
        saves: whether cost is minimised.

    Example:
        >>> limit_meaning(MaxShare(0.2, "big"), 0.05, False)
        'one more percent of calls to big buys 0.05 quality points (of 100)'
    """
    step, what, verb = 1.0, "one more second of mean latency", "buys"
    if isinstance(limit, MaxShare):
        step, what = 0.01, f"one more percent of calls to {limit.of}"
    elif isinstance(limit, MaxCostOf):
        step, what = 1e-5, f"one more cent per 1,000 queries of {limit.by} {limit.of}"
    elif not isinstance(limit, MaxMeanLatency):
        step, what, verb = 0.01, f"one more quality point of {limit.by} {limit.of}", "costs"
    if saves:
        return f"{what} {'costs' if verb == 'costs' else 'saves'} ${1000 * price * step:.2g} per 1,000 queries"
    return f"{what} {verb} {100 * price * step:.2g} quality points (of 100)"


def _mixture(answer: LimitedCalibration) -> doc.MixtureEntry:
    rule = answer.rule
    return doc.MixtureEntry(
        rows=tuple(row.name for row in rule.constraints),
        objective=rule.prices.objective,
        prices=tuple(map(float, rule.prices.limits)),
        kinds=tuple("".join("1" if applies else "0" for applies in kind) for kind in rule.applies),
        sides=tuple(
            doc.SideEntry(
                objective=prices.objective, prices=tuple(map(float, prices.limits)), weights=tuple(map(float, weights))
            )
            for prices, weights in rule.components
        ),
    )


def expected_section(known: LoggedOutcomes, answer: Answer, grid: Grid) -> doc.ExpectedEntry:
    """Write down what is to be expected, and how it compares with the best single point."""
    best = baselines.best_single(known)
    found = answer.estimate
    quality, _, _ = known.chosen(answer.rule)
    ratio = baselines.cost_ratio(known, answer.rule, best)
    away = 100 * (quality - known.quality[:, best])
    reach = intervals.Z90 * float(away.std()) / len(away) ** 0.5
    words = (
        f"mean cost is x{ratio.value:.3f} of that of {grid.names[best]}, at {away.mean():+.2f} quality points "
        f"[{away.mean() - reach:+.2f}, {away.mean() + reach:+.2f}]"
    )
    queries = len(known.quality)
    return doc.ExpectedEntry(
        quality=_share(found.quality),
        quality_low=_share(found.quality_low),
        quality_high=_share(found.quality_high),
        cost_usd=readable(max(found.cost_usd, 0.0)),
        cost_usd_low=readable(max(found.cost_usd_low, 0.0)),
        cost_usd_high=readable(max(found.cost_usd_high, 0.0)),
        queries=queries,
        effective_queries=readable(queries * known.known_share(answer.rule)),
        best_single=doc.BestSingleEntry(
            point=grid.names[best],
            quality=_share(known.quality[:, best].mean()),
            cost_usd=readable(max(float(known.cost_usd[:, best].mean()), 0.0)),
        ),
        saving=doc.SavingEntry(
            ratio=readable(ratio.value), low=readable(ratio.low), high=readable(ratio.high), meaning=words
        ),
    )


def grid_section(known: LoggedOutcomes, grid: Grid, share: np.ndarray, surface: Surface) -> tuple[doc.GridEntry, ...]:
    """Write the grid down, with how often each point is called and how good it is.

    Args:
        known: the traffic with the surface's own forecasts.
        grid: points and prices.
        share: of the calls, ``(points,)``.
        surface: for how many queries were logged at each point.
    """
    entries, quality = [], mean_qualities(known)
    for model in grid.models:
        columns = [j for j, point in enumerate(grid.points) if point.model == model]
        price = grid.prices.get(model)
        points = tuple(
            doc.PointEntry(
                kind=grid.points[j].budget.kind,  # type: ignore[arg-type]
                label=grid.points[j].budget.label,
                amount=grid.points[j].budget.amount,
                share=_share(share[j]),
                quality=_share(quality[j].value),
                quality_low=_share(quality[j].low),
                quality_high=_share(quality[j].high),
                cost_usd=readable(max(float(known.cost_usd[:, j].mean()), 0.0)),
                queries=0 if grid.points[j] in grid.between else int(surface.queries[j]),
                never_logged=_never_logged(grid, j),
            )
            for j in columns
        )
        entry = price and doc.PriceEntry(
            input=price.input_usd_per_mtok,
            cached_input=price.cached_input_usd_per_mtok,
            output=price.output_usd_per_mtok,
            source=price.source,  # type: ignore[arg-type]
        )
        cost = "tokens" if price else "logged"
        entries.append(doc.GridEntry(model=model, price_usd_per_mtok=entry or None, cost=cost, points=points))
    return tuple(entries)


def _never_logged(grid: Grid, column: int) -> doc.NeverLoggedEntry | None:
    place = grid.between.get(grid.points[column])
    return place and doc.NeverLoggedEntry(between=(place.below, place.above), along=place.along)


def trade_off(known: LoggedOutcomes) -> list[PolicyValue]:
    """Give the calibrated trade-off on the traffic, without limits on the population."""
    return curve(known.forecast, *known.outcomes, n=TRADE_OFF_ROWS)


def trade_off_section(known: LoggedOutcomes) -> tuple[doc.TradeOffEntry, ...]:
    """Write the trade-off down."""
    return tuple(
        doc.TradeOffEntry(
            quality_per_usd=readable(row.rule.price),  # type: ignore[union-attr]  # of one price
            cost_usd=readable(max(row.cost_usd, 0.0)),
            quality=_share(row.quality),
            quality_low=_share(row.quality_low),
            quality_high=_share(row.quality_high),
        )
        for row in trade_off(known)
    )


def _share(value: float) -> float:
    return readable(min(max(value, 0.0), 1.0))


def readable(value: float) -> float:
    """Round a figure that is only read, never computed with, to six significant digits."""
    return float(f"{value:.6g}")
