"""The sample of logged queries that a fit works on, and the calibration sample that a policy keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Floats32, Indices
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods.ridge import Decomposed
from paretoroute.fitting.text_features import Featurized, fit_embeddings, fit_texts
from paretoroute.grid import Grid
from paretoroute.runs.folds import folds, groups_of
from paretoroute.runs.table import Runs
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.neighbours import HEADS, MEASURES, Groups, Nearest, nearest_between
from paretoroute.surface.surface import Surface, TextSize
from paretoroute.surface.traffic import CalibrationSample, Labels, LogSupport, sample_size

FOLDS = 5
LEAST_QUERIES = 20
LEAST_NEIGHBOURS = 400
NEIGHBOUR_CAP_BYTES = 4_000_000
MOST_NEIGHBOURS = 12_000
DEPLOYED = ("quality", "amount", "prompt_tokens")  # by which a planner chooses; of a partial log they stand apart


@dataclass(frozen=True)
class View:
    """One view of the sample's queries, which has heads of its own: their text, or the numbers beside it.

    Args:
        features: ``(sample, width)``.
        all_features: of all queries, ``(queries, width)``.
        rank: how many features the first measure of nearness reads.
        measures: of nearness: 2, or 1 where the first one reads all features.
    """

    features: Floats
    all_features: Floats
    rank: int
    measures: int = MEASURES

    @cached_property
    def decomposed(self) -> Decomposed:
        """The features of all queries as ridge needs them; panels share them."""
        return Decomposed.of(self.all_features)

    @cached_property
    def alike(self) -> list[Indices]:
        """Groups of 20 or more rows with equal features, such as queries without a text."""
        return _alike(self.features)


@dataclass(frozen=True)
class Sample:
    """The queries that represent all in stacking, neighbours and the calibration sample, with their folds.

    Args:
        rows: their positions among all queries, ``(sample,)``.
        features: ``(sample, width)``.
        fold: ``(sample,)``.
        group: of all queries: copies and turns of one conversation share one, ``(queries,)``.
        all_features: of all queries, ``(queries, width)``.
        rank: how many features are of the text; the statistics follow them.
        second_at: the first feature of the second view; None where there is one view.
    """

    rows: Indices
    features: Floats
    fold: NDArray[np.int64]
    group: NDArray[np.int64]
    all_features: Floats
    rank: int
    second_at: int | None = None

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The views of the queries: one, or the text and then the numbers beside it."""
        if self.second_at is None:
            return (View(self.features, self.all_features, self.rank),)
        own, second = slice(0, self.second_at), slice(self.second_at, None)
        beside = self.features[:, second], self.all_features[:, second]
        return (
            View(
                np.ascontiguousarray(self.features[:, own]), np.ascontiguousarray(self.all_features[:, own]), self.rank
            ),
            View(*map(np.ascontiguousarray, beside), rank=beside[0].shape[1], measures=1),
        )

    @cached_property
    def near(self) -> tuple[Nearest, ...]:
        """The neighbours of each query in each view, without its own group; panels share them."""
        group = self.group[self.rows]
        groups = Groups(group, group)
        return tuple(
            [
                nearest_between(view.features, view.features, view.rank, groups=groups, measures=view.measures)
                for view in self.views
            ]
        )

    @cached_property
    def is_uniform(self) -> bool:
        """Whether all queries have the same features, as where one text stands for all of them."""
        return bool((self.all_features == self.all_features[0]).all())

    @cached_property
    def alike(self) -> list[Indices]:
        """Groups of 20 or more rows with equal features in all views."""
        return self.views[0].alike if len(self.views) == 1 else _alike(self.features)

    def shared(self, figures: Floats) -> Floats:
        """Replace figures of queries with equal features by their mean, ``(sample, components)``.

        Such queries are equally near to any other one. Which of them are its nearest would be an accident, not the same
        in a fit and in a planner, and the average of a few of them would be far from that of all.
        """
        if not self.alike:
            return figures
        figures = figures.copy()
        for rows in self.alike:
            figures[rows] = figures[rows].mean(axis=0)
        return figures


def _alike(features: Floats) -> list[Indices]:
    _, group, size = np.unique(features, axis=0, return_inverse=True, return_counts=True)
    return [np.flatnonzero(group.ravel() == g) for g in np.flatnonzero(size >= LEAST_QUERIES)]


def with_shared_forecasts(
    calibration: CalibrationSample, surface: Surface, sample: Sample, runs: Runs
) -> CalibrationSample:
    """Replace forecasts of queries with equal features, such as those without a text, by the surface's own.

    Out of fold they would differ by the noise of their folds, and the shadow price would be set between values that a
    planner never meets: it gives all of them one forecast, and they tie. The features are the planner's to the last
    bit: by those of the fit some forecasts are rounded otherwise, and where the sample ties a planner would not.
    With 20 or more of them little of their own outcomes leaks. Of a partial log, whose estimates would suffer from that
    little, those by which a planner chooses are kept beside.
    """
    tables, support = _forecast_tables(calibration), calibration.support
    if support is not None:
        tables |= {name: getattr(support, f"deployed_{name}") for name in DEPLOYED}
    if surface.prompt is None:
        del tables["prompt_tokens"]
    tables: dict[str, Any] = {name: table.copy() for name, table in tables.items()}
    for name, table in tables.items():
        for rows in sample.alike if _reads_second_view(surface, name) else sample.views[0].alike:
            shared = surface.at(_planned(surface.featurizer, runs, int(sample.rows[rows[0]])))
            table[rows[rows < len(table)]] = getattr(shared, name)
    if support is not None:
        deployed = {f"deployed_{name}": tables.pop(name) for name in DEPLOYED if name in tables}
        tables["support"] = replace(support, **deployed)
    return replace(calibration, **tables)


def _reads_second_view(surface: Surface, name: str) -> bool:
    """Return whether forecasts of a figure depend on the second view; where it tells nothing, no head has a weight."""
    panels = {
        "quality": (surface.quality, surface.amount),  # the second level reads both
        "amount": (surface.amount,),
        "prompt_tokens": (surface.prompt,),
        "latency_s": (surface.latency,),
    }
    own = surface.featurizer.own_width
    levels = [panel.first_level for panel in panels[name] if panel is not None]
    return any(bool(level.slope[own:].any() or level.weights[HEADS:].any()) for level in levels)


def _planned(featurizer: Featurizer, runs: Runs, query: int) -> Floats:
    """Return the features of a logged query as a planner computes them: ``(width,)``."""
    text, embedding = runs.texts[query], None if runs.embeddings is None else runs.embeddings[query].astype(np.float64)
    if featurizer.kind != "hashed_ngrams" and embedding is not None:
        return featurizer.of_embedding(embedding)
    if featurizer.second is not None and embedding is not None:
        return featurizer.of_both(text, embedding).vector
    return featurizer.of_text(text).vector


def grown(calibration: CalibrationSample, surface: Surface, texts: Sequence[str]) -> CalibrationSample:
    """Turn forecasts for texts of typical length into those for the texts of the sample, as a surface does."""
    factors = {"prompt_tokens": surface.prompt_growth, "amount": surface.amount_growth}
    tables: dict[str, Any] = {}
    sizes = [TextSize.of(text) for text in texts[: len(calibration.quality)]]
    for name, growth in factors.items():
        if growth is not None:
            factor = np.stack([growth.at(size) for size in sizes])
            tables[name] = (getattr(calibration, name) * factor).astype(np.float32)
            if (support := tables.get("support", calibration.support)) is not None:
                tables["support"] = _grown_support(support, name, factor)
    return replace(calibration, **tables)


def _grown_support(support: LogSupport, name: str, factor: Floats) -> LogSupport:
    figures = {key: getattr(support, key, None) for key in (f"deployed_{name}", f"blind_{name}")}
    grown = {key: (table * factor).astype(np.float32) for key, table in figures.items() if table is not None}
    return replace(support, **grown)


def _forecast_tables(calibration: CalibrationSample) -> dict[str, Floats32]:
    tables = {"quality": calibration.quality, "amount": calibration.amount, "prompt_tokens": calibration.prompt_tokens}
    return tables if calibration.latency_s is None else tables | {"latency_s": calibration.latency_s}


def featurized(runs: Runs, kind: str, seed: int, *, second: str | None = None) -> Featurized:
    """Fit the featurizer on the log's embeddings or texts.

    Args:
        runs: the log.
        kind: of the features.
        seed: of the projection of texts.
        second: kind of the second view, of the log's embeddings beside the texts; None: one view.
    """
    if kind != "hashed_ngrams" and runs.embeddings is not None:
        return fit_embeddings(runs.embeddings.astype(np.float64), kind=kind)
    texts = fit_texts(runs.texts, seed=seed)
    if second is None or runs.embeddings is None:
        return texts
    beside = fit_embeddings(runs.embeddings.astype(np.float64), kind=second)
    featurizer = replace(texts.featurizer, second=beside.featurizer)
    return Featurized(featurizer, np.hstack([texts.features, beside.features]))


def draw_sample(
    runs: Runs, features: Floats, rank: int, *, points: int, seed: int, second_at: int | None = None
) -> Sample:
    """Draw the queries that represent all, in an order that depends on their ids alone.

    Args:
        runs: the log.
        features: of all queries, ``(queries, width)``.
        rank: how many features are of the text.
        points: number of points of the grid.
        seed: of the folds.
        second_at: the first feature of the second view; None where there is one view.
    """
    groups = groups_of(runs)
    fold = folds(groups, FOLDS, seed=seed)
    order = sample_order(runs)
    bytes_per_query = 4 * 2 * features.shape[1] + 2 * 2 * points
    most = min(MOST_NEIGHBOURS, max(LEAST_NEIGHBOURS, NEIGHBOUR_CAP_BYTES // bytes_per_query * 2))
    rows = np.array(order[:most], np.intp)
    number = {name: g for g, name in enumerate(sorted(set(groups)))}
    group = np.array([number[name] for name in groups], np.int64)
    return Sample(rows, features[rows], fold[rows], group, features, rank, second_at)


def sample_order(runs: Runs) -> list[int]:
    """Order the queries by a hash of their ids: the first ones are those of the calibration sample."""
    return sorted(range(len(runs.query_ids)), key=lambda i: hashlib.sha256(runs.query_ids[i].encode()).digest())


def neighbour_count(sample: Sample, grid: Grid) -> int:
    """Return how many logged queries the surface keeps for look-up."""
    bytes_per_query = 2 * sample.features.shape[1] + 2 * 3 * min(len(grid.points), 40)
    return min(len(sample.rows), max(LEAST_NEIGHBOURS, NEIGHBOUR_CAP_BYTES // bytes_per_query))


def calibration_sample(
    logged: dict[str, LoggedPanel], forecasts: dict[str, Floats], sample: Sample, runs: Runs
) -> CalibrationSample:
    """Build the calibration sample.

    Args:
        logged: logged means by panel.
        forecasts: out-of-fold forecasts by panel, ``(sample, points)``.
        sample: the queries.
        runs: the log, for its labels.
    """
    points = forecasts["quality"].shape[1]
    size = sample_size(len(sample.rows), points, latency="latency" in logged)
    rows = sample.rows[:size]

    def forecast(name: str) -> Floats32:
        return forecasts[name][:size].astype(np.float32)

    def means(name: str) -> Floats32:
        return logged[name].means(rows).astype(np.float32)

    has_prompt, has_latency = "prompt tokens" in logged, "latency" in logged
    nothing = np.zeros((size, points), np.float32)
    return CalibrationSample(
        quality=forecast("quality"),
        amount=forecast("tokens"),
        prompt_tokens=forecast("prompt tokens") if has_prompt else nothing,
        logged_quality=means("quality"),
        logged_amount=means("tokens"),
        logged_prompt_tokens=means("prompt tokens") if has_prompt else nothing,
        latency_s=forecast("latency") if has_latency else None,
        logged_latency_s=means("latency") if has_latency else None,
        labels=_labels(runs, rows),
        fold=sample.fold[:size].astype(np.int8),
    )


def _labels(runs: Runs, rows: Indices) -> dict[str, Labels]:
    """Keep the labels by which limits group queries, where any was logged."""
    columns = {"tag": runs.tags, "tenant": runs.tenants, "step": runs.steps}
    return {by: Labels.of([column[i] or "" for i in rows]) for by, column in columns.items() if any(column)}
