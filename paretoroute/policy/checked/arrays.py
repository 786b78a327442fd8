"""Checks of the arrays of a side file, by themselves and against one another.

A right checksum shows that a file is the one that was written, not that its numbers can be true. Numbers that no fit
computes are refused. The bounds lie far beyond every log; they keep sums, squares and exponentials finite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import PolicyError
from paretoroute.surface.neighbours import HEADS, SECOND_HEADS
from paretoroute.surface.ngrams import HALF, STATISTICS
from paretoroute.surface.panel import LEADING, QUANTILES
from paretoroute.surface.surface import TextGrowth

PANELS = ("quality", "amount", "prompt", "latency")
GROWTHS = ("prompt_growth", "amount_growth")
OPTIONAL = ("seen", "fold")  # which policies written before they were kept lack
SEEN, FOLD = (f"traffic.{name}" for name in OPTIONAL)
PARTIAL = ("support.", "logging.")
TAGS = ("featurizer.tag_slopes", "featurizer.tag_intercepts")  # where the log had tags that texts tell
LARGEST = 1e30  # of a coefficient
MOST_FEATURE = float(np.finfo(np.float16).max)  # features are kept as float16
MOST_AMOUNT = 1e24  # tokens, seconds or USD
LOG_LEAST, LOG_MOST = -1000.0, 60.0  # of the logs of amounts; exp(60) is 1e26
MOST_SPREAD = 100.0  # standard deviation of a quality, or of a log
MOST_SMEARING = 1e6
MOST_EXPONENT = 600.0  # of a quantile over the mean; exp(709) overflows
LEAST_DIVISOR = 1e-30
RIDGE = 1 / 3  # largest eigenvalue of (Z'Z + 3 I)^-1
ROUNDING = 1e-4  # of that matrix in float32


@dataclass(frozen=True, slots=True)
class _Rule:
    """What one array has to be.

    Args:
        shape: its shape.
        least: its least number.
        most: its largest.
        dtype: its type.
        nan: whether NaN may stand for an unknown number.
    """

    shape: tuple[int, ...]
    least: float = -LARGEST
    most: float = LARGEST
    dtype: str = "float32"
    nan: bool = False


def check_arrays(
    arrays: Mapping[str, NDArray[Any]], *, features: str, points: int, labels: Mapping[str, int], second: bool
) -> None:
    """Check the arrays of a side file by themselves and against each other.

    Args:
        arrays: by name.
        features: kind of the features.
        points: number of points of the grid.
        labels: number of names of the labels, by kind.
        second: whether there is a second view, beside the text.

    Raises:
        PolicyError: an array is missing or unknown, or of a wrong type, shape or value; it is named.
    """
    rules = _rules(arrays, features, points, labels, second=second)
    for name in sorted(rules.keys() | arrays.keys()):
        if name not in rules:
            raise _refused(name, "belongs to no part of this policy")
        _check(name, _array(arrays, name), rules[name])
    _check_order(arrays)
    _check_leverage(arrays["familiarity.inverse"])


def _rules(
    arrays: Mapping[str, NDArray[Any]], features: str, points: int, labels: Mapping[str, int], *, second: bool
) -> dict[str, _Rule]:
    rank = _length(arrays, "featurizer.projection", axis=1)
    text = rank + (len(STATISTICS) if features == "hashed_ngrams" else 0)
    tags = _tag_rules(arrays, text)
    width = own = text + (tags[TAGS[1]].shape[0] if tags else 0)
    kept = _length(arrays, "neighbours.features")
    rules = _featurizer_rules(arrays, features, rank) | tags | _sample_rules(arrays, points, labels)
    if second:
        from paretoroute.policy.numbers.second_view import bounds as bounds_of_second

        inputs, beside = (_length(arrays, "second.projection", axis=axis) for axis in (0, 1))
        rules |= {name: _Rule(*one) for name, one in bounds_of_second(inputs, beside, kept=kept).items()}
        width += beside
    for panel in PANELS:
        if panel in ("quality", "amount") or any(name.startswith(f"{panel}.") for name in arrays):
            components = _length(arrays, f"{panel}.basis", axis=1)
            heads = HEADS + SECOND_HEADS * second
            parts = _panel_rules(panel, points=points, components=components, width=width, kept=kept, heads=heads)
            rules |= {f"{panel}.{part}": rule for part, rule in parts.items()}
    for growth in GROWTHS:
        if any(name.startswith(f"{growth}.") for name in arrays):
            # At an intercept of -1 token the constant share is below 0 by that token.
            rules |= {f"{growth}.{item.name}": _Rule((points,), 0.0) for item in fields(TextGrowth)}
            rules[f"{growth}.constant"] = _Rule((points,))
    inputs = _length(arrays, "amount.basis", axis=1) + min(LEADING, _length(arrays, "quality.basis", axis=1))
    if any(name.startswith(PARTIAL) for name in arrays):
        from paretoroute.policy.partial_logs.arrays import bounds

        rules |= {name: _Rule(*one) for name, one in bounds(arrays, points=points, width=width).items()}
    rules["quality.cross"] = replace(rules["quality.cross"], shape=(inputs, *rules["quality.cross"].shape[1:]))
    return rules | {
        "familiarity.centre": _Rule((width,), -MOST_FEATURE, MOST_FEATURE),
        "familiarity.inverse": _Rule((width, width), -RIDGE - ROUNDING, RIDGE + ROUNDING),
        "familiarity.least_known": _Rule((1,), 0.0, 1.0),
        "familiarity.most_leverage": _Rule((1,), 0.0),
        "bounds.prompt_overhead_tokens": _Rule((points,), -MOST_AMOUNT, MOST_AMOUNT, nan=True),
        "bounds.most_completion_tokens": _Rule((points,), 0.0, MOST_AMOUNT, nan=True),
        "neighbours.features": _Rule((kept, own), dtype="float16"),
        "queries": _Rule((points,), 0.0),
    }


def _featurizer_rules(arrays: Mapping[str, NDArray[Any]], features: str, rank: int) -> dict[str, _Rule]:
    rows = scaled = _length(arrays, "featurizer.projection")
    buckets = 0
    if features == "hashed_ngrams":
        buckets, scaled = _length(arrays, "featurizer.buckets"), len(STATISTICS)
        rows = max(buckets, 1)  # texts without a common n-gram leave no bucket, and one row that is never read
    return {
        "featurizer.buckets": _Rule((buckets,), 0, 2 * HALF - 1, "int32"),
        "featurizer.weights": _Rule((buckets,), 0.0),
        "featurizer.projection": _Rule((rows, rank), -127, 127, "int8"),
        "featurizer.scales": _Rule((rows,), 0.0, 1.0),  # of unit vectors
        "featurizer.centre": _Rule((scaled,)),
        "featurizer.scale": _Rule((scaled,), LEAST_DIVISOR),
    }


def _tag_rules(arrays: Mapping[str, NDArray[Any]], text: int) -> dict[str, _Rule]:
    if not any(name in arrays for name in TAGS):
        return {}
    tags = _length(arrays, TAGS[1])
    if not tags:
        raise _refused(TAGS[1], "holds no tag")
    return {TAGS[0]: _Rule((text, tags)), TAGS[1]: _Rule((tags,))}


def _panel_rules(panel: str, *, points: int, components: int, width: int, kept: int, heads: int) -> dict[str, _Rule]:
    least, most = (0.0, 1.0) if panel == "quality" else (LOG_LEAST, LOG_MOST)
    rules = {
        "base": _Rule((points,)),
        "basis": _Rule((points, components)),
        "offset": _Rule((components,)),
        "slope": _Rule((width, components)),
        "targets": _Rule((kept, components), dtype="float16"),
        "weights": _Rule((heads, components), 0.0),
        "low": _Rule((points,), least, most),
        "high": _Rule((points,), least, most),
        "spread": _Rule((points,), 0.0, MOST_SPREAD),
    }
    if panel == "quality":
        each = _Rule((components,))
        return rules | {"keep": each, "shift": each, "cross": _Rule((0, components))}
    return rules | {
        "smear": _Rule((points,), 1 / MOST_SMEARING, MOST_SMEARING),
        "tail": _Rule((len(QUANTILES),)),
    }


def _sample_rules(arrays: Mapping[str, NDArray[Any]], points: int, labels: Mapping[str, int]) -> dict[str, _Rule]:
    queries = _length(arrays, "traffic.quality")
    if not queries:
        raise _refused("traffic.quality", "holds no query")
    share, amount = _Rule((queries, points), 0.0, 1.0), _Rule((queries, points), 0.0, MOST_AMOUNT)
    tables = {"quality": share, "amount": amount, "prompt_tokens": amount}
    if "traffic.latency_s" in arrays or "traffic.logged_latency_s" in arrays:
        tables["latency_s"] = amount
    rules = {f"traffic.{name}": rule for name, rule in tables.items()}
    rules |= {f"traffic.logged_{name}": replace(rule, nan=True) for name, rule in tables.items()}
    if SEEN in arrays:
        rules[SEEN] = _Rule((_length(arrays, SEEN),), 0, 2.0**64, "uint64")
    if FOLD in arrays:
        rules[FOLD] = _Rule((queries,), 0, 127, "int8")
    return rules | {f"labels.{by}": _Rule((queries,), 0, names - 1, "int16") for by, names in labels.items()}


def _array(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if name not in arrays:
        raise _refused(name, "is missing")
    return arrays[name]


def _length(arrays: Mapping[str, NDArray[Any]], name: str, *, axis: int = 0) -> int:
    shape = _array(arrays, name).shape
    if len(shape) <= axis:
        raise _refused(name, f"has {len(shape)} axes, too few")
    return shape[axis]


def _check(name: str, array: NDArray[Any], rule: _Rule) -> None:
    if array.dtype.name != rule.dtype:
        raise _refused(name, f"has type {array.dtype.name}, must have {rule.dtype}")
    if array.shape != rule.shape:
        raise _refused(name, f"has shape {array.shape}, must have {rule.shape}")
    if not array.size or _keeps(array, rule):
        return
    wide = array.astype(np.float64)
    wrong = ~((wide >= rule.least) & (wide <= rule.most) | (np.isnan(wide) if rule.nan else False))
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    ends = f"{rule.least:g} and {rule.most:g}{', or NaN where unknown' if rule.nan else ''}"
    raise _refused(name, f"is {wide[place]:g} at {list(place)}, must lie between {ends}")


def _keeps(array: NDArray[Any], rule: _Rule) -> bool:
    """Return whether all numbers keep a rule, in one pass for each end; NaN fails both comparisons."""
    if array.dtype == np.float16:  # all of its finite numbers do; its exponent is full if it is not finite
        return bool((array.view(np.uint16) & 0x7C00).max() < 0x7C00)
    if not rule.nan:
        return bool(array.min() >= rule.least and array.max() <= rule.most)
    least, most = np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)  # NaN if all are
    return bool(np.isnan(least) or (least >= rule.least and most <= rule.most))


def _check_order(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Check what has to ascend: the ends of ranges, buckets, and quantiles."""
    for panel in PANELS:
        if f"{panel}.low" in arrays and (arrays[f"{panel}.low"] > arrays[f"{panel}.high"]).any():
            raise _refused(f"{panel}.low", f"is above {panel}.high")
        if (tail := arrays.get(f"{panel}.tail")) is not None:
            if (np.diff(tail) < 0).any():
                raise _refused(f"{panel}.tail", "descends, must hold quantiles")
            if float(np.abs(tail).max()) * float(arrays[f"{panel}.spread"].max()) > MOST_EXPONENT:
                raise _refused(f"{panel}.tail", f"times {panel}.spread exceeds {MOST_EXPONENT:g}")
    for name in {"featurizer.buckets", SEEN} & arrays.keys():
        if (arrays[name][1:] <= arrays[name][:-1]).any():
            raise _refused(name, "does not ascend")


def _check_leverage(inverse: NDArray[Any]) -> None:
    """Check what every symmetric positive matrix has: no entry exceeds the root of the product of its diagonal ones."""
    root = np.sqrt(np.maximum(inverse.diagonal(), 0.0))
    if (np.abs(inverse - inverse.T) > ROUNDING).any() or (np.abs(inverse) > root * root[:, None] + ROUNDING).any():
        raise _refused("familiarity.inverse", "is not symmetric and positive")


def _refused(name: str, reason: str) -> PolicyError:
    return PolicyError(f"array {name} {reason}; fit again, or copy both files again")
