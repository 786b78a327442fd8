"""Name, check and read the numbers of a second view, ``second.*``: its projection, and the logged queries in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.neighbours import index
from paretoroute.surface.surface import Surface

PREFIX = "second."
PARTS = ("projection", "scales", "centre", "scale")
LEAST_DIVISOR = 1e-30
MOST = 1e30  # of a coefficient


class Bounds(NamedTuple):
    """What the numbers of an array must keep."""

    shape: tuple[int, ...]
    least: float
    most: float
    dtype: str = "float32"


def packed(surface: Surface) -> dict[str, NDArray[Any]]:
    """Name the numbers; none of a policy with one view."""
    second, queries = surface.featurizer.second, surface.neighbours.second
    if second is None or queries is None:
        return {}
    arrays = {f"{PREFIX}{name}": getattr(second, name) for name in PARTS}
    return arrays | {f"{PREFIX}features": queries.features}


def bounds(inputs: int, width: int, *, kept: int) -> dict[str, Bounds]:
    """Return what the arrays must keep, by name.

    Args:
        inputs: length of the embeddings.
        width: number of features that are made of them.
        kept: number of logged queries kept for look-up.
    """
    return {
        "second.projection": Bounds((inputs, width), -127, 127, "int8"),
        "second.scales": Bounds((inputs,), 0.0, 1.0),  # of unit vectors
        "second.centre": Bounds((inputs,), -MOST, MOST),
        "second.scale": Bounds((inputs,), LEAST_DIVISOR, MOST),
        "second.features": Bounds((kept, width), -MOST, MOST, "float16"),
    }


def with_second(surface: Surface, arrays: Mapping[str, NDArray[Any]]) -> Surface:
    """Return a surface with the second view that its arrays hold."""
    parts: dict[str, Any] = {name: arrays[f"{PREFIX}{name}"] for name in PARTS}
    wide = {name: part.astype(np.float64) if part.dtype == np.float32 else part for name, part in parts.items()}
    nothing: dict[str, Any] = {"buckets": np.zeros(0, np.int32), "weights": np.zeros(0, np.float32)}
    featurizer = replace(surface.featurizer, second=Featurizer(kind="embedding", **nothing, **wide))
    features = arrays[f"{PREFIX}features"]
    queries = index(surface.neighbours.features, featurizer.rank, second=features)
    return replace(surface, featurizer=featurizer, neighbours=queries)
