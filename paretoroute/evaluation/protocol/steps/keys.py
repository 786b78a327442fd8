"""Keys of the results of steps: hashes of everything that a result depends on.

These are the runs at the points that are compared, their outcomes as the comparison counts them, points and prices, the
fold of every query, the seed, the router with its settings, the sources of this package, and the versions of Python and
of the packages that compute. A result under one key is therefore the result of the step, wherever it was computed.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from paretoroute.evaluation.protocol.steps.queue import Step
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.base import Router

_COMPUTING = ("numpy", "scipy", "jax", "jaxlib", "optax")
_PACKAGE = "paretoroute."
_FOLDER = Path(__file__).parents[3]  # of the package; importing it would be an import of all that it names


def step_keys(study: Study, routers: Sequence[Router]) -> dict[Step, str]:
    """Return the key of every step whose result may be kept, 64 hexadecimal digits.

    Routers of other packages have none, since a change of their code cannot be seen; nor has the oracle, which takes no
    time.
    """
    common = _digest_of(study)
    keys = {}
    for router in routers:
        settings = _settings(router)
        if settings is None:
            continue
        for fold in range(study.folds):
            text = json.dumps([common, settings, fold])
            keys[Step(fold, router.name)] = hashlib.sha256(text.encode()).hexdigest()
    return keys


def _settings(router: Router) -> list[object] | None:
    """Return a router's class and settings as plain values; None if they are not plain or not of this package."""
    kind = type(router)
    if not kind.__module__.startswith(_PACKAGE) or not is_dataclass(router):
        return None
    values = [getattr(router, field.name) for field in fields(router)]
    if not all(_is_plain(value) for value in values):
        return None
    return [kind.__module__, kind.__qualname__, *values]


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, str | int | float)


def _digest_of(study: Study) -> str:
    digest = hashlib.sha256(b"paretoroute step 1\n")
    digest.update(json.dumps([_SOURCES, _versions(), study.runs.sha256, study.seed, *_labels_of(study)]).encode())
    digest.update(repr((study.grid.points, study.grid.prices, study.grid.between, study.grid.fees)).encode())
    outcomes = study.outcomes
    for table in (study.fold, outcomes.quality, outcomes.cost_usd, study.score, study.latency_s, study.runs.score):
        digest.update(f"{table.dtype.str}{table.shape}".encode())
        digest.update(np.ascontiguousarray(table).data)
    return digest.hexdigest()


def _labels_of(study: Study) -> list[list[str | None]]:
    """Return tenants and steps, which the hash of the runs does not tell apart."""
    return [
        [None if label is None else str(label) for label in labels] for labels in (study.runs.tenants, study.runs.steps)
    ]


def sources_are_unchanged() -> bool:
    """Return whether the sources of this package are still those that this process has imported."""
    return _sources() == _SOURCES


def _sources() -> str:
    """Hash the sources of this package."""
    digest = hashlib.sha256()
    for path in sorted(_FOLDER.rglob("*.py")):
        digest.update(f"{path.relative_to(_FOLDER).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


_SOURCES = _sources()  # at import: a later edit is of code that this process does not run


@cache
def _versions() -> list[str]:
    installed = [platform.python_version(), platform.machine()]
    for name in ("paretoroute", *_COMPUTING):
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            installed.append(name)
    return installed
