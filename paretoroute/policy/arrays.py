"""A surface and its traffic as named arrays, and back: what lies in the file beside a policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import PolicyError
from paretoroute.policy.panel_arrays import panel_arrays, panel_of
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.neighbours import HEADS, index
from paretoroute.surface.ngrams import STATISTICS
from paretoroute.surface.panel import LEADING, QUANTILES, Panel
from paretoroute.surface.surface import Bounds, OutOfDistributionCheck, Surface
from paretoroute.surface.traffic import CalibrationSample, Labels

Arrays = dict[str, NDArray[Any]]
PANELS = ("quality", "amount", "prompt", "latency")
TABLES = tuple(item.name for item in fields(CalibrationSample) if item.name != "labels")
LATENCIES = ("latency_s", "logged_latency_s")
SCALARS = ("least_known", "most_leverage")


def to_arrays(surface: Surface, traffic: CalibrationSample) -> Arrays:
    """Name every number of a surface and its traffic.

    The neighbours are kept as float16 features; their unit vectors are made anew on reading.
    """
    arrays: Arrays = {f"traffic.{name}": table for name in TABLES if (table := getattr(traffic, name)) is not None}
    arrays |= {f"labels.{by}": labels.codes for by, labels in traffic.labels.items()}
    for name in PANELS:
        panel = getattr(surface, name)
        if panel is not None:
            arrays |= {f"{name}.{part}": array for part, array in panel_arrays(panel).items()}
    arrays |= _named("featurizer.", surface.featurizer)
    arrays |= _named("familiarity.", surface.familiarity)
    arrays |= _named("bounds.", surface.bounds)
    arrays["neighbours.features"] = surface.neighbours.features
    arrays["queries"] = surface.queries
    return {name: array.astype(np.float32) if array.dtype == np.float64 else array for name, array in arrays.items()}


def _named(prefix: str, value: Any) -> Arrays:
    found: Arrays = {}
    for item in fields(value):
        part = getattr(value, item.name)
        if isinstance(part, float):
            part = np.array([part])
        if isinstance(part, np.ndarray):
            found[prefix + item.name] = part
    return found


def from_arrays(
    arrays: Mapping[str, NDArray[Any]],
    *,
    features: str,
    points: int,
    labels: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> tuple[Surface, CalibrationSample]:
    """Rebuild a surface and its traffic.

    Args:
        arrays: as :func:`to_arrays` gives them.
        labels: names of the labels by kind; the arrays hold their codes.
        features: kind of the features.
        points: how many points the grid has; every panel must have as many.

    Raises:
        PolicyError: an array is missing, or has a shape that does not fit the others.
    """
    try:
        featurizer = Featurizer(kind=features, **_wide("featurizer.", arrays))
        panels = {name: _panel(name, arrays) for name in PANELS}
        familiarity: dict[str, Any] = _wide("familiarity.", arrays)
        familiarity |= {name: float(familiarity[name][0]) for name in SCALARS}
        surface = Surface(
            featurizer=featurizer,
            neighbours=index(arrays["neighbours.features"], featurizer.rank),
            familiarity=OutOfDistributionCheck(**familiarity),
            bounds=Bounds(**_wide("bounds.", arrays)),
            queries=arrays["queries"].astype(np.float64),
            **panels,  # type: ignore[arg-type]
        )
        tables = {name: arrays.get(f"traffic.{name}") for name in TABLES}
        names = {by: Labels(tuple(known), arrays[f"labels.{by}"]) for by, known in labels.items()}
        traffic = CalibrationSample(**tables, labels=names)  # type: ignore[arg-type]
        _check(surface, traffic, points)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise PolicyError(f"the policy's numbers do not fit together ({error}); fit again") from None
    return surface, traffic


def _wide(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Take the arrays under a prefix, float32 as float64, since that is what inference computes in."""
    return {
        name.removeprefix(prefix): array.astype(np.float64) if array.dtype == np.float32 else array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _panel(name: str, arrays: Mapping[str, NDArray[Any]]) -> Panel | None:
    parts = _wide(f"{name}.", arrays)
    if not parts and name in ("prompt", "latency"):
        return None
    return panel_of(parts)


def _check(surface: Surface, traffic: CalibrationSample, points: int) -> None:
    featurizer, familiarity = surface.featurizer, surface.familiarity
    _check_featurizer(featurizer)
    width, kept = featurizer.width, len(surface.neighbours.features)
    _expect("neighbours.features", surface.neighbours.features, (kept, width))
    for name in PANELS:
        panel = getattr(surface, name)
        if panel is None:
            continue
        arrays = panel_arrays(panel)
        components = panel.basis.shape[1]
        shapes = {"slope": (width, components), "targets": (kept, components), "weights": (HEADS, components)}
        shapes |= {"basis": (points, components), "offset": (components,)}
        if name == "quality":
            inputs = surface.amount.basis.shape[1] + min(LEADING, components)
            shapes |= {"keep": (components,), "cross": (inputs, components), "shift": (components,)}
        if panel.scale.smearing is not None:
            shapes |= {"smear": (points,), "tail": (len(QUANTILES),)}
        for part in ("base", "low", "high", "spread"):
            shapes[part] = (points,)
        for part, shape in shapes.items():
            _expect(f"{name}.{part}", arrays.get(part), shape)
    _expect("queries", surface.queries, (points,))
    _expect("familiarity.centre", familiarity.centre, (width,))
    _expect("familiarity.inverse", familiarity.inverse, (width, width))
    for item in fields(Bounds):
        _expect(f"bounds.{item.name}", getattr(surface.bounds, item.name), (points,))
    optional = () if traffic.latency_s is None and traffic.logged_latency_s is None else LATENCIES
    for name in (*(name for name in TABLES if name not in LATENCIES), *optional):
        _expect(f"traffic.{name}", getattr(traffic, name), (len(traffic.quality), points))
    for by, labels in traffic.labels.items():
        _expect(f"labels.{by}", labels.codes, (len(traffic.quality),))
        if not (labels.codes >= 0).all() or not (labels.codes < len(labels.names)).all():
            raise ValueError(f"labels.{by} holds a code without a name")


def _check_featurizer(featurizer: Featurizer) -> None:
    rows = len(featurizer.projection)
    if featurizer.kind == "hashed_ngrams":
        buckets, scaled = len(featurizer.buckets), len(STATISTICS)
        # Texts that share nothing leave no bucket, and one row that is never read.
        rows = max(buckets, 1)
    else:
        buckets, scaled = 0, rows
    _expect("featurizer.projection", featurizer.projection, (rows, featurizer.rank))
    lengths = {"buckets": buckets, "weights": buckets, "scales": rows, "centre": scaled, "scale": scaled}
    for name, length in lengths.items():
        _expect(f"featurizer.{name}", getattr(featurizer, name), (length,))


def _expect(name: str, array: NDArray[Any] | None, shape: tuple[int, ...]) -> None:
    if array is None or array.shape != shape:
        raise ValueError(f"{name} is not of shape {shape}")
