"""Name the numbers of a surface and its calibration sample, as ``paretoroute.policy.arrays`` reads them; for saving."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute.policy.arrays import FIRST_LEVEL, SCALE, SECOND_LEVEL, TABLES, Arrays
from paretoroute.policy.checked.arrays import GROWTHS, OPTIONAL, PANELS
from paretoroute.policy.numbers import second_view
from paretoroute.policy.partial_logs.arrays import packed
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.panel import Panel
from paretoroute.surface.surface import Bounds, OutOfDistributionCheck, Surface, TextGrowth
from paretoroute.surface.traffic import CalibrationSample


def to_arrays(surface: Surface, sample: CalibrationSample) -> Arrays:
    """Name every number of a surface and its calibration sample.

    Neighbours are stored as float16 features; their unit vectors are recomputed on reading.
    """
    tables = {f"traffic.{name}": getattr(sample, name) for name in (*TABLES, *OPTIONAL)}
    arrays: Arrays = {name: table for name, table in tables.items() if table is not None}
    arrays |= {f"labels.{by}": labels.codes for by, labels in sample.labels.items()}
    for name in PANELS:
        panel = getattr(surface, name)
        if panel is not None:
            arrays |= {f"{name}.{part}": array for part, array in _panel_arrays(panel).items()}
    arrays |= _prefixed("featurizer.", surface.featurizer)
    arrays |= _prefixed("familiarity.", surface.familiarity)
    arrays |= _prefixed("bounds.", surface.bounds)
    for name in GROWTHS:
        growth = getattr(surface, name)
        if growth is not None:
            arrays |= _prefixed(f"{name}.", growth)
    arrays |= packed(surface, sample) | second_view.packed(surface)
    arrays["neighbours.features"] = surface.neighbours.features
    arrays["queries"] = surface.queries
    return {name: array.astype(np.float32) if array.dtype == np.float64 else array for name, array in arrays.items()}


def _prefixed(prefix: str, value: Featurizer | OutOfDistributionCheck | Bounds | TextGrowth) -> Arrays:
    """Name the arrays and numbers among the fields of a dataclass."""
    arrays: Arrays = {}
    for item in fields(value):
        part = getattr(value, item.name)
        if isinstance(part, float):
            part = np.array([part])
        if isinstance(part, np.ndarray):
            arrays[prefix + item.name] = part
    return arrays


def _panel_arrays(panel: Panel) -> dict[str, NDArray[Any]]:
    """Name the arrays of a panel."""
    arrays: dict[str, NDArray[Any] | None] = {"base": panel.base, "basis": panel.basis}
    arrays |= {name: getattr(panel.first_level, field) for name, field in FIRST_LEVEL.items()}
    if panel.second_level is not None:
        arrays |= {name: getattr(panel.second_level, field) for name, field in SECOND_LEVEL.items()}
    arrays |= {name: getattr(panel.scale, field) for name, field in SCALE.items()}
    return {name: array for name, array in arrays.items() if array is not None}
