"""Quality, cost and latency of every point at some queries: the whole input of the solver.

:class:`Forecast` is checked where it is built. :class:`Tables` holds the same figures unchecked: rows of a checked
forecast, or estimates of single cells, which may be negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from paretoroute._arrays import Floats, Indices, Mask, given_array
from paretoroute.errors import TargetError, expect, shown

ROUNDING = 1e-6  # how far a quality may lie outside [0, 1], as the mean of float32 numbers may
# Positive costs and latencies that are priced: with float64's rounding, no price or product of two leaves its range.
LEAST, MOST = 1e-60, 1e60


@dataclass(frozen=True)
class Tables:
    """Figures of every point at some queries, taken as they are.

    Args:
        quality: mean quality, ``(queries, points)``; more is better.
        cost_usd: mean cost of one call, ``(queries, points)``, or ``(points,)`` where all queries share it.
        latency_s: mean latency, ``(queries, points)`` or ``(points,)``, or None.
        callable: which points may be called, bool, ``(queries, points)`` or ``(points,)``; None: all.
    """

    quality: Floats
    cost_usd: Floats
    latency_s: Floats | None = None
    callable: Mask | None = None

    def take(self, rows: Indices | slice) -> Tables:
        """Return some rows (a view for a slice); figures that all queries share stay as they are."""
        return Tables(
            self.quality[rows],
            self.cost_usd[rows] if self.cost_usd.ndim == 2 else self.cost_usd,
            None if self.latency_s is None else self.latency_s[rows] if self.latency_s.ndim == 2 else self.latency_s,
            None if self.callable is None else self.callable[rows] if self.callable.ndim == 2 else self.callable,
        )

    def astype(self, dtype: DTypeLike) -> Tables:
        """Convert quality, cost and latency; arrays of this type already are not copied."""
        return Tables(
            self.quality.astype(dtype, copy=False),
            self.cost_usd.astype(dtype, copy=False),
            None if self.latency_s is None else self.latency_s.astype(dtype, copy=False),
            self.callable,
        )


@dataclass(frozen=True)
class Forecast(Tables):
    """Expected quality, cost and latency of every point at some queries, checked.

    Args:
        quality: mean quality, ``(queries, points)``, in [0, 1] but for 1e-6 of rounding; more is better.
        cost_usd: mean cost of one call, ``(queries, points)``, or ``(points,)`` where all queries share it.
        latency_s: mean latency, ``(queries, points)`` or ``(points,)``, or None.
        callable: which points may be called (outages, context length), bool, ``(queries, points)`` or
            ``(points,)``; None: all.
        labels: names by which limits group queries, ``(queries,)`` each, by kind: ``tag``, ``tenant``, ``step``; None:
            none. ``""`` is no label.

    Raises:
        TargetError: shapes disagree, a number is not finite, a quality lies outside [0, 1] by more than 1e-6, a cost is
            negative, or a query has no callable point.
    """

    labels: Mapping[str, NDArray[np.str_]] | None = None

    def __post_init__(self) -> None:
        for name in ("quality", "cost_usd", "latency_s", "callable"):
            if (values := getattr(self, name)) is not None or name in ("quality", "cost_usd"):
                array = _numbers(name, values)
                object.__setattr__(self, name, _mask(array) if name == "callable" else array)
        if self.labels is not None:
            expect("a forecast's labels", self.labels, Mapping, TargetError)
            object.__setattr__(self, "labels", {name: given_array(label) for name, label in self.labels.items()})
        quality, cost = self.quality, self.cost_usd
        if quality.ndim != 2 or 0 in quality.shape:
            raise TargetError(f"a forecast's quality has shape (queries, points), got {quality.shape}")
        for name in ("cost_usd", "latency_s", "callable"):
            value = getattr(self, name)
            if value is not None and np.shape(value) not in (quality.shape, quality.shape[1:]):
                raise TargetError(
                    f"a forecast's {name} has shape {quality.shape} or {quality.shape[1:]}, got {np.shape(value)}"
                )
        for name, label in (self.labels or {}).items():
            if label.shape != quality.shape[:1]:
                raise TargetError(
                    f"a forecast's labels[{shown(name)}] have shape {quality.shape[:1]}, got {label.shape}"
                )
        if not np.isfinite(quality).all() or not np.isfinite(cost).all():
            raise TargetError(
                "a forecast's quality and cost_usd must be finite; mark points without one as not callable, and give "
                "them any number"
            )
        if quality.min() < -ROUNDING or quality.max() > 1 + ROUNDING:
            raise TargetError(
                f"a forecast's quality must lie in [0, 1], got {quality.min():.6g} to {quality.max():.6g}; rescale it"
            )
        if (cost < 0).any():
            raise TargetError(f"a forecast's cost_usd must not be negative, got {cost.min()}; correct it")
        if self.callable is not None:
            stuck = np.flatnonzero(~np.broadcast_to(self.callable, quality.shape).any(axis=1))
            if stuck.size:
                raise TargetError(f"query {stuck[0]} has no callable point; allow at least one at every query")


def _numbers(name: str, values: object) -> Floats:
    array = given_array(values)
    if array.dtype.kind not in "fiub":
        raise TargetError(f"a forecast's {name} must be an array of numbers, got {shown(values)}")
    return array


def _mask(array: NDArray[Any]) -> Mask:
    if array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise TargetError(f"a forecast's callable must be an array of True and False, got one of {array.dtype}")
    return array.astype(bool, copy=False)


def in_range(forecast: Forecast, *, with_latency: bool = False) -> Forecast:
    """Check that costs, and latencies where they are limited, are 0 or of 1e-60 to 1e60 wherever a point may be called.

    Beyond that, prices and priced costs of one forecast would overflow. Figures of points that must not be called count
    as 0 there.

    Args:
        forecast: of the queries.
        with_latency: whether latencies are limited, too.

    Raises:
        TargetError: a point that may be called has another cost or latency; the message names the first.
    """
    cost, latency = _in_range("cost_usd", forecast.cost_usd, forecast), forecast.latency_s
    if with_latency and latency is not None:
        latency = _in_range("latency_s", latency, forecast)
    if cost is forecast.cost_usd and latency is forecast.latency_s:
        return forecast
    return replace(forecast, cost_usd=cost, latency_s=latency)


def _in_range(name: str, figures: Floats, forecast: Forecast) -> Floats:
    """Return figures with 0 for those out of range at points that must not be called."""
    reaches_far = figures.dtype.kind == "f" and figures.dtype.itemsize > 4  # as no other type does
    if float(figures.min()) >= 0 and float(figures.max()) <= MOST:
        if not reaches_far or np.count_nonzero(figures >= LEAST) == np.count_nonzero(figures):
            return figures
    outside = figures < 0  # as a latency may be
    if reaches_far:
        outside |= (figures > MOST) | (figures < LEAST) & (figures != 0)
    callable = True if forecast.callable is None else forecast.callable
    wrong = np.argwhere(np.broadcast_to(outside & callable, forecast.quality.shape))
    if wrong.size:
        query, column = wrong[0].tolist()
        value = np.broadcast_to(figures, forecast.quality.shape)[query, column]
        raise TargetError(
            f"a forecast's {name} must be 0 or lie in {LEAST:g} to {MOST:g}, got {value:.6g} at query {query}, column "
            f"{column}; rescale it, or mark points that must not be called as not callable"
        )
    return np.where(outside, 0.0, figures) if outside.any() else figures
