"""Forecast unlogged points between two logged ones of their model. NumPy only.

Compute is what a call uses rather than what it may use: a model that may think four times as long uses perhaps twice
the tokens. So a point is placed on the scale of the logarithm of tokens. Its tokens are linear in the amount for votes,
and where the lower neighbour has amount 0 (no thinking); between two other amounts they follow a power of it; efforts,
which have no amount, have places of their own. Every figure of a query is then linear between those of the two
neighbours at that place: quality itself, and the logarithms of tokens, prompt tokens and latency.

On real logs this was closer than a straight line over the logarithm of the amount and than halfway; neither the
curvature of other models nor the prior of the matrix completion was closer still: see experiments/holes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from paretoroute._arrays import Floats, Floats32, Indices, Mask, single
from paretoroute.fitting.points.unlogged import PointsOnOffer, UnloggedPoint
from paretoroute.fitting.result import Fit
from paretoroute.grid import Between, Point
from paretoroute.surface.panel import Panel, Scale
from paretoroute.surface.surface import Bounds, Surface, TextGrowth
from paretoroute.surface.traffic import CalibrationSample, LogSupport

# Distance of an interpolated figure from the truth, as a share of its neighbours' distance, and of quality besides
# (standard deviations on real logs: experiments/holes).
MISS = 0.1
QUALITY_MISS = 0.02


@dataclass(frozen=True)
class _Place:
    """Columns that one point is forecast from.

    Args:
        below: its own column among the logged points, or that of its neighbour with less compute.
        above: its own column, or that of its neighbour with more.
        along: how far from the one to the other, on the scale of log tokens.
        prompt_along: likewise on the scale of log prompt tokens.
    """

    below: int
    above: int
    along: float = 0.0
    prompt_along: float = 0.0


@dataclass(frozen=True)
class _Columns:
    """The places of all points on offer, as arrays ``(points,)``; see :class:`_Place`."""

    below: Indices
    above: Indices
    along: Floats
    prompt_along: Floats

    @staticmethod
    def of(places: Sequence[_Place]) -> _Columns:
        return _Columns(
            below=np.array([place.below for place in places], np.intp),
            above=np.array([place.above for place in places], np.intp),
            along=np.array([place.along for place in places]),
            prompt_along=np.array([place.prompt_along for place in places]),
        )

    @property
    def unlogged(self) -> Mask:
        return self.below != self.above

    @property
    def of_prompts(self) -> _Columns:
        return replace(self, along=self.prompt_along)

    def mix(self, table: Floats) -> Floats:
        """Interpolate ``(..., logged points)`` linearly over the last axis: ``(..., points)``."""
        low, high = table[..., self.below], table[..., self.above]
        return np.where(self.unlogged, (1 - self.along) * low + self.along * high, low)

    def mix_logs(self, table: Floats) -> Floats:
        """Interpolate the logarithm of ``(..., logged points)`` over the last axis: ``(..., points)``."""
        low, high = table[..., self.below], table[..., self.above]
        return np.where(self.unlogged, low ** (1 - self.along) * high**self.along, low)

    def least(self, table: Floats) -> Floats:
        return np.fmin(table[..., self.below], table[..., self.above])

    def most(self, table: Floats) -> Floats:
        return np.fmax(table[..., self.below], table[..., self.above])


def along(point: UnloggedPoint, below: float, above: float) -> float:
    """Place a point between its neighbours on the scale of the logarithm of tokens, in (0, 1).

    With amounts a0 < a < a1 and tokens T0, T1: log(a/a0) / log(a1/a0). For votes, and where a0 = 0, with
    T = T0 + (T1 - T0) (a - a0)/(a1 - a0): log(T/T0) / log(T1/T0). Efforts by their places.

    Args:
        point: with its neighbours.
        below: mean tokens (or USD) of the neighbour with less compute.
        above: of the other.
    """
    low, at, high = point.places
    even = (at - low) / (high - low)
    kind = point.point.budget.kind
    if kind == "effort":
        return even
    if low > 0 and kind != "samples":
        return math.log(at / low) / math.log(high / low)
    return _on_logs(even, above / below)


def prompt_along(point: UnloggedPoint, below: float, above: float) -> float:
    """Place a point between its neighbours on the scale of log prompt tokens, in [0, 1].

    A vote of n reads the prompt n times, and an answer without a vote once.
    """
    low, at, high = point.places
    if point.point.budget.kind != "samples" or high <= 1:
        return (at - low) / (high - low)
    return _on_logs((max(at, 1.0) - max(low, 1.0)) / (high - max(low, 1.0)), above / below)


def _on_logs(even: float, ratio: float) -> float:
    """Turn a share of the way into that on the scale of logarithms, ``ratio`` being the upper end over the lower."""
    whole = math.log(ratio)
    return even if abs(whole) < 1e-6 else math.log1p(even * (ratio - 1)) / whole


def widened(fit: Fit, logged: Sequence[Point], offer: PointsOnOffer) -> Fit:
    """Add columns for the unlogged points.

    Args:
        fit: of the logged points.
        logged: its points, in order.
        offer: all points to offer, in order, and the neighbours of the unlogged ones.

    Returns:
        A fit of all points on offer, whose ``between`` names the unlogged ones. In its calibration sample nothing is
        logged at those.
    """
    column = {point: j for j, point in enumerate(logged)}
    places = {point: _Place(j, j) for point, j in column.items()}
    places |= {one.point: _placed(one, fit.surface, column) for one in offer.unlogged}
    columns = _Columns.of([places[point] for point in offer.points])
    between = {
        one.point: Between(one.below.budget.label, one.above.budget.label, places[one.point].along)
        for one in offer.unlogged
    }
    surface = _surface(fit.surface, columns)
    return replace(
        fit, surface=surface, calibration_sample=_sample(fit.calibration_sample, surface, columns), between=between
    )


def _placed(point: UnloggedPoint, surface: Surface, column: dict[Point, int]) -> _Place:
    low, high = column[point.below], column[point.above]
    means = surface.context_free()
    way = along(point, float(means.amount[low]), float(means.amount[high]))
    if surface.prompt is None:
        return _Place(low, high, way)
    prompts = means.prompt_tokens
    return _Place(low, high, way, prompt_along(point, float(prompts[low]), float(prompts[high])))


def _surface(surface: Surface, columns: _Columns) -> Surface:
    quality = _panel(surface.quality, columns, QUALITY_MISS)
    own = surface.quality.scale.spread**2 / np.maximum(surface.queries, 1.0)
    span = surface.quality.base[columns.above] - surface.quality.base[columns.below]
    variance = (1 - columns.along) ** 2 * own[columns.below] + columns.along**2 * own[columns.above]
    variance += QUALITY_MISS**2 + (MISS * span) ** 2
    # As many queries as would leave a mean as uncertain as the interpolation is.
    queries = np.where(columns.unlogged, quality.scale.spread**2 / variance, surface.queries[columns.below])
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
        prompt_growth=surface.prompt_growth and _growth(surface.prompt_growth, columns.of_prompts),
        amount_growth=surface.amount_growth and _growth(surface.amount_growth, columns),
    )


def _growth(growth: TextGrowth, columns: _Columns) -> TextGrowth:
    return TextGrowth(**{item.name: single(columns.mix(getattr(growth, item.name))) for item in fields(TextGrowth)})


def _panel(panel: Panel, columns: _Columns, miss: float) -> Panel:
    span = panel.base[columns.above] - panel.base[columns.below]
    return replace(
        panel,
        base=single(columns.mix(panel.base)),
        basis=single(columns.mix(panel.basis.T).T),
        scale=_scale(panel.scale, columns, miss**2 + (MISS * span) ** 2),
    )


def _scale(scale: Scale, columns: _Columns, miss_variance: Floats) -> Scale:
    spread = np.sqrt(columns.mix(scale.spread**2) + np.where(columns.unlogged, miss_variance, 0.0))
    return replace(
        scale,
        low=columns.least(scale.low),
        high=columns.most(scale.high),
        spread=single(np.where(columns.unlogged, spread, scale.spread[columns.below])),
        smearing=None if scale.smearing is None else single(np.exp(columns.mix(np.log(scale.smearing)))),
    )


def _sample(sample: CalibrationSample, surface: Surface, columns: _Columns) -> CalibrationSample:
    """Widen the tables; out-of-fold forecasts lie between those of the neighbours, as the surface's do."""
    latency, logged_latency = sample.latency_s, sample.logged_latency_s
    return replace(
        sample,
        quality=_forecasts(sample.quality, surface.quality, columns),
        amount=_forecasts(sample.amount, surface.amount, columns),
        prompt_tokens=_forecasts(sample.prompt_tokens, surface.prompt, columns.of_prompts),
        logged_quality=_logged(sample.logged_quality, columns),
        logged_amount=_logged(sample.logged_amount, columns),
        logged_prompt_tokens=_logged(sample.logged_prompt_tokens, columns),
        latency_s=None if latency is None else _forecasts(latency, surface.latency, columns),
        logged_latency_s=None if logged_latency is None else _logged(logged_latency, columns),
        support=sample.support and _support(sample.support, surface, columns),
    )


def _support(support: LogSupport, surface: Surface, columns: _Columns) -> LogSupport:
    """Widen the support of a partial log: nothing is logged at unlogged points, as uncertain as both neighbours."""
    supported, blind_quality, blind_amount = support.is_supported, support.blind_quality, support.blind_amount
    prompt = support.deployed_prompt_tokens
    return replace(
        support,
        weight=np.where(columns.unlogged, np.float32(0), support.weight[:, columns.below]),
        is_supported=None if supported is None else supported[:, columns.below] & supported[:, columns.above],
        quality_error=columns.most(support.quality_error.astype(float)).astype(np.float32),
        cost_error=columns.most(support.cost_error.astype(float)).astype(np.float32),
        deployed_quality=_forecasts(support.deployed_quality, surface.quality, columns),
        deployed_amount=_forecasts(support.deployed_amount, surface.amount, columns),
        deployed_prompt_tokens=None if prompt is None else _forecasts(prompt, surface.prompt, columns.of_prompts),
        blind_quality=None if blind_quality is None else _forecasts(blind_quality, surface.quality, columns),
        blind_amount=None if blind_amount is None else _forecasts(blind_amount, surface.amount, columns),
    )


def _forecasts(table: Floats32, panel: Panel | None, columns: _Columns) -> Floats32:
    wide = table.astype(np.float64)
    in_logs = panel is not None and panel.scale.smearing is not None
    wide = columns.mix_logs(wide) if in_logs else columns.mix(wide)
    if panel is not None and panel.is_constant:  # equal to the last bit, or queries that tie would not
        wide = np.where(columns.unlogged, panel.context_free(), wide)
    return wide.astype(np.float32)


def _logged(table: Floats32, columns: _Columns) -> Floats32:
    return np.where(columns.unlogged, np.float32(np.nan), table[:, columns.below]).astype(np.float32)
