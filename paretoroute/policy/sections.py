"""Sections of a policy file that a reviewer reads: expected figures, grid and trade-off, rounded to six digits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration import baselines
from paretoroute.calibration.estimate import PolicyValue, as_supported
from paretoroute.calibration.intervals import Interval, normal_interval
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.calibration.point_means import mean_qualities
from paretoroute.calibration.single import curve
from paretoroute.grid import Grid, Price
from paretoroute.policy import schema as doc
from paretoroute.policy.schema_types import BestSingleEntry, ExpectedEntry, FindingKind, LoggerEntry, SavingEntry
from paretoroute.solver.rules import PriceRule, Rule
from paretoroute.surface.surface import Surface

TRADE_OFF_ROWS = 8


def expected_section(outcomes: LoggedOutcomes, value: PolicyValue[Rule], names: tuple[str, ...]) -> ExpectedEntry:
    """Write down what to expect of a policy, and how it compares with the best single point.

    Args:
        outcomes: of the calibration sample, with the forecasts that the rule chooses by.
        value: of the policy's rule.
        names: of the grid's points.
    """
    best, queries = baselines.best_single(outcomes), len(outcomes.quality)
    return ExpectedEntry(
        quality=_share(value.quality),
        quality_low=_end(_share, value.quality_low),
        quality_high=_end(_share, value.quality_high),
        cost_usd=_usd(value.cost_usd),
        cost_usd_low=_end(_usd, value.cost_usd_low),
        cost_usd_high=_end(_usd, value.cost_usd_high),
        queries=queries,
        effective_queries=readable(outcomes.logged_queries(value.rule) if value.effective is None else value.effective),
        best_single=BestSingleEntry(
            point=names[best],
            quality=_share(outcomes.quality[:, best].mean()),
            cost_usd=_usd(outcomes.cost_usd[:, best].mean()),
        ),
        saving=_saving(outcomes, value, best, name=names[best]),
        logger=_logger(outcomes),
    )


def _logger(outcomes: LoggedOutcomes) -> LoggerEntry | None:
    """Average the logged runs of a partial log, each query by its own mean; None of any other log.

    Where the cost of a run is unknown the mean of its point stands for it: runs whose cost is known need not be of the
    same points.
    """
    if outcomes.support is None:
        return None
    cost, is_known = outcomes.logged_cost_usd, ~np.isnan(outcomes.logged_cost_usd)
    mean = np.nansum(cost, axis=0) / np.maximum(is_known.sum(axis=0), 1)  # no point is on offer without a known cost
    cost = np.where(outcomes.is_logged & ~is_known, mean, cost)
    return LoggerEntry(quality=_share(_mean_of_queries(outcomes.logged_quality)), cost_usd=_usd(_mean_of_queries(cost)))


def _mean_of_queries(logged: Floats) -> float:
    """Average the logged cells of each query, then the queries that have any; 0 where none has."""
    count = (~np.isnan(logged)).sum(1)
    means = np.nansum(logged, axis=1)[count > 0] / count[count > 0]
    return float(means.mean()) if len(means) else 0.0


def _saving(outcomes: LoggedOutcomes, estimate: PolicyValue[Rule], best: int, *, name: str) -> SavingEntry | None:
    """Compare with the best single point.

    None where that is free and the policy is not, which no ratio states, and on a log that is too thin for intervals.
    """
    cost, other = outcomes.chosen(estimate.rule).cost_usd.mean(), outcomes.cost_usd[:, best].mean()
    if cost > 0 >= other or estimate.quality_low is None:
        return None
    if outcomes.support is None:
        ratio = baselines.cost_ratio(outcomes, estimate.rule, best)
        gain = normal_interval(100 * (outcomes.chosen(estimate.rule).quality - outcomes.quality[:, best]))
        # What is promised may lie below the logged mean of the choices, part of which is luck, as far as can be told.
        shift = 100 * (estimate.quality - outcomes.quality[:, best].mean()) - gain.value
        gain = Interval(gain.value + shift, gain.low + shift, gain.high + max(shift, 0.0))
    else:
        ratio, gain = baselines.against_point(outcomes, estimate, best)
    value, low, high = (f"{round(end, 2) + 0.0:+.2f}" for end in (gain.value, gain.low, gain.high))
    compared = f"mean cost is x{ratio.value:.3f} of that of {name}" if other > 0 else f"free, as {name} is"
    return SavingEntry(
        ratio=readable(ratio.value),
        low=readable(ratio.low),
        high=readable(ratio.high),
        meaning=f"{compared}, at {value} quality points [{low}, {high}]",
    )


def grid_section(
    outcomes: LoggedOutcomes, grid: Grid, *, shares: Floats, surface: Surface
) -> tuple[doc.GridEntry, ...]:
    """Write the grid down, with how often each point is called and how good it is.

    Args:
        outcomes: of the calibration sample, with the surface's own forecasts.
        grid: points and prices.
        shares: of the calls, ``(points,)``.
        surface: provides the number of queries logged at each point.
    """
    quality = mean_qualities(outcomes)
    points: dict[str, list[doc.PointEntry]] = {model: [] for model in grid.models}
    for j, point in enumerate(grid.points):
        never_logged = _never_logged(grid, j)
        points[point.model].append(
            doc.PointEntry(
                kind=point.budget.kind,
                label=point.budget.label,
                amount=point.budget.amount,
                share=_share(shares[j]),
                quality=_share(quality[j].value),
                quality_low=_share(quality[j].low),
                quality_high=_share(quality[j].high),
                cost_usd=_usd(outcomes.cost_usd[:, j].mean()),
                fee_usd=0.0 if never_logged else grid.fees.get(point, 0.0),
                most_fee_usd=0.0 if never_logged else grid.most_fees.get(point, 0.0),
                queries=0 if never_logged else int(surface.queries[j]),
                never_logged=never_logged,
            )
        )
    return tuple(
        doc.GridEntry(
            model=model,
            price_usd_per_mtok=_price(grid.prices.get(model)),
            cost="tokens" if model in grid.prices else "logged",
            points=tuple(entries),
        )
        for model, entries in points.items()
    )


def _price(price: Price | None) -> doc.PriceEntry | None:
    return price and doc.PriceEntry(
        input=price.input_usd_per_mtok,
        cached_input=price.cached_input_usd_per_mtok,
        cache_write=price.cache_write_usd_per_mtok,
        output=price.output_usd_per_mtok,
        source=price.source,  # type: ignore[arg-type]  # "given" or "derived", as Price documents
    )


def _never_logged(grid: Grid, column: int) -> doc.NeverLoggedEntry | None:
    place = grid.between.get(grid.points[column])
    return place and doc.NeverLoggedEntry(between=(place.below, place.above), along=place.along)


def trade_off(outcomes: LoggedOutcomes) -> list[PolicyValue[PriceRule]]:
    """Compute the calibrated trade-off on the calibration sample, without limits on the population."""
    values = curve(
        outcomes.forecast,
        outcomes.calibration_quality,
        outcomes.calibration_cost_usd,
        n=TRADE_OFF_ROWS,
        is_logged=outcomes.is_logged,
        corrected=outcomes.corrected,
        left_out=outcomes.judges,
    )
    return [as_supported(value, outcomes.logged_queries(value.rule)) for value in values]


def trade_off_section(outcomes: LoggedOutcomes) -> tuple[doc.TradeOffEntry, ...]:
    """Write the trade-off down."""
    return tuple(
        doc.TradeOffEntry(
            quality_per_usd=readable(row.rule.price),
            cost_usd=_usd(row.cost_usd),
            quality=_share(row.quality),
            quality_low=_end(_share, row.quality_low),
            quality_high=_end(_share, row.quality_high),
        )
        for row in trade_off(outcomes)
    )


def _end(rounded: Callable[[float], float], end: float | None) -> float | None:
    return None if end is None else rounded(end)


def _share(value: float | np.floating) -> float:
    return readable(min(max(float(value), 0.0), 1.0))


def _usd(value: float | np.floating) -> float:
    return readable(max(float(value), 0.0))


def readable(value: float) -> float:
    """Round a figure that people read, and nothing computes with, to six significant digits."""
    return float(f"{value:.6g}")


def with_finding(entry: doc.FittedOnEntry, kind: FindingKind, text: str) -> doc.FittedOnEntry:
    """Return the section on the log with one more finding."""
    return entry.model_copy(update={"findings": (*entry.findings, text), "finding_kinds": (*entry.finding_kinds, kind)})


def without_findings(entry: doc.FittedOnEntry, kind: FindingKind) -> doc.FittedOnEntry:
    """Return the section on the log without the findings of a kind."""
    kept = [finding for finding in entry.findings_by_kind() if finding[0] != kind]
    update = {"findings": tuple(text for _, text in kept), "finding_kinds": tuple(kind for kind, _ in kept)}
    return entry.model_copy(update=update)
