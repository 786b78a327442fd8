"""Between a panel and its arrays in the side file of a policy.

The names of the arrays are part of the file format: the smearing factor is ``smear``, the residual quantiles ``tail``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from paretoroute.surface.panel import FirstLevel, Panel, Scale, SecondLevel

FIRST_LEVEL = {"offset": "offset", "slope": "slope", "targets": "targets", "weights": "weights"}
SECOND_LEVEL = {"keep": "keep", "cross": "cross", "shift": "shift"}
SCALE = {"low": "low", "high": "high", "spread": "spread", "smear": "smearing", "tail": "residual_quantiles"}
NAMES = ("base", "basis", *FIRST_LEVEL, *SECOND_LEVEL, *SCALE)


def panel_arrays(panel: Panel) -> dict[str, NDArray[Any]]:
    """Name the arrays of a panel."""
    arrays: dict[str, NDArray[Any] | None] = {"base": panel.base, "basis": panel.basis}
    arrays |= {name: getattr(panel.first_level, field) for name, field in FIRST_LEVEL.items()}
    if panel.second_level is not None:
        arrays |= {name: getattr(panel.second_level, field) for name, field in SECOND_LEVEL.items()}
    arrays |= {name: getattr(panel.scale, field) for name, field in SCALE.items()}
    return {name: array for name, array in arrays.items() if array is not None}


def panel_of(arrays: Mapping[str, NDArray[Any]]) -> Panel:
    """Rebuild a panel from its arrays.

    Raises:
        ValueError: an array has an unknown name.
        KeyError: an array is missing.
    """
    if unknown := sorted(set(arrays) - set(NAMES)):
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
