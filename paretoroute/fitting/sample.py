"""The sample of logged queries that a fit works on, and the calibration sample that a policy keeps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.text_features import fit_embeddings, fit_texts
from paretoroute.grid import Grid
from paretoroute.runs.folds import folds, groups_of
from paretoroute.runs.table import Runs
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import CalibrationSample, Labels, sample_size

FOLDS = 5
LEAST_QUERIES = 20
NEIGHBOUR_CAP_BYTES = 4_000_000
MOST_NEIGHBOURS = 12_000


@dataclass(frozen=True)
class Sample:
    """The queries that stand for all in stacking, neighbours and traffic, with their folds.

    ``rows`` are positions among all queries; ``fold`` is of the rows, ``group`` and ``all_features`` of all.
    """

    rows: NDArray[np.intp]
    features: Floats
    fold: NDArray[np.int64]
    group: NDArray[np.int64]
    all_features: Floats
    rank: int

    @cached_property
    def alike(self) -> list[NDArray[np.intp]]:
        """Groups of 20 and more of the rows that look the same to the surface, such as queries without a text."""
        _, group, size = np.unique(self.features, axis=0, return_inverse=True, return_counts=True)
        return [np.flatnonzero(group.ravel() == g) for g in np.flatnonzero(size >= LEAST_QUERIES)]


def with_shared_forecasts(traffic: CalibrationSample, surface: Surface, sample: Sample) -> CalibrationSample:
    """Give queries that look the same to the surface, such as those without a text, its own forecast in the traffic.

    Out of fold they would differ by their fold's noise, and the price would be set between values that a planner never
    sees: it gives all of them one forecast, and they tie. With 20 or more of them what leaks of their own outcomes is
    small.
    """
    names = [name for name in ("quality", "amount", "prompt_tokens", "latency_s") if getattr(traffic, name) is not None]
    if surface.prompt is None:
        names.remove("prompt_tokens")
    tables = {name: getattr(traffic, name).copy() for name in names}
    for rows in sample.alike:
        same = surface.at(sample.features[rows[0]])
        for name, table in tables.items():
            table[rows[rows < len(table)]] = np.nan_to_num(getattr(same, name))
    return replace(traffic, **tables)


def featurized(runs: Runs, kind: str, seed: int) -> tuple[Featurizer, Floats]:
    """Fit the featurizer; return it and the feature vectors of all queries, ``(queries, width)``."""
    if kind != "hashed_ngrams" and runs.embeddings is not None:
        return fit_embeddings(runs.embeddings.astype(np.float64), kind=kind)
    return fit_texts(runs.texts, seed=seed)


def draw_sample(runs: Runs, features: Floats, rank: int, points: int, seed: int) -> Sample:
    """Draw the queries that stand for all, in an order that depends on their ids alone."""
    groups = groups_of(runs)
    fold = folds(groups, FOLDS, seed=seed)
    order = sorted(range(len(runs.query_ids)), key=lambda i: hashlib.sha256(runs.query_ids[i].encode()).digest())
    per_query = 4 * 2 * features.shape[1] + 2 * 2 * points
    most = min(MOST_NEIGHBOURS, max(400, NEIGHBOUR_CAP_BYTES // per_query * 2))
    rows = np.array(order[:most], np.intp)
    number = {name: g for g, name in enumerate(sorted(set(groups)))}
    group = np.array([number[name] for name in groups], np.int64)
    return Sample(rows, features[rows], fold[rows], group, features, rank)


def neighbour_count(sample: Sample, grid: Grid) -> int:
    """Return how many logged queries the surface keeps for look-up."""
    per_query = 2 * sample.features.shape[1] + 2 * 3 * min(len(grid.points), 40)
    return min(len(sample.rows), max(400, NEIGHBOUR_CAP_BYTES // per_query))


def calibration_sample(
    cells: dict[str, LoggedPanel], forecasts: dict[str, Floats], sample: Sample, grid: Grid, runs: Runs
) -> CalibrationSample:
    """Build the calibration sample from out-of-fold forecasts and logged means."""
    size = sample_size(len(sample.rows), len(grid.points), latency="latency" in cells)
    rows = sample.rows[:size]

    def logged(name: str) -> Floats:
        panel = cells[name]
        values = panel.values[rows]
        return np.where(panel.count[rows] > 0, np.exp(values) if panel.log else values, np.nan)

    nothing = np.zeros((size, len(grid.points)))
    prompt = "prompt tokens" in cells
    arrays = (
        forecasts["quality"][:size],
        forecasts["tokens"][:size],
        np.nan_to_num(forecasts["prompt tokens"][:size]) if prompt else nothing,
        logged("quality"),
        logged("tokens"),
        logged("prompt tokens") if prompt else nothing,
    )
    latency = {}
    if "latency" in cells:
        latency = {"latency_s": forecasts["latency"][:size], "logged_latency_s": logged("latency")}
    return CalibrationSample(
        *(array.astype(np.float32) for array in arrays),
        **{name: array.astype(np.float32) for name, array in latency.items()},
        labels=_labels(runs, rows),
    )


def _labels(runs: Runs, rows: NDArray[np.intp]) -> dict[str, Labels]:
    """Keep what limits group queries by, where it was logged."""
    columns = {"tag": runs.tags, "tenant": runs.tenants, "step": runs.steps}
    return {by: Labels.of([column[i] or "" for i in rows]) for by, column in columns.items() if any(column)}
