"""From the named arrays of a side file to a surface with its calibration sample, after checks of every number.

Names that ``packing`` gives: the calibration sample is ``traffic``, the out-of-distribution check ``familiarity``, the
smearing factor of a panel ``smear``, its residual quantiles ``tail``. How prompt tokens and logged costs grow with the
text (``prompt_growth``, ``amount_growth``) older policies lack. ``support`` and ``logging`` are of partial logs,
``second`` is of a second view of the query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute.policy.checked.arrays import GROWTHS, OPTIONAL, PANELS, PARTIAL, check_arrays
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.neighbours import index
from paretoroute.surface.panel import FirstLevel, Panel, Scale, SecondLevel
from paretoroute.surface.surface import Bounds, OutOfDistributionCheck, Surface, TextGrowth
from paretoroute.surface.traffic import CalibrationSample, Labels

Arrays = dict[str, NDArray[Any]]
TABLES = tuple(item.name for item in fields(CalibrationSample) if item.name not in (*OPTIONAL, "labels", "support"))
SCALARS = ("least_known", "most_leverage")
FIRST_LEVEL = {"offset": "offset", "slope": "slope", "targets": "targets", "weights": "weights"}
SECOND_LEVEL = {"keep": "keep", "cross": "cross", "shift": "shift"}
SCALE = {"low": "low", "high": "high", "spread": "spread", "smear": "smearing", "tail": "residual_quantiles"}


class Numbers(NamedTuple):
    """The numbers of a policy."""

    surface: Surface
    sample: CalibrationSample


def from_arrays(
    arrays: Mapping[str, NDArray[Any]],
    *,
    features: str,
    points: int,
    labels: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    bills: Sequence[int] = (),
    second: bool = False,
) -> Numbers:
    """Rebuild a surface and its calibration sample.

    Args:
        arrays: as :func:`~paretoroute.policy.packing.to_arrays` returns them.
        features: kind of the features.
        points: number of points of the grid, and of every panel.
        labels: names of the labels by kind; the arrays hold their codes.
        bills: columns of the points with logged cost, whose amounts are whole bills: below 0 where a call was refunded.
        second: whether there is a second view, beside the text.

    Raises:
        PolicyError: an array is missing or unknown, has a shape that does not fit the others, or holds a number that no
            fit can have computed.
    """
    kinds = {by: len(names) for by, names in labels.items()}
    with np.errstate(invalid="ignore"):  # of a signalling NaN, which the checks refuse like any other
        checked = _without_refunds(arrays, bills)
        check_arrays(checked, features=features, points=points, labels=kinds, second=second)
        surface, sample = _surface(arrays, features), _sample(arrays, labels)
    if second:
        from paretoroute.policy.numbers.second_view import with_second  # loaded only where a file has one

        surface = with_second(surface, arrays)
    if not any(name.startswith(PARTIAL) for name in arrays):
        return Numbers(surface, sample)
    from paretoroute.policy.partial_logs.arrays import logging_of, support_of  # loaded only where a file has them

    return Numbers(replace(surface, logging=logging_of(arrays, labels)), replace(sample, support=support_of(arrays)))


def _without_refunds(arrays: Mapping[str, NDArray[Any]], bills: Sequence[int]) -> Mapping[str, NDArray[Any]]:
    if not bills or "traffic.logged_amount" not in arrays or not (arrays["traffic.logged_amount"] < 0).any():
        return arrays
    from paretoroute.policy.numbers.refunds import without_refunds  # loaded only where something is below 0

    return without_refunds(arrays, bills)


def _surface(arrays: Mapping[str, NDArray[Any]], features: str) -> Surface:
    featurizer = Featurizer(kind=features, **_group(arrays, "featurizer."))
    panels: dict[str, Any] = {name: _panel(arrays, name) for name in PANELS}
    growths: dict[str, Any] = {name: TextGrowth(**part) for name in GROWTHS if (part := _group(arrays, f"{name}."))}
    familiarity = _group(arrays, "familiarity.")
    familiarity |= {name: float(familiarity[name][0]) for name in SCALARS}
    return Surface(
        featurizer=featurizer,
        neighbours=index(arrays["neighbours.features"], featurizer.rank),
        familiarity=OutOfDistributionCheck(**familiarity),
        bounds=Bounds(**_group(arrays, "bounds.")),
        queries=arrays["queries"].astype(np.float64),
        **panels,
        **growths,
    )


def _sample(arrays: Mapping[str, NDArray[Any]], labels: Mapping[str, tuple[str, ...]]) -> CalibrationSample:
    tables: dict[str, Any] = {name: arrays.get(f"traffic.{name}") for name in (*TABLES, *OPTIONAL)}
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


def _panel_of(arrays: Mapping[str, NDArray[Any]]) -> Panel:
    """Rebuild a panel from its arrays."""
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
