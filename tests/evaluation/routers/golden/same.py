"""Compare nested outputs: same keys, lengths and text; numbers to a tolerance, whole numbers exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Turn arrays and NumPy numbers into lists and numbers, and every key into text."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def differences(expected: Any, actual: Any, tolerance: Mapping[str, float], where: str = "") -> list[str]:
    """List where two nested values differ.

    Args:
        expected: from the file of golden values.
        actual: ours.
        tolerance: absolute, and relative to numbers beyond 1, by key; "" for all others.
        where: path of keys so far.
    """
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or set(expected) != set(actual):
            return [
                f"{where}: keys {sorted(expected)} against {sorted(actual) if isinstance(actual, dict) else actual}"
            ]
        return [d for key in expected for d in differences(expected[key], actual[key], tolerance, f"{where}/{key}")]
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(expected) != len(actual):
            return [f"{where}: {expected} against {actual}"]
        pairs = enumerate(zip(expected, actual, strict=True))
        return [d for i, (e, a) in pairs for d in differences(e, a, tolerance, f"{where}/{i}")]
    if isinstance(expected, bool | str) or expected is None or isinstance(actual, bool | str) or actual is None:
        return (
            []
            if type(expected) is type(actual) and expected == actual
            else [f"{where}: {expected!r} against {actual!r}"]
        )
    if isinstance(expected, int):
        return [] if expected == actual else [f"{where}: {expected} against {actual}"]
    keys = where.split("/")
    allowed = next((tolerance[key] for key in reversed(keys) if key in tolerance), tolerance[""])
    close = np.isfinite(actual) and abs(expected - actual) <= allowed * max(1.0, abs(expected))
    return [] if close else [f"{where}: {expected} against {actual} (allowed {allowed})"]
