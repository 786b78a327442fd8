"""Ten queries, the point that the default picks for each, and the reason.

The out-of-fold forecasts of all queries are solved once for a mean cost, as a policy is: every query takes the point of
the greatest forecast quality minus price times forecast cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.data import LoggedMeans, logged_means
from paretoroute.evaluation.tradeoff_curves import single_points
from paretoroute.forecast import Forecast
from paretoroute.price import UNIT, dollars_text, per_thousand
from paretoroute.solver.solve import solve
from paretoroute.targets import MaxCost

EXAMPLES = 10
MOST_CHARACTERS = 300


@dataclass(frozen=True)
class Example:
    """One query and the point picked for it.

    Args:
        query_id: of the log.
        text: its first 300 characters.
        tag: as logged.
        point: the point picked.
        forecast_quality: of that point, out of fold.
        forecast_cost_usd: likewise.
        quality: logged there; None: nothing was.
        cost_usd: logged there; None likewise.
        best_single_quality: logged at the best single point; None likewise.
        why: the reason in a sentence.
    """

    query_id: str
    text: str
    tag: str | None
    point: str
    forecast_quality: float
    forecast_cost_usd: float
    quality: float | None
    cost_usd: float | None
    best_single_quality: float | None
    why: str


@dataclass(frozen=True)
class Examples:
    """Queries spread evenly over the picks, from the cheapest to the dearest.

    Args:
        target_usd: the mean cost that was solved for, per query.
        quality_per_usd: the price that solves it.
        queries: the examples.
    """

    target_usd: float
    quality_per_usd: float
    queries: tuple[Example, ...]


def examples_of(study: Study, forecast: Forecast, target_usd: float) -> Examples:
    """Solve the default's out-of-fold forecasts for a mean cost and describe ten of the picks.

    Args:
        study: the log.
        forecast: of all queries, each by the fit without its fold.
        target_usd: mean cost per query.
    """
    solution = solve(forecast, MaxCost(usd=target_usd), seed=study.seed)
    choice, price = np.asarray(solution.choice, dtype=np.intp), solution.shadow_price
    logged = logged_means(study.runs, study.grid)
    queries = tuple(
        _example(study, forecast, logged, int(i), point=int(choice[i]), price=price) for i in _spread(study, choice)
    )
    return Examples(target_usd, price, queries)


def _spread(study: Study, choice: Indices) -> Indices:
    """Select ten queries, evenly spaced in the order of the cost of their points, their tags and their ids."""
    cost = study.outcomes.cost_usd.mean(0)
    order = sorted(range(len(choice)), key=lambda i: (cost[choice[i]], study.runs.tags[i] or "", i))
    count = min(EXAMPLES, len(order))
    return np.array(order)[((np.arange(count) + 0.5) * len(order) / count).astype(int)]


def _example(study: Study, forecast: Forecast, logged: LoggedMeans, query: int, *, point: int, price: float) -> Example:
    runs, text = study.runs, study.runs.texts[query]
    best = int(single_points(study.outcomes).vertex[-1])
    return Example(
        query_id=runs.query_ids[query],
        text=text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…",
        tag=runs.tags[query],
        point=study.grid.names[point],
        forecast_quality=float(forecast.quality[query, point]),
        forecast_cost_usd=float(forecast.cost_usd[query, point]),
        quality=_number(logged.quality[query, point]),
        cost_usd=_number(logged.cost_usd[query, point]),
        best_single_quality=_number(logged.quality[query, best]),
        why=_why(study, forecast, query, point=point, price=price),
    )


def _why(study: Study, forecast: Forecast, query: int, *, point: int, price: float) -> str:
    """Compare the pick with the point of the best forecast, or that with the runner-up."""
    quality, cost, names = forecast.quality[query], forecast.cost_usd[query], study.grid.names
    best = int(np.lexsort((cost, -quality))[0])
    if best != point and quality[best] > quality[point]:
        more, bought = cost[best] - cost[point], 100 * (quality[best] - quality[point])
        return (
            f"{names[best]} is forecast {bought:.1f} quality points better and {_usd(more)} dearer; at this target "
            f"that money has to buy {100 * price * more:.1f} points"
        )
    worth = np.where(np.arange(len(quality)) == point, -np.inf, quality - price * cost)
    other = int(worth.argmax())
    saved, lost = cost[point] - cost[other], 100 * (quality[point] - quality[other])
    if saved <= 0:
        return f"no point is forecast better, and {names[other]}, the runner-up, costs {_usd(-saved)} more"
    return (
        f"no point is forecast better; {names[other]}, the runner-up, saves {_usd(saved)}, worth "
        f"{100 * price * saved:.1f} quality points at this target, and is forecast to lose {lost:.1f}"
    )


def _usd(amount: float) -> str:
    return f"{dollars_text(per_thousand(amount))} {UNIT}"


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
