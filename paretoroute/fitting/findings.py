"""Findings of a fit, as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from paretoroute.calibration import intervals
from paretoroute.calibration.intervals import Interval
from paretoroute.fitting.result import Fit
from paretoroute.grid import Between, Point
from paretoroute.runs.folds import group_key
from paretoroute.runs.table import Runs

MANY_FAMILIES = 0.8  # of the queries have to count singly, else it is worth a word
LEAST_FORECAST = 1e-12  # of amounts, before the logarithm: points that are not priced by tokens have none


def sentences(points: Sequence[Point], between: dict[Point, Between]) -> tuple[str, ...]:
    """Say of every point that was never logged between which it is forecast."""
    return tuple(
        f"{point.name} was never logged: it is forecast between {point.model}@{place.below} and "
        f"{point.model}@{place.above}, {place.along:.0%} of the way on the scale of log tokens"
        for point in points
        if (place := between.get(point))
    )


def family_findings(runs: Runs) -> tuple[str, ...]:
    """Say so where many queries are copies or turns of one conversation, and intervals know less of others."""
    about = zip(runs.query_ids, runs.texts, runs.conversations, strict=True)
    size = np.array(list(Counter(group_key(*one) for one in about).values()), np.float64)
    effective = size.sum() ** 2 / (size**2).sum()  # Kish (1965): where all of a family comes out alike
    if effective > MANY_FAMILIES * size.sum():
        return ()
    return (
        f"{size.sum():.0f} queries in {len(size)} families of copies or conversations: at worst, where a "
        f"family comes out alike, they count as {effective:.0f}; intervals count queries, and are too narrow for new "
        "families",
    )


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
        share, reach = 100 * signal.explained, 100 * intervals.Z90 * signal.explained_se
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
