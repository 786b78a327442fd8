"""Forecast points that were never logged, between two logged ones of their model. NumPy only.

Compute is what a call takes, not what it may take: a model that may think four times as long takes perhaps twice the
tokens. So a point is placed on the scale of the logarithm of tokens. Its tokens are linear in the amount for votes, and
where the lower neighbour has amount 0 (no thinking); between two other amounts they follow a power of it; efforts,
which have no amount, have places of their own. Every figure of a query is then linear between those of the two
neighbours at that place: quality as it stands, and the logarithms of tokens, prompt tokens and latency.

On real logs this came nearer than a straight line over the logarithm of the amount and than halfway, and neither the
bends of other models' curves nor the completion's own prior came nearer still: see experiments/holes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, single
from paretoroute.fitting.points.unlogged import PointsOnOffer, UnloggedPoint
from paretoroute.fitting.result import Fit
from paretoroute.grid import Between, Point
from paretoroute.surface.panel import Panel
from paretoroute.surface.surface import Bounds, Surface
from paretoroute.surface.traffic import CalibrationSample

# How far a figure of a point in between lies from the line, as a share of its neighbours' distance, and of quality
# besides (standard deviations on real logs: experiments/holes).
MISS = 0.1
QUALITY_MISS = 0.02


@dataclass(frozen=True)
class _Columns:
    """For every point on offer its column among the logged ones, or its two neighbours', and how far along it lies."""

    below: NDArray[np.intp]
    above: NDArray[np.intp]
    along: Floats
    prompt_along: Floats  # on the scale of log prompt tokens

    @property
    def holes(self) -> NDArray[np.bool_]:
        return self.below != self.above

    @property
    def of_prompts(self) -> _Columns:
        return replace(self, along=self.prompt_along)

    def mix(self, table: Floats) -> Floats:
        """Interpolate over the last axis."""
        low, high = table[..., self.below], table[..., self.above]
        return np.where(self.holes, (1 - self.along) * low + self.along * high, low)

    def least(self, table: Floats) -> Floats:
        return np.fmin(table[..., self.below], table[..., self.above])

    def most(self, table: Floats) -> Floats:
        return np.fmax(table[..., self.below], table[..., self.above])


def along(gap: UnloggedPoint, below: float, above: float) -> float:
    """Place a point between its neighbours on the scale of the logarithm of tokens, in (0, 1).

    With amounts a0 < a < a1 and tokens T0, T1: log(a/a0) / log(a1/a0). For votes, and where a0 = 0, with
    T = T0 + (T1 - T0) (a - a0)/(a1 - a0): log(T/T0) / log(T1/T0). Efforts by their places.

    Args:
        gap: the point and its neighbours.
        below: mean tokens (or USD) of the neighbour with less compute.
        above: of the other.
    """
    low, at, high = gap.places
    even = (at - low) / (high - low)
    kind = gap.point.budget.kind
    if kind == "effort":
        return even
    if low > 0 and kind != "samples":
        return math.log(at / low) / math.log(high / low)
    return _on_logs(even, above / below)


def prompt_along(gap: UnloggedPoint, below: float, above: float) -> float:
    """Place a point between its neighbours on the scale of log prompt tokens, in [0, 1].

    A vote of n reads the prompt n times, and an answer without a vote once.
    """
    low, at, high = gap.places
    if gap.point.budget.kind != "samples" or high <= 1:
        return (at - low) / (high - low)
    return _on_logs((max(at, 1.0) - max(low, 1.0)) / (high - max(low, 1.0)), above / below)


def _on_logs(even: float, ratio: float) -> float:
    """Turn a share of the way into that on the scale of logarithms, ``ratio`` being the upper end over the lower."""
    whole = math.log(ratio)
    return even if abs(whole) < 1e-6 else math.log1p(even * (ratio - 1)) / whole


def widened(fit: Fit, logged: Sequence[Point], holes: PointsOnOffer) -> Fit:
    """Add columns for the points that were never logged.

    Args:
        fit: of the logged points.
        logged: its points, in order.
        holes: what to offer, in order, and where the others lie.

    Returns:
        A fit of all points on offer, whose ``between`` names those never logged. Their traffic has nothing logged.
    """
    place = {point: j for j, point in enumerate(logged)}
    means = fit.surface.flattened()
    tokens, prompts = means.amount, means.prompt_tokens
    between, rows = {}, {point: (j, j, 0.0, 0.0) for point, j in place.items()}
    for gap in holes.unlogged:
        low, high = place[gap.below], place[gap.above]
        way = along(gap, float(tokens[low]), float(tokens[high]))
        read = 0.0 if fit.surface.prompt is None else prompt_along(gap, float(prompts[low]), float(prompts[high]))
        rows[gap.point] = (low, high, way, read)
        between[gap.point] = Between(gap.below.budget.label, gap.above.budget.label, way)
    found = [rows[point] for point in holes.points]
    below, above = (np.array([row[side] for row in found], np.intp) for side in (0, 1))
    columns = _Columns(below, above, *(np.array([row[side] for row in found]) for side in (2, 3)))
    surface = _surface(fit.surface, columns)
    return Fit(surface, _traffic(fit.traffic, surface, columns), fit.signals, between)


def _surface(surface: Surface, columns: _Columns) -> Surface:
    quality = _panel(surface.quality, columns, QUALITY_MISS)
    own = surface.quality.spread**2 / np.maximum(surface.queries, 1.0)
    span = surface.quality.base[columns.above] - surface.quality.base[columns.below]
    doubt = (1 - columns.along) ** 2 * own[columns.below] + columns.along**2 * own[columns.above]
    doubt += QUALITY_MISS**2 + (MISS * span) ** 2
    # As many queries as would leave a mean as uncertain as the interpolation is.
    queries = np.where(columns.holes, quality.spread**2 / doubt, surface.queries[columns.below])
    bounds = surface.bounds
    return replace(
        surface,
        quality=quality,
        amount=_panel(surface.amount, columns, 0.0),
        prompt=surface.prompt and _panel(surface.prompt, columns.of_prompts, 0.0),
        latency=surface.latency and _panel(surface.latency, columns, 0.0),
        queries=single(queries),
        # A bound has to hold for certain: the larger neighbour's.
        bounds=Bounds(columns.most(bounds.prompt_overhead_tokens), columns.most(bounds.most_completion_tokens)),
    )


def _panel(panel: Panel, columns: _Columns, miss: float) -> Panel:
    span = panel.base[columns.above] - panel.base[columns.below]
    spread = np.sqrt(columns.mix(panel.spread**2) + np.where(columns.holes, miss**2 + (MISS * span) ** 2, 0.0))
    return replace(
        panel,
        base=single(columns.mix(panel.base)),
        basis=single(columns.mix(panel.basis.T).T),
        low=columns.least(panel.low),
        high=columns.most(panel.high),
        smear=None if panel.smear is None else single(np.exp(columns.mix(np.log(panel.smear)))),
        spread=single(np.where(columns.holes, spread, panel.spread[columns.below])),
    )


def _traffic(traffic: CalibrationSample, surface: Surface, columns: _Columns) -> CalibrationSample:
    """Widen the tables; forecasts out of fold lie between those of the neighbours, as the surface's do."""

    def forecasts(table: NDArray[np.float32], panel: Panel | None, columns: _Columns = columns) -> NDArray[np.float32]:
        wide = table.astype(np.float64)
        if panel is None or panel.smear is None:
            wide = columns.mix(wide)
        else:
            low, high = wide[:, columns.below], wide[:, columns.above]
            wide = np.where(columns.holes, low ** (1 - columns.along) * high**columns.along, low)
        if panel is not None and panel.flat:  # the same to the last bit, or queries that tie would not
            wide = np.where(columns.holes, panel.finish(panel.base), wide)
        return wide.astype(np.float32)

    def logged(table: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(columns.holes, np.float32(np.nan), table[:, columns.below]).astype(np.float32)

    latency, came = traffic.latency_s, traffic.logged_latency_s
    return replace(
        traffic,
        quality=forecasts(traffic.quality, surface.quality),
        amount=forecasts(traffic.amount, surface.amount),
        prompt_tokens=forecasts(traffic.prompt_tokens, surface.prompt, columns.of_prompts),
        logged_quality=logged(traffic.logged_quality),
        logged_amount=logged(traffic.logged_amount),
        logged_prompt_tokens=logged(traffic.logged_prompt_tokens),
        latency_s=None if latency is None else forecasts(latency, surface.latency),
        logged_latency_s=None if came is None else logged(came),
    )
