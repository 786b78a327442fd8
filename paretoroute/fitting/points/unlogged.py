"""Locate unlogged points between logged neighbours.

An unlogged point is one that is to be offered but has no run in the log. It is forecast between two logged points of
its model and kind of budget; a point outside the logged range of its model, or of a model that was never logged, is
refused, since nothing is forecast beyond the log. Budgets of different kinds are never compared. Efforts with known
names are placed by those, all other budgets by their amounts; labels without one have no place and are refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from paretoroute.errors import GridError
from paretoroute.grid import BUDGET_KINDS, EFFORT_ORDER, Budget, Grid, Point

# Efforts on the scale of log tokens. Steps are equal but for the one to xhigh, which took about twice as much of it on
# the logs in experiments/holes (of one model).
EFFORT_PLACES = {
    "none": 0.0, "off": 0.0, "minimal": 1.0, "low": 2.0, "medium": 3.0, "high": 4.0, "xhigh": 6.0, "max": 7.0,
}  # fmt: skip
_SHOWN = 12  # names in a message


@dataclass(frozen=True, slots=True)
class UnloggedPoint:
    """A point that was never logged, and its nearest logged neighbours.

    Args:
        point: with its budget's amount filled in where the log shows it.
        below: its neighbour with less compute.
        above: its neighbour with more.
        places: amounts of below, point and above, or their places on the scale of efforts.
    """

    point: Point
    below: Point
    above: Point
    places: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PointsOnOffer:
    """All points to offer.

    Args:
        points: logged and unlogged, in order.
        unlogged: those that were never logged.
    """

    points: tuple[Point, ...]
    unlogged: tuple[UnloggedPoint, ...]


@dataclass(frozen=True, slots=True)
class RequestedPoints:
    """The points that a user asks for, split by whether they were logged.

    Args:
        logged: the grid without its unlogged points; None where no grid was given. A grid without any logged point
            stays as it is.
        unlogged: the other points.
    """

    logged: Grid | None
    unlogged: tuple[Point, ...]


def split_request(logged: Sequence[Point], grid: Grid | None, added: Sequence[str | Point] = ()) -> RequestedPoints:
    """Split the requested points into logged and unlogged ones.

    Args:
        logged: the points of the log.
        grid: points to choose from; None: all of the log.
        added: further points to offer, by name or as points.

    Raises:
        GridError: an added name fits no model of the log, or its kind of budget is unclear.
    """
    keys = {point.key for point in logged}
    more = [named(name, logged) if isinstance(name, str) else name for name in added]
    requested = [*(grid.points if grid else ()), *more]
    unlogged = {point.key: point for point in requested if point.key not in keys}
    if grid is None:
        return RequestedPoints(None, tuple(unlogged.values()))
    kept = {point.key: point for point in requested if point.key in keys}
    return RequestedPoints(Grid(tuple(kept.values()), grid.prices) if kept else grid, tuple(unlogged.values()))


def named(name: str, logged: Sequence[Point]) -> Point:
    """Read ``model@budget_label`` as a point of a logged model, with the kind and amount that the log shows.

    Args:
        name: looked up as a whole first; else the part after the name of a logged model is its label.
        logged: the points of the log.

    Raises:
        GridError: no logged model has this name, or its kind of budget is unclear.

    Example:
        >>> thinking = [Point("opus", Budget("thinking_tokens", label, float(label))) for label in ("8000", "32000")]
        >>> named("opus@16000", thinking).budget
        Budget(kind='thinking_tokens', label='16000', amount=16000.0)
    """
    if same := [point for point in logged if point.name == name]:
        return same[0]
    models = [model for model in dict.fromkeys(point.model for point in logged) if name.startswith(f"{model}@")]
    if not models:
        in_log = _listed([repr(model) for model in dict.fromkeys(point.model for point in logged)])
        raise GridError(
            f"point {name!r}: no run of its model was logged; the log has {in_log}. "
            "A point is written model@budget_label."
        )
    model = max(models, key=len)
    label = name[len(model) + 1 :]
    kinds = _kinds(model, label, logged)
    if len(kinds) != 1:
        levels = _levels([point for point in logged if point.model == model])
        raise GridError(
            f"point {name!r}: the log does not show which kind of budget {label!r} is for {model!r}, logged at "
            f"{levels}; give kind, label and amount in a grid file"
        )
    return _with_amount(Point(model, Budget(kinds.pop(), label)), logged)


def _kinds(model: str, label: str, logged: Sequence[Point]) -> set[str]:
    """Return the kinds of budget of a model that a label can have."""
    kinds = {point.budget.kind for point in logged if point.model == model and point.budget.kind != "none"}
    if len(kinds) <= 1:
        return kinds
    same_label = {point.budget.kind for point in logged if point.budget.label == label}
    return kinds & (same_label or ({"effort"} if label in EFFORT_ORDER else set()))


def place_unlogged(
    unlogged: Sequence[Point], grid: Grid, logged: Sequence[Point], *, order: Sequence[Point] = ()
) -> PointsOnOffer:
    """Locate the logged neighbours of unlogged points.

    Args:
        unlogged: the points.
        grid: the logged points on offer, whose costs are known.
        logged: all points of the log; another model may show the amount of a budget.
        order: points in the order to keep to; none: that of the grid. Points that are not in it follow their lower
            neighbours.

    Raises:
        GridError: a point's model or kind of budget was never logged, its place is unknown, or it lies outside the
            logged range.
    """
    placed = tuple(_placed(_with_amount(point, logged), grid) for point in unlogged)
    points = {point.key: point for point in (*grid.points, *(one.point for one in placed))}
    ordered = [points.pop(point.key) for point in order or grid.points if point.key in points]
    for one in sorted(placed, key=lambda one: -one.places[1]):
        if one.point.key in points:
            ordered.insert(ordered.index(one.below) + 1, one.point)
    return PointsOnOffer(tuple(ordered), placed)


def _placed(point: Point, grid: Grid) -> UnloggedPoint:
    own = [other for other in grid.points if other.model == point.model]
    if not own:
        raise GridError(
            f"point {point.name!r} was never logged, and no other point of model {point.model!r} was logged with a "
            f"cost; the log has {_listed([repr(model) for model in grid.models])}. Log runs of it, or leave it out"
        )
    start = f"point {point.name!r} was never logged; of {point.model!r} there is {_levels(own)}"
    same = [other for other in own if other.budget.kind == point.budget.kind != "none"]
    if not same:
        raise GridError(
            f"{start}, and nothing of kind {point.budget.kind} to forecast it between. Log runs of it, or leave it out"
        )
    place, *places = _places([point.budget, *(other.budget for other in same)])
    if place is None:
        raise GridError(
            f"{start}, and its place among them is unknown. Give its amount in a grid file, or log runs of it"
        )
    ranked = sorted(
        ((at, other) for at, other in zip(places, same, strict=True) if at is not None), key=lambda pair: pair[0]
    )
    if equal := [other.name for at, other in ranked if at == place]:
        raise GridError(f"{start}; it has the amount of {equal[0]!r}, which was logged: call that one")
    below, above = [pair for pair in ranked if pair[0] < place], [pair for pair in ranked if pair[0] > place]
    if not below or not above:
        side = "above" if below else "below"
        raise GridError(
            f"{start}: it lies {side} what was logged, and a forecast beyond the log cannot be trusted. "
            "Log runs of it, choose a budget between those, or leave it out"
        )
    (low, lower), (high, upper) = below[-1], above[0]
    return UnloggedPoint(point, lower, upper, (low, place, high))


def _places(budgets: Sequence[Budget]) -> list[float | None]:
    """Place budgets of one kind on one scale; None where a place is unknown."""
    if budgets[0].kind == "effort" and all(budget.label in EFFORT_PLACES for budget in budgets):
        return [EFFORT_PLACES[budget.label] for budget in budgets]
    if budgets[0].kind not in BUDGET_KINDS:
        return [budget.amount for budget in budgets]
    # A negative amount means "as the model likes", which has no place.
    return [None if budget.amount is None or budget.amount < 0 else budget.amount for budget in budgets]


def _with_amount(point: Point, logged: Sequence[Point]) -> Point:
    """Fill in a budget's amount: another model's of the same label, or the label where the log's labels are amounts."""
    budget = point.budget
    if budget.amount is not None:
        return point
    alike = [other.budget for other in logged if other.budget.kind == budget.kind and other.budget.amount is not None]
    same = {other.amount for other in alike if other.label == budget.label}
    numbered = [other for other in alike if _number(other.label) is not None]
    if len(same) == 1:
        amount = same.pop()
    elif numbered and all(_number(other.label) == other.amount for other in numbered):
        amount = _number(budget.label)
    else:
        amount = None
    return Point(point.model, replace(budget, amount=amount))


def _number(text: str) -> float | None:
    """Read a label that is a plain decimal and nothing else."""
    return float(text) if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text) else None


def _levels(points: Sequence[Point]) -> str:
    kinds = dict.fromkeys(point.budget.kind for point in points)
    return "; ".join(
        f"{kind} {_listed([p.budget.label for p in points if p.budget.kind == kind])}".removeprefix("none ")
        for kind in kinds
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
