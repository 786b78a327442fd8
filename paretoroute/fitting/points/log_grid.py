"""The grid of a log and the token prices of its models: given ones, else those derived from logged cost and tokens.

Prices are never invented. A model whose logged sum is not explained by tokens times prices has none, and its cost is
forecast from logged cost (``cost: logged``). A model with neither a cost nor a price is dropped, with a finding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from paretoroute.errors import GridError
from paretoroute.fitting.points.model_costs import ModelCost, model_costs
from paretoroute.fitting.points.price_units import check_given, unit_findings
from paretoroute.grid import Grid, Point, Price
from paretoroute.runs.findings import Finding
from paretoroute.runs.table import Runs

_SHOWN = 10  # names of points in a finding


class PricedGrid(NamedTuple):
    """The grid of a log with the prices that are known.

    Args:
        grid: logged points only.
        findings: derived prices, models with ``cost: logged``, and everything that was left out: unlogged points, and
            models with neither a logged cost nor tokens with a price.
    """

    grid: Grid
    findings: tuple[Finding, ...]


def build_grid(runs: Runs, grid: Grid | None = None, prices: Mapping[str, Price] | None = None) -> PricedGrid:
    """Build the grid that a policy chooses from, with a price for every model that can have one.

    Args:
        runs: the log.
        grid: points to keep to, in this order, with prices; None: all points of the log.
        prices: prices by model; they win over those of ``grid``, and both win over derived ones.

    Raises:
        GridError: no point is left, or no point has a logged cost or tokens with a price.
    """
    points, findings = (runs.points, []) if grid is None else _logged_points(runs, grid)
    given = {**(grid.prices if grid else {}), **(prices or {})}
    check_given(runs, given)
    models = model_costs(runs, points, given)
    for cost in models:
        findings += cost.findings()
    dropped = {name for cost in models for name in cost.dropped}
    if dropped:
        findings.append(Finding("grid", f"left out, since no run of them has a cost: {_listed(sorted(dropped))}"))
    unknown = [cost for cost in models if cost.unknown]
    excluded = {cost.model for cost in unknown}
    kept = tuple(point for point in points if point.name not in dropped and point.model not in excluded)
    if unknown:
        reason = _no_cost(unknown) + _cost_column(runs) + _misnamed(given, runs)
        if not kept:
            raise GridError(reason)
        findings.append(Finding("grid", f"left out, since nothing states what a call costs: {reason}"))
    if unused := sorted(set(given) - {point.model for point in kept}):
        text = f"prices given for models that are not in the log: {', '.join(unused)}"
        findings.append(Finding("given_price", text))
    by_tokens = [cost for cost in models if cost.by_tokens and not cost.unknown]
    priced = {cost.model: cost.settled.price for cost in by_tokens if cost.settled.price is not None}
    fees = {key: fee for cost in by_tokens for key, fee in cost.settled.fees.items()}
    most = {key: fee for cost in by_tokens for key, fee in cost.settled.most_fees.items()}
    of_points = [{point: by_key[point.key] for point in kept if point.key in by_key} for by_key in (fees, most)]
    return PricedGrid(
        Grid(kept, priced, fees=of_points[0], most_fees=of_points[1]),
        (*findings, *unit_findings(runs, given)),
    )


def _logged_points(runs: Runs, grid: Grid) -> tuple[tuple[Point, ...], list[Finding]]:
    """Keep the points of a grid that were logged; either side may supply a budget's amount."""
    logged = {point.key: point for point in runs.points}
    kept: list[Point] = []
    unlogged: list[str] = []
    for point in grid.points:
        own = logged.pop(point.key, None)
        if own is None:
            unlogged.append(point.name)
        else:
            _check_amounts(point, own)
            kept.append(own if point.budget.amount is None else point)
    if not kept:
        raise GridError(f"no point of the grid was logged; the log has {_listed([p.name for p in runs.points])}")
    findings: list[Finding] = []
    if unlogged:
        findings.append(Finding("grid", f"never logged: it cannot be chosen: {_listed(unlogged)}"))
    if logged:
        left_out = set(logged.values())
        ignored = int(np.isin(runs.point, [j for j, point in enumerate(runs.points) if point in left_out]).sum())
        names = _listed([point.name for point in logged.values()])
        text = f"{ignored} runs are of points that are not in the grid and are ignored: {names}"
        findings.append(Finding("grid", text))
    return tuple(kept), findings


def _check_amounts(wanted: Point, logged: Point) -> None:
    ours, theirs = wanted.budget.amount, logged.budget.amount
    if ours is not None and theirs is not None and ours != theirs:
        raise GridError(
            f"point {wanted.name!r}: the grid says its amount is {ours:g}, the log says {theirs:g}; "
            "correct the grid, or give the two budgets different labels"
        )


def _no_cost(unknown: Sequence[ModelCost]) -> str:
    """Name the models whose cost cannot be known, and what the first of them needs."""
    first = unknown[0]
    others = f" (likewise {_listed([repr(cost.model) for cost in unknown[1:]])})" if len(unknown) > 1 else ""
    costless = first.costless[0]
    if first.tokenless:
        tokenless = first.tokenless[0]
        where = "" if tokenless == costless else f" and {tokenless!r} has no tokens"
        return (
            f"the cost of model {first.model!r} is unknown{others}: point {costless!r} has no cost{where} "
            "in the log; log cost_usd, or tokens and a price, or leave the point out with a grid file"
        )
    return (
        f"model {first.model!r} has tokens but no cost in the log at {costless!r}, and no price{others}; "
        f'give one with a price file: {{"{first.model}": {{input: USD, output: USD}}}}, in USD per million tokens'
    )


def _misnamed(given: Mapping[str, Price], runs: Runs) -> str:
    """Name the prices of models that the log does not have, which may be those that lack one under another name."""
    others = sorted(set(given) - {point.model for point in runs.points})
    return f"; the prices name {_listed([repr(name) for name in others])}, which is in no run" if others else ""


def _cost_column(runs: Runs) -> str:
    """Name the column that was not read and may be the cost, if the notice about such columns names one."""
    named = (re.search(r"cost_usd=([^,\s\"]+)", notice.text) for notice in runs.notices if notice.kind == "column")
    name = next((match[1] for match in named if match), None)
    return "" if name is None else f"; or, if {name} is the cost, add cost_usd={name} to --columns"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
