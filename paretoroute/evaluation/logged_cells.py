"""Mean logged outcomes of every query at every point of a policy's grid."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.errors import RunsError
from paretoroute.fitting.points.token_totals import billed_totals
from paretoroute.grid import Grid
from paretoroute.runs.align import grid_columns, of_model, token_cost_usd
from paretoroute.runs.table import Runs

OTHER_PRICES = 0.05  # bills further from tokens times prices, in the sum and in the median run, are of other prices


@dataclass(frozen=True)
class LoggedCells:
    """Mean outcomes in a log at the points of a grid, ``(queries, points)`` each, NaN where unknown."""

    quality: Floats
    cost_usd: Floats
    latency_s: Floats


def logged_cells(runs: Runs, grid: Grid) -> LoggedCells:
    """Average the outcomes of each query at each point.

    Raises:
        RunsError: none of the points is in the log.
    """
    column = grid_columns(runs, grid)
    if not (column >= 0).any():
        logged = ", ".join(point.name for point in runs.points[:5])
        raise RunsError(
            f"no point of the policy is in the log; the policy has {', '.join(grid.names[:5])}, the log has {logged}; "
            "use runs of the policy's points (rename models that are the same), or fit a policy on this log"
        )

    def by_grid(means: Floats) -> Floats:
        table = np.full((len(means), len(grid.points)), np.nan)
        table[:, column[column >= 0]] = means[:, column >= 0]
        return table

    return LoggedCells(
        quality=by_grid(runs.means("quality").mean),
        cost_usd=by_grid(replace(runs, cost_usd=costs_usd(runs, grid)).means("cost_usd").mean),
        latency_s=by_grid(runs.means("latency_s").mean),
    )


def costs_usd(runs: Runs, grid: Grid) -> Floats:
    """Return the logged cost of every run, and the cost at the policy's prices and fees where only tokens were logged.

    Returns:
        In USD, NaN where unknown, ``(runs,)``.
    """
    runs = billed_totals(runs, grid.prices).runs
    cost, fee = runs.cost_usd.copy(), dict(zip((point.key for point in grid.points), grid.fee_usd, strict=True))
    for j, point in enumerate(runs.points):
        price = grid.prices.get(point.model)
        rows = (runs.point == j) & np.isnan(cost)
        if price is not None and rows.any():
            cost[rows] = token_cost_usd(runs, price, rows) + fee.get(point.key, 0.0)
    return cost


def price_notices(runs: Runs, grid: Grid) -> list[str]:
    """Name the models whose logged bills are not those of the policy's prices, so that costs cannot agree."""
    runs = billed_totals(runs, grid.prices).runs
    fee = dict(zip((point.key for point in grid.points), grid.fee_usd, strict=True))
    fees = np.array([fee.get(point.key, 0.0) for point in runs.points])[runs.point]
    notices: list[str] = []
    for model, price in grid.prices.items():
        rows = of_model(runs, model)
        paid, due = runs.cost_usd[rows], token_cost_usd(runs, price, rows) + fees[rows]
        known = np.isfinite(paid) & np.isfinite(due) & (due > 0)
        paid, due = paid[known], due[known]
        if not len(paid):
            continue
        ratios = (float(paid.sum() / due.sum()), float(np.median(paid / due)))
        if min(abs(ratio - 1) for ratio in ratios) > OTHER_PRICES:
            notices.append(
                f"{model} was billed x{ratios[0]:.3g} of tokens times the policy's prices in this log: the costs here "
                "are those that were paid; leave cost_usd out to replay at the policy's prices, or solve it at the "
                "log's with --prices"
            )
    return notices
