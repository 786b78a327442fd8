"""The logged means as panels for fitting: one figure at every point, queries by points, with missing cells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.errors import RunsError
from paretoroute.fitting.text_growth import FittedGrowth, cost_growth, prompt_growth
from paretoroute.grid import Grid
from paretoroute.runs.table import CellMeans, Runs
from paretoroute.surface.surface import Bounds, TextGrowth, TextSize

AMOUNT_COMPONENTS = 8
PROMPT_COMPONENTS = 2
LATENCY_COMPONENTS = 3
LEAST_LATENCIES = 20


@dataclass(frozen=True)
class LoggedPanel:
    """One panel before fitting.

    Args:
        name: of the figure: ``quality``, ``tokens``, ``prompt tokens`` or ``latency``.
        values: logged means, in logs where ``log``, NaN in missing cells, ``(queries, points)``.
        count: number of trials behind each, 0 in missing cells, ``(queries, points)``.
        log: whether the figure is kept as its logarithm.
        components: number of principal components to forecast.
        below_logs: logged means of 0 or less, which have no log, NaN elsewhere, ``(queries, points)``; None: none.
        is_bill: which points hold whole bills in USD, whose mean is kept at any spread, ``(points,)``; None: none.
        by_text: growth of the figure with the text; the values are then those of a text of typical length.
    """

    name: str
    values: Floats
    count: Floats
    log: bool
    components: int
    below_logs: Floats | None = None
    is_bill: Mask | None = None
    by_text: FittedGrowth | None = None

    def means(self, rows: Indices) -> Floats:
        """Return the logged means of some queries in the figure's unit, ``(rows, points)``, NaN in missing cells."""
        values = self.values[rows]
        values = np.where(self.count[rows] > 0, np.exp(values) if self.log else values, np.nan)
        if self.by_text is not None:
            return np.where(np.isnan(values), np.nan, self.by_text.logged[rows])
        if self.below_logs is None:
            return values
        below = self.below_logs[rows]
        return np.where(np.isnan(below), values, below)

    def factor(self, rows: Indices) -> Floats:
        """Return the factors from a text of typical length to the logged one, ``(rows, points)``."""
        return np.ones(self.values[rows].shape) if self.by_text is None else self.by_text.factor[rows]

    @property
    def growth(self) -> TextGrowth | None:
        """The growth with the text, or None."""
        return None if self.by_text is None else self.by_text.growth


def panels_of(runs: Runs, grid: Grid) -> dict[str, LoggedPanel]:
    """Arrange the logged means as panels, by name; figures that were not logged are absent.

    Raises:
        RunsError: a point has neither a logged cost nor tokens with a price.
    """
    quality, count = runs.means("quality")
    priced = grid.token_prices.priced
    completion_tokens, tokens_count = runs.means("completion_tokens")
    cost, cost_count = runs.means("cost_usd")
    amount = np.where(priced, completion_tokens, cost)
    amount_count = np.where(priced, tokens_count, cost_count)
    unknown = [grid.names[j] for j in np.flatnonzero((amount_count > 0).sum(0) == 0)]
    if unknown:
        raise RunsError(f"the cost of {', '.join(unknown)} is nowhere known; log cost_usd, or tokens with prices")
    components = len(grid.points)
    few = min(components, AMOUNT_COMPONENTS)
    sizes = [TextSize.of(text) for text in runs.texts]
    growth = cost_growth(amount, ~priced, sizes)
    panels = {
        "quality": LoggedPanel("quality", quality, count, False, components),
        "tokens": replace(
            _log_panel("tokens", amount, amount_count, few, by_text=growth),
            is_bill=None if priced.all() else ~priced,
        ),
    }
    if priced.any():
        prompt, prompt_count = _billed_prompt(runs, grid)
        prompt = np.where(priced, prompt, np.nan)
        growth = prompt_growth(prompt, sizes, grid.points)
        prompt_count = prompt_count * priced
        panels["prompt tokens"] = _log_panel("prompt tokens", prompt, prompt_count, PROMPT_COMPONENTS, by_text=growth)
    latency, latency_count = runs.means("latency_s")
    if (latency_count > 0).sum() >= LEAST_LATENCIES:
        panels["latency"] = _log_panel("latency", latency, latency_count, min(components, LATENCY_COMPONENTS))
    return panels


def _billed_prompt(runs: Runs, grid: Grid) -> CellMeans:
    """Return mean prompt tokens and trials; tokens of a cache count by their price relative to the others."""
    prompt, count = runs.means("prompt_tokens")
    cached, written = runs.means("cached_prompt_tokens").mean, runs.means("cache_write_tokens").mean
    return CellMeans(grid.billed_prompt(prompt, cached, written), count)


def _log_panel(
    name: str, values: Floats, count: Floats, components: int, *, by_text: FittedGrowth | None = None
) -> LoggedPanel:
    values = values if by_text is None else by_text.rest
    floor = np.nanmin(np.where(values > 0, values, np.nan)) if (values > 0).any() else 1.0
    logs = np.log(np.maximum(values, 0.5 * floor), out=np.full(values.shape, np.nan), where=count > 0)
    counted = np.where(np.isfinite(logs), count, 0.0)
    is_below = (counted > 0) & (values <= 0)
    below = np.where(is_below, values, np.nan) if is_below.any() else None
    return LoggedPanel(name, logs, counted, True, components, below, by_text=by_text)


def bounds_of(runs: Runs) -> Bounds:
    """Take the bounds of the tokens of a call at every point from the log."""
    size = np.array([len(text.encode("utf-8", "replace")) for text in runs.texts], np.float64)
    # The overhead of every prompt is at most the smallest prompt; long queries have less than one token per byte.
    beyond = _largest(runs.point, runs.prompt_tokens - size[runs.query], len(runs.points))
    least = -_largest(runs.point, -runs.prompt_tokens, len(runs.points))
    return Bounds(
        np.maximum(beyond, least),
        _largest(runs.point, runs.completion_tokens, len(runs.points)),
    )


def _largest(point: NDArray[np.int32], values: Floats, points: int) -> Floats:
    most = np.full(points, -np.inf)
    is_logged = ~np.isnan(values)
    np.maximum.at(most, point[is_logged], values[is_logged])
    return np.where(np.isfinite(most), most, np.nan)
