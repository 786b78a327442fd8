"""The grid of a log and the token prices of its models: given ones, else those its cost and tokens show.

Prices are never invented. A model whose logged cost is not explained by tokens times prices keeps none, and its cost
is forecast from logged cost (``cost: logged``); a model with neither a cost nor a price is left out, and said so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import GridError
from paretoroute.fitting.points.token_prices import TOLERANCE, derive_price
from paretoroute.grid import Grid, Point, PointKey, Price
from paretoroute.runs.table import Runs

_SHOWN = 10  # names of points in a notice


def derive_prices(runs: Runs) -> tuple[dict[str, Price], dict[str, str]]:
    """Find the token prices of each model that explain its logged cost.

    Rows whose cost is a mean over queries are left out.

    Returns:
        Price by model, ``source="derived"``; and by model a sentence that says why it has none, or what to know of
        the one it has.
    """
    prices: dict[str, Price] = {}
    notes: dict[str, str] = {}
    models = list(dict.fromkeys(point.model for point in runs.points))
    model_of_run = np.array([models.index(point.model) for point in runs.points])[runs.point]
    for i, model in enumerate(models):
        rows = (model_of_run == i) & ~runs.cost_is_mean
        price, note = derive_price(
            runs.cost_usd[rows], runs.prompt_tokens[rows], runs.completion_tokens[rows], runs.cached_prompt_tokens[rows]
        )
        if price is not None:
            prices[model] = price
        if note:
            notes[model] = note
    return prices, notes


def build_grid(
    runs: Runs, grid: Grid | None = None, prices: Mapping[str, Price] | None = None
) -> tuple[Grid, tuple[str, ...]]:
    """Make the grid that a policy chooses from, with a price for every model that can have one.

    Args:
        runs: the log.
        grid: points to keep to, in this order, with prices; None: all points of the log.
        prices: prices by model; they win over those of ``grid``, and both win over derived ones.

    Returns:
        The grid, of logged points only, and sentences for the user: what was derived, which models have
        ``cost: logged``, and what was left out: points that were never logged, and models with
        neither a logged cost nor tokens with a price.

    Raises:
        GridError: no point is left, or no point has a logged cost or tokens with a price.
    """
    said: list[str] = []
    points = runs.points if grid is None else _logged_points(runs, grid, said)
    given = {**(grid.prices if grid else {}), **(prices or {})}
    derived, notes = derive_prices(runs)
    priced: dict[str, Price] = {}
    unknown: list[str] = []
    costless_points: set[str] = set()
    tokens = _known(runs, runs.prompt_tokens + runs.completion_tokens)
    costs = _known(runs, runs.cost_usd)
    for model in dict.fromkeys(point.model for point in points):
        price = given.get(model) or derived.get(model)
        tokenless, costless = _without(tokens, points, model), _without(costs, points, model)
        if price is not None and not tokenless:
            priced[model] = price
            said += _about_price(runs, model, price, notes)
        elif len(costless) < sum(point.model == model for point in points):
            costless_points |= set(costless)
            why = notes.get(model, "")
            if price is not None:
                why = f"{tokenless[0]!r} has no tokens logged, so that no price applies"
            said.append(f"cost: logged for {model}: {why}")
        else:
            unknown.append(model)
    if costless_points:
        said.append(f"left out, since no run of them has a cost: {_listed(sorted(costless_points))}")
        points = tuple(point for point in points if point.name not in costless_points)
    if unknown:
        why = _no_cost(unknown, _without(tokens, points, unknown[0]), _without(costs, points, unknown[0])[0])
        points = tuple(point for point in points if point.model not in set(unknown))
        if not points:
            raise GridError(why)
        said.append(f"left out, since nothing says what a call costs: {why}")
    if unused := sorted(set(given) - {point.model for point in points}):
        said.append(f"prices given for models that are not in the log: {', '.join(unused)}")
    return Grid(points, priced), tuple(said)


def _logged_points(runs: Runs, grid: Grid, said: list[str]) -> tuple[Point, ...]:
    """Keep the points of a grid that were logged; either side may supply a budget's amount."""
    logged = {point.key: point for point in runs.points}
    kept, never = [], []
    for point in grid.points:
        found = logged.pop(point.key, None)
        if found is None:
            never.append(point.name)
            continue
        amount, seen = point.budget.amount, found.budget.amount
        if amount is not None and seen is not None and amount != seen:
            raise GridError(
                f"point {point.name!r}: the grid says its amount is {amount:g}, the log says {seen:g}; "
                "correct the grid, or give the two budgets different labels"
            )
        kept.append(found if amount is None else point)
    if not kept:
        raise GridError(f"no point of the grid was logged; the log has {_listed([p.name for p in runs.points])}")
    if never:
        said.append(f"never logged: it cannot be chosen: {_listed(never)}")
    if logged:
        ignored = int(np.isin(runs.point, [runs.points.index(point) for point in logged.values()]).sum())
        names = _listed([point.name for point in logged.values()])
        said.append(f"{ignored} runs are of points that are not in the grid and are ignored: {names}")
    return tuple(kept)


def _known(runs: Runs, values: NDArray[np.float64]) -> set[PointKey]:
    """Give the points at which at least one run has a value."""
    count = np.bincount(runs.point[~np.isnan(values)], minlength=len(runs.points))
    return {point.key for point, runs_there in zip(runs.points, count, strict=True) if runs_there}


def _without(known: set[PointKey], points: tuple[Point, ...], model: str) -> list[str]:
    return [point.name for point in points if point.model == model and point.key not in known]


def _about_price(runs: Runs, model: str, price: Price, notes: Mapping[str, str]) -> list[str]:
    """Say where a price comes from, or that a given one is not what was paid."""
    if price.source == "derived":
        note = f" ({notes[model]})" if model in notes else ""
        return [f"price of {model} derived from its logged cost, in USD per million tokens: {_spelled(price)}{note}"]
    at_model = np.array([point.model == model for point in runs.points])[runs.point] & ~runs.cost_is_mean
    logged = runs.cost_usd[at_model]
    cached = np.nan_to_num(runs.cached_prompt_tokens)
    cost = price.cost_usd(runs.prompt_tokens, runs.completion_tokens, cached)[at_model]
    error = np.abs(cost - logged) / np.where(logged > 0, logged, np.nan)
    error = error[~np.isnan(error)]
    if not len(error) or float(np.median(error)) <= TOLERANCE:
        return []
    return [f"the price given for {model} differs from its logged cost by {float(np.median(error)):.0%} (median)"]


def _spelled(price: Price) -> str:
    cached = price.cached_input_usd_per_mtok
    between = "" if cached is None else f"cached input {cached:.6g}, "
    return f"input {price.input_usd_per_mtok:.6g}, {between}output {price.output_usd_per_mtok:.6g}"


def _no_cost(models: list[str], tokenless: list[str], costless: str) -> str:
    """Say for which models no cost can be known, and what the first one needs."""
    model = models[0]
    others = f" (likewise {_listed([repr(other) for other in models[1:]])})" if len(models) > 1 else ""
    if tokenless:
        where = "" if tokenless[0] == costless else f" and {tokenless[0]!r} has no tokens"
        return (
            f"the cost of model {model!r} is unknown{others}: point {costless!r} has no cost{where} "
            "in the log; log cost_usd, or tokens and a price, or leave the point out with a grid file"
        )
    return (
        f"model {model!r} has tokens but no cost in the log at {costless!r}, and no price{others}; "
        f'give one with a price file: {{"{model}": {{input: USD, output: USD}}}}, in USD per million tokens'
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
