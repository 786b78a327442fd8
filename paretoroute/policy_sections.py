"""The sections of a policy file: rounded figures for a review, exact ones for the rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paretoroute import evidence
from paretoroute import policy_document as doc
from paretoroute.calibration import Calibrated, curve
from paretoroute.calibration_limited import LimitedCalibration
from paretoroute.estimate import Estimate
from paretoroute.evidence import Interval, Record
from paretoroute.fitted import Fit
from paretoroute.grid import Grid
from paretoroute.limits import CallLimit, Limit, MaxCostOf, MaxMeanLatency, MaxShare, PopulationLimit
from paretoroute.point_quality import mean_qualities
from paretoroute.solver import meaning
from paretoroute.surface import Surface
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target

TRADE_OFF_ROWS = 8
LEAST_FORECAST = 1e-12  # of amounts, before the logarithm: points that are not priced by tokens have none
Answer = Calibrated | LimitedCalibration


def target_entry(target: Target, names: tuple[str, ...] = ()) -> doc.TargetEntry:
    """Write a target down; a point given by column is named."""
    if isinstance(target, BestTrade):
        return doc.TargetBestTrade(usd_per_quality=float(target.usd_per_quality))
    if isinstance(target, MaxCost):
        return doc.TargetMaxCost(usd=float(target.usd))
    if target.quality is not None:
        return doc.TargetMinQuality(quality=float(target.quality))
    of = target.of if isinstance(target.of, str) else names[int(target.of or 0)]
    return doc.TargetMinQualityOf(of=of, ratio=float(target.ratio or 1.0))


def target_of(entry: doc.TargetEntry) -> Target:
    """Read a target back."""
    if isinstance(entry, doc.TargetBestTrade):
        return BestTrade(usd_per_quality=entry.usd_per_quality)
    if isinstance(entry, doc.TargetMaxCost):
        return MaxCost(usd=entry.usd)
    if isinstance(entry, doc.TargetMinQuality):
        return MinQuality(quality=entry.quality)
    return MinQuality(ratio=entry.ratio, of=entry.of)


def solution_section(
    known: Record,
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
        rows=tuple(row.name for row in rule.rows),
        objective=rule.prices.objective,
        prices=tuple(map(float, rule.prices.limits)),
        kinds=tuple("".join("1" if applies else "0" for applies in kind) for kind in rule.kinds),
        sides=tuple(
            doc.SideEntry(
                objective=prices.objective, prices=tuple(map(float, prices.limits)), weights=tuple(map(float, weights))
            )
            for prices, weights in rule.sides
        ),
    )


def expected_section(known: Record, answer: Answer, grid: Grid) -> doc.ExpectedEntry:
    """Write down what is to be expected, and how it compares with the best single point."""
    best = evidence.best_single(known)
    found = answer.estimate
    quality, _, _ = known.chosen(answer.rule)
    ratio = evidence.cost_ratio(known, answer.rule, best)
    away = 100 * (quality - known.quality[:, best])
    reach = evidence.Z90 * float(away.std()) / len(away) ** 0.5
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


def grid_section(known: Record, grid: Grid, share: np.ndarray, surface: Surface) -> tuple[doc.GridEntry, ...]:
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


def trade_off(known: Record) -> list[Estimate]:
    """Give the calibrated trade-off on the traffic, without limits on the population."""
    return curve(known.forecast, *known.outcomes, n=TRADE_OFF_ROWS)


def trade_off_section(known: Record) -> tuple[doc.TradeOffEntry, ...]:
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


def signals(fit: Fit) -> list[str]:
    """Say how much the query explains of every figure, and by how many components."""
    surface, traffic = fit.surface, fit.traffic
    panels = {
        "quality": (surface.quality, traffic.quality),
        "tokens": (surface.amount, traffic.amount),
        "prompt tokens": (surface.prompt, traffic.prompt_tokens),
        "latency": (surface.latency, traffic.latency_s),
    }
    said = []
    for signal in fit.signals:
        share, reach = 100 * signal.explained, 100 * evidence.Z90 * signal.explained_se
        end = "not beyond noise, so it stays at the prompt-blind means; no components kept"
        panel, forecast = panels[signal.name]
        if signal.used and panel is not None and forecast is not None:
            points, kept = panel.basis.shape
            carrying = _carrying(forecast if panel.smear is None else np.log(np.maximum(forecast, LEAST_FORECAST)))
            words = f"{carrying} of which carr{'y' if carrying != 1 else 'ies'} 90% of what the forecasts vary by"
            end = f"{kept} component{'s' * (kept != 1)} of {points} kept, {words}"
        found = f"{'' if signal.used else 'no '}signal found: the query explains {share:.1f}% +- {reach:.1f}"
        said.append(f"{signal.name}: {found} of the variance out of fold; {end}")
    return said


def _carrying(forecast: np.ndarray, share: float = 0.9) -> int:
    """Count the directions that carry a share of what forecasts ``(queries, points)`` vary by."""
    away = (forecast - forecast.mean(0)).astype(np.float64)
    variance = np.maximum(np.linalg.eigvalsh(away.T @ away)[::-1], 0.0)
    return 1 + int((np.cumsum(variance) < share * variance.sum()).sum())


def is_signal(finding: str) -> bool:
    """Tell whether a finding is one of :func:`signals`."""
    return "signal found: the query explains" in finding


def verdict(gain: Interval, queries: int, effective: float) -> str:
    """Say whether routing pays.

    Args:
        gain: over the best prompt-blind mixture.
        queries: that were judged, each out of fold.
        effective: how many of them count: those with something logged at the point that was chosen.

    Example:
        >>> verdict(Interval(0.5, -0.2, 1.2), 300, 300.0)[:58]
        'routing does not pay on these runs, beyond noise; against '
    """
    figures = (
        f"{gain.value:+.2f} quality points [{gain.low:+.2f}, {gain.high:+.2f}] out of fold on {queries} queries, "
        f"{effective:.0f} effective"
    )
    words = f"against the best prompt-blind mixture at equal cost, over the trade-off: {figures}"
    if gain.low > 0:
        return f"routing pays on these runs; {words}"
    return f"routing does not pay on these runs, beyond noise; {words}"


def versions() -> dict[str, str]:
    """Give the versions that a fit depends on."""
    from importlib.metadata import version

    return {name: version(name) for name in ("paretoroute", "numpy", "scipy", "jax", "optax")}
