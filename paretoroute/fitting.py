"""Runs to a surface: the joint model of quality and tokens over (query, model, budget).

Each figure (quality, log tokens, log latency) is a panel, queries by points, with holes. In turn:

1. completion: means pooled over models and budgets, holes filled by a low-rank model   (JAX, optax);
   filling: those of points with few runs from the text and the other points' outcomes
2. basis: principal components of the residuals; what points share is learned together
3. heads: ridge at three strengths and neighbours in six ways, each query left out with its near-duplicates
4. stacking: how much to trust each head for each component, pooled                     (JAX, optax)
5. gate: where the cross-fitted forecasts do not beat the means beyond noise, the panel stays flat, and the
   surface is the prompt-blind one

The out-of-fold forecasts go into the traffic, and everything that is promised later is judged on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute import completion, filling, interpolation, neighbours, ridge, stacking
from paretoroute.errors import RunsError
from paretoroute.featurizer import Featurizer, fit_embeddings, fit_texts
from paretoroute.fitted import Fit, Signal
from paretoroute.grid import Grid
from paretoroute.holes import Holes
from paretoroute.runs import Runs
from paretoroute.splits import folds, group_key
from paretoroute.surface import QUANTILES, Bounds, Familiarity, Panel, Surface
from paretoroute.traffic import Labels, Traffic, sample_size

FOLDS = 5
LEAST_QUERIES = 20
NEIGHBOUR_CAP_BYTES = 4_000_000
MOST_NEIGHBOURS = 12_000
AMOUNT_COMPONENTS = 8
GATE_SE = 1.0  # a panel follows the query only if its out-of-fold gain exceeds so many standard errors

Floats = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Cells:
    """One panel before fitting; ``values`` is in logs where ``log``."""

    name: str
    values: Floats
    count: Floats
    log: bool
    components: int


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
    cells = _panels(runs, grid)
    for cell in cells.values():
        say(f"fitting {cell.name}")
        panels[cell.name], signal, forecasts[cell.name] = _fit_panel(cell, grid, sample, seed)
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
        bounds=_bounds(runs),
    )
    found = Fit(surface, _traffic(cells, forecasts, sample, grid, runs), tuple(signals))
    if holes is not None and holes.gaps:
        found = interpolation.widened(found, grid.points, holes)
    return replace(found, traffic=_with_shared(found.traffic, found.surface, sample.features))


def _with_shared(traffic: Traffic, surface: Surface, features: Floats) -> Traffic:
    """Give queries that look the same to the surface, such as those without a text, its own forecast in the traffic.

    Out of fold they would differ by their fold's noise, and the price would be set between values that a planner never
    sees: it gives all of them one forecast, and they tie. With 20 or more of them what leaks of their own outcomes is
    small.
    """
    names = [name for name in ("quality", "amount", "prompt_tokens", "latency_s") if getattr(traffic, name) is not None]
    if surface.prompt is None:
        names.remove("prompt_tokens")
    tables = {name: getattr(traffic, name).copy() for name in names}
    _, group, size = np.unique(features, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    for g in np.flatnonzero(size >= LEAST_QUERIES):
        rows = np.flatnonzero(group == g)
        same = surface.at(features[rows[0]])
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


def _panels(runs: Runs, grid: Grid) -> dict[str, _Cells]:
    """Arrange the logged means as panels; a name that is absent was never logged."""
    quality, count = runs.means("quality")
    priced = np.array([point.model in grid.prices for point in grid.points])
    completion_tokens, tokens_count = runs.means("completion_tokens")
    cost, cost_count = runs.means("cost_usd")
    amount = np.where(priced, completion_tokens, cost)
    amount_count = np.where(priced, tokens_count, cost_count)
    unknown = [grid.names[j] for j in np.flatnonzero((amount_count > 0).sum(0) == 0)]
    if unknown:
        raise RunsError(f"the cost of {', '.join(unknown)} is nowhere known; log cost_usd, or tokens with prices")
    components = len(grid.points)
    few = min(components, AMOUNT_COMPONENTS)
    found = {
        "quality": _Cells("quality", quality, count, False, components),
        "tokens": _log_cells("tokens", amount, amount_count, few),
    }
    if priced.any():
        prompt, prompt_count = _billed_prompt(runs, grid)
        found["prompt tokens"] = _log_cells("prompt tokens", np.where(priced, prompt, np.nan), prompt_count * priced, 2)
    latency, latency_count = runs.means("latency_s")
    if (latency_count > 0).sum() >= LEAST_QUERIES:
        found["latency"] = _log_cells("latency", latency, latency_count, min(components, 3))
    return found


def _billed_prompt(runs: Runs, grid: Grid) -> tuple[Floats, Floats]:
    """Mean prompt tokens, those read from a cache counted at what they cost beside the others."""
    prompt, count = runs.means("prompt_tokens")
    cached, _ = runs.means("cached_prompt_tokens")
    discount = np.zeros(len(grid.points))
    for j, point in enumerate(grid.points):
        price = grid.prices.get(point.model)
        if price and price.cached_input_usd_per_mtok is not None and price.input_usd_per_mtok > 0:
            discount[j] = 1 - price.cached_input_usd_per_mtok / price.input_usd_per_mtok
    return prompt - np.nan_to_num(cached) * discount, count


def _log_cells(name: str, values: Floats, count: Floats, components: int) -> _Cells:
    floor = np.nanmin(np.where(values > 0, values, np.nan)) if (values > 0).any() else 1.0
    logs = np.log(np.maximum(values, 0.5 * floor), out=np.full(values.shape, np.nan), where=count > 0)
    return _Cells(name, logs, np.where(np.isfinite(logs), count, 0.0), True, components)


def _fit_panel(cells: _Cells, grid: Grid, sample: _Sample, seed: int) -> tuple[Panel, Signal, Floats]:
    """Fit one panel; the third is its cross-fitted forecasts at the sample's queries, ``(sample, points)``."""
    full = completion.complete(cells.values, cells.count, grid.points, rising=cells.name != "prompt tokens", seed=seed)
    filled = filling.fill(full, cells.values, cells.count, sample.all_features)
    full = filled.completed
    basis = _basis(full.residual, cells.components)
    targets = full.residual @ basis
    heads = _left_out(sample, targets)
    known = cells.count[sample.rows] > 0
    weights = stacking.stack(heads, targets[sample.rows], known.mean(1), sample.fold, FOLDS)
    mixed = np.zeros_like(targets[sample.rows])
    for f in range(FOLDS):
        inside = sample.fold == f
        mixed[inside] = np.einsum("hik,hk->ik", heads[:, inside], weights[f])
    forecast = full.base + mixed @ basis.T
    left_out = filled.left_out[sample.rows]
    forecast = np.where(np.isnan(left_out), forecast, left_out)
    signal = _signal(cells, full.base, forecast, sample)
    if not signal.used:
        forecast = np.broadcast_to(_single(full.base), forecast.shape).copy()
    low, high = (_single(end) for end in _range(cells))
    smear = None
    if cells.log:
        smear = _single(_smear(cells.values[sample.rows], known, np.clip(forecast, low, high)))
    spread = _single(_spread(cells, forecast, sample))
    finish = (low, high, smear, spread, _tail(cells, forecast, spread, sample) if cells.log else None)
    panel = _assemble(full.base, basis, targets, weights[-1] * signal.used, sample, grid, finish)
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
    be to those of the surface that is deployed: the price is set on these and used on those.
    """
    own, group = targets[sample.rows], sample.group[sample.rows]
    linear = ridge.left_out(sample.all_features, targets, sample.group, sample.rows)
    near = neighbours.averages_between(sample.features, own, sample.features, sample.rank, apart=(group, group))
    return np.concatenate([linear, near])


def _signal(cells: _Cells, base: Floats, forecast: Floats, sample: _Sample) -> Signal:
    values, count = cells.values[sample.rows], cells.count[sample.rows]
    known = count > 0
    weight = np.where(known, np.minimum(count, 16.0), 0.0)
    flat_error = (weight * np.where(known, values - base, 0.0) ** 2).sum(1)
    error = (weight * np.where(known, values - forecast, 0.0) ** 2).sum(1)
    gain, scale = flat_error - error, max(flat_error.sum(), 1e-300)
    explained = float(gain.sum() / scale)
    se = float(gain.std() * np.sqrt(len(gain)) / scale)
    return Signal(cells.name, explained, se, explained > GATE_SE * se)


def _range(cells: _Cells) -> tuple[Floats, Floats]:
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


def _assemble(base, basis, targets, weights, sample: _Sample, grid: Grid, finish) -> Panel:
    strengths = len(ridge.STRENGTHS)
    slopes, intercepts = ridge.coefficients(ridge.moments(sample.all_features, targets))
    slope = np.einsum("sfk,sk->fk", slopes, weights[:strengths]) @ basis.T
    offset = basis @ (intercepts * weights[:strengths]).sum(0)
    kept = targets[sample.rows[: _neighbours(sample, grid)]].astype(np.float16)
    rounded = [_single(part) for part in (base, offset, slope)]
    shape = [None if part is None else _single(part) for part in finish]
    return Panel(*rounded, kept, _single(weights[strengths:]), _single(basis), *shape)  # type: ignore[arg-type]


def _single(values: Floats) -> Floats:
    """Round to float32, which is what a policy keeps: a surface read back forecasts the same."""
    return values.astype(np.float32).astype(np.float64)


def _spread(cells: _Cells, forecast: Floats, sample: _Sample) -> Floats:
    """Standard deviation of a logged cell around its out-of-fold forecast, pooled with four cells at the mean."""
    known = cells.count[sample.rows] > 0
    error = np.where(known, cells.values[sample.rows] - forecast, 0.0)
    total = float((error**2).sum() / max(known.sum(), 1))
    return np.sqrt(((error**2).sum(0) + 4 * total) / (known.sum(0) + 4))


def _tail(cells: _Cells, forecast: Floats, spread: Floats, sample: _Sample) -> Floats:
    """Quantiles of logged minus forecast in units of the point's spread, over all points."""
    known = cells.count[sample.rows] > 0
    error = (cells.values[sample.rows] - forecast) / np.maximum(spread, 1e-12)
    return np.quantile(error[known], QUANTILES) if known.any() else np.zeros(len(QUANTILES))


def _bounds(runs: Runs) -> Bounds:
    size = np.array([len(text.encode("utf-8", "replace")) for text in runs.texts], np.float64)
    # What comes with every query is at most the smallest prompt; long queries show less than one token per byte.
    beyond = _largest(runs.point, runs.prompt_tokens - size[runs.query], len(runs.points))
    least = -_largest(runs.point, -runs.prompt_tokens, len(runs.points))
    return Bounds(
        np.maximum(beyond, least),
        _largest(runs.point, runs.completion_tokens, len(runs.points)),
    )


def _largest(point: NDArray[np.int32], values: Floats, points: int) -> Floats:
    most = np.full(points, -np.inf)
    known = ~np.isnan(values)
    np.maximum.at(most, point[known], values[known])
    return np.where(np.isfinite(most), most, np.nan)


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


def _traffic(
    cells: dict[str, _Cells], forecasts: dict[str, Floats], sample: _Sample, grid: Grid, runs: Runs
) -> Traffic:
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
