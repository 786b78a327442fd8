"""Name, check and read the numbers of a policy of a partial log: ``support.*`` of its sample, ``logging.*`` of its log.

``support`` holds the inverse chances of the logged cells and the errors of the points' means. ``logging`` holds the
model of a logger that looked at the query; its labels stand as pairs of kind and code, by the document's names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import PolicyError
from paretoroute.surface.logging_policy import LABEL_KINDS, LoggingPolicy
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import CalibrationSample, LogSupport

MOST_WEIGHT = 1e9
MOST_AMOUNT = 1e24  # tokens or USD
MOST_COEFFICIENT = 1e6


class Bounds(NamedTuple):
    """What the numbers of an array must keep."""

    shape: tuple[int, ...]
    least: float
    most: float
    dtype: str = "float32"


def packed(surface: Surface, sample: CalibrationSample) -> dict[str, NDArray[Any]]:
    """Name the numbers; none of a policy of any other log."""
    arrays: dict[str, NDArray[Any]] = {}
    if (support := sample.support) is not None:
        arrays["support.weight"] = support.weight
        for name in ("quality_error", "cost_error", "fold", "deployed_quality", "deployed_amount"):
            arrays[f"support.{name}"] = getattr(support, name)
        for name in ("is_supported", "deployed_prompt_tokens"):
            if (table := getattr(support, name)) is not None:
                arrays[f"support.{name}"] = table
        if support.blind_quality is not None and support.blind_amount is not None:
            arrays |= {
                "support.blind_quality": support.blind_quality,
                "support.blind_amount": support.blind_amount,
            }
        if support.is_estimated:
            arrays["support.is_estimated"] = np.array([True])
    if (logging := surface.logging) is not None:
        kept = [i for i, (by, name) in enumerate(logging.labels) if by in sample.labels and name in _names(sample, by)]
        codes = [
            (LABEL_KINDS.index(by), _names(sample, by).index(name))
            for by, name in map(logging.labels.__getitem__, kept)
        ]
        arrays |= {
            "logging.intercept": logging.intercept,
            "logging.feature_weights": logging.feature_weights,
            "logging.label_weights": logging.label_weights[kept],
            "logging.labels": np.array(codes, np.int16).reshape(-1, 2),
            "logging.share": logging.share,
            "logging.mixture": logging.mixture,
            "logging.one_point_per_query": np.array([logging.one_point_per_query]),
        }
    return arrays


def _names(sample: CalibrationSample, by: str) -> tuple[str, ...]:
    return sample.labels[by].names if by in sample.labels else ()


def bounds(arrays: Mapping[str, NDArray[Any]], *, points: int, width: int) -> dict[str, Bounds]:
    """Return what the arrays must keep, by name."""
    rules: dict[str, Bounds] = {}
    queries = arrays["traffic.quality"].shape[:1] if "traffic.quality" in arrays else (0,)
    if any(name.startswith("support.") for name in arrays):
        rules |= {
            "support.weight": Bounds((*queries, points), 0.0, MOST_WEIGHT),
            "support.quality_error": Bounds((points,), 0.0, 1.0),
            "support.cost_error": Bounds((points,), 0.0, MOST_WEIGHT),
            "support.fold": Bounds(queries, 0.0, 127.0, "int8"),
            "support.deployed_quality": Bounds((*queries, points), 0.0, 1.0),
            "support.deployed_amount": Bounds((*queries, points), 0.0, MOST_AMOUNT),
        }
        if "support.deployed_prompt_tokens" in arrays:
            rules["support.deployed_prompt_tokens"] = Bounds((*queries, points), 0.0, MOST_AMOUNT)
        if any(name.startswith("support.blind_") for name in arrays):
            rules["support.blind_quality"] = Bounds((*queries, points), 0.0, 1.0)
            rules["support.blind_amount"] = Bounds((*queries, points), 0.0, MOST_AMOUNT)
        if "support.is_supported" in arrays:
            rules["support.is_supported"] = Bounds((*queries, points), 0.0, 1.0, "bool")
        if "support.is_estimated" in arrays:
            rules["support.is_estimated"] = Bounds((1,), 0.0, 1.0, "bool")
    if any(name.startswith("logging.") for name in arrays):
        labels = arrays["logging.label_weights"].shape[0] if arrays.get("logging.label_weights") is not None else 0
        rules |= {
            "logging.intercept": Bounds((points,), -MOST_COEFFICIENT, MOST_COEFFICIENT),
            "logging.feature_weights": Bounds((width, points), -MOST_COEFFICIENT, MOST_COEFFICIENT),
            "logging.label_weights": Bounds((labels, points), -MOST_COEFFICIENT, MOST_COEFFICIENT),
            "logging.labels": Bounds((labels, 2), 0.0, 32767.0, "int16"),
            "logging.share": Bounds((points,), 0.0, 1.0),
            "logging.mixture": Bounds((3,), 0.0, 1.0),
            "logging.one_point_per_query": Bounds((1,), 0.0, 1.0, "bool"),
        }
    return rules


def support_of(arrays: Mapping[str, NDArray[Any]]) -> LogSupport | None:
    """Read the support of the sample, or None."""
    if "support.weight" not in arrays:
        return None
    supported = arrays.get("support.is_supported")
    return LogSupport(
        weight=arrays["support.weight"],
        is_supported=supported,
        looks=supported is not None,
        is_estimated=bool(arrays.get("support.is_estimated", np.array([False]))[0]),
        quality_error=arrays["support.quality_error"],
        cost_error=arrays["support.cost_error"],
        fold=arrays["support.fold"],
        deployed_quality=arrays["support.deployed_quality"],
        deployed_amount=arrays["support.deployed_amount"],
        deployed_prompt_tokens=arrays.get("support.deployed_prompt_tokens"),
        blind_quality=arrays.get("support.blind_quality"),
        blind_amount=arrays.get("support.blind_amount"),
    )


def _label(kind: int, code: int, labels: Mapping[str, tuple[str, ...]]) -> tuple[str, str]:
    """Look up a label by its kind and code.

    Raises:
        PolicyError: there is no such label.
    """
    names = labels.get(LABEL_KINDS[kind], ()) if kind < len(LABEL_KINDS) else ()
    if code >= len(names):
        raise PolicyError(f"array logging.labels names label {code} of kind {kind}, of which there is none; fit again")
    return LABEL_KINDS[kind], names[code]


def logging_of(arrays: Mapping[str, NDArray[Any]], labels: Mapping[str, tuple[str, ...]]) -> LoggingPolicy | None:
    """Read the model of the logger, or None.

    Args:
        arrays: of the side file, checked.
        labels: names of the labels by kind, ``""`` first.
    """
    if "logging.intercept" not in arrays:
        return None
    wide = {name: arrays[f"logging.{name}"].astype(np.float64) for name in ("intercept", "feature_weights", "share")}
    names = [_label(int(kind), int(code), labels) for kind, code in arrays["logging.labels"].tolist()]
    return LoggingPolicy(
        **wide,
        labels=tuple(names),
        label_weights=arrays["logging.label_weights"].astype(np.float64),
        mixture=arrays["logging.mixture"].astype(np.float64),
        one_point_per_query=bool(arrays["logging.one_point_per_query"][0]),
    )
