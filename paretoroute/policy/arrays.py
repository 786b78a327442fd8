"""Between a surface with its calibration sample and named arrays: the content of the side file of a policy.

Names in the file: the calibration sample is ``traffic``, the out-of-distribution check ``familiarity``, the smearing
factor of a panel ``smear``, and its residual quantiles ``tail``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import PolicyError
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.neighbours import HEADS, index
from paretoroute.surface.ngrams import STATISTICS
from paretoroute.surface.panel import LEADING, QUANTILES, FirstLevel, Panel, Scale, SecondLevel
from paretoroute.surface.surface import Bounds, OutOfDistributionCheck, Surface
from paretoroute.surface.traffic import CalibrationSample, Labels

Arrays = dict[str, NDArray[Any]]
PANELS = ("quality", "amount", "prompt", "latency")
TABLES = tuple(item.name for item in fields(CalibrationSample) if item.name != "labels")
LATENCIES = ("latency_s", "logged_latency_s")
SCALARS = ("least_known", "most_leverage")
FIRST_LEVEL = {"offset": "offset", "slope": "slope", "targets": "targets", "weights": "weights"}
SECOND_LEVEL = {"keep": "keep", "cross": "cross", "shift": "shift"}
SCALE = {"low": "low", "high": "high", "spread": "spread", "smear": "smearing", "tail": "residual_quantiles"}
PANEL_ARRAYS = ("base", "basis", *FIRST_LEVEL, *SECOND_LEVEL, *SCALE)


class Numbers(NamedTuple):
    """The numbers of a policy."""

    surface: Surface
    sample: CalibrationSample


def to_arrays(surface: Surface, sample: CalibrationSample) -> Arrays:
    """Name every number of a surface and its calibration sample.

    Neighbours are stored as float16 features; their unit vectors are recomputed on reading.
    """
    arrays: Arrays = {f"traffic.{name}": table for name in TABLES if (table := getattr(sample, name)) is not None}
    arrays |= {f"labels.{by}": labels.codes for by, labels in sample.labels.items()}
    for name in PANELS:
        panel = getattr(surface, name)
        if panel is not None:
            arrays |= {f"{name}.{part}": array for part, array in _panel_arrays(panel).items()}
    arrays |= _prefixed("featurizer.", surface.featurizer)
    arrays |= _prefixed("familiarity.", surface.familiarity)
    arrays |= _prefixed("bounds.", surface.bounds)
    arrays["neighbours.features"] = surface.neighbours.features
    arrays["queries"] = surface.queries
    return {name: array.astype(np.float32) if array.dtype == np.float64 else array for name, array in arrays.items()}


def _prefixed(prefix: str, value: Featurizer | OutOfDistributionCheck | Bounds) -> Arrays:
    """Name the arrays and numbers among the fields of a dataclass."""
    arrays: Arrays = {}
    for item in fields(value):
        part = getattr(value, item.name)
        if isinstance(part, float):
            part = np.array([part])
        if isinstance(part, np.ndarray):
            arrays[prefix + item.name] = part
    return arrays


def from_arrays(
    arrays: Mapping[str, NDArray[Any]],
    *,
    features: str,
    points: int,
    labels: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Numbers:
    """Rebuild a surface and its calibration sample.

    Args:
        arrays: as :func:`to_arrays` returns them.
        features: kind of the features.
        points: number of points of the grid, and of every panel.
        labels: names of the labels by kind; the arrays hold their codes.

    Raises:
        PolicyError: an array is missing, or has a shape that does not fit the others.
    """
    try:
        numbers = Numbers(_surface(arrays, features), _sample(arrays, labels))
        _check_featurizer(numbers.surface.featurizer)
        _check_surface(numbers.surface, points)
        _check_sample(numbers.sample, points)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise PolicyError(f"the policy's numbers do not fit together ({error}); fit again") from None
    return numbers


def _surface(arrays: Mapping[str, NDArray[Any]], features: str) -> Surface:
    featurizer = Featurizer(kind=features, **_group(arrays, "featurizer."))
    panels: dict[str, Any] = {name: _panel(arrays, name) for name in PANELS}
    familiarity = _group(arrays, "familiarity.")
    familiarity |= {name: float(familiarity[name][0]) for name in SCALARS}
    return Surface(
        featurizer=featurizer,
        neighbours=index(arrays["neighbours.features"], featurizer.rank),
        familiarity=OutOfDistributionCheck(**familiarity),
        bounds=Bounds(**_group(arrays, "bounds.")),
        queries=arrays["queries"].astype(np.float64),
        **panels,
    )


def _sample(arrays: Mapping[str, NDArray[Any]], labels: Mapping[str, tuple[str, ...]]) -> CalibrationSample:
    tables: dict[str, Any] = {name: arrays.get(f"traffic.{name}") for name in TABLES}
    codes = {by: Labels(tuple(names), arrays[f"labels.{by}"]) for by, names in labels.items()}
    return CalibrationSample(**tables, labels=codes)


def _group(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, Any]:
    """Take the arrays under a prefix; float32 becomes float64, in which inference computes."""
    return {
        name.removeprefix(prefix): array.astype(np.float64) if array.dtype == np.float32 else array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _panel(arrays: Mapping[str, NDArray[Any]], name: str) -> Panel | None:
    parts = _group(arrays, f"{name}.")
    if not parts and name in ("prompt", "latency"):
        return None
    return _panel_of(parts)


def _check_surface(surface: Surface, points: int) -> None:
    width, kept = surface.featurizer.width, len(surface.neighbours.features)
    _expect("neighbours.features", surface.neighbours.features, (kept, width))
    for name in PANELS:
        panel = getattr(surface, name)
        if panel is not None:
            arrays = _panel_arrays(panel)
            for part, shape in _panel_shapes(surface, name, points).items():
                _expect(f"{name}.{part}", arrays.get(part), shape)
    _expect("queries", surface.queries, (points,))
    _expect("familiarity.centre", surface.familiarity.centre, (width,))
    _expect("familiarity.inverse", surface.familiarity.inverse, (width, width))
    for item in fields(Bounds):
        _expect(f"bounds.{item.name}", getattr(surface.bounds, item.name), (points,))


def _panel_shapes(surface: Surface, name: str, points: int) -> dict[str, tuple[int, ...]]:
    panel: Panel = getattr(surface, name)
    width, kept, components = surface.featurizer.width, len(surface.neighbours.features), panel.basis.shape[1]
    shapes = {"slope": (width, components), "targets": (kept, components), "weights": (HEADS, components)}
    shapes |= {"basis": (points, components), "offset": (components,)}
    if name == "quality":
        inputs = surface.amount.basis.shape[1] + min(LEADING, components)
        shapes |= {"keep": (components,), "cross": (inputs, components), "shift": (components,)}
    if panel.scale.smearing is not None:
        shapes |= {"smear": (points,), "tail": (len(QUANTILES),)}
    return shapes | {part: (points,) for part in ("base", "low", "high", "spread")}


def _check_sample(sample: CalibrationSample, points: int) -> None:
    queries = len(sample.quality)
    optional = () if sample.latency_s is None and sample.logged_latency_s is None else LATENCIES
    for name in (*(name for name in TABLES if name not in LATENCIES), *optional):
        _expect(f"traffic.{name}", getattr(sample, name), (queries, points))
    for by, labels in sample.labels.items():
        _expect(f"labels.{by}", labels.codes, (queries,))
        if not (labels.codes >= 0).all() or not (labels.codes < len(labels.names)).all():
            raise ValueError(f"labels.{by} holds a code without a name")


def _check_featurizer(featurizer: Featurizer) -> None:
    rows = len(featurizer.projection)
    if featurizer.kind == "hashed_ngrams":
        buckets, scaled = len(featurizer.buckets), len(STATISTICS)
        # Texts without a common n-gram leave no bucket, and one row that is never read.
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


def _panel_arrays(panel: Panel) -> dict[str, NDArray[Any]]:
    """Name the arrays of a panel."""
    arrays: dict[str, NDArray[Any] | None] = {"base": panel.base, "basis": panel.basis}
    arrays |= {name: getattr(panel.first_level, field) for name, field in FIRST_LEVEL.items()}
    if panel.second_level is not None:
        arrays |= {name: getattr(panel.second_level, field) for name, field in SECOND_LEVEL.items()}
    arrays |= {name: getattr(panel.scale, field) for name, field in SCALE.items()}
    return {name: array for name, array in arrays.items() if array is not None}


def _panel_of(arrays: Mapping[str, NDArray[Any]]) -> Panel:
    """Rebuild a panel from its arrays.

    Raises:
        ValueError: an array has an unknown name.
        KeyError: an array is missing.
    """
    if unknown := sorted(set(arrays) - set(PANEL_ARRAYS)):
        raise ValueError(f"{unknown[0]!r} is not an array of a panel")
    optional: dict[str, Any] = {
        field: arrays[name] for name, field in SCALE.items() if name in ("smear", "tail") and name in arrays
    }
    second: SecondLevel | None = None
    if any(name in arrays for name in SECOND_LEVEL):
        second = SecondLevel(**{field: arrays[name] for name, field in SECOND_LEVEL.items()})
    return Panel(
        base=arrays["base"],
        basis=arrays["basis"],
        first_level=FirstLevel(**{field: arrays[name] for name, field in FIRST_LEVEL.items()}),
        second_level=second,
        scale=Scale(low=arrays["low"], high=arrays["high"], spread=arrays["spread"], **optional),
    )
