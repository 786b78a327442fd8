"""Runs to a surface: the joint model of quality and tokens over (query, model, budget).

Each figure (quality, log tokens, log latency) is a panel, queries by points, with holes. In turn:

1. completion: means pooled over models and budgets, holes filled by a low-rank model   (JAX, optax);
   filling: those of points with few runs from the text and the other points' outcomes
2. basis: principal components of the residuals; what points share is learned together
3. heads: ridge at three strengths and neighbours in six ways, each query left out with its copies
4. stacking: how much to trust each head for each component, pooled                     (JAX, optax)
5. second level: quality hears what the forecasts of tokens and its own leading components tell about it
6. gate: where the cross-fitted forecasts do not beat the means beyond noise, the panel stays flat, and the
   surface is the prompt-blind one

The out-of-fold forecasts go into the traffic, and everything that is promised later is judged on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from paretoroute import completion, filling, interpolation, neighbours, ridge, second_level, stacking
from paretoroute.errors import RunsError
from paretoroute.featurizer import Featurizer, fit_embeddings, fit_texts
from paretoroute.fitted import Fit, Signal
from paretoroute.grid import Grid
from paretoroute.holes import Holes
from paretoroute.panel_cells import Cells, bounds_of, panels_of
from paretoroute.runs import Runs
from paretoroute.splits import folds, group_key
from paretoroute.surface import QUANTILES, Familiarity, Panel, Surface, second_level_inputs
from paretoroute.traffic import Labels, Traffic, sample_size

FOLDS = 5
LEAST_QUERIES = 20
NEIGHBOUR_CAP_BYTES = 4_000_000
MOST_NEIGHBOURS = 12_000
GATE_SE = 1.0  # a panel follows the query only if its out-of-fold gain exceeds so many standard errors

Floats = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Sample:
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


@dataclass(frozen=True)
class _Draft:
    """A panel after the first level.

    Args:
        cells: what was logged.
        base: pooled means, ``(points,)``.
        basis: ``(points, components)``.
        targets: components of all queries, ``(queries, components)``.
        known: share of the points that were logged of each of the sample's queries, ``(sample,)``.
        weights: of the heads, by all queries, ``(heads, components)``.
        own: out-of-fold forecast components, ``(sample, components)``.
        left_out: out-of-fold forecasts of points with few runs, NaN elsewhere, ``(sample, points)``.
    """

    cells: Cells
    base: Floats
    basis: Floats
    targets: Floats
    known: Floats
    weights: Floats
    own: Floats
    left_out: Floats

    def forecast(self, components: Floats) -> Floats:
        """Turn out-of-fold components into out-of-fold figures, ``(sample, points)``."""
        return np.where(np.isnan(self.left_out), self.base + components @ self.basis.T, self.left_out)


def fit_surface(
    runs: Runs,
    grid: Grid,
    *,
    holes: Holes | None = None,
    kind: str = "hashed_ngrams",
    seed: int = 0,
    progress: Progress | None = None,
) -> Fit:
    """Fit the surface of a grid on logged runs.

    Args:
        runs: the runs, of the grid's points in the grid's order.
        grid: the points and their token prices.
        holes: what to offer beside these points; the surface then has the columns of ``holes.points``.
        kind: of the features: ``hashed_ngrams`` reads the texts, ``embedding`` and ``function`` the embeddings.
        seed: same runs and seed, same surface.
        progress: called with a few words at the start of every stage.

    Raises:
        RunsError: fewer than 20 queries, or a point whose cost is nowhere known.
    """
    say = progress or (lambda words: None)
    if len(runs.query_ids) < LEAST_QUERIES:
        raise RunsError(
            f"the log has {len(runs.query_ids)} queries; at least {LEAST_QUERIES} are needed to tell a policy's gain "
            "from luck. Log more, or pick a point by hand."
        )
    say("reading the queries")
    featurizer, features = _features(runs, kind, seed)
    sample = _sample(runs, features, featurizer.rank, len(grid.points), seed)
    panels, signals, forecasts = {}, [], {}
    cells = panels_of(runs, grid)
    drafts = {}
    for cell in cells.values():
        say(f"fitting {cell.name}")
        drafts[cell.name] = _first_level(cell, grid, sample, seed)
    for name, draft in drafts.items():
        found = _second_level(drafts, sample) if name == "quality" else (None, draft.own)
        panels[name], signal, forecasts[name] = _fit_panel(draft, *found, sample, _neighbours(sample, grid))
        signals.append(signal)
    surface = Surface(
        featurizer=featurizer,
        neighbours=neighbours.index(sample.features[: _neighbours(sample, grid)], sample.rank),
        quality=panels["quality"],
        amount=panels["tokens"],
        prompt=panels.get("prompt tokens"),
        latency=panels.get("latency"),
        queries=(cells["quality"].count > 0).sum(0).astype(np.float64),
        familiarity=_familiarity(runs, featurizer, features),
        bounds=bounds_of(runs),
    )
    fit = Fit(surface, _traffic(cells, forecasts, sample, grid, runs), tuple(signals))
    if holes is not None and holes.gaps:
        fit = interpolation.widened(fit, grid.points, holes)
    return replace(fit, traffic=_with_shared(fit.traffic, fit.surface, sample))


def _with_shared(traffic: Traffic, surface: Surface, sample: _Sample) -> Traffic:
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


def _features(runs: Runs, kind: str, seed: int) -> tuple[Featurizer, Floats]:
    if kind != "hashed_ngrams" and runs.embeddings is not None:
        return fit_embeddings(runs.embeddings.astype(np.float64), kind=kind)
    return fit_texts(runs.texts, seed=seed)


def _sample(runs: Runs, features: Floats, rank: int, points: int, seed: int) -> _Sample:
    groups = [group_key(*about) for about in zip(runs.query_ids, runs.texts, runs.conversations, strict=True)]
    fold = folds(groups, FOLDS, seed=seed)
    order = sorted(range(len(runs.query_ids)), key=lambda i: hashlib.sha256(runs.query_ids[i].encode()).digest())
    per_query = 4 * 2 * features.shape[1] + 2 * 2 * points
    most = min(MOST_NEIGHBOURS, max(400, NEIGHBOUR_CAP_BYTES // per_query * 2))
    rows = np.array(order[:most], np.intp)
    number = {name: g for g, name in enumerate(sorted(set(groups)))}
    group = np.array([number[name] for name in groups], np.int64)
    return _Sample(rows, features[rows], fold[rows], group, features, rank)


def _neighbours(sample: _Sample, grid: Grid) -> int:
    per_query = 2 * sample.features.shape[1] + 2 * 3 * min(len(grid.points), 40)
    return min(len(sample.rows), max(400, NEIGHBOUR_CAP_BYTES // per_query))


def _first_level(cells: Cells, grid: Grid, sample: _Sample, seed: int) -> _Draft:
    """Fill a panel's holes, find its components, and stack the heads that forecast them."""
    full = completion.complete(cells.values, cells.count, grid.points, rising=cells.name != "prompt tokens", seed=seed)
    filled = filling.fill(full, cells.values, cells.count, sample.all_features)
    full, left_out = filled.completed, filled.left_out[sample.rows]
    basis = _basis(full.residual, cells.components)
    targets = full.residual @ basis
    heads = _left_out(sample, targets)
    known = (cells.count[sample.rows] > 0).mean(1)
    weights = stacking.stack(heads, targets[sample.rows], known, sample.fold, FOLDS)
    own = stacking.cross_fitted(heads, weights, sample.fold)
    return _Draft(cells, full.base, basis, targets, known, weights[-1], own, left_out)


def _second_level(drafts: dict[str, _Draft], sample: _Sample) -> tuple[second_level.SecondLevel, Floats]:
    """Let quality hear what the first level forecasts of tokens and of quality itself."""
    quality, tokens = drafts["quality"], drafts["tokens"]
    used = _signal(tokens.cells, tokens.base, tokens.forecast(tokens.own), sample).used
    inputs = second_level_inputs(tokens.own * used, quality.own)
    return second_level.fit(inputs, quality.own, quality.targets[sample.rows], quality.known, sample.fold, FOLDS)


def _fit_panel(
    draft: _Draft, level: second_level.SecondLevel | None, components: Floats, sample: _Sample, kept: int
) -> tuple[Panel, Signal, Floats]:
    """Finish one panel; the third is its out-of-fold forecasts at the sample's queries, ``(sample, points)``.

    Args:
        draft: its first level.
        level: its second, or None.
        components: its out-of-fold forecasts, ``(sample, components)``.
        sample: the queries that stand for all.
        kept: number of neighbours that the surface keeps.
    """
    cells = draft.cells
    known = cells.count[sample.rows] > 0
    forecast = draft.forecast(components)
    signal = _signal(cells, draft.base, forecast, sample)
    if not signal.used:
        forecast = np.broadcast_to(_single(draft.base), forecast.shape).copy()
    low, high = (_single(end) for end in _range(cells))
    smear = None
    if cells.log:
        smear = _single(_smear(cells.values[sample.rows], known, np.clip(forecast, low, high)))
    spread = _single(_spread(cells, forecast, sample))
    finish = (low, high, smear, spread, _tail(cells, forecast, spread, sample) if cells.log else None)
    panel = _assemble(draft, level, signal.used, sample, kept, finish)
    return panel, signal, panel.finish(forecast)


def _basis(residual: Floats, components: int) -> Floats:
    """Principal directions of the residuals, signs fixed: ``(points, components)``."""
    _, directions = np.linalg.eigh(residual.T @ residual)
    directions = directions[:, ::-1][:, :components]
    heaviest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[heaviest, np.arange(directions.shape[1])])


def _left_out(sample: _Sample, targets: Floats) -> Floats:
    """Forecast the sample's components by every head without the query's own group: ``(heads, sample, components)``.

    Leaving out one query (and what must stay with it) rather than a fifth of them keeps these forecasts as close as can
    be to those of the surface that is deployed: the price is set on these and used on those. Queries that look the same
    share their mean: left out one by one their forecasts would differ only by what was left out, their own outcome
    with its sign turned, and the second level would read it.
    """
    own, group = targets[sample.rows], sample.group[sample.rows]
    linear = ridge.left_out(sample.all_features, targets, sample.group, sample.rows)
    near = neighbours.averages_between(sample.features, own, sample.features, sample.rank, apart=(group, group))
    heads = np.concatenate([linear, near])
    for rows in sample.alike:
        heads[:, rows] = heads[:, rows].mean(axis=1, keepdims=True)
    return heads


def _signal(cells: Cells, base: Floats, forecast: Floats, sample: _Sample) -> Signal:
    values, count = cells.values[sample.rows], cells.count[sample.rows]
    known = count > 0
    weight = np.where(known, np.minimum(count, 16.0), 0.0)
    flat_error = (weight * np.where(known, values - base, 0.0) ** 2).sum(1)
    error = (weight * np.where(known, values - forecast, 0.0) ** 2).sum(1)
    gain, scale = flat_error - error, max(flat_error.sum(), 1e-300)
    explained = float(gain.sum() / scale)
    se = float(gain.std() * np.sqrt(len(gain)) / scale)
    return Signal(cells.name, explained, se, explained > GATE_SE * se)


def _range(cells: Cells) -> tuple[Floats, Floats]:
    points = cells.values.shape[1]
    if not cells.log:
        return np.zeros(points), np.ones(points)
    known = cells.count > 0
    low = np.where(known, cells.values, np.inf).min(0)
    high = np.where(known, cells.values, -np.inf).max(0)
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    return low - np.log(2), high + np.log(2)


def _smear(values: Floats, known: NDArray[np.bool_], forecast: Floats) -> Floats:
    """Find the factor from exp(mean log) to mean, per point, drawn to the common one where runs are few."""
    logged = np.where(known, np.exp(np.where(known, values, 0.0)), 0.0).sum(0)
    expected = np.where(known, np.exp(forecast), 0.0).sum(0)
    count = known.sum(0)
    own = np.log(np.where(count > 0, logged, 1.0) / np.where(count > 0, expected, 1.0))
    common = float(np.average(own, weights=np.maximum(count, 1e-9)))
    return np.exp((count * own + 10 * common) / (count + 10))


def _assemble(
    draft: _Draft, level: second_level.SecondLevel | None, used: bool, sample: _Sample, kept: int, finish
) -> Panel:
    """Write a panel down as a surface reads it; one that is not used has nothing in it that moves with the query."""
    strengths = len(ridge.STRENGTHS)
    slopes, intercepts = ridge.coefficients(ridge.moments(sample.all_features, draft.targets))
    weights = draft.weights * used
    slope = np.einsum("sfk,sk->fk", slopes, weights[:strengths])
    offset = (intercepts * weights[:strengths]).sum(0)
    targets = draft.targets[sample.rows[:kept]].astype(np.float16)
    rounded = [_single(part) for part in (draft.base, offset, slope)]
    shape = [None if part is None else _single(part) for part in finish]
    second = [] if level is None else [_single(part * used) for part in (level.keep, level.cross, level.shift)]
    return Panel(*rounded, targets, _single(weights[strengths:]), _single(draft.basis), *shape, *second)  # type: ignore[arg-type]


def _single(values: Floats) -> Floats:
    """Round to float32, which is what a policy keeps: a surface read back forecasts the same."""
    return values.astype(np.float32).astype(np.float64)


def _spread(cells: Cells, forecast: Floats, sample: _Sample) -> Floats:
    """Standard deviation of a logged cell around its out-of-fold forecast, pooled with four cells at the mean."""
    known = cells.count[sample.rows] > 0
    error = np.where(known, cells.values[sample.rows] - forecast, 0.0)
    total = float((error**2).sum() / max(known.sum(), 1))
    return np.sqrt(((error**2).sum(0) + 4 * total) / (known.sum(0) + 4))


def _tail(cells: Cells, forecast: Floats, spread: Floats, sample: _Sample) -> Floats:
    """Quantiles of logged minus forecast in units of the point's spread, over all points."""
    known = cells.count[sample.rows] > 0
    error = (cells.values[sample.rows] - forecast) / np.maximum(spread, 1e-12)
    return np.quantile(error[known], QUANTILES) if known.any() else np.zeros(len(QUANTILES))


def _familiarity(runs: Runs, featurizer: Featurizer, features: Floats) -> Familiarity:
    centre, inverse = ridge.spread(ridge.moments(features, np.zeros((len(features), 1))))
    away = features - centre
    leverage = np.einsum("qf,fg,qg->q", away, inverse, away)
    least = 0.0
    if featurizer.kind == "hashed_ngrams":
        some = np.linspace(0, len(runs.texts) - 1, min(len(runs.texts), 1000)).astype(int)
        least = 0.5 * float(np.quantile([featurizer.of_text(runs.texts[i])[1] for i in some], 0.01))
    ends = float(np.float32(least)), float(np.float32(3.0 * np.quantile(leverage, 0.99)))
    return Familiarity(_single(centre), _single(inverse), *ends)


def _traffic(cells: dict[str, Cells], forecasts: dict[str, Floats], sample: _Sample, grid: Grid, runs: Runs) -> Traffic:
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
    return Traffic(
        *(array.astype(np.float32) for array in arrays),
        **{name: array.astype(np.float32) for name, array in latency.items()},
        labels=_labels(runs, rows),
    )


def _labels(runs: Runs, rows: NDArray[np.intp]) -> dict[str, Labels]:
    """Keep what limits group queries by, where it was logged."""
    columns = {"tag": runs.tags, "tenant": runs.tenants, "step": runs.steps}
    return {by: Labels.of([column[i] or "" for i in rows]) for by, column in columns.items() if any(column)}
