"""The findings of a fit: sentences for the user about the log, the signal and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from paretoroute._arrays import Floats32
from paretoroute.calibration import intervals
from paretoroute.calibration.intervals import Interval
from paretoroute.errors import one_line
from paretoroute.fitting.result import Fit, Signal
from paretoroute.grid import Between, Grid, Point
from paretoroute.runs.findings import Finding
from paretoroute.runs.folds import groups_of
from paretoroute.runs.table import Runs
from paretoroute.surface.panel import Panel

LEAST_EFFECTIVE_SHARE = 0.8  # below this ratio of effective to logged queries, warn about clustering
LEAST_FORECAST = 1e-12  # of amounts, before the logarithm: points that are not priced by tokens have none
LEAST_COPIES, LEAST_COPIED_SHARE = 20, 0.1  # of queries with one text, from which on they are reported
CARRIED_SHARE = 0.9  # of the forecasts' variance, in the count of directions that carry it


def unlogged_findings(points: Sequence[Point], between: dict[Point, Between]) -> tuple[Finding, ...]:
    """Name the two logged points that each unlogged point is forecast between."""
    return tuple(
        Finding(
            "unlogged",
            f"{point.name} was never logged: it is forecast between {point.model}@{place.below} and "
            f"{point.model}@{place.above}, {place.along:.0%} of the way on the scale of log tokens",
        )
        for point in points
        if (place := between.get(point))
    )


def family_findings(runs: Runs) -> tuple[Finding, ...]:
    """Warn where many queries are copies or turns of one conversation, so that intervals are too narrow."""
    sizes = np.array(list(Counter(groups_of(runs)).values()), np.float64)
    effective = sizes.sum() ** 2 / (sizes**2).sum()  # Kish (1965): where all of a family come out alike
    if effective > LEAST_EFFECTIVE_SHARE * sizes.sum():
        return ()
    families = "1 family" if len(sizes) == 1 else f"{len(sizes)} families"
    text = (
        f"{sizes.sum():.0f} queries in {families} of copies or conversations: at worst, where a "
        f"family comes out alike, they count as {effective:.0f}; intervals but that of the verdict count queries, "
        "and are too narrow for new families"
    )
    return (Finding("families", text),)


def constant_findings(runs: Runs) -> tuple[Finding, ...]:
    """Ask about a quality that is the same in all runs, which tells no point from another."""
    if np.ptp(runs.quality) > 0:
        return ()
    text = (
        f"quality is {runs.quality[0]:.6g} in all {len(runs.quality):,} runs: nothing tells the points apart but their "
        "cost; is it the right column, and are failed answers in the log?"
    )
    return (Finding("note", text),)


def uniform_findings(runs: Runs, kind: str, *, second: bool = False) -> tuple[Finding, ...]:
    """Report queries that cannot be told apart: one text, or one vector, for all of them or for many.

    Args:
        runs: the log; its embeddings are what the features are made of, unless they are of the text.
        kind: of the features.
        second: whether the embeddings are read beside the texts: then queries differ unless both are the same.
    """
    queries = len(runs.query_ids)
    if second and runs.embeddings is not None:
        both = zip(runs.texts, (row.tobytes() for row in runs.embeddings), strict=True)
        most, noun, shown = max(Counter(both).values()), "text and vector of features", ""
    elif kind == "hashed_ngrams" and runs.embeddings is not None and len(set(runs.texts)) > 1:
        text = f"all {queries} queries have one embedding, so the texts alone are read; is the embedding logged?"
        return (Finding("note", text),)
    elif kind == "hashed_ngrams" or runs.embeddings is None:
        (text, most), noun = Counter(runs.texts).most_common(1)[0], "text"
        shown = repr(one_line(text, 40)) if text.strip() else "empty, as where none is stored"
    else:
        most, noun = max(Counter(row.tobytes() for row in runs.embeddings).values()), "vector of features"
        shown = ""
    if most < max(LEAST_COPIES, LEAST_COPIED_SHARE * queries):
        return ()
    of_all = f"all {queries} queries have" if most == queries else f"{most} of {queries} queries have"
    rest = "so the policy cannot tell them apart and is context-free" if most == queries else "and are not told apart"
    return (Finding("note", f"{of_all} one {noun}{f' ({shown})' if shown else ''}, {rest}; is the {noun} logged?"),)


def signal_findings(fit: Fit, grid: Grid, *, lost: bool = False) -> tuple[Finding, ...]:
    """State how much of each figure's variance the query explains, and by how many components.

    Args:
        fit: the fit.
        grid: the points on offer; where none is priced by tokens, the panel of tokens holds costs.
        lost: whether routing lost, so that quality and tokens follow no query after all.
    """
    surface, sample = fit.surface, fit.calibration_sample
    panels = {
        "quality": (surface.quality, sample.quality),
        "tokens": (surface.amount, sample.amount),
        "prompt tokens": (surface.prompt, sample.prompt_tokens),
        "latency": (surface.latency, sample.latency_s),
    }
    priced = grid.token_prices.priced
    amount = "tokens" if priced.all() else "tokens and logged cost" if priced.any() else "cost"
    names = {"tokens": amount}
    by_length = "prompt tokens" if surface.prompt_growth is not None else None
    return tuple(
        Finding(
            "signal",
            f"{names.get(signal.name, signal.name)}: "
            + _signal_text(
                signal, *panels[signal.name], lost=lost and signal.name != "latency", by_length=signal.name == by_length
            ),
        )
        for signal in fit.signals
    )


def _signal_text(signal: Signal, panel: Panel | None, forecast: Floats32 | None, *, lost: bool, by_length: bool) -> str:
    """Describe one panel's signal; ``by_length``: beyond what the length of the text explains."""
    share, reach = 100 * signal.explained, 100 * intervals.Z90 * signal.explained_se
    left = " that the length of the text leaves," if by_length else ""
    explained = f"the query explains {share:.1f}% +- {reach:.1f} of the variance{left} out of fold"
    if not signal.used or panel is None or forecast is None:
        stays = "follows that length alone" if by_length else "stays at the context-free means"
        return f"no signal found: {explained}; not beyond noise, so it {stays}; no components kept"
    head = f"signal found: {explained}" if signal.is_found else f"faint signal: {explained}, within noise"
    if lost:
        return f"{head}; not used, since routing lost to the best static mixture"
    points, kept = panel.basis.shape
    kept_text = f"{kept} component{'s' * (kept != 1)} of {points} kept"
    if round(signal.follows, 2) < 1:
        kept_text = f"followed at {100 * signal.follows:.0f}%, as far as it was seen; {kept_text}"
    if by_length:
        return f"{head}; {kept_text}"
    figures = forecast if panel.scale.smearing is None else np.log(np.maximum(forecast, LEAST_FORECAST))
    directions = _carrying(figures)
    carry = f"{directions} of which carr{'y' if directions != 1 else 'ies'} 90% of what the forecasts vary by"
    return f"{head}; {kept_text}, {carry}"


def _carrying(forecast: Floats32) -> int:
    """Count the principal directions that carry 90% of the variance of forecasts ``(queries, points)``."""
    centred = (forecast - forecast.mean(0)).astype(np.float64)
    variance = np.maximum(np.linalg.eigvalsh(centred.T @ centred)[::-1], 0.0)
    return 1 + int((np.cumsum(variance) < CARRIED_SHARE * variance.sum()).sum())


def verdict(gain: Interval | None, queries: int, effective: float) -> str:
    """State whether routing pays: whether its gain is above zero by its whole interval, in the digits that are printed.

    Args:
        gain: over the best static mixture of points, in quality points of 100; None where the log is too thin to tell.
        queries: the queries judged, each out of fold.
        effective: how many of them count: those with something logged at the chosen point.

    Example:
        >>> verdict(Interval(0.5, -0.2, 1.2), 300, 300.0)[:60]
        'routing does not pay on these runs: no gain is visible; agai'
    """
    if gain is None:
        return (
            "the log is too thin to tell whether routing pays: the runs that agree with a policy's choices count as "
            f"{effective:.0f} of {queries} queries, over the trade-off"
        )
    value, low, high = (f"{round(end, 2) + 0.0:+.2f}" for end in (gain.value, gain.low, gain.high))
    if float(low) > 0:
        outcome = "routing pays on these runs"
    elif float(high) < 0:
        outcome = "routing does not pay on these runs: it loses"
    else:
        outcome = "routing does not pay on these runs: no gain is visible"
    return (
        f"{outcome}; against the best static mixture at equal cost, over the trade-off: {value} quality points "
        f"[{low}, {high}] out of fold on {queries} queries, {effective:.0f} effective"
    )
