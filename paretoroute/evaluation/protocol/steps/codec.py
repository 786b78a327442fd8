"""Results of steps as bytes, and back by strict reading.

The bytes are the SHA-256 of all that follows, in hexadecimal digits, a line of JSON with the key of the step and the
reason why its router was left out, and otherwise the result's float64 tables in the safetensors format.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from paretoroute._arrays import Floats
from paretoroute.errors import ParetorouteError
from paretoroute.evaluation.protocol.gains import Judged
from paretoroute.evaluation.protocol.outer_fold import FoldResult, KnobOutcomes, LeftOut
from paretoroute.forecast import Forecast

AXES = {
    "judged.gain": ("queries",),
    "judged.cost_ratio": ("targets",),
    "judged.quality": ("targets", "queries"),
    "judged.cost_usd": ("targets", "queries"),
    "judged.calls": ("queries",),
    "judged.latency_s": ("queries",),
    "judged.share": ("queries", "points"),
    "judged.target_usd": ("targets",),
    "judged.calls_by_target": ("targets", "points"),
    "forecast.quality": ("queries", "points"),
    "forecast.cost_usd": ("queries", "points"),
    "knobs.quality": ("knobs", "queries"),
    "knobs.cost_usd": ("knobs", "queries"),
    "knobs.strong_calls": ("knobs", "queries"),
}
"""The axes of every table; each field of `Judged` has an entry."""

_OPTIONAL = {"judged.latency_s", "knobs.strong_calls"}
_MAY_BE_NAN = {"judged.latency_s"}
_MOST_COLUMNS = 4000  # numbers per query beside those per point, far more than any router has
_DIGITS = 64


class BadEntry(ValueError):
    """Bytes that are not the result of the step: damaged, of another step, or of another program."""


def most_bytes(queries: int, points: int) -> int:
    """Return the greatest size of a result."""
    return 8 * (queries + 1) * (3 * points + _MOST_COLUMNS) + 100_000


def encoded(key: str, result: FoldResult | LeftOut) -> bytes:
    """Return the bytes of a result."""
    reason = result.reason if isinstance(result, LeftOut) else None
    head = json.dumps({"key": key, "left_out": reason}).encode() + b"\n"
    body = head + (b"" if isinstance(result, LeftOut) else save(_tables(result)))
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def decoded(data: bytes, key: str, *, queries: int, points: int) -> FoldResult | LeftOut:
    """Return the result of a step from its bytes.

    Args:
        data: as `encoded` writes it.
        key: of the step.
        queries: number of queries in its fold.
        points: number of points.

    Raises:
        BadEntry: the bytes are not the result of this step.
    """
    digest, body = data[:_DIGITS], data[_DIGITS + 1 :]
    if data[_DIGITS : _DIGITS + 1] != b"\n" or hashlib.sha256(body).hexdigest().encode() != digest:
        raise BadEntry("the checksum is wrong")
    head, _, payload = body.partition(b"\n")
    try:
        entry = json.loads(head)
        if not isinstance(entry, dict) or entry.keys() != {"key", "left_out"} or entry["key"] != key:
            raise BadEntry("it is of another step")
        if isinstance(entry["left_out"], str) and not payload:
            return LeftOut(entry["left_out"])
        if entry["left_out"] is not None:
            raise BadEntry("a router that was left out has tables")
        return _result(load(payload), {"queries": queries, "points": points})
    except (SafetensorError, ParetorouteError, ValueError, RecursionError) as error:
        raise BadEntry(str(error)) from error


def _tables(result: FoldResult) -> dict[str, Floats]:
    forecast = result.forecast
    parts = {
        "judged": {field.name: getattr(result.judged, field.name) for field in fields(Judged)},
        "forecast": {} if forecast is None else {"quality": forecast.quality, "cost_usd": forecast.cost_usd},
        "knobs": {} if result.knobs is None else asdict(result.knobs),
    }
    return {
        f"{part}.{name}": np.ascontiguousarray(table, dtype=np.float64)
        for part, tables in parts.items()
        for name, table in tables.items()
        if table is not None
    }


def _result(tables: dict[str, Floats], sizes: dict[str, int]) -> FoldResult:
    """Check every table and build the result.

    Raises:
        BadEntry: a table is missing, unknown, of another shape or not of finite numbers.
    """
    for name, table in tables.items():
        axes = AXES.get(name)
        if axes is None or table.dtype != np.float64 or table.ndim != len(axes):
            raise BadEntry(f"table {name!r} is unknown or of another type")
        for axis, size in zip(axes, table.shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise BadEntry(f"table {name!r} has another shape")
        if name not in _MAY_BE_NAN and not np.isfinite(table).all():
            raise BadEntry(f"table {name!r} has numbers that are not finite")
    part = "forecast" if any(name.startswith("forecast.") for name in tables) else "knobs"
    names = {name for name in AXES if name.startswith(("judged.", f"{part}."))}
    if not names - _OPTIONAL <= tables.keys() <= names:
        raise BadEntry("tables are missing or too many")
    given = {name: tables.get(name) for name in names}
    judged = Judged(**_of_part(given, "judged"))
    if part == "forecast":
        return FoldResult(judged, forecast=Forecast(**_of_part(given, part)))
    return FoldResult(judged, knobs=KnobOutcomes(**_of_part(given, part)))


def _of_part(tables: dict[str, Floats | None], part: str) -> dict[str, Any]:
    return {name.partition(".")[2]: table for name, table in tables.items() if name.startswith(f"{part}.")}
