"""What was logged, arranged as panels for fitting: one figure of every point, queries by points, with holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.errors import RunsError
from paretoroute.grid import Grid
from paretoroute.runs.table import Runs
from paretoroute.surface.surface import Bounds

AMOUNT_COMPONENTS = 8
LEAST_LATENCIES = 20


@dataclass(frozen=True)
class LoggedPanel:
    """One panel before fitting.

    Args:
        name: of the figure: ``quality``, ``tokens``, ``prompt tokens`` or ``latency``.
        values: logged means, in logs where ``log``, NaN where nothing was logged, ``(queries, points)``.
        count: how many trials each rests on, ``(queries, points)``.
        log: whether the figure is kept as its logarithm.
        components: how many of them are forecast.
    """

    name: str
    values: Floats
    count: Floats
    log: bool
    components: int


def panels_of(runs: Runs, grid: Grid) -> dict[str, LoggedPanel]:
    """Arrange the logged means as panels, by name; one that is absent was never logged.

    Raises:
        RunsError: a point whose cost is nowhere known.
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
    found = {
        "quality": LoggedPanel("quality", quality, count, False, components),
        "tokens": _log_cells("tokens", amount, amount_count, few),
    }
    if priced.any():
        prompt, prompt_count = _billed_prompt(runs, grid)
        found["prompt tokens"] = _log_cells("prompt tokens", np.where(priced, prompt, np.nan), prompt_count * priced, 2)
    latency, latency_count = runs.means("latency_s")
    if (latency_count > 0).sum() >= LEAST_LATENCIES:
        found["latency"] = _log_cells("latency", latency, latency_count, min(components, 3))
    return found


def _billed_prompt(runs: Runs, grid: Grid) -> tuple[Floats, Floats]:
    """Mean prompt tokens, those read from a cache counted at what they cost beside the others."""
    prompt, count = runs.means("prompt_tokens")
    cached, _ = runs.means("cached_prompt_tokens")
    return prompt - np.nan_to_num(cached) * grid.cache_discounts, count


def _log_cells(name: str, values: Floats, count: Floats, components: int) -> LoggedPanel:
    floor = np.nanmin(np.where(values > 0, values, np.nan)) if (values > 0).any() else 1.0
    logs = np.log(np.maximum(values, 0.5 * floor), out=np.full(values.shape, np.nan), where=count > 0)
    return LoggedPanel(name, logs, np.where(np.isfinite(logs), count, 0.0), True, components)


def bounds_of(runs: Runs) -> Bounds:
    """Find what bounds the tokens of a call at every point."""
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
