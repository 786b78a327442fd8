"""The grid of a log and the token prices of its models: given ones, else those derived from logged cost and tokens.

Prices are never invented. A model whose logged cost is not explained by tokens times prices has none, and its cost is
forecast from logged cost (``cost: logged``). A model with neither a cost nor a price is dropped, with a finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import GridError
from paretoroute.fitting.points.token_prices import TOLERANCE, DerivedPrice, derive_price
from paretoroute.grid import Grid, Point, PointKey, Price
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


@dataclass(frozen=True)
class _ModelCost:
    """The sources of one model's cost.

    Args:
        model: name of the model.
        price: given or derived token price, or None.
        note: why no price was derived, or a caveat about the derived one; may be empty.
        points: names of its points.
        tokenless: names of those without logged tokens.
        costless: names of those without a logged cost.
    """

    model: str
    price: Price | None
    note: str
    points: tuple[str, ...]
    tokenless: tuple[str, ...]
    costless: tuple[str, ...]

    @property
    def by_tokens(self) -> bool:
        """Whether its cost is tokens times a price."""
        return self.price is not None and not self.tokenless

    @property
    def unknown(self) -> bool:
        """Whether no point of it has a cost."""
        return not self.by_tokens and len(self.costless) == len(self.points)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Points that cannot be offered although others of the model can."""
        return () if self.by_tokens or self.unknown else self.costless


def derive_prices(runs: Runs) -> dict[str, DerivedPrice]:
    """Derive the token prices of each model from its logged cost, if tokens explain it.

    Rows whose cost is a mean over queries are left out.
    """
    models = list(dict.fromkeys(point.model for point in runs.points))
    model_of_run = np.array([models.index(point.model) for point in runs.points])[runs.point]
    derived: dict[str, DerivedPrice] = {}
    for i, model in enumerate(models):
        rows = (model_of_run == i) & ~runs.cost_is_mean
        derived[model] = derive_price(
            runs.cost_usd[rows], runs.prompt_tokens[rows], runs.completion_tokens[rows], runs.cached_prompt_tokens[rows]
        )
    return derived


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
    models = _model_costs(runs, points, given)
    for cost in models:
        findings += _about_cost(runs, cost)
    dropped = {name for cost in models for name in cost.dropped}
    if dropped:
        findings.append(Finding("grid", f"left out, since no run of them has a cost: {_listed(sorted(dropped))}"))
    unknown = [cost for cost in models if cost.unknown]
    excluded = {cost.model for cost in unknown}
    kept = tuple(point for point in points if point.name not in dropped and point.model not in excluded)
    if unknown:
        reason = _no_cost(unknown)
        if not kept:
            raise GridError(reason)
        findings.append(Finding("grid", f"left out, since nothing says what a call costs: {reason}"))
    if unused := sorted(set(given) - {point.model for point in kept}):
        text = f"prices given for models that are not in the log: {', '.join(unused)}"
        findings.append(Finding("given_price", text))
    priced = {cost.model: cost.price for cost in models if cost.by_tokens and cost.price is not None}
    return PricedGrid(Grid(kept, priced), tuple(findings))


def _model_costs(runs: Runs, points: Sequence[Point], given: Mapping[str, Price]) -> list[_ModelCost]:
    """Collect what the log shows of the cost of each model, in the order of the points."""
    derived = derive_prices(runs)
    with_tokens = _points_with(runs, runs.prompt_tokens + runs.completion_tokens)
    with_cost = _points_with(runs, runs.cost_usd)
    costs: list[_ModelCost] = []
    for model in dict.fromkeys(point.model for point in points):
        own = [point for point in points if point.model == model]
        costs.append(
            _ModelCost(
                model,
                price=given.get(model) or derived[model].price,
                note=derived[model].note,
                points=tuple(point.name for point in own),
                tokenless=tuple(point.name for point in own if point.key not in with_tokens),
                costless=tuple(point.name for point in own if point.key not in with_cost),
            )
        )
    return costs


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
        ignored = int(np.isin(runs.point, [runs.points.index(point) for point in logged.values()]).sum())
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


def _points_with(runs: Runs, values: NDArray[np.float64]) -> set[PointKey]:
    """Return the keys of the points at which at least one run has a value."""
    count = np.bincount(runs.point[~np.isnan(values)], minlength=len(runs.points))
    return {point.key for point, with_value in zip(runs.points, count, strict=True) if with_value}


def _about_cost(runs: Runs, cost: _ModelCost) -> list[Finding]:
    """Report where the cost of one model comes from, unless it is unknown."""
    model, price = cost.model, cost.price
    if cost.unknown:
        return []
    if price is None or not cost.by_tokens:
        reason = f"{cost.tokenless[0]!r} has no tokens logged, so that no price applies" if price else cost.note
        return [Finding("logged_cost", f"cost: logged for {model}: {reason}")]
    if price.source == "derived":
        note = f" ({cost.note})" if cost.note else ""
        figures = f"in USD per million tokens: {_spelled(price)}{note}"
        return [Finding("price", f"price of {model} derived from its logged cost, {figures}")]
    error = _median_error(runs, model, price)
    if error <= TOLERANCE:
        return []
    return [Finding("given_price", f"the price given for {model} differs from its logged cost by {error:.0%} (median)")]


def _median_error(runs: Runs, model: str, price: Price) -> float:
    """Compute the median relative error of a given price on a model's logged cost; 0 where nothing was logged."""
    at_model = np.array([point.model == model for point in runs.points])[runs.point] & ~runs.cost_is_mean
    logged = runs.cost_usd[at_model]
    cached = np.nan_to_num(runs.cached_prompt_tokens, nan=0.0)
    cost = price.cost_usd(runs.prompt_tokens, runs.completion_tokens, cached)[at_model]
    error = np.abs(cost - logged) / np.where(logged > 0, logged, np.nan)
    error = error[~np.isnan(error)]
    return float(np.median(error)) if len(error) else 0.0


def _spelled(price: Price) -> str:
    cached = price.cached_input_usd_per_mtok
    between = "" if cached is None else f"cached input {cached:.6g}, "
    return f"input {price.input_usd_per_mtok:.6g}, {between}output {price.output_usd_per_mtok:.6g}"


def _no_cost(unknown: Sequence[_ModelCost]) -> str:
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


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
