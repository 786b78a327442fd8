"""The best integer choice for a few steps under one sum of money: a multiple-choice knapsack, solved exactly.

Step by step all choices of the steps so far are merged that no other one dominates (costs no more and is no worse):
what is left of the whole is a broken line of integer optima, of which the last within the money is the answer
(Dyer, Kayal and Walker, "A branch and bound algorithm for solving the multiple-choice knapsack problem", Journal of
Computational and Applied Mathematics 11(2), 1984, doi:10.1016/0377-0427(84)90023-2). A bound from the relaxation drops
what cannot win, so that tens of steps by tens of points stay small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier

MOST_STATES = 200_000


@dataclass(frozen=True)
class Choice:
    """The best choice of a point for every step.

    Args:
        points: columns, ``(steps,)``.
        quality: sum over the steps.
        cost_usd: sum over the steps.
        price: quality that one more USD buys, of the relaxation.
        bound: what no choice exceeds; equal to ``quality`` where the choice is proved best.
        least_usd: what the cheapest points of all steps cost.
        feasible: whether the cheapest points keep to the money; if not, they are the choice.
    """

    points: Indices
    quality: float
    cost_usd: float
    price: float
    bound: float
    least_usd: float
    feasible: bool


def best_choice(quality: Floats, cost_usd: Floats, money_usd: float, callable: Mask | None = None) -> Choice:
    """Choose a point for every step so that the sum of quality is highest and the sum of cost at most ``money_usd``.

    Args:
        quality: ``(steps, points)``.
        cost_usd: ``(steps, points)``, not negative.
        money_usd: for all steps together.
        callable: ``(steps, points)``; None: all.

    Example:
        >>> found = best_choice(np.array([[0.2, 0.9], [0.5, 0.6]]), np.array([[0.0, 1.0], [0.0, 1.0]]), 1.0)
        >>> found.points.tolist(), found.quality
        ([1, 0], 1.4)
    """
    steps = len(quality)
    line = frontier(Forecast(quality, cost_usd, callable=callable))
    spent = line.cost_usd * steps
    if money_usd < spent[0]:
        return _told(quality, cost_usd, line.choice(0), 0.0, None, float(spent[0]), feasible=False)
    place = int(np.searchsorted(spent, money_usd, side="right")) - 1
    price = float(line.price[place]) if place < line.price.size else 0.0
    # The relaxation rounded down is a choice; it is the one to beat.
    points, proved = _merged(quality, cost_usd, callable, money_usd, price, line.choice(place))
    bound = None if proved else float(np.interp(money_usd, spent, line.quality * steps))
    return _told(quality, cost_usd, points, price, bound, float(spent[0]), feasible=True)


def _told(
    quality: Floats, cost: Floats, points: Indices, price: float, bound: float | None, least: float, *, feasible: bool
) -> Choice:
    rows = np.arange(len(points))
    worth, bill = float(quality[rows, points].sum()), float(cost[rows, points].sum())
    return Choice(points, worth, bill, price, worth if bound is None else max(bound, worth), least, feasible)


def _merged(
    quality: Floats, cost: Floats, callable: Mask | None, money: float, price: float, known: Indices
) -> tuple[Indices, bool]:
    """Merge the choices of step after step; tell whether the best one was proved to be that."""
    steps, points = quality.shape
    rows = np.arange(steps)
    allowed = np.ones(quality.shape, bool) if callable is None else np.broadcast_to(callable, quality.shape)
    # What the steps still to come cost at least, and how much they can be worth at the price, ``(steps + 1,)``.
    cheapest = np.where(allowed, cost, np.inf).min(axis=1)
    richest = np.where(allowed, quality - price * cost, -np.inf).max(axis=1)
    rest_cost, rest_worth = (np.concatenate([np.cumsum(part[::-1])[::-1], [0.0]]) for part in (cheapest, richest))
    best = float(quality[rows, known].sum())
    slack = 1e-12 * (abs(best) + price * money)
    spent, worth, trail, proved = np.zeros(1), np.zeros(1), [], True
    for k in range(steps):
        each = np.flatnonzero(allowed[k])
        spent_now = (spent[:, None] + cost[k, each]).ravel()
        worth_now = (worth[:, None] + quality[k, each]).ravel()
        fits = spent_now + rest_cost[k + 1] <= money * (1 + 1e-12)
        can_win = worth_now - price * spent_now + rest_worth[k + 1] + price * money >= best - slack
        kept = np.flatnonzero(fits & can_win)
        order = kept[np.lexsort((-worth_now[kept], spent_now[kept]))]
        rising = np.maximum.accumulate(worth_now[order])
        order = order[np.concatenate([[True], worth_now[order][1:] > rising[:-1]])] if order.size else order
        if order.size > MOST_STATES:
            score = worth_now[order] - price * spent_now[order]
            order, proved = np.sort(order[np.argpartition(-score, MOST_STATES)[:MOST_STATES]]), False
        trail.append((order // len(each), each[order % len(each)]))
        spent, worth = spent_now[order], worth_now[order]
    if not spent.size or float(worth[-1]) < best:
        return known, proved
    at, found = int(np.argmax(worth)), np.empty(steps, np.intp)
    for k in range(steps - 1, -1, -1):
        parents, chosen = trail[k]
        found[k], at = chosen[at], int(parents[at])
    return found, proved
